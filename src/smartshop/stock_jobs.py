"""The jobs of the inventory agent: it learns what will be asked for, and looks over the stock."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from smartshop.ai_agents.inventory.alerts.overstock import OverstockConfig
from smartshop.ai_agents.inventory.alerts.stock_alerts import StockConfigs
from smartshop.ai_agents.inventory.alerts.watching import AlertConfig, Watch, look_for_alerts
from smartshop.ai_agents.inventory.demand.causes import KnownCauses
from smartshop.ai_agents.inventory.demand.told_causes import holiday_country, in_words, known_causes
from smartshop.ai_agents.inventory.learning import Learning, learn_demand
from smartshop.ai_agents.inventory.looking_over import Desk, keep_decisions, score_decisions
from smartshop.ai_agents.inventory.stock_now import present_at, promoted_model, stores_of
from smartshop.ai_agents.inventory.weekly_choice import USUAL_CHOICE
from smartshop.data_collection.pipelines.clock import format_rfc3339
from smartshop.job_context import JobContext, Tell, rounded, shelf_of, until_now
from smartshop.upkeep_jobs import tell_demo_weather
from smartshop.wiring import cost_config


def train_inventory(context: JobContext) -> dict[str, Any]:
    """What will be asked for of every product at every place, and how long suppliers take.

    Argument `most_valuable`: how many series are tried with the models that are fitted one by one.
    """
    heavy = int(context.arguments.get("most_valuable", USUAL_CHOICE.most_valuable))
    config = replace(USUAL_CHOICE, most_valuable=heavy)
    if context.place.demo:
        tell_demo_weather(context)
    known, why_not = known_of_days(context)
    record = learn_demand(
        demand_learning(context), until=until_now(context), tell=context.tell, config=config, known=known
    )
    found = {"version": record.version, "as_of": format_rfc3339(record.data_until), **rounded(record.metrics)}
    return {**found, "known_of_days": " ".join(filter(None, (in_words(known) + ".", why_not)))}


def known_of_days(context: JobContext) -> tuple[KnownCauses, str]:
    """What the shop's keeper told of days, and why holidays of its country are not in it ("" where they are)."""
    country, why_not = holiday_country(context.settings.country)
    told = (cause for batch in context.stores.demand_causes.scan() for cause in batch)
    return known_causes(country, told), why_not


def demand_learning(context: JobContext) -> Learning:
    stores, settings = context.stores, context.settings
    return Learning(
        log=stores.log,
        orders=stores.orders,
        stock=stores.stock,
        catalogue=stores.catalogue,
        suppliers=stores.suppliers,
        purchase_orders=stores.purchase_orders,
        models=stores.models,
        shelf=shelf_of(context),
        currency=settings.currency,
        timezone=ZoneInfo(settings.timezone),
        scratch=context.place.folder / "learning_demand",
        prices=stores.prices,
        now=context.clock.now,
    )


def look_over_stock(context: JobContext) -> dict[str, Any]:
    """What to order is decided and kept, and what was decided before is judged by what came. As stock is now, whatever
    day is told; a second time on a day replaces what the first one decided.
    """
    watch_alerts = partial(_alerts_step, context)
    steps: tuple[Callable[[Desk, Tell], dict[str, int]], ...] = (keep_decisions, score_decisions, watch_alerts)
    desk, found = _desk(context), dict[str, Any]()
    for place, step in enumerate(steps):
        found |= step(desk, _part_of(context.tell, place, len(steps)))
    return found


def _alerts_step(context: JobContext, desk: Desk, tell: Tell) -> dict[str, int]:
    """What to warn the shop's keeper of; messages of new ones go out from the process that serves."""
    cover = OverstockConfig(cover_weeks=context.settings.overstock_weeks)
    watch = Watch(
        books=demand_learning(context),
        stores=desk.stores,
        alerts=context.stores.alerts,
        model=desk.model,
        present=desk.present,
        now=desk.now,
        config=AlertConfig(stock=StockConfigs(overstock=cover)),
    )
    return look_for_alerts(watch, tell)


def _part_of(tell: Tell, place: int, parts: int) -> Tell:
    """For a part of a job that knows nothing of the others."""
    return lambda share, what: tell((place + share) / parts, what)


def _desk(context: JobContext) -> Desk:
    stores, clock = context.stores, context.clock
    model, version = promoted_model(stores.models)
    return Desk(
        stores=stores_of(stores),
        orders=stores.orders,
        book=stores.proposals,
        model=model,
        version=version,
        shelf=shelf_of(context),
        present=present_at(clock, cost_config(context.settings)),
        timezone=clock.timezone,
        now=clock.now(),
    )
