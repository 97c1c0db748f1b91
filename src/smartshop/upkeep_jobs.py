"""Keeping a shop in order: what is old is forgotten, what was refused may come again, a demonstration is made."""

from dataclasses import asdict
from typing import Any

import msgspec

from smartshop.data_collection.connectors.ports import ImportMark
from smartshop.data_collection.pipelines.clock import DAY, system_now
from smartshop.data_collection.pipelines.replay import replay
from smartshop.data_collection.pipelines.segment import replayed_segment
from smartshop.data_collection.pipelines.shelves import ShelfKeeper
from smartshop.data_collection.schemas.ids import Micros
from smartshop.errors import Conflict
from smartshop.job_context import JobContext
from smartshop.opening import opened_stores
from smartshop.place import DEMO_MARK, Place
from smartshop.settings import Settings
from smartshop.simulator.enter import SupplyBooks, enter_history
from smartshop.simulator.scenario import load_scenario
from smartshop.simulator.told_weather import told_weather
from smartshop.simulator.world import build_world
from smartshop.wiring import DEMO_SCENARIO, build_clock, build_ingest, product_of

DECISIONS_KEPT = 30 * DAY
EVENT_KEYS_KEPT = 60 * DAY
SEGMENT_MOVES_KEPT = 400 * DAY
RESERVATIONS_KEPT = DAY // 24
"""After its end; clocks of machines side by side never differ by an hour."""
DEMO_SEED = 7


def prune(context: JobContext) -> dict[str, Any]:
    now = context.until or context.clock.now()
    return {
        "decisions_forgotten": context.stores.decisions.prune(Micros(now - DECISIONS_KEPT)),
        "event_keys_forgotten": context.stores.log.prune(Micros(now - EVENT_KEYS_KEPT)),
        "reservations_swept": context.stores.reservations.sweep(Micros(context.clock.now() - RESERVATIONS_KEPT)),
        "waits_forgotten": context.stores.waits.sweep(context.clock.now()),
        "segment_moves_forgotten": context.stores.standings.prune_moves(Micros(now - SEGMENT_MOVES_KEPT)),
        "erasures_completed": context.stores.erasure.finish(),
        "traces_removed": context.stores.erasure.remove_traces(),
    }


def make_demo(context: JobContext) -> dict[str, Any]:
    """The demonstration shop's past: made from a scenario, entered through the only door, its truth kept apart."""
    stores, now = context.stores, context.clock.now()
    if not context.place.demo or stores.log.size().events:
        raise Conflict(
            f"{context.place.folder} holds a shop already, and a made history would mix with it; "
            "`smartshop up --demo` makes the demonstration in a folder of its own."
        )
    context.tell(0.0, "thinking up products and shoppers")
    world = build_world(load_scenario(DEMO_SCENARIO), DEMO_SEED, now)
    entered = enter_history(
        world,
        build_ingest(context.settings, stores, context.clock),
        stores.catalogue,
        stores.stock,
        now=now,
        books=SupplyBooks(stores.suppliers, stores.purchase_orders),
        truth_folder=context.place.folder / "truth",
        progress=context.tell,
    )
    tell_demo_weather(context)
    stores.imports.mark(ImportMark(import_key=DEMO_MARK, rows_done=entered.accepted, finished=True), now)
    return asdict(entered)


def tell_demo_weather(context: JobContext) -> None:
    """The weather of the demonstration's shoppers up to now and a week ahead, as a shop would feed it every day."""
    oldest, now = context.stores.log.size().oldest_at, context.clock.now()
    told = told_weather(load_scenario(DEMO_SCENARIO), DEMO_SEED, now if oldest is None else oldest, now)
    context.stores.demand_causes.tell(told)


def replay_refused(settings: Settings, place: Place) -> dict[str, Any]:
    """Refused events through the door again; ids of variants are resolved as the serving process would."""
    with opened_stores(settings, place) as stores:
        clock = build_clock(settings, stores)
        shelves = ShelfKeeper(stores.catalogue, stores.stock, settings.currency, clock.shop_now, clock.now)
        ingest = build_ingest(settings, stores, clock, product_of=lambda sent: product_of(shelves, sent))
        wires = {"segment": replayed_segment(settings.currency)}
        report = replay(stores.quarantine, ingest, system_now(), source=None, wires=wires)
    return dict(msgspec.structs.asdict(report))
