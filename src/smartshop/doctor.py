"""`smartshop doctor`: settings, engines, models, keys and clocks, each with what to do where something is wrong."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from smartshop.ai_agents.inventory.demand.told_causes import holiday_country
from smartshop.data_collection.connectors.sql.stores import SqlStores
from smartshop.data_collection.pipelines.clock import SECOND, ShopClock, to_datetime
from smartshop.data_collection.pipelines.importing import REFUSED
from smartshop.data_collection.schemas.demand_causes import CauseKind
from smartshop.errors import ModelRefused, SmartShopError
from smartshop.opening import opened_stores
from smartshop.place import Place, storefront_folder
from smartshop.settings import Settings
from smartshop.wiring import build_clock

SILENT_AFTER = 15 * SECOND
SHOWN_NAMES = 8
PRICES_LOOKED_AT = 1000
"""Products; a shop priced in another currency shows it at once."""


@dataclass(frozen=True, slots=True)
class Finding:
    check: str
    state: Literal["good", "note", "bad"]
    says: str


Check = Callable[[SqlStores, ShopClock], Finding]


def examine(settings: Settings, place: Place) -> list[Finding]:
    """All findings; a store that cannot be opened is the only one."""
    return list(_examine(settings, place))


def _examine(settings: Settings, place: Place) -> Iterator[Finding]:
    try:
        with opened_stores(settings, place) as stores:
            clock = build_clock(settings, stores)
            yield Finding("database", "good", f"{place.shown_database} opens and its schema is up to date.")
            for check in (_log, _clock, _model, _segments, _keys, _letters, _imports, _quarantine, _jobs, _processes):
                yield check(stores, clock)
            yield _prices(stores, settings.currency)
            yield _known_days(stores, settings.country, clock)
    except SmartShopError as error:
        yield Finding("database", "bad", str(error))
    built = storefront_folder()
    says = f"built in {built}" if built else "not built; `make run` builds it, the API works without"
    yield Finding("storefront", "good" if built else "note", says)


def _log(stores: SqlStores, _: ShopClock) -> Finding:
    size = stores.log.size()
    if not size.events:
        return Finding("log", "note", "No events yet: `smartshop import …` brings a history, clients send events.")
    return Finding("log", "good", f"{size.events:,} events.")


def _clock(stores: SqlStores, clock: ShopClock) -> Finding:
    if not clock.stands_still:
        return Finding("clock", "good", f"The shop lives in real time, in {clock.timezone.key}.")
    at = to_datetime(clock.shop_now()).date()
    return Finding("clock", "note", f"The newest event is of {at}: slates and learning are as of then.")


def _model(stores: SqlStores, _: ShopClock) -> Finding:
    record = stores.models.promoted("recommendation")
    if record is None:
        return Finding("model", "note", "No model yet: slates show the newest products; `smartshop train` learns one.")
    try:
        stores.models.open(record)
    except ModelRefused as error:
        return Finding("model", "bad", f"{error} Run `smartshop train` for a new one.")
    return Finding("model", "good", f"recommendation {record.version} is whole and promoted.")


def _segments(stores: SqlStores, _: ShopClock) -> Finding:
    newest = next(iter(stores.standings.refits(1)), None)
    if newest is None:
        return Finding("segments", "note", "Nothing was learned of customers yet; `smartshop train segmentation` does.")
    if newest.held_back and newest.accepted_at is None:
        says = f"{newest.note} Look with `smartshop segments`; `--accept {newest.version}` lets it serve."
        return Finding("segments", "note", says)
    return Finding(
        "segments", "good", f"{newest.customers:,} customers stand as of {to_datetime(newest.as_of).date()}."
    )


def _keys(stores: SqlStores, _: ShopClock) -> Finding:
    living = [key.kind for key in stores.keys.all() if key.revoked_at is None]
    missing = [kind for kind in ("secret", "publishable") if kind not in living]
    if missing:
        return Finding("keys", "note", f"No {missing[0]} key; `smartshop keys create {missing[0]}` makes one.")
    return Finding("keys", "good", f"{living.count('secret')} secret, {living.count('publishable')} publishable.")


def _letters(stores: SqlStores, _: ShopClock) -> Finding:
    dead = stores.dead_letters.page(limit=1000)
    if not dead:
        return Finding("agents", "good", "No message failed for good.")
    newest = dead[-1]
    return Finding("agents", "bad", f"{len(dead)} messages failed; the newest in {newest.agent}: {newest.error[:200]}")


def _imports(stores: SqlStores, _: ShopClock) -> Finding:
    marks = stores.imports.all()
    cut = [mark.import_key for mark in marks if not mark.finished]
    if cut:
        says = f"{', '.join(cut)} stopped on the way; `smartshop import` with the same file goes on from there."
        return Finding("imports", "note", says)
    refused = sum(count for mark in marks for what, count in mark.report.items() if what.startswith(REFUSED))
    if refused:
        return Finding("imports", "note", f"{refused:,} rows of files were refused; the quarantine folder says why.")
    return Finding("imports", "good", f"{len(marks)} files came in whole.")


def _jobs(stores: SqlStores, _: ShopClock) -> Finding:
    newest = {job.name: job for job in reversed(stores.jobs.recent(50))}
    failed = [job for job in newest.values() if job.state == "failed"]
    if failed:
        return Finding("jobs", "bad", f"{failed[0].name} failed: {failed[0].note[-200:]}")
    return Finding(
        "jobs", "good", ", ".join(f"{job.name} is {job.state}" for job in newest.values()) or "None ran yet."
    )


def _prices(stores: SqlStores, currency: str) -> Finding:
    """Whether offers are in the currency that the shop shows; no other is ever seen."""
    listed = stores.catalogue.page(None, PRICES_LOOKED_AT)
    every = [{offer.currency for variant in item.product.variants for offer in variant.offers} for item in listed]
    priced = [currencies for currencies in every if currencies]
    foreign = [currencies for currencies in priced if currency not in currencies]
    if not foreign:
        return Finding("prices", "good", f"Offers are in {currency}.")
    theirs = sorted(set().union(*foreign))
    says = (
        f"{len(foreign):,} of {len(listed):,} products have no price in {currency}, only in {', '.join(theirs)}, "
        f"and cannot be bought; set SMARTSHOP_CURRENCY={theirs[0]} or give them one in {currency}."
    )
    return Finding("prices", "bad" if foreign == priced else "note", says)


def _known_days(stores: SqlStores, country: str | None, clock: ShopClock) -> Finding:
    """What forecasts may know of days beyond the books."""
    _, why_not = holiday_country(country)
    if why_not:
        return Finding("known days", "note", f"SMARTSHOP_COUNTRY={country}: {why_not}")
    summary, today = stores.demand_causes.summary(), clock.day(clock.shop_now())
    stale = [one for one in summary if one.kind is CauseKind.WEATHER and one.last_day < today]
    if stale:
        names = ", ".join(f"{one.name} of {one.last_day}" for one in stale)
        says = f"Last told was {names}: forecasts take the weather since as usual. Feed it daily, with days to come."
        return Finding("known days", "note", says)
    told = [f"{one.name} ({one.kind.value}, until {one.last_day})" for one in summary]
    holidays = [] if country is None else [f"public holidays of {country}"]
    if not (told or holidays):
        says = (
            "Forecasts know no holidays, events or weather; SMARTSHOP_COUNTRY and `smartshop import causes` tell them."
        )
        return Finding("known days", "note", says)
    shown = [*holidays, *told[:SHOWN_NAMES]]
    more = f" and {len(told) - SHOWN_NAMES} more" if len(told) > SHOWN_NAMES else ""
    return Finding("known days", "good", f"{', '.join(shown)}{more}.")


def _quarantine(stores: SqlStores, _: ShopClock) -> Finding:
    counts = stores.quarantine.counts()
    if not counts:
        return Finding("quarantine", "good", "Nothing was refused.")
    most = ", ".join(f"{count} × {reason}" for reason, count in sorted(counts.items(), key=lambda found: -found[1])[:4])
    return Finding("quarantine", "note", f"{most}; `smartshop quarantine list` shows them.")


def _processes(stores: SqlStores, clock: ShopClock) -> Finding:
    silent = [name for name, (at, _) in stores.jobs.beats().items() if clock.now() - at > SILENT_AFTER]
    running = [name for name, (at, _) in stores.jobs.beats().items() if clock.now() - at <= SILENT_AFTER]
    if not running:
        return Finding("processes", "note", "The shop is closed; `smartshop up` opens it.")
    if silent:
        return Finding("processes", "bad", f"{', '.join(silent)} fell silent while {', '.join(running)} runs.")
    return Finding("processes", "good", f"{', '.join(sorted(running))} report.")
