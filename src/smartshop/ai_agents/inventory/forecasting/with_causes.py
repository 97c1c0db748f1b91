"""Any forecast of counts, told what holidays, events and weather do: taken off what was wanted, put on what is told."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from smartshop.ai_agents.inventory.forecasting.calendar import PROMOTION, WEATHER_PREFIX, cause_ahead, is_told
from smartshop.ai_agents.inventory.forecasting.cause_effects import (
    DAILY_EFFECTS,
    WEEKLY_EFFECTS,
    EffectsConfig,
    learn_effects,
)
from smartshop.ai_agents.inventory.forecasting.counts import RecentCounts, whole_units
from smartshop.ai_agents.inventory.forecasting.panel import Candidate, Forecast, Panel, tidy
from smartshop.ai_agents.inventory.forecasting.shared_season import SharedSeason

KNOWING = ", knowing causes"
"""After the name of a forecast that is told of causes."""


@dataclass(frozen=True, slots=True)
class WithCauses:
    """Another forecast, of demand as it would have been at usual causes."""

    name: ClassVar[str] = "with causes"
    candidate: Candidate
    causes: tuple[str, ...]
    """That are taken off; those of them that the panel does not have are passed over."""
    config: EffectsConfig = DAILY_EFFECTS

    def forecast(self, panel: Panel, horizon: int, levels: Sequence[float]) -> Forecast:
        """Raises:
        ValueError: a cause is not known so far ahead.
        """
        names = [name for name in self.causes if name in panel.causes]
        for name in names:
            cause_ahead(panel, name, horizon)
        effects = learn_effects(panel, names, self.config)
        moved = effects.factors(panel.causes, 0, panel.periods + horizon)
        others = {name: cause for name, cause in panel.causes.items() if name not in names}
        plain = replace(panel, demand=panel.demand / moved[:, : panel.periods], causes=others)
        told = self.candidate.forecast(plain, horizon, levels)
        ahead = moved[:, panel.periods :]
        return tidy(told.mean * ahead, whole_units(panel, told.quantiles * ahead[..., None]))


@dataclass(frozen=True, slots=True)
class WithoutCauses:
    """Another forecast, told nothing of them."""

    name: ClassVar[str] = "without causes"
    candidate: Candidate
    causes: tuple[str, ...]

    def forecast(self, panel: Panel, horizon: int, levels: Sequence[float]) -> Forecast:
        others = {name: cause for name, cause in panel.causes.items() if name not in self.causes}
        return self.candidate.forecast(replace(panel, causes=others), horizon, levels)


def told_causes(panel: Panel) -> tuple[str, ...]:
    """Holidays of the country, events and weather."""
    return tuple(name for name in sorted(panel.causes) if is_told(name))


def causes_by_week(panel: Panel) -> tuple[str, ...]:
    """Promotions, holidays and events. One week of the weather is told, and no forecast of weeks was better for it."""
    names = (name for name in told_causes(panel) if not name.startswith(WEATHER_PREFIX))
    return (*names, PROMOTION) if PROMOTION in panel.causes else tuple(names)


def knowing_by_week(panel: Panel) -> dict[str, Candidate]:
    """By name, those of weekly counts; none where no promotion, holiday or event is known."""
    causes = causes_by_week(panel)
    if not causes:
        return {}
    plain: dict[str, Candidate] = {
        "negative binomial": RecentCounts(),
        "shared season": SharedSeason(),
        "shared season, slow": SharedSeason(half_life_years=4.0),
    }
    return {f"{name}{KNOWING}": WithCauses(one, causes, WEEKLY_EFFECTS) for name, one in plain.items()}
