"""A variant is of one product: what is priced, stocked and sold must not be anybody's."""

from collections.abc import Mapping, Sequence

from smartshop.backend_api.shop import Shop
from smartshop.data_collection.connectors.ports import Catalogue
from smartshop.data_collection.schemas.catalogue import Product
from smartshop.data_collection.schemas.ids import ProductId, VariantId
from smartshop.errors import Conflict


def variants_taken(stored: Catalogue, told: Mapping[int, Product]) -> dict[int, str]:
    """Place in the batch → why that product cannot be stored: it names another product, or one of its variants.

    Blocking. A variant that its product gave up before, or gives up in this batch, is free.
    """
    owners = dict(stored.product_of([variant.variant_id for product in told.values() for variant in product.variants]))
    products = {name: listed.product for name, listed in stored.get(list(set(owners.values()))).items()}
    products.update((product.product_id, product) for product in told.values())
    refused = {}
    for index, product in told.items():
        owned = ((variant.variant_id, _owner(variant.variant_id, owners, products)) for variant in product.variants)
        taken = next(((one, owner) for one, owner in owned if owner not in (None, product.product_id)), None)
        if taken is not None:
            refused[index] = f"The variant {taken[0]!r} is of product {taken[1]!r}; take it from there first."
            continue
        owners.update((variant.variant_id, product.product_id) for variant in product.variants)
    return refused


def _owner(
    variant_id: VariantId, owners: Mapping[VariantId, ProductId], products: Mapping[ProductId, Product]
) -> ProductId | None:
    """The living product that has this variant now, or this very id."""
    name = owners.get(variant_id)
    if name is None or (product := products.get(name)) is None:
        return None
    has_it = variant_id == VariantId(name) or any(variant.variant_id == variant_id for variant in product.variants)
    return name if has_it else None


class UnknownVariant(Conflict):
    code = "unknown_variant"


def check_variants(catalogue: Catalogue, variant_ids: Sequence[VariantId]) -> None:
    """Let pass what the catalogue has or had, whose stock may still lie there. Blocking.

    Raises:
        UnknownVariant: it has no such variant.
    """
    unknown = next(iter(_not_there(catalogue, variant_ids)), None)
    if unknown is not None:
        raise UnknownVariant(f"The catalogue has no variant {unknown!r}; send the variant_id of one of its products.")


def unknown_variants(shop: Shop, variant_ids: Sequence[VariantId]) -> list[VariantId]:
    """Those of these that the catalogue neither has nor had, each once. Blocking, but mostly from memory."""
    on_shelf = shop.shelves.shelf.number_of
    return _not_there(shop.catalogue, [one for one in dict.fromkeys(variant_ids) if ProductId(one) not in on_shelf])


def _not_there(catalogue: Catalogue, variant_ids: Sequence[VariantId]) -> list[VariantId]:
    known = catalogue.product_of(variant_ids) if variant_ids else {}
    # A product told without variants is its own.
    missing = [variant_id for variant_id in variant_ids if variant_id not in known]
    bare = catalogue.get([ProductId(variant_id) for variant_id in missing]) if missing else {}
    return [variant_id for variant_id in missing if ProductId(variant_id) not in bare]
