"""The route of a forecast of counts: candidates, their trial on the past, the choice, the forecast."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec

from smartshop.ai_agents.inventory.forecasting.boosted_counts import BoostedCounts, Told
from smartshop.ai_agents.inventory.forecasting.choosing import Choice, Loss, Policy, choose, pinball_loss, try_out
from smartshop.ai_agents.inventory.forecasting.counts import RecentCounts
from smartshop.ai_agents.inventory.forecasting.empirical import FadingEmpirical
from smartshop.ai_agents.inventory.forecasting.intermittent import TSB, CrostonSBA
from smartshop.ai_agents.inventory.forecasting.panel import Candidate, Forecast, Panel
from smartshop.ai_agents.inventory.forecasting.shared_season import SharedSeason

SIMPLE = (FadingEmpirical.name, RecentCounts.name)
"""What no candidate may lose to in the class of series where it is used."""
TRIES, LEAST_PERIODS = 4, 6
"""Earlier origins on which is chosen, and the periods that must be known at the first of them."""


def plain_candidates() -> dict[str, Candidate]:
    """A level and its scatter, as plain arrays over all series at once."""
    return {one.name: one for one in (FadingEmpirical(), RecentCounts(), CrostonSBA(), TSB())}


def light_candidates() -> dict[str, Candidate]:
    """What every series is tried with: those, a slower level, and a level times the season that its like share."""
    return plain_candidates() | {
        "TSB, slow": TSB(0.1, 0.03),
        "shared season": SharedSeason(),
        "shared season, slow": SharedSeason(half_life_years=4.0),
    }


def boosted_candidates(threads: int = 1) -> dict[str, Candidate]:
    """Beside them one learner over all series, in units and in shares; none where LightGBM is not installed."""
    if find_spec("lightgbm") is None:
        return {}
    return {
        "boosted trees": BoostedCounts(Told.UNITS, threads=threads),
        "boosted trees, in shares": BoostedCounts(Told.SHARES, threads=threads),
    }


@dataclass(frozen=True, slots=True)
class ChosenForecast:
    """A forecast, and how it came about."""

    forecast: Forecast
    choice: Choice


def forecast_counts(
    panel: Panel,
    horizon: int,
    levels: Sequence[float],
    candidates: Mapping[str, Candidate],
    *,
    loss: Loss = pinball_loss,
    policy: Policy = Policy(SIMPLE),  # noqa: B008 — frozen
    progress: Callable[[str, int], None] = lambda name, origin: None,
) -> ChosenForecast:
    """Tries the candidates on the last origins of the past, then fits those that are needed on all of it.

    Raises:
        ValueError: a baseline of the policy is not among the candidates.
    """
    if missing := set(policy.simple) - set(candidates):
        raise ValueError(f"The baseline {sorted(missing)[0]!r} is no candidate; there are {', '.join(candidates)}.")
    back = [panel.periods - horizon * times for times in range(TRIES, 0, -1)]
    origins = [origin for origin in back if origin >= LEAST_PERIODS]
    choice = choose(try_out(panel, candidates, horizon, levels, origins, progress=progress), loss, policy)
    told: dict[str, Forecast] = {}
    for name in choice.used():
        progress(name, panel.periods)
        told[name] = candidates[name].forecast(panel, horizon, levels)
    return ChosenForecast(choice.mix(panel, told), choice)
