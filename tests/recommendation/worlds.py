"""Made-up shops whose answers are known."""

from collections.abc import Sequence

import numpy as np

from smartshop.ai_agents.advice import Mask, Question
from smartshop.ai_agents.recommendation.sequences import SequenceConfig, Sequences, make_sequences
from smartshop.ai_agents.shelf import Shelf
from smartshop.data_collection.pipelines.interactions import KIND_NUMBERS, Interactions
from smartshop.data_collection.schemas.context import Context
from smartshop.data_collection.schemas.events import EventKind
from smartshop.data_collection.schemas.ids import Micros, ProductId, ProductNo
from smartshop.data_collection.schemas.profiles import Profile
from smartshop.data_collection.schemas.slates import Surface

START = 1_750_000_000_000_000
SECOND = 1_000_000
HOUR = 3_600 * SECOND
DAY = 24 * HOUR

Row = tuple[int, int, EventKind, int, int]
"""shopper, product, kind, occurred_at, order (or -1)"""


def view(shopper: int, product: int, at: int) -> Row:
    return shopper, product, EventKind.PRODUCT_VIEWED, at, -1


def order(shopper: int, products: Sequence[int], at: int, number: int) -> list[Row]:
    return [(shopper, product, EventKind.ORDER_COMPLETED, at, number) for product in products]


def make_interactions(rows: Sequence[Row], n_products: int) -> Interactions:
    ordered = sorted(rows, key=lambda row: (row[0], row[3]))
    columns = list(zip(*ordered, strict=True)) if ordered else [(), (), (), (), ()]
    at = np.array(columns[3], np.int64)
    return Interactions(
        shopper_no=np.array(columns[0], np.int32),
        product_no=np.array(columns[1], np.int32),
        kind=np.array([KIND_NUMBERS[kind] for kind in columns[2]], np.int8),
        occurred_at=at,
        quantity=np.ones(len(ordered), np.int32),
        order_no=np.array(columns[4], np.int32),
        n_shoppers=max(columns[0], default=-1) + 1,
        n_products=n_products,
        data_until=Micros(int(at.max(initial=0))),
    )


def sequences_of(rows: Sequence[Row], n_products: int) -> Sequences:
    return make_sequences(make_interactions(rows, n_products), SequenceConfig())


def make_shelf(
    n: int, categories: Sequence[str] = (), *, alive: Mask | None = None, published_at: int = 0, version: int = 1
) -> Shelf:
    """Product i is `p{i}`, titled `Product i`, in `categories[i % len]`; all sellable, priced 100."""
    paths = ((), *((name,) for name in dict.fromkeys(categories)))
    codes = {path: code for code, path in enumerate(paths)}
    of_product = [codes[(categories[i % len(categories)],)] if categories else 0 for i in range(n)]
    living = np.ones(n, np.bool_) if alive is None else alive
    return Shelf(
        version=version,
        product_ids=tuple(ProductId(f"p{i}") for i in range(n)),
        number_of={ProductId(f"p{i}"): ProductNo(i) for i in range(n)},
        titles=tuple(f"Product {i}" for i in range(n)),
        alive=living,
        sellable=living,
        available=np.full(n, -1, np.int32),
        price_minor=np.full(n, 100, np.int64),
        category=np.array(of_product, np.int32),
        categories=paths,
        brand=np.zeros(n, np.int32),
        brands=("",),
        published_at=np.full(n, published_at, np.int64),
    )


def ask(
    shelf: Shelf,
    history: Sequence[int] = (),
    *,
    surface: Surface = Surface.HOME,
    limit: int = 5,
    basket: Sequence[int] = (),
    anchor: int | None = None,
    eligible: Mask | None = None,
    now: int = START + 90 * DAY,
) -> Question:
    n = len(history)
    return Question(
        surface=surface,
        limit=limit,
        now=Micros(now),
        shelf=shelf,
        eligible=shelf.sellable.copy() if eligible is None else eligible,
        profile=Profile(),
        history=np.array(history, np.int32),
        history_at=now - np.arange(n, 0, -1, dtype=np.int64) * SECOND,
        basket=np.array(basket, np.int32),
        anchor=anchor,
        query=None,
        context=Context(),
    )


TASTES = 4
PRODUCTS_PER_TASTE = 10
N_PRODUCTS = TASTES * PRODUCTS_PER_TASTE


def shop_of_tastes(shoppers: int = 200, seed: int = 3) -> Interactions:
    """Every shopper likes one of four ranges and walks through it in order: after product i of a range comes i + 1.

    Now and then a look goes astray. Each session ends with an order of its first product and the range's last: the
    complement of everything in it. Sixty days.
    """
    rng = np.random.default_rng(seed)
    rows: list[Row] = []
    for shopper in range(shoppers):
        taste = shopper % TASTES
        for _ in range(int(rng.integers(2, 6))):
            at = START + int(rng.integers(0, 60 * DAY))
            step = int(rng.integers(0, PRODUCTS_PER_TASTE - 4))
            walk = [taste * PRODUCTS_PER_TASTE + step + i for i in range(4)]
            for i, product in enumerate(walk):
                seen = int(rng.integers(N_PRODUCTS)) if rng.random() < 0.1 else product
                rows.append(view(shopper, seen, at + i * 60 * SECOND))
            number = len(rows)
            bought = [walk[0], taste * PRODUCTS_PER_TASTE + PRODUCTS_PER_TASTE - 1]
            rows.extend(order(shopper, bought, at + 10 * 60 * SECOND, number))
    return make_interactions(rows, N_PRODUCTS)


def shelf_of_tastes() -> Shelf:
    ranges = [f"Range {taste}" for taste in range(TASTES) for _ in range(PRODUCTS_PER_TASTE)]
    return make_shelf(N_PRODUCTS, ranges)


def silent(_: float, __: str) -> None:
    """Progress that nobody looks at."""
