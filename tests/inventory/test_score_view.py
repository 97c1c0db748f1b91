"""Scores of many decisions together: which of them count, in groups, in words and as a table."""

from io import StringIO

from msgspec.structs import replace
from rich.console import Console

from smartshop.ai_agents.inventory.replenishment.score_parts import once_at_a_time, parts_of
from smartshop.ai_agents.inventory.replenishment.score_view import ProposalScores, scores_of
from smartshop.ai_agents.inventory.replenishment.score_words import as_score_table, score_sentence, scores_in_words
from smartshop.data_collection.schemas.ids import SupplierId, VariantId
from smartshop.data_collection.schemas.proposals import KeptProposal
from smartshop.data_collection.schemas.supply import PurchaseOrderId
from tests.connectors.test_proposals_contract import score, told

NAMES = ("kettle", "mug", "lamp", "rug", "vase", "pan", "pot", "cup", "jug", "tray", "bowl", "dish")


def kept(
    name: str, days: float = 0.0, *, units: int = 10, met: float = 0.4, in_turn: bool = False, followed: bool = False
) -> KeptProposal:
    number = f"{name}-{days}"
    decision = replace(told(number, days, units), variant_id=VariantId(name), in_turn=in_turn)
    scored = replace(
        score(number),
        level_met=met,
        told_covered=0.9,
        covered=met < 0.95,
        short=3.0,
        days_out=1.5,
        as_proposed=100.0,
        without_order=500.0 if units else 100.0,
        with_hindsight=80.0,
    )
    return KeptProposal(told=decision, followed_by=PurchaseOrderId("po") if followed else None, score=scored)


def counted(kept_in_order: list[KeptProposal]) -> list[str]:
    """Ids of the proposals that count; no two of one place are decided at once here."""
    ids = {(one.told.variant_id, one.told.decided_at): one.told.proposal_id for one in kept_in_order}
    parts = parts_of(kept_in_order)
    variant = {number: place[0] for place, number in parts.names.places.items()}
    return [ids[variant[row["place"].item()], row["decided_at"].item()] for row in once_at_a_time(parts.rows)]


def seen(decisions: list[KeptProposal]) -> ProposalScores:
    return scores_of(parts_of(decisions), "2026-01-01", "2026-03-31", "GBP")


def test_the_same_proposal_on_several_days_counts_once() -> None:
    days = [kept("kettle", day) for day in (0.0, 1.0, 11.9, 12.0, 13.0)] + [kept("mug", 1.0)]
    assert counted(days) == ["kettle-0.0", "kettle-12.0", "mug-1.0"]


def test_of_the_same_proposal_the_one_that_was_followed_counts() -> None:
    days = [kept("kettle", 0.0), kept("kettle", 2.0, followed=True), kept("kettle", 4.0, followed=True)]
    assert counted(days) == ["kettle-2.0"]


def test_what_demand_was_told_is_judged_by_the_calendars_choice_and_money_by_orders() -> None:
    choice = [kept(name, units=0, met=(place + 0.5) / 12, in_turn=True) for place, name in enumerate(NAMES)]
    found = seen([*choice, kept("kettle", 1.0, met=0.99), kept("mug", 1.0)]).whole
    assert found.law is not None
    assert found.orders is not None
    assert (found.law.decisions, found.law.within_50.share) == (12, 0.5)
    assert found.law.within_50.low is not None
    assert found.law.within_50.low < 0.5 < (found.law.within_50.high or 0.0)
    assert (found.orders.proposals, found.orders.reached_service.share, found.orders.told_service) == (2, 0.5, 0.9)
    # Two places say nothing of how far others would stray.
    assert (found.orders.reached_service.low, found.orders.reached_service.high) == (None, None)
    assert (found.orders.as_proposed_minor, found.orders.without_order_minor) == (200, 1_000)


def test_groups_are_by_supplier_and_class() -> None:
    other = kept("mug")
    other = replace(
        other,
        told=replace(other.told, supplier_id=SupplierId("s"), supplier_name="Slow Boat", demand_class="CZ"),
    )
    found = seen([kept("kettle"), kept("lamp"), other])
    assert [(one.name, one.orders and one.orders.proposals) for one in found.by_supplier] == [
        ("nobody told", 2),
        ("Slow Boat", 1),
    ]
    assert [(one.name, one.orders and one.orders.proposals) for one in found.by_class] == [("A", 2), ("C", 1)]


def test_money_of_another_currency_is_in_no_sum_and_that_is_said() -> None:
    other = kept("mug")
    other = replace(other, told=replace(other.told, costs=replace(other.told.costs, currency="EUR")))
    found = seen([kept("kettle"), other])
    assert (found.in_another_currency, found.whole.orders and found.whole.orders.as_proposed_minor) == (1, 100)
    assert scores_in_words(found)[-1] == "1 were told in another currency than GBP and are in no sum."


def test_what_is_not_over_or_cannot_be_judged_is_counted_and_no_more() -> None:
    waiting, unknown = replace(kept("kettle"), score=None), kept("mug")
    assert unknown.score is not None
    unknown = replace(unknown, score=replace(unknown.score, left_out="Gone."))
    found = seen([waiting, unknown])
    assert (found.proposals, found.waiting, found.could_not_be_judged) == (2, 1, 1)
    assert (found.whole.orders, found.whole.law) == (None, None)
    assert score_sentence(unknown) == "Gone."
    assert "not over" in score_sentence(waiting)


def test_a_score_is_told_as_a_person_would() -> None:
    ordered, waited = score_sentence(kept("kettle")), score_sentence(kept("kettle", units=0))
    assert "12 were asked for; 11.5 were expected, 7 to 17 in eight of ten cases." in ordered
    assert "out of stock for 1.5 days, and about 3.0 were asked for in vain" in ordered
    assert "Ordering 10 costs 1.00 GBP over that time, no order 5.00 GBP, with hindsight 0.80 GBP" in ordered
    assert "Not ordering cost 1.00 GBP; with hindsight 0.80 GBP, by ordering nothing." in waited


def test_the_whole_is_told_in_sentences_and_fits_eighty_columns() -> None:
    choice = [kept(name, in_turn=True, followed=place < 3) for place, name in enumerate(NAMES)]
    dear = replace(choice[0], told=replace(choice[0].told, supplier_name="A Supplier of a Very Long Name & Sons Ltd"))
    big = replace(dear, score=replace(dear.score or score("x"), without_order=123_456_789.0))
    found = seen([big, *choice[1:]])
    words = scores_in_words(found)
    assert words[0] == "Of 12 proposals whose time is over, 3 were ordered."
    assert "told to be enough in 90 % of cases, and would have been in 100 % (100 to 100)" in words[1]
    assert "4 % more than expected" in words[4]
    assert "was told to have a chance of 20 %, and came true in 0 % (0 to 0) of them." in words[6]
    console = Console(width=80, record=True, file=StringIO())
    console.print(as_score_table(found))
    lines = console.export_text().splitlines()
    assert max(len(line.rstrip()) for line in lines) <= 80
    assert "…" not in "\n".join(lines)
