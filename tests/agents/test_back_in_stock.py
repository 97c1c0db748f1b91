"""Who waits is told when it can be sold, first come first told, no more people than the units are worth, each once."""

from smartshop.ai_agents.inventory.agent import InventoryAgent
from smartshop.ai_agents.inventory.back_in_stock import (
    Absence,
    ReturnConfig,
    ReturnLookout,
    last_absence,
    wanted_while_gone,
)
from smartshop.data_collection.connectors.sql.stores import SqlStores
from smartshop.data_collection.pipelines.clock import DAY, SECOND
from smartshop.data_collection.pipelines.shelves import ShelfKeeper
from smartshop.data_collection.schemas.events import EventKind
from smartshop.data_collection.schemas.ids import EventId, Micros, ProductId, VariantId
from smartshop.data_collection.schemas.messages import BackInStock, Message, StockChanged
from smartshop.data_collection.schemas.profiles import Interest, Profile, Purchase
from smartshop.data_collection.schemas.stock import MovementReason, Reservation, ReservedLine, StockMovement
from smartshop.data_collection.schemas.waits import Wait
from tests.agents.world import BLUE, NOW, RED, TENT, move

CHANGED = StockChanged((RED, BLUE))


def at(seconds: float) -> Micros:
    return Micros(NOW + int(seconds * SECOND))


class Clock:
    """A present that the test moves on."""

    def __init__(self) -> None:
        self.now = at(0)

    def __call__(self) -> Micros:
        return self.now


def agent_of(stores: SqlStores, clock: Clock, people_per_unit: int = 1) -> InventoryAgent:
    shelves = ShelfKeeper(stores.catalogue, stores.stock, "GBP", clock, clock, reservations=stores.reservations)
    config = ReturnConfig(people_per_unit=people_per_unit)
    lookout = ReturnLookout(stores.stock, stores.reservations, stores.waits, lambda: shelves.shelf, clock, config)
    return InventoryAgent(stores.stock, stores.catalogue, clock, -1, lookout=lookout)


def ask(stores: SqlStores, key: str, seconds: float = 0, item: str = RED) -> None:
    variant = None if item == TENT else VariantId(item)
    wait = Wait(shopper_key=key, item_id=item, product_id=TENT, variant_id=variant, asked_at=at(seconds))
    stores.waits.ask(wait, at(seconds))


async def heard(agent: InventoryAgent, message: Message = CHANGED) -> list[BackInStock]:
    return [said for said in await agent.handle([message]) if isinstance(said, BackInStock)]


class TestAgent:
    async def test_as_many_are_told_as_units_are_worth_in_the_order_of_asking(self, stores: SqlStores) -> None:
        move(stores, RED, -20, at=1)
        for number, key in enumerate(("ada", "/laptop", "bob", "cleo", "dan")):
            ask(stores, key, number)
        clock = Clock()
        agent = agent_of(stores, clock, people_per_unit=2)
        assert await heard(agent) == [], "nothing to sell, nothing to tell"
        move(stores, RED, 2, at=9, reason=MovementReason.RECEIPT)
        clock.now = at(10)
        (said,) = await heard(agent)
        assert (said.product_id, said.variant_id, said.units) == (TENT, RED, 2)
        assert (said.customer_ids, said.anonymous_ids) == (("ada", "bob", "cleo"), ("laptop",))
        assert (said.gone_at, said.back_at, said.others) == (at(1), at(9), 0)
        assert await heard(agent) == [], "the same message twice tells nobody twice"
        assert await heard(agent_of(stores, clock, people_per_unit=2)) == [replace_told(said)], (
            "a process that died in between says that it is back, and tells nobody again"
        )

    async def test_who_was_not_told_has_a_turn_a_day_later_or_at_the_next_delivery(self, stores: SqlStores) -> None:
        move(stores, RED, -20, at=1)
        for number in range(3):
            ask(stores, f"c{number}", number)
        move(stores, RED, 1, at=9, reason=MovementReason.RECEIPT)
        clock = Clock()
        agent = agent_of(stores, clock)
        clock.now = at(10)
        assert [said.customer_ids for said in await heard(agent)] == [("c0",)]
        clock.now = Micros(at(11) + DAY)
        assert [said.customer_ids for said in await heard(agent)] == [("c1",)], "nobody bought it for a day"
        move(stores, RED, -1, at=90_000)
        move(stores, RED, 1, at=90_001, reason=MovementReason.RECEIPT)
        clock.now = at(90_002)
        assert [said.customer_ids for said in await heard(agent)] == [("c2",)]

    async def test_units_that_baskets_keep_are_not_back(self, stores: SqlStores) -> None:
        move(stores, RED, -20, at=1)
        ask(stores, "ada")
        move(stores, RED, 1, at=9, reason=MovementReason.RECEIPT)
        clock = Clock()
        clock.now = at(10)
        kept = Reservation(
            reservation_id="r", lines=(ReservedLine(variant_id=RED, quantity=1),), reserved_at=at(10),
            expires_at=at(70), shopper_key="bob",
        )  # fmt: skip
        stores.reservations.reserve(kept, at(10))
        agent = agent_of(stores, clock)
        assert await heard(agent) == []
        clock.now = at(71)
        (said,) = await heard(agent)
        assert said.customer_ids == ("ada",)

    async def test_any_variant_will_do_for_who_asked_for_the_product(self, stores: SqlStores) -> None:
        for variant in (RED, BLUE):
            move(stores, variant, -20, at=1)
        ask(stores, "any", item=TENT)
        ask(stores, "red", item=RED)
        move(stores, BLUE, 5, at=9, reason=MovementReason.RECEIPT)
        clock = Clock()
        clock.now = at(10)
        (said,) = await heard(agent_of(stores, clock))
        assert (said.variant_id, said.customer_ids) == (BLUE, ("any",))

    async def test_that_it_is_back_is_said_for_those_who_never_asked(self, stores: SqlStores) -> None:
        clock = Clock()
        agent = agent_of(stores, clock, people_per_unit=10)
        assert await heard(agent) == [], "what was never gone is not back"
        move(stores, RED, -20, at=1)
        assert await heard(agent) == []
        move(stores, RED, 3, at=9, reason=MovementReason.RECEIPT)
        clock.now = at(10)
        (said,) = await heard(agent)
        assert (said.customer_ids, said.others, said.gone_at) == ((), 30, at(1))
        move(stores, RED, 3, at=11, reason=MovementReason.RECEIPT)
        assert await heard(agent) == [], "more of it is no news"

    async def test_a_product_that_left_the_catalogue_is_told_of_to_nobody(self, stores: SqlStores) -> None:
        move(stores, RED, -20, at=1)
        ask(stores, "ada")
        stores.catalogue.delete([TENT], at(2))
        move(stores, RED, 5, at=9, reason=MovementReason.RECEIPT)
        clock = Clock()
        clock.now = at(10)
        assert await heard(agent_of(stores, clock)) == []


def replace_told(said: BackInStock) -> BackInStock:
    """The same news where everybody was told already."""
    return BackInStock(
        product_id=said.product_id, variant_id=said.variant_id, units=said.units, customer_ids=(), anonymous_ids=(),
        others=4, gone_at=said.gone_at, back_at=said.back_at,
    )  # fmt: skip


def moved(units: int, seconds: float) -> StockMovement:
    reason = MovementReason.RECEIPT if units > 0 else MovementReason.SALE
    return StockMovement(
        movement_id=f"m{seconds}", variant_id=RED, quantity=units, reason=reason, occurred_at=at(seconds)
    )


class TestAbsence:
    def test_the_newest_one_that_is_over_counts(self) -> None:
        movements = [moved(-1, 9), moved(4, 8), moved(-3, 7), moved(3, 6), moved(-5, 5), moved(5, 4)]
        assert last_absence(movements, 3) == Absence(at(7), at(8), "m8")

    def test_what_is_still_gone_or_was_never_gone_is_none(self) -> None:
        assert last_absence([moved(-5, 5), moved(5, 4)], 0) is None
        assert last_absence([moved(-3, 5), moved(5, 4)], 2) is None, "its first goods are no return"
        assert last_absence([], 2) is None


def profile(*signs: tuple[EventKind, float], bought: float | None = None, product: str = TENT) -> Profile:
    interest = tuple(
        Interest(at(seconds), EventId(f"e{number}"), kind, ProductId(product))
        for number, (kind, seconds) in enumerate(signs)
    )
    purchase = () if bought is None else (Purchase(at(bought), EventId("b"), ProductId(product), 1),)
    return Profile(interest=interest, purchases=purchase)


VIEWED, ADDED, REMOVED = EventKind.PRODUCT_VIEWED, EventKind.PRODUCT_ADDED, EventKind.PRODUCT_REMOVED


class TestWanted:
    def wants(self, shopper: Profile) -> bool:
        return wanted_while_gone(shopper, TENT, at(100), at(200))

    def test_two_looks_while_it_was_gone(self) -> None:
        assert self.wants(profile((VIEWED, 110), (VIEWED, 120)))
        assert not self.wants(profile((VIEWED, 110)))
        assert not self.wants(profile((VIEWED, 90), (VIEWED, 110))), "one look was before"
        assert not self.wants(profile((VIEWED, 110), (VIEWED, 210))), "one is since it is back"
        assert not self.wants(profile((VIEWED, 110), (VIEWED, 120), product="stove"))

    def test_in_the_basket_and_neither_taken_out_nor_bought(self) -> None:
        assert self.wants(profile((ADDED, 50)))
        assert self.wants(profile((ADDED, 150)))
        assert not self.wants(profile((ADDED, 50), (REMOVED, 150)))
        assert not self.wants(profile((ADDED, 50), bought=100))
        assert not self.wants(profile((ADDED, -8 * 86_400))), "a forgotten basket"
