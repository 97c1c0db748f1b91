"""Segments: what a refit and a live move cost, and how near segments and churn risk come to a planted truth."""

import json
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import adjusted_rand_score, roc_auc_score

from bench.data import timed
from bench.figures import Figure
from bench.service import run_command
from smartshop.ai_agents.segmentation.learning import Learning, learn_segments
from smartshop.ai_agents.segmentation.live import Look, ShelfViews, look_at
from smartshop.ai_agents.segmentation.model import SegmentationModel
from smartshop.data_collection.connectors.sql.stores import SqlStores
from smartshop.data_collection.pipelines.clock import DAY, format_rfc3339, system_now
from smartshop.data_collection.pipelines.ingest import Arrival
from smartshop.data_collection.pipelines.reading_customers import load_customer_activity
from smartshop.data_collection.pipelines.shelves import ShelfKeeper
from smartshop.data_collection.schemas.customers import Consent
from smartshop.data_collection.schemas.events import Event, EventKind, ProductLine, Trust
from smartshop.data_collection.schemas.ids import CustomerId, EventId, Micros, OrderId
from smartshop.data_collection.schemas.segments import Standing
from smartshop.opening import opened_stores
from smartshop.place import find_place
from smartshop.settings import Settings
from smartshop.simulator.enter import enter_history
from smartshop.simulator.scenario import SHIPPED, load_scenario
from smartshop.simulator.world import build_world
from smartshop.wiring import build_clock, build_ingest

SHOPPERS, DAYS, LATER_DAYS = 3_000, 60, 30
SEEDS = (3, 4)
MOVES = 300
MILLION = 1_320_000
"""Made-up people of whom about a million come at all within 60 days."""


def measure_segments(online_retail: Path) -> list[Figure]:
    found = [figure for name in SHIPPED for figure in _planted(name)]
    if online_retail.exists():
        found += _real_shop(online_retail)
    return found + _million()


def _million() -> list[Figure]:
    """In a process of its own, whose memory is then its own, too."""
    cost = json.loads(run_command(["rehearse", "--shoppers", str(MILLION), "--days", str(DAYS), "--json"]))
    how = (
        f"`smartshop rehearse --shoppers {MILLION}`: {cost['customers']:,} customers, "
        f"{cost['order_lines'] / 1e6:.1f} M order lines, {cost['signs'] / 1e6:.1f} M signs, one thread"
    )
    both = cost["learning_seconds"] + cost["storing_seconds"]
    return [
        Figure("segments_million_learned", cost["learning_seconds"], "s", "", how),
        Figure("segments_million", both, "s", "< 300", f"{how}; learned and stored in a fresh SQLite file"),
        Figure("segments_million_memory", cost["peak_mib"], "MiB", "< 5722", f"{how}; with the made-up shop itself"),
        Figure("segments_million_types", cost["types_found"], "ARI", "", f"{how}; over the {cost['in_a_segment']:.0%}"),
    ]


def _real_shop(online_retail: Path) -> list[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        timed(["import", "online-retail", str(online_retail), "--data-dir", folder, "--json"])
        seconds, mib = timed(["train", "segmentation", "--data-dir", folder, "--json"])
        settings = Settings(data_dir=Path(folder))
        with opened_stores(settings, find_place(settings, False)) as stores:
            moves = _live_moves(stores, settings)
    how = "online_retail, 5,440 customers; `smartshop train segmentation`, a process of its own"
    moved = f"online_retail, an order of two lines by each of {MOVES} customers drawn at random; processor time"
    return [
        Figure("segments_refit", seconds, "s", "< 30", how),
        Figure("segments_refit_memory", mib, "MiB", "< 954", how),
        Figure("segments_live_move_p50", float(np.median(moves)), "ms", "≤ 5", moved),
        Figure("segments_live_move_p95", float(np.quantile(moves, 0.95)), "ms", "", moved),
    ]


def _live_moves(stores: SqlStores, settings: Settings) -> NDArray[np.float64]:
    """(MOVES,) ms of processor time from the order in the log to the standing written."""
    clock = build_clock(settings, stores)
    shelves = ShelfKeeper(stores.catalogue, stores.stock, settings.currency, clock.shop_now, clock.now)
    record = stores.models.promoted("segmentation")
    assert record is not None
    model = SegmentationModel.load(stores.models.open(record))
    look = Look(
        stores.log, stores.customers, stores.standings, lambda: shelves.shelf, settings.currency, clock.shop_now
    )
    views, ingest, took = ShelfViews(), build_ingest(settings, stores, clock), list[float]()
    known = [standing.customer_id for batch in stores.standings.scan() for standing in batch]
    drawn = np.random.default_rng(0).choice(len(known), MOVES + 1, replace=False)
    for number in drawn.tolist():
        now, customer_id = system_now(), known[number]
        event = _order(customer_id, shelves.shelf.product_ids[:2], now)
        ingest.accept_blocking([event], Arrival(source="bench", trust=Trust.SERVER, received_at=now))
        began = time.process_time()
        look_at(look, views, model, customer_id, now)
        took.append((time.process_time() - began) * 1e3)
    return np.array(took[1:])  # the first one makes the view of the shelf


def _order(customer_id: CustomerId, products: tuple[str, ...], now: Micros) -> Event:
    order_id = f"bench-{customer_id}"
    return Event(
        kind=EventKind.ORDER_COMPLETED,
        event_id=EventId(order_id),
        order_id=OrderId(order_id),
        customer_id=customer_id,
        occurred_at=format_rfc3339(now),
        currency="GBP",
        products=[ProductLine(product_id=one, quantity=1, price_minor=500) for one in products],  # type: ignore[arg-type]
    )


@dataclass(frozen=True, slots=True)
class _Truth:
    """Of the customers who stood anywhere at the cut: (n,) each."""

    standings: list[Standing]
    kind: NDArray[np.int64]
    came: NDArray[np.bool_]
    """Any sign of life in the later month."""
    ordered: NDArray[np.bool_]


def _planted(scenario: str) -> list[Figure]:
    truths = [_learned_at_the_cut(scenario, seed) for seed in SEEDS]
    how = f"{scenario}, {SHOPPERS:,} shoppers, {DAYS} days through the door, the lower of seeds {SEEDS}"
    agreements = [_agreement(truth) for truth in truths]
    segmented = min(float(np.mean([bool(one.segment_id) for one in truth.standings])) for truth in truths)
    buyers = [np.array([one.churn_risk is not None for one in truth.standings]) for truth in truths]
    risk = [np.array([one.churn_risk or 0.0 for one in truth.standings]) for truth in truths]
    silent = [float(roc_auc_score(~t.came[b], r[b])) for t, b, r in zip(truths, buyers, risk, strict=True)]
    no_order = [float(roc_auc_score(~t.ordered[b], r[b])) for t, b, r in zip(truths, buyers, risk, strict=True)]
    later = f"{how}; of those who had bought, over the {LATER_DAYS} days after"
    return [
        Figure(f"segments_types_{scenario}", min(agreements), "ARI", "≥ 0.6", f"{how}; over those in a segment"),
        Figure(f"segments_share_{scenario}", segmented, "share", "", f"{how}; in a segment, of all ever seen"),
        Figure(f"churn_silent_{scenario}", min(silent), "AUC", "≥ 0.75", f"{later}: no sign of life at all"),
        Figure(f"churn_no_order_{scenario}", min(no_order), "AUC", "", f"{later}: no order"),
    ]


def _agreement(truth: _Truth) -> float:
    labels = np.array([one.segment_id or "" for one in truth.standings])
    return float(adjusted_rand_score(truth.kind[labels != ""], labels[labels != ""]))


def _learned_at_the_cut(scenario: str, seed: int) -> _Truth:
    """Learn when the log holds DAYS days and no more; then let the later month happen and look at it."""
    now = system_now()
    cut = Micros(now - LATER_DAYS * DAY)
    world = build_world(load_scenario(scenario), seed, now, shoppers=SHOPPERS)
    kept: list[Standing] = []
    with _opened(world.scenario.currency) as (settings, stores):
        clock = build_clock(settings, stores)

        def after_each_day(share: float, _: str) -> None:
            if round(share * (DAYS + LATER_DAYS)) == DAYS and not kept:
                learn_segments(_learning(settings, stores, cut), until=cut, progress=lambda share, what: None)
                kept.extend(standing for batch in stores.standings.scan() for standing in batch)

        ingest = build_ingest(settings, stores, clock)
        enter_history(
            world, ingest, stores.catalogue, stores.stock, now=now, days=DAYS + LATER_DAYS, progress=after_each_day
        )
        later = _seen_after(settings, stores, cut)
    kind_of = {world.shopper_key(number): int(kind) for number, kind in enumerate(world.population.type)}
    return _Truth(
        standings=kept,
        kind=np.array([kind_of[str(one.customer_id)] for one in kept]),
        came=np.array([later.get(one.customer_id, (False, False))[0] for one in kept]),
        ordered=np.array([later.get(one.customer_id, (False, False))[1] for one in kept]),
    )


def _learning(settings: Settings, stores: SqlStores, cut: Micros) -> Learning:
    shelf = ShelfKeeper(stores.catalogue, stores.stock, settings.currency, lambda: cut, lambda: cut).shelf
    return Learning(
        stores.log, stores.customers, stores.standings, stores.models, shelf, settings.currency, settings.timezone,
        Consent(), lambda: cut,
    )  # fmt: skip


def _seen_after(settings: Settings, stores: SqlStores, cut: Micros) -> dict[CustomerId, tuple[bool, bool]]:
    shelf = ShelfKeeper(stores.catalogue, stores.stock, settings.currency, system_now, system_now).shelf
    activity = load_customer_activity(stores.log, stores.customers, shelf, currency=settings.currency)
    ordered = np.bincount(activity.order_customer[activity.order_at > cut], minlength=len(activity)) > 0
    looked = np.bincount(activity.sign_customer[activity.sign_at > cut], minlength=len(activity)) > 0
    came = (ordered | looked).tolist()
    return dict(zip(activity.customer_ids, zip(came, ordered.tolist(), strict=True), strict=True))


@contextmanager
def _opened(currency: str) -> Iterator[tuple[Settings, SqlStores]]:
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data_dir=Path(folder), currency=currency)
        with opened_stores(settings, find_place(settings, False)) as stores:
            yield settings, stores
