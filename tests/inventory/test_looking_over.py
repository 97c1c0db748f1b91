"""Decisions are kept, the shop lives on, each is scored by what came: on a real shop with a known rate of demand."""

from collections.abc import Iterator
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from smartshop.ai_agents.inventory.learning import learn_demand
from smartshop.ai_agents.inventory.looking_over import KEPT, Desk, keep_decisions, score_decisions
from smartshop.ai_agents.inventory.model import InventoryModel
from smartshop.ai_agents.inventory.replenishment.case import Present
from smartshop.ai_agents.inventory.replenishment.costs import CostConfig
from smartshop.ai_agents.inventory.replenishment.judging import GONE, OUT_TOO_LONG
from smartshop.ai_agents.inventory.replenishment.kept import is_in_turn
from smartshop.ai_agents.inventory.replenishment.proposals import proposal_id
from smartshop.ai_agents.inventory.replenishment.reading import Stores
from smartshop.data_collection.connectors.sql.stores import SqlStores
from smartshop.data_collection.pipelines.clock import DAY
from smartshop.data_collection.schemas.ids import LineId, Micros, ModelVersion, OrderId, ProductId, VariantId
from smartshop.data_collection.schemas.orders import OrderLine
from smartshop.data_collection.schemas.proposals import KeptProposal, ProposalScore
from smartshop.data_collection.schemas.stock import DEFAULT_LOCATION, StockCount
from smartshop.data_collection.schemas.supply import (
    PurchaseLine,
    PurchaseOrder,
    PurchaseOrderId,
    PurchaseReceipt,
    PurchaseStatus,
)
from smartshop.errors import OutOfStock
from tests.connectors.told import order, order_entry
from tests.importing.shop import EmbeddedShop
from tests.inventory.supply_shop import END, FILLERS, QUICK, RATES, learning_of, opened_supply_shop
from tests.inventory.test_learning import LIGHT, silent

TODAY = date(2026, 1, 5)
KETTLE_TAKES = 5
"""Days from order to delivery, in truth."""


def desk_of(shop: EmbeddedShop, model: InventoryModel, days_later: float = 0.0) -> Desk:
    stores, now = shop.stores, Micros(int(END + days_later * DAY))
    return Desk(
        stores=Stores(stores.catalogue, stores.stock, stores.reservations, stores.suppliers, stores.purchase_orders),
        orders=stores.orders,
        book=stores.proposals,
        model=model,
        version=ModelVersion("v1"),
        shelf=learning_of(shop).shelf,
        present=Present(now, TODAY + timedelta(days=int(days_later)), CostConfig()),
        timezone=ZoneInfo("UTC"),
        now=now,
    )


def kept(shop: EmbeddedShop, variant: str, day: date = TODAY) -> KeptProposal:
    found = shop.stores.proposals.get(proposal_id(day, VariantId(variant), DEFAULT_LOCATION))
    assert found is not None
    return found


def score(shop: EmbeddedShop, variant: str) -> ProposalScore:
    found = kept(shop, variant).score
    assert found is not None
    return found


def live_on(stores: SqlStores, days: range) -> list[tuple[str, int, bool]]:
    """(product, day, sold) of every unit asked for, as shoppers come at the rates that were learned from."""
    found = []
    for day in days:
        rng = np.random.default_rng([8, day])
        asked = [name for name, rate in RATES.items() for _ in range(int(rng.poisson(rate)))]
        for number, product in enumerate(asked):
            at = Micros(END + day * DAY + int(rng.uniform(9, 19) * DAY / 24))
            name = f"later-{day}-{number}"
            line = OrderLine(
                line_id=LineId("0"), product_id=ProductId(product), variant_id=VariantId(product), quantity=1
            )
            told = order(name, order_id=OrderId(name), lines=(line,), ordered_at=at, received_at=at)
            try:
                stores.orders.place(order_entry(name, told))
                found.append((product, day, True))
            except OutOfStock:
                found.append((product, day, False))
    return found


def bought(stores: SqlStores, one: KeptProposal) -> PurchaseOrderId:
    """Ordered and sent as proposed."""
    number, told = PurchaseOrderId(f"po-{one.told.proposal_id}"), one.told
    order = PurchaseOrder(
        purchase_order_id=number,
        supplier_id=QUICK,
        status=PurchaseStatus.DRAFT,
        currency="GBP",
        lines=(PurchaseLine(variant_id=told.variant_id, units=told.units, unit_cost_minor=1_000),),
        created_at=END,
    )
    stores.proposals.follow(order, {told.variant_id: told.proposal_id})
    for status in (PurchaseStatus.APPROVED, PurchaseStatus.SENT):
        stores.purchase_orders.step(number, status, END)
    return number


Played = tuple[EmbeddedShop, InventoryModel, list[tuple[str, int, bool]]]


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    """Kettles are ordered as proposed and come after five days, nothing else is; forty days later all is scored."""
    with opened_supply_shop(tmp_path_factory.mktemp("supply")) as shop:
        record = learn_demand(learning_of(shop), until=END, tell=silent, config=LIGHT)
        model = InventoryModel.load(shop.stores.models.open(record))
        keep_decisions(desk_of(shop, model), silent)
        number = bought(shop.stores, kept(shop, "kettle"))
        asked = live_on(shop.stores, range(KETTLE_TAKES))
        came = Micros(END + KETTLE_TAKES * DAY)
        receipt = PurchaseReceipt(purchase_order_id=number, receipt_id="all", lines=(), received_at=came)
        shop.stores.purchase_orders.receive(receipt, came)
        asked += live_on(shop.stores, range(KETTLE_TAKES, 40))
        assert score_decisions(desk_of(shop, model, 5.0), silent)["scored"] == 0
        score_decisions(desk_of(shop, model, 23.0), silent)
        yield shop, model, asked


def test_orders_are_kept_and_of_the_rest_those_whose_turn_it_is(played: Played) -> None:
    shop, _, _ = played
    day = [one for batch in shop.stores.proposals.decided(END, Micros(END + 1)) for one in batch]
    ordered = {str(one.told.variant_id) for one in day if one.told.units}
    waits = [one.told for one in day if not one.told.units]
    assert ordered == {"kettle", "lamp", "rare"}
    assert 0 < len(waits) < FILLERS
    assert all(one.in_turn for one in waits)
    names = [VariantId(f"thing-{n}") for n in range(FILLERS)]
    week = [sum(is_in_turn(name, DEFAULT_LOCATION, TODAY + timedelta(days=n), 7) for n in range(7)) for name in names]
    assert week == [1] * FILLERS


def test_what_is_kept_needs_no_model_to_be_judged(played: Played) -> None:
    shop, _, _ = played
    told = kept(shop, "kettle").told
    assert (told.on_hand, told.pack_size, told.stretch_days, told.supplier_name) == (12, 10, 12, "Quick & Sons")
    assert told.mean == pytest.approx(12 * RATES["kettle"], rel=0.3)
    assert told.told_10 < told.told_50 < told.told_90
    assert (told.costs.currency, told.costs.unit) == ("GBP", 900)  # from a hundred on
    assert told.costs.holding_per_unit_day == pytest.approx(0.25 * 1_000 / 365)
    assert told.costs.missed_per_unit == pytest.approx(1_000)


def test_a_decision_is_scored_by_what_was_sold_and_what_was_not_there(played: Played) -> None:
    shop, _, asked = played
    within = [was_sold for product, day, was_sold in asked if product == "kettle" and day < 12]
    found, told = score(shop, "kettle"), kept(shop, "kettle").told
    assert found.sold == sum(within)
    assert found.received == told.units
    missed = len(within) - sum(within)
    assert missed > 0
    # A day or so without any, at about three a day.
    assert found.short == pytest.approx(3.0 * found.days_out, rel=0.5)
    assert 0.2 < found.days_out < 4.0
    assert found.asked_for == pytest.approx(found.sold + found.short, abs=0.02)
    assert found.left == 12 + told.units - found.sold
    assert found.ran_short_before
    assert found.covered is (found.asked_for <= 12 + told.units)
    assert 0.0 <= found.level_met <= 1.0


def test_orders_saved_more_than_they_cost_and_hindsight_is_never_dearer(played: Played) -> None:
    shop, _, _ = played
    for variant in ("kettle", "lamp", "rare"):
        found = score(shop, variant)
        assert found.with_hindsight <= min(found.as_proposed, found.without_order) + 0.01
    kettle = score(shop, "kettle")
    assert kettle.as_proposed < 0.6 * kettle.without_order
    assert kettle.best_units % 10 == 0


def test_a_second_look_a_week_later_is_the_last(played: Played) -> None:
    shop, model, _ = played
    first = score(shop, "lamp")
    assert first.is_open
    assert not score(shop, "kettle").is_open  # its time was over ten days ago
    assert score_decisions(desk_of(shop, model, 23.1), silent)["scored"] == 0
    score_decisions(desk_of(shop, model, 31.0), silent)
    final = score(shop, "lamp")
    assert not final.is_open
    assert (final.sold, final.left, final.received) == (first.sold, first.left, first.received)
    assert kept(shop, "lamp").told.law is None


def test_what_nobody_can_know_is_left_out_with_a_sentence(played: Played) -> None:
    shop, model, _ = played
    book, day = shop.stores.proposals, TODAY + timedelta(days=30)
    keep_decisions(desk_of(shop, model, 30.0), silent)
    before = score(shop, "lamp")
    shop.stores.catalogue.delete([ProductId("lamp")], Micros(END + 31 * DAY))
    told = score_decisions(desk_of(shop, model, 60.0), silent)
    assert told["could_not_be_judged"] == 2
    lamp, rare = (book.get(proposal_id(day, VariantId(name), DEFAULT_LOCATION)) for name in ("lamp", "rare"))
    assert lamp is not None
    assert rare is not None
    assert (lamp.score and lamp.score.left_out, rare.score and rare.score.left_out) == (GONE, OUT_TOO_LONG)
    # What was scored while it was there stands.
    assert score(shop, "lamp").asked_for == before.asked_for


@pytest.fixture(scope="module")
def followed(played: Played) -> dict[str, KeptProposal]:
    """What was decided on the seventieth day, and kettles ordered accordingly."""
    shop, model, _ = played
    keep_decisions(desk_of(shop, model, 70.0), silent)
    first = {name: kept(shop, name, TODAY + timedelta(days=70)) for name in ("kettle", "rare")}
    bought(shop.stores, first["kettle"])
    return first


def test_the_same_day_replaces_its_own_but_never_what_was_followed(
    played: Played, followed: dict[str, KeptProposal]
) -> None:
    shop, model, _ = played
    first, day = followed, TODAY + timedelta(days=70)
    counted = Micros(END + 70 * DAY + 10)
    shop.stores.stock.count(
        [
            StockCount(movement_id=f"recount-{name}", variant_id=VariantId(name), level=1, occurred_at=counted)
            for name in first
        ],
        counted,
    )
    keep_decisions(desk_of(shop, model, 70.3), silent)
    assert kept(shop, "kettle", day).told == first["kettle"].told
    assert (first["rare"].told.on_hand, kept(shop, "rare", day).told.on_hand) == (0, 1)


@pytest.mark.usefixtures("followed")
def test_what_a_cancelled_order_followed_is_judged_as_if_none_had(played: Played) -> None:
    shop, model, _ = played
    one = kept(shop, "kettle", TODAY + timedelta(days=70))
    assert one.followed_by is not None
    late = desk_of(shop, model, 84.0)
    score_decisions(late, silent)
    waited = kept(shop, "kettle", TODAY + timedelta(days=70)).score
    shop.stores.purchase_orders.step(one.followed_by, PurchaseStatus.CANCELLED, END)
    score_decisions(desk_of(shop, model, 91.0), silent)
    as_told = kept(shop, "kettle", TODAY + timedelta(days=70)).score
    assert waited is not None
    assert as_told is not None
    # Sent and not there in time it was held on no day; as its supplier was known it would have lain there for a week.
    assert waited.as_proposed < as_told.as_proposed


def test_a_clock_that_was_set_back_scores_nothing_and_goes_on(played: Played) -> None:
    shop, model, _ = played
    looked_at = keep_decisions(desk_of(shop, model, 95.0), silent)["looked_at"]
    assert score_decisions(desk_of(shop, model, -200.0), silent) == {"scored": 0, "could_not_be_judged": 0}
    assert keep_decisions(desk_of(shop, model, -200.0), silent)["looked_at"] == looked_at >= FILLERS


def test_decisions_are_forgotten_after_more_than_a_year(played: Played) -> None:
    shop, model, _ = played
    desk = desk_of(shop, model, KEPT / DAY + 1.0)
    keep_decisions(desk, silent)
    assert list(shop.stores.proposals.decided(Micros(0), Micros(END + DAY))) == []
