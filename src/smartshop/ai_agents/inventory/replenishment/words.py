"""A proposal as a person would say it, and all of them as a table."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date

from rich.box import SIMPLE_HEAD
from rich.table import Table

from smartshop.ai_agents.inventory.replenishment.proposal_records import JointOrder, Proposal, Proposals
from smartshop.data_collection.schemas.money import written, written_whole

NAME_WIDTH = 20


def sentence(one: Proposal, currency: str) -> str:
    """What to do, and why, in words.

    Sentences of their own: what to order, how things stand, what the order reaches, what other sizes would cost.
    """
    return " ".join(part for part in (_order(one, currency), _state(one), _reach(one), _sizes(one, currency)) if part)


def _order(one: Proposal, currency: str) -> str:
    of = "" if one.pack_size == 1 else f" ({one.packs} pack{_s(one.packs)} of {one.pack_size})"
    whom = "a supplier to be found" if one.supplier_name is None else one.supplier_name
    return f"Order {one.units:,} of {one.title}{of} from {whom} for {written(one.goods_minor, currency)}."


def _state(one: Proposal) -> str:
    lead = f"delivery takes {one.lead_days:.0f} ± {one.lead_spread_days:.0f} days ({one.lead_source})"
    out = "it runs out" if _is_free(one) else "somebody asks in vain"
    short = f"in {_percent(one.chance_short_before)} of cases {out} before"
    return f"{_there(one)}; {_rate(one.per_day)} asked for{_gone(one)}; {lead}, and {short}."


def _there(one: Proposal) -> str:
    verb = "is" if one.on_hand <= 1 else "are"
    there = f"There {verb} {one.on_hand:,} on the shelf" if one.on_hand > 0 else "There is none now"
    if one.reserved and one.on_hand > 0:
        there += f", {f'{one.reserved:,} of them' if _is_free(one) else 'all'} kept for baskets"
    return f"{there}, {one.incoming:,} on the way" if one.incoming else there


def _gone(one: Proposal) -> str:
    if not _is_free(one):
        return ""
    return ", so it lasts for half a year" if one.out_on is None else f", so it is gone by {_day(one.out_on)}"


def _is_free(one: Proposal) -> bool:
    """Whether anybody can buy any now."""
    return one.on_hand > one.reserved


def _reach(one: Proposal) -> str:
    cover = "" if one.covers_days is None else f" and covers {one.covers_days:.0f} days"
    return f"The order meets all demand until the next with {_percent(one.service_level)}{cover}."


def _sizes(one: Proposal, currency: str) -> str:
    told = []
    if one.one_pack_less_minor is not None:
        told.append(f"one pack less would cost {written(one.one_pack_less_minor, currency)} more")
    if one.one_pack_more_minor is not None:
        told.append(f"one pack more {written(one.one_pack_more_minor, currency)}")
    told.append(f"waiting {written(one.waiting_minor, currency)}")
    notes = f" Note: {'; '.join(one.notes)}." if one.notes else ""
    text = ", ".join(told)
    return f"{text[0].upper()}{text[1:]}.{notes}"


def as_table(found: Proposals) -> Table:
    """All proposals by the order that they make together, the costliest to wait with first in each; narrow enough for
    eighty columns. `--json` tells the rest."""
    title = f"What to order, {found.as_of}; money in {found.currency}"
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("product", min_width=NAME_WIDTH, overflow="fold")
    for name in ("order", "there", "a day", "out on", "service", "cash", "waiting"):
        table.add_column(name, justify="right", no_wrap=True)
    lines: defaultdict[object, list[Proposal]] = defaultdict(list)
    for one in found.items:
        lines[one.supplier_id, one.location_id].append(one)
    for order in found.orders:
        own = lines.pop((order.supplier_id, order.location_id))
        _add_order(table, order, own, found.currency)
    rest = [one for of_nobody in lines.values() for one in of_nobody]
    if rest:
        table.add_section()
        table.add_row("from a supplier to be found", style="bold")
        _add_lines(table, rest, found.currency)
    return table


def _add_order(table: Table, order: JointOrder, lines: Sequence[Proposal], currency: str) -> None:
    """What goes to one supplier: the sum, then its lines, then what the order costs by itself."""
    table.add_section()
    total, waiting = order.total_minor, sum(one.waiting_minor for one in lines)
    told = (f"{order.units:,}", "", "", "", "", written_whole(total, currency), written_whole(waiting, currency))
    table.add_row(f"{order.supplier_name}, to {order.location_id}", *told, style="bold")
    _add_lines(table, lines, currency)
    if order.fixed_cost_minor:
        table.add_row("  the order itself", "", "", "", "", "", written_whole(order.fixed_cost_minor, currency))


def _add_lines(table: Table, lines: Sequence[Proposal], currency: str) -> None:
    for one in lines:
        coming = f" + {one.incoming:,}" if one.incoming else ""
        table.add_row(
            f"  {one.title}",
            f"{one.units:,}",
            f"{one.on_hand - one.reserved:,}{coming}",
            f"{one.per_day:.2g}",
            "–" if one.out_on is None else f"{date.fromisoformat(one.out_on):%d %b}",
            _percent(one.service_level),
            written_whole(one.goods_minor, currency),
            written_whole(one.waiting_minor, currency),
        )


def order_sentences(found: Proposals, drafted: Mapping[str, str]) -> Iterator[str]:
    """What to know of each order before it is made, and how to make it. `drafted`: proposal → order made from it."""
    for order in found.orders:
        own = (order.supplier_id, order.location_id)
        lines = [one for one in found.items if (one.supplier_id, one.location_id) == own]
        made = [drafted[one.proposal_id] for one in lines if one.proposal_id in drafted]
        notes = "".join(f" Note: {note}." for note in order.notes)
        yield f"{_together(order, found.currency)} {_drafting(order, len(lines), made)}{notes}"


def _together(order: JointOrder, currency: str) -> str:
    goods = f"{order.lines} product{_s(order.lines)} for {written(order.goods_minor, currency)}"
    if order.fixed_cost_minor:
        goods += f", and {written(order.fixed_cost_minor, currency)} for the order itself"
    return f"{order.supplier_name}, to {order.location_id}: {goods}."


def _drafting(order: JointOrder, lines: int, made: Sequence[str]) -> str:
    numbers = ", ".join(dict.fromkeys(made))
    if len(made) == lines:
        return f"Drafted as {numbers}."
    some = f"{len(made)} of them drafted as {numbers}; the rest: " if made else ""
    return f"{some}`smartshop reorder --draft {order.supplier_id} --to {order.location_id}` drafts it."


def summary(found: Proposals) -> str:
    """How much was looked at, and what it comes to."""
    text = f"{len(found.items):,} of {found.looked_at:,} stocked variants to order"
    if found.orders:
        text += f", in {len(found.orders)} order{_s(len(found.orders))}"
    text += f": goods for {written(found.cash_minor, found.currency)}."
    if found.budget_minor is not None:
        text += f" The budget of {written(found.budget_minor, found.currency)} leaves out {found.left_out}."
    if found.never_sold:
        text += f" {found.never_sold:,} were never sold where they lie, nor was enough like them launched: nothing is"
        text += " foreseen of them."
    return text


def _rate(per_day: float) -> str:
    if per_day >= 1.0:
        return f"{per_day:.1f} a day are"
    if per_day * 7.0 >= 1.0:
        return f"{per_day * 7.0:.1f} a week are"
    return f"{per_day * 30.0:.1f} a month are"


def _percent(share: float) -> str:
    return f"{100.0 * share:.0f} %"


def _day(text: str) -> str:
    day = date.fromisoformat(text)
    return f"{day.day} {day:%B %Y}"


def _s(count: int) -> str:
    return "" if count == 1 else "s"
