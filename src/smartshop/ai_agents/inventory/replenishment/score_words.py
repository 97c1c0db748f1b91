"""Scores of proposals as a person would say them, and as a table."""

from collections.abc import Iterator

from rich.box import SIMPLE_HEAD
from rich.table import Table

from smartshop.ai_agents.inventory.replenishment.score_view import ProposalScores, ScoredShare, ScoreGroup
from smartshop.data_collection.schemas.money import written, written_whole
from smartshop.data_collection.schemas.proposals import KeptProposal, ProposalScore, ToldProposal

NAME_WIDTH = 20


def score_sentence(kept: KeptProposal) -> str:
    """How one decision turned out."""
    told, score = kept.told, kept.score
    if score is None:
        return f"Its time, {told.stretch_days} days from its decision on, is not over or was not looked at yet."
    if score.left_out is not None:
        return score.left_out
    return f"{_demand(told, score)} {_stock(score)} {_money(told, score)}"


def _demand(told: ToldProposal, score: ProposalScore) -> str:
    band = f"{told.told_10:,.0f} to {told.told_90:,.0f}"
    came = f"{score.asked_for:,.0f} {'was' if round(score.asked_for) == 1 else 'were'} asked for"
    return f"In {told.stretch_days} days {came}; {told.mean:,.1f} were expected, {band} in eight of ten cases."


def _stock(score: ProposalScore) -> str:
    out = "It was never out of stock"
    if score.days_out > 0:
        out = f"It was out of stock for {score.days_out:.1f} days, and about {score.short:,.1f} were asked for in vain"
    return f"{out}; {score.left:,} {'was' if score.left == 1 else 'were'} left."


def _money(told: ToldProposal, score: ProposalScore) -> str:
    currency = told.costs.currency
    nothing, best = written(round(score.without_order), currency), written(round(score.with_hindsight), currency)
    hindsight = f"with hindsight {best}, by ordering {score.best_units or 'nothing'}"
    if told.units == 0:
        return f"Not ordering cost {nothing}; {hindsight}."
    proposed = written(round(score.as_proposed), currency)
    return f"Ordering {told.units:,} costs {proposed} over that time, no order {nothing}, {hindsight}."


def scores_in_words(found: ProposalScores) -> list[str]:
    """What an operator should know, in sentences."""
    return [*_orders_in_words(found), *_law_in_words(found), *_left_out_in_words(found)]


def _orders_in_words(found: ProposalScores) -> Iterator[str]:
    orders = found.whole.orders
    if orders is None:
        yield "No proposal's time is over yet, so none is scored."
        return
    yield (
        f"Of {orders.proposals:,} proposal{_s(orders.proposals)} whose time is over, {orders.followed:,} "
        f"{'was' if orders.followed == 1 else 'were'} ordered."
    )
    yield (
        f"The orders as proposed were told to be enough in {_percent(orders.told_service)} of cases, and would have "
        f"been in {_interval(orders.reached_service)}."
    )
    proposed, nothing, best = (
        written(minor, found.currency)
        for minor in (orders.as_proposed_minor, orders.without_order_minor, orders.with_hindsight_minor)
    )
    yield (
        f"Stock and missed sales cost {proposed} with the orders as proposed, {nothing} without any, {best} with "
        "hindsight."
    )
    out = orders.days_out / orders.days
    missed = orders.short / orders.asked_for if orders.asked_for > 0 else 0.0
    yield f"As it truly went, stock was out on {_percent(out)} of days, and {_percent(missed)} of demand was missed."


def _law_in_words(found: ProposalScores) -> Iterator[str]:
    law = found.whole.law
    if law is None:
        return
    if law.mean_told > 0:
        more = law.came / law.mean_told - 1.0
        than = f"{_percent(abs(more))} {'more' if more >= 0 else 'less'} than expected"
        told = than if abs(more) >= 0.005 else "as much as expected"
        yield f"Of {law.decisions:,} decisions picked by the calendar: {told} was asked for."
    yield (
        f"Demand came at or below its 50 % level in {_interval(law.within_50)} of them, at or below its 90 % level in "
        f"{_interval(law.within_90)}."
    )
    yield (
        f"To run out before an order could come was told to have a chance of {_percent(law.told_short_before)}, and "
        f"came true in {_interval(law.ran_short_before)} of them."
    )


def _left_out_in_words(found: ProposalScores) -> Iterator[str]:
    if found.could_not_be_judged:
        why = "gone from the catalogue, or without stock for too long"
        yield f"{found.could_not_be_judged:,} could not be judged: {why}."
    if found.in_another_currency:
        yield f"{found.in_another_currency:,} were told in another currency than {found.currency} and are in no sum."


def as_score_table(found: ProposalScores) -> Table:
    """Groups of decisions in one row each; narrow enough for eighty columns. `--json` tells the rest."""
    title = f"Proposals and what came, {found.since} to {found.until}; money in {found.currency}"
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("", min_width=NAME_WIDTH, max_width=NAME_WIDTH, overflow="fold")
    for name in ("orders", "enough", "told", "cost", "none", "best", "≤50 %", "≤90 %"):
        table.add_column(name, justify="right", no_wrap=True)
    for group in (found.whole, *found.by_class, *found.by_supplier):
        table.add_row(*_row(group, found.currency))
    return table


def _row(group: ScoreGroup, currency: str) -> tuple[str, ...]:
    orders, law, unknown = group.orders, group.law, "–"
    of_orders: tuple[str, ...] = (unknown,) * 6
    if orders is not None:
        costs = (orders.as_proposed_minor, orders.without_order_minor, orders.with_hindsight_minor)
        shares = (_percent(orders.reached_service.share), _percent(orders.told_service))
        of_orders = (f"{orders.proposals:,}", *shares, *(written_whole(minor, currency) for minor in costs))
    of_law: tuple[str, ...] = (unknown,) * 2
    if law is not None:
        of_law = (_percent(law.within_50.share), _percent(law.within_90.share))
    return (group.name, *of_orders, *of_law)


def _interval(found: ScoredShare) -> str:
    if found.low is None or found.high is None:
        return _percent(found.share)
    return f"{_percent(found.share)} ({100 * found.low:.0f} to {100 * found.high:.0f})"


def _percent(share: float) -> str:
    """Nearly all is not all.

    >>> _percent(0.9969), _percent(0.25)
    ('99.7 %', '25 %')
    """
    return f"{100.0 * share:.1f} %" if 0.99 < share < 0.9995 else f"{100.0 * share:.0f} %"


def _s(count: int) -> str:
    return "" if count == 1 else "s"
