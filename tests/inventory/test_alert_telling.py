"""How grave a warning is, how it is told, and which are told when there are too many."""

from smartshop.ai_agents.inventory.alerts.found import Telling, id_of, most_at_stake
from smartshop.ai_agents.inventory.alerts.stakes import Stakes
from smartshop.ai_agents.inventory.alerts.stockout import StockoutConfig, stockout_risk
from smartshop.data_collection.schemas.alerts import AlertKind, AlertSubject, FoundAlert, Severity
from smartshop.data_collection.schemas.ids import LocationId, VariantId
from tests.inventory.alert_cases import MAIN, facts, model


def test_severity_is_by_the_shops_own_turnover() -> None:
    small, large = Stakes(10_000.0), Stakes(10_000_000.0)
    assert (small.severity(500), large.severity(500)) == (Severity.HIGH, Severity.LOW)
    assert Stakes(0.0).severity(0) is Severity.LOW


def test_an_alert_is_told_in_the_shops_money_under_a_stable_id() -> None:
    telling = Telling(Stakes(10_000.0), "JPY", "2026-01-05", frozenset())
    told = stockout_risk(model(7.0), facts(2), StockoutConfig(), is_open=False)
    assert told is not None
    one = telling.tell(facts(2).subject, told, told.lost_margin_minor)
    assert one.alert_id == id_of(AlertKind.STOCKOUT_RISK, facts(9).subject)
    assert " JPY of margin" in one.words
    assert one.since == "2026-01-05"
    other = AlertSubject(variant_id=VariantId("mug"), location_id=LocationId("harbour"))
    assert one.alert_id != id_of(AlertKind.STOCKOUT_RISK, other)


class TestAtTheEdge:
    """More of a kind than are told."""

    @staticmethod
    def found(name: str, worth: int, turnover: float = 1e9) -> FoundAlert:
        told = stockout_risk(model(7.0), facts(2), StockoutConfig(), is_open=False)
        assert told is not None
        subject = AlertSubject(variant_id=VariantId(name), location_id=MAIN)
        return Telling(Stakes(turnover), "GBP", "2026-01-05", frozenset()).tell(subject, told, worth)

    def test_those_with_most_at_stake_are_told(self) -> None:
        low, middle, high = (self.found(name, worth) for name, worth in (("a", 1), ("b", 2), ("c", 3)))
        assert most_at_stake([low, middle, high], 2, frozenset()) == [high, middle]

    def test_an_open_one_keeps_its_place_when_another_is_worth_a_little_more(self) -> None:
        first, other = self.found("a", 100), self.found("b", 99)
        assert most_at_stake([first, other], 1, frozenset()) == [first]
        first, other = self.found("a", 99), self.found("b", 100)
        assert most_at_stake([first, other], 1, {first.alert_id}) == [first]
        assert most_at_stake([other], 1, {first.alert_id}) == [other]

    def test_what_is_grave_does_not_wait_for_small_ones(self) -> None:
        small = [self.found(f"small-{number}", 10) for number in range(3)]
        grave = self.found("grave", 900, turnover=10_000.0)
        open_ids = {one.alert_id for one in small}
        assert most_at_stake([*small, grave], 3, open_ids) == [*sorted(small, key=lambda one: one.alert_id), grave]
