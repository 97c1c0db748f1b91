"""Makes the shop's products from its scenario: what stands in the catalogue, and the arrays that shoppers choose by."""

from dataclasses import dataclass

import numpy as np

from smartshop.data_collection.pipelines.clock import DAY
from smartshop.data_collection.schemas.catalogue import Offer, Product, Variant, parse_category
from smartshop.data_collection.schemas.ids import Micros, ProductId, SupplierId, VariantId
from smartshop.data_collection.schemas.money import exponent
from smartshop.errors import SourceError
from smartshop.simulator.assortment import Assortment
from smartshop.simulator.chance import portions, stream
from smartshop.simulator.leaves import Kind, Leaf, repeat_days_of, units_of, variants_of
from smartshop.simulator.scenario import Brand, Scenario, makes
from smartshop.simulator.wording import describe, nice_price, slug, title_of

STYLE_SIZE = 6
OLDEST_LAUNCH_DAYS = 900
"""Products that are not launched during the history came out at most this long before its start."""
DISCOUNTS = (0.7, 0.75, 0.8, 0.9)
"""Price over list price where there is a discount."""
MEDIAN_COST_SHARE = 0.52
"""What the shop pays, as a share of its price."""


@dataclass(frozen=True, slots=True)
class Range:
    """Everything the shop sells, in one order: record i and row i are the same product."""

    products: tuple[Product, ...]
    assortment: Assortment
    variant_ids: tuple[VariantId, ...]
    """(V,) in the order of `assortment.first_variant`."""
    supplier: np.ndarray
    """(n,) index into the scenario's suppliers."""


@dataclass(slots=True)
class _Draft:
    """One product before it has a record."""

    leaf_index: int
    brand_index: int
    kind_index: int
    title: str
    price_minor: int
    list_price_minor: int | None
    price_gap: float
    launched_at: Micros


def make_range(scenario: Scenario, seed: int, end_at: Micros) -> Range:
    """About `scenario.products` products; the same seed gives the same ones, launch dates counted back from `end_at`.

    Raises:
        SourceError: the scenario has too few model names for a leaf.
    """
    drafts = _draft_all(scenario, seed, end_at)
    rng = stream(seed, scenario.name, "texts")
    products = tuple(_record(scenario, draft, rng) for draft in drafts)
    variants = tuple(variant.variant_id for product in products for variant in product.variants)
    supplier_of_brand = [[s.key for s in scenario.suppliers].index(brand.supplier) for brand in scenario.brands]
    return Range(
        products=products,
        assortment=_arrays(scenario, drafts, products),
        variant_ids=variants,
        supplier=np.array([supplier_of_brand[draft.brand_index] for draft in drafts], dtype=np.int32),
    )


def _draft_all(scenario: Scenario, seed: int, end_at: Micros) -> list[_Draft]:
    rng = stream(seed, scenario.name, "catalogue")
    counts = portions(scenario.products, np.array([leaf.share for leaf in scenario.leaves]))
    used: set[str] = set()
    drafts: list[_Draft] = []
    for leaf_index, (leaf, count) in enumerate(zip(scenario.leaves, counts, strict=True)):
        makers = [i for i, brand in enumerate(scenario.brands) if makes(brand, leaf)]
        shares = np.array([scenario.brands[i].share for i in makers])
        for number in range(int(count)):
            kind_index = number % len(leaf.kinds)
            brand_index = int(rng.choice(makers, p=shares / shares.sum()))
            title = _free_title(scenario, leaf, kind_index, used, rng)
            price, listed, gap = _price(scenario, leaf, kind_index, scenario.brands[brand_index], rng)
            launched_at = _launch(scenario, end_at, rng)
            drafts.append(_Draft(leaf_index, brand_index, kind_index, title, price, listed, gap, launched_at))
    return drafts


def _free_title(scenario: Scenario, leaf: Leaf, kind_index: int, used: set[str], rng: np.random.Generator) -> str:
    kind = leaf.kinds[kind_index]
    for position in rng.permutation(len(scenario.model_names)):
        title = title_of(scenario.model_names[position], kind)
        if slug(title) not in used:
            used.add(slug(title))
            return title
    raise SourceError(
        f"The {len(scenario.model_names)} model names are too few for all products named {kind.noun!r}; add some."
    )


def _price(
    scenario: Scenario, leaf: Leaf, kind_index: int, brand: Brand, rng: np.random.Generator
) -> tuple[int, int | None, float]:
    """Price, list price where it is discounted, and the log of the price against the kind's median."""
    minor_per_major = 10 ** exponent(scenario.currency)
    median = leaf.price * leaf.kinds[kind_index].price * minor_per_major
    usual = median * brand.price_level * float(np.exp(rng.normal(0.0, leaf.price_spread)))
    listed = nice_price(usual, minor_per_major)
    if rng.random() >= scenario.discounted_share:
        return listed, None, float(np.log(listed / median))
    price = nice_price(listed * float(rng.choice(DISCOUNTS)), minor_per_major)
    if price >= listed:
        return listed, None, float(np.log(listed / median))
    return price, listed, float(np.log(price / median))


def _launch(scenario: Scenario, end_at: Micros, rng: np.random.Generator) -> Micros:
    start = end_at - scenario.days * DAY
    is_new, moment = rng.random() < scenario.launched_share, rng.random()
    if is_new:
        return Micros(start + int(moment * 0.9 * scenario.days) * DAY)
    return Micros(start - int(moment * OLDEST_LAUNCH_DAYS + 1) * DAY)


def _record(scenario: Scenario, draft: _Draft, rng: np.random.Generator) -> Product:
    leaf, brand = scenario.leaves[draft.leaf_index], scenario.brands[draft.brand_index]
    kind = leaf.kinds[draft.kind_index]
    material = str(rng.choice(kind.materials or leaf.materials))
    choices = leaf.attributes if kind.attributes is None else kind.attributes
    chosen = {name: str(rng.choice(values)) for name, values in choices.items()}
    product_id = ProductId(slug(draft.title))
    return Product(
        product_id=product_id,
        title=draft.title,
        description=describe(leaf, kind, brand, material, rng),
        brand=brand.name,
        category=parse_category(leaf.category),
        image_url=f"/art/{product_id}.svg",
        attributes={kind.made_attribute or leaf.made_attribute: material, **chosen},
        published_at=draft.launched_at,
        variants=_variants(scenario, draft, product_id, rng),
    )


def _variants(
    scenario: Scenario, draft: _Draft, product_id: ProductId, rng: np.random.Generator
) -> tuple[Variant, ...]:
    leaf = scenario.leaves[draft.leaf_index]
    supplier_id = SupplierId(scenario.brands[draft.brand_index].supplier)
    cost = int(draft.price_minor * MEDIAN_COST_SHARE * float(rng.uniform(0.85, 1.15)))
    axis, axis_values = variants_of(leaf, leaf.kinds[draft.kind_index])
    values: tuple[str | None, ...] = axis_values or (None,)
    variants = []
    for value in values:
        variant_id = VariantId(product_id if value is None else f"{product_id}--{slug(value)}")
        offer = Offer(
            variant_id=variant_id,
            price_minor=draft.price_minor,
            list_price_minor=draft.list_price_minor,
            currency=scenario.currency,
        )
        variants.append(
            Variant(
                variant_id=variant_id,
                title=value,
                attributes={} if value is None else {axis: value},
                offers=(offer,),
                supplier_id=supplier_id,
                cost_minor=cost,
            )
        )
    return tuple(variants)


def character_of(product_id: ProductId) -> np.ndarray:
    """(1 + 6,) normal numbers that are the product's own: its appeal and its style. They hang on the id alone, so that
    whoever meets the product in a shop finds it as the made history did."""
    character: np.ndarray = stream(0, "character", product_id).normal(0.0, 1.0, size=1 + STYLE_SIZE)
    return character


def _arrays(scenario: Scenario, drafts: list[_Draft], products: tuple[Product, ...]) -> Assortment:
    leaf = np.array([draft.leaf_index for draft in drafts], dtype=np.int32)
    brand = np.array([draft.brand_index for draft in drafts], dtype=np.int32)
    quality = np.array([each.quality for each in scenario.brands])
    character = np.array([character_of(product.product_id) for product in products])
    variant_counts = np.array([len(product.variants) for product in products])
    return Assortment(
        leaf=leaf,
        brand=brand,
        kind=np.array([draft.kind_index for draft in drafts], dtype=np.int32),
        price_minor=np.array([draft.price_minor for draft in drafts], dtype=np.int64),
        price_gap=np.array([draft.price_gap for draft in drafts]),
        appeal=character[:, 0] * scenario.tastes.appeal_spread + quality[brand],
        style=character[:, 1:],
        launched_at=np.array([draft.launched_at for draft in drafts], dtype=np.int64),
        repeat_days=np.array([repeat_days_of(*_sort(scenario, draft)) for draft in drafts]),
        units=np.array([units_of(*_sort(scenario, draft)) for draft in drafts]),
        first_variant=np.concatenate([[0], np.cumsum(variant_counts)]).astype(np.int32),
        variant_share=np.concatenate([_variant_shares(int(count)) for count in variant_counts]),
        complements=complements_of(scenario),
    )


def _sort(scenario: Scenario, draft: _Draft) -> tuple[Leaf, Kind]:
    leaf = scenario.leaves[draft.leaf_index]
    return leaf, leaf.kinds[draft.kind_index]


def _variant_shares(count: int) -> np.ndarray:
    """The middle of a size run sells best: a binomial hill over the axis."""
    places = np.arange(count) - (count - 1) / 2
    hill: np.ndarray = np.exp(-0.35 * places**2)
    hill /= hill.sum()
    return hill


def complements_of(scenario: Scenario) -> np.ndarray:
    """(L, L) bool: [a, b] when who buys in leaf a soon wants leaf b."""
    row = {leaf.category: index for index, leaf in enumerate(scenario.leaves)}
    matrix = np.zeros((len(row), len(row)), dtype=np.bool_)
    for leaf in scenario.leaves:
        for other in leaf.complements:
            matrix[row[leaf.category], row[other]] = True
    return matrix
