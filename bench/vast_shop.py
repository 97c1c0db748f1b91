"""A shop of a hundred thousand products with a past that reaches all over them, in a service's own stores.

The fast path of the simulator numbers products instead of naming them, so that there may be any number; here each gets
a name, a text, a price and stock through the catalogue's ports, and what its people did enters as events by the only
door.
"""

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # ships no types

from bench.shops import LargeShop
from smartshop.ai_agents.recommendation.agent import AGENT
from smartshop.ai_agents.recommendation.model import RecommendationModel
from smartshop.ai_agents.recommendation.neural.settings import AttentionConfig
from smartshop.ai_agents.recommendation.recipe import Recipe
from smartshop.ai_agents.recommendation.sequences import make_sequences
from smartshop.ai_agents.recommendation.sources import Configs
from smartshop.ai_agents.recommendation.training import fit
from smartshop.data_collection.connectors.ports import ModelRecord
from smartshop.data_collection.connectors.sql.stores import SqlStores
from smartshop.data_collection.pipelines.clock import DAY, format_rfc3339, system_now, to_datetime
from smartshop.data_collection.pipelines.customer_activity import SIGN_KINDS
from smartshop.data_collection.pipelines.ingest import Arrival
from smartshop.data_collection.pipelines.interactions import load_interactions
from smartshop.data_collection.pipelines.shelves import ShelfKeeper
from smartshop.data_collection.schemas.catalogue import Offer, Product, Variant, parse_category
from smartshop.data_collection.schemas.events import Event, EventKind, ProductLine, Trust
from smartshop.data_collection.schemas.ids import (
    EventId,
    Micros,
    ModelVersion,
    OrderId,
    ProductId,
    SessionId,
    VariantId,
)
from smartshop.data_collection.schemas.stock import StockCount
from smartshop.opening import opened_stores
from smartshop.place import find_place
from smartshop.settings import Settings
from smartshop.simulator.chance import stream
from smartshop.simulator.fast import FastHistory, make_fast_history
from smartshop.simulator.fast_catalogue import FastCatalogue
from smartshop.simulator.fast_tables import customer_id
from smartshop.simulator.scenario import load_scenario
from smartshop.simulator.wording import describe, title_of
from smartshop.wiring import build_clock, build_ingest

PRODUCTS = 100_000
SHOPPERS = 8_000
DAYS = 120
SEED = 11
KINDS = (EventKind.PRODUCT_VIEWED, EventKind.PRODUCT_ADDED)
"""Beside orders."""
IN_STOCK = 500
EVENTS_PER_CALL = 4_000
PRODUCTS_PER_CALL = 5_000
SHORT_LESSON = AttentionConfig(max_signs=60_000, epochs=1)
"""What a list of the networks costs hangs on the size of their vocabulary, not on how long they learned."""


def make_vast_shop(folder: Path, *, products: int = PRODUCTS, shoppers: int = SHOPPERS) -> LargeShop:
    """Catalogue, stock and history entered; not trained yet."""
    settings = Settings(data_dir=folder)
    now = system_now()
    scenario = load_scenario("outdoor_store")
    history = make_fast_history(
        scenario, SEED, shoppers=shoppers, days=DAYS, end_at=now, products=products, kinds=KINDS
    )
    listed = _products(history.catalogue)
    with opened_stores(settings, find_place(settings, False)) as stores:
        for first in range(0, len(listed), PRODUCTS_PER_CALL):
            some = listed[first : first + PRODUCTS_PER_CALL]
            stores.catalogue.upsert(some, now)
            stores.stock.count([_counted(product, history.start_at) for product in some], now)
        ingest = build_ingest(settings, stores, build_clock(settings, stores))
        for received_at, events in _arrivals(history):
            arrival = Arrival(source="simulator", trust=Trust.SERVER, received_at=received_at, from_import=True)
            receipt = ingest.accept_blocking(events, arrival)
            if receipt.rejected:
                raise RuntimeError(f"an event of the made past was refused: {receipt.rejected[0].reason}")
    known = np.unique(np.concatenate((history.signs.customer, history.orders.customer)))
    return LargeShop(
        len(listed), [product.product_id for product in listed], [customer_id(person) for person in known.tolist()]
    )


def learn_briefly(folder: Path) -> tuple[str, ...]:
    """Fit every source once and promote the model under the mix to begin with, in which all have a weight; their names.

    A training would fit twice and search for a mix, in which some sources might end without a weight.
    """
    settings = Settings(data_dir=folder)
    with opened_stores(settings, find_place(settings, False)) as stores:
        clock = build_clock(settings, stores)
        shelf = ShelfKeeper(stores.catalogue, stores.stock, settings.currency, clock.shop_now, clock.now).shelf
        interactions = load_interactions(stores.log, stores.customers, shelf)
        recipe = Recipe(configs=Configs(attention=SHORT_LESSON))
        with threadpool_limits(limits=1):
            sequences = make_sequences(interactions, recipe.configs.sequences)
            model = fit(sequences, shelf, int(interactions.data_until), recipe)
        promote(stores, model, data_until=interactions.data_until, log_no=interactions.log_no)
    return tuple(source.name for source in model.sources)


def promote_again(folder: Path) -> None:
    """The promoted model under a new version: a serving process takes it up as it would any other."""
    settings = Settings(data_dir=folder)
    with opened_stores(settings, find_place(settings, False)) as stores:
        present = stores.models.promoted(AGENT)
        if present is None:
            raise RuntimeError("no model is promoted, so there is none to promote again")
        model = RecommendationModel.load(stores.models.open(present))
        promote(stores, model, data_until=present.data_until, log_no=present.log_no)


def promote(stores: SqlStores, model: RecommendationModel, *, data_until: Micros, log_no: int) -> None:
    now = system_now()
    version = ModelVersion(to_datetime(now).strftime("%Y%m%dT%H%M%S.%f"))
    record = ModelRecord(
        agent=AGENT, version=version, trained_at=now, data_until=data_until, log_no=log_no, sha256="", metrics={}
    )
    folder = stores.models.new_folder(AGENT, version)
    model.save(folder)
    stores.models.promote(AGENT, stores.models.publish(record, folder).version, system_now())


def _products(catalogue: FastCatalogue) -> list[Product]:
    """A record of every product; the number behind a model's name tells those of one name apart."""
    scenario, rng = catalogue.scenario, stream(SEED, catalogue.scenario.name, "texts of a vast shop")
    names = scenario.model_names
    categories = [parse_category(leaf.category) for leaf in scenario.leaves]
    rows = zip(
        catalogue.leaf.tolist(), catalogue.kind.tolist(), catalogue.brand.tolist(), catalogue.price_minor.tolist(),
        catalogue.launched_at.tolist(), strict=True,
    )  # fmt: skip
    made = []
    for number, (leaf_index, kind_index, brand_index, price_minor, launched_at) in enumerate(rows):
        leaf, brand = scenario.leaves[leaf_index], scenario.brands[brand_index]
        kind = leaf.kinds[kind_index]
        materials = kind.materials or leaf.materials
        material = materials[number % len(materials)]
        product_id = ProductId(f"p{number:07d}")
        offer = Offer(variant_id=VariantId(product_id), price_minor=price_minor, currency=scenario.currency)
        made.append(
            Product(
                product_id=product_id,
                title=f"{title_of(names[number % len(names)], kind)} {number}",
                description=describe(leaf, kind, brand, material, rng),
                brand=brand.name,
                category=categories[leaf_index],
                attributes={kind.made_attribute or leaf.made_attribute: material},
                published_at=Micros(launched_at),
                variants=(Variant(variant_id=VariantId(product_id), offers=(offer,)),),
            )
        )
    return made


def _counted(product: Product, at: Micros) -> StockCount:
    variant_id = product.variants[0].variant_id
    return StockCount(movement_id=f"count-{variant_id}", variant_id=variant_id, level=IN_STOCK, occurred_at=at)


def _arrivals(history: FastHistory) -> Iterator[tuple[Micros, list[Event]]]:
    """Batches of events by time, each of one day, with the end of the day."""
    timed = sorted([*_signs(history), *_orders(history)], key=lambda one: one[0])
    for day, of_day in groupby(timed, key=lambda one: (one[0] - history.start_at) // DAY):
        events = [event for _, event in of_day]
        received_at = Micros(history.start_at + (day + 1) * DAY)
        for first in range(0, len(events), EVENTS_PER_CALL):
            yield received_at, events[first : first + EVENTS_PER_CALL]


def _signs(history: FastHistory) -> Iterator[tuple[int, Event]]:
    signs, price = history.signs, history.catalogue.price_minor
    columns = (signs.customer, signs.at, signs.kind, signs.product, signs.session, price[signs.product])
    rows = zip(*(column.tolist() for column in columns), strict=True)
    for number, (person, at, kind, product, session, price_minor) in enumerate(rows):
        is_added = SIGN_KINDS[kind] is EventKind.PRODUCT_ADDED
        yield (
            at,
            Event(
                kind=SIGN_KINDS[kind],
                event_id=EventId(f"s{number:09d}"),
                occurred_at=format_rfc3339(Micros(at)),
                customer_id=customer_id(person),
                session_id=SessionId(f"v{session:08d}"),
                product_id=ProductId(f"p{product:07d}"),
                quantity=1 if is_added else None,
                price_minor=price_minor if is_added else None,
                currency=history.catalogue.scenario.currency if is_added else None,
            ),
        )


def _orders(history: FastHistory) -> Iterator[tuple[int, Event]]:
    orders, price = history.orders, history.catalogue.price_minor
    starts = np.searchsorted(orders.line_order, np.arange(len(orders.at) + 1)).tolist()
    lines = [
        ProductLine(product_id=ProductId(f"p{product:07d}"), quantity=units, price_minor=price_minor)
        for product, units, price_minor in zip(
            orders.line_product.tolist(), orders.line_units.tolist(), price[orders.line_product].tolist(), strict=True
        )
    ]
    rows = zip(orders.customer.tolist(), orders.at.tolist(), orders.session.tolist(), strict=True)
    for number, (person, at, session) in enumerate(rows):
        event = Event(
            kind=EventKind.ORDER_COMPLETED,
            event_id=EventId(f"o{number:09d}"),
            occurred_at=format_rfc3339(Micros(at)),
            customer_id=customer_id(person),
            session_id=SessionId(f"v{session:08d}"),
            order_id=OrderId(f"o{number:09d}"),
            currency=history.catalogue.scenario.currency,
            products=lines[starts[number] : starts[number + 1]],
        )
        yield at, event
