"""What `bench.demand_counts` judges: which series, from which origins, by which loss.

The demanded series of online_retail (ranks 1 to 500 by units) and of m5 (draw 0) have been looked at more than once.
Others of the same shops were not, nor was anything chosen by them in the judged periods: `--ranks 501 1000`,
`--ranks 1001 1500` and `--draw 1` judge the rule and the candidates as they stand, by the same protocol. Said before
they were first run: one of them confirms the rule where the chosen forecast is below *each* simple baseline with a 95 %
interval over series that excludes 0; whether it is also 2 % below is told beside it, and so is every origin. Nothing is
changed for what they say.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.demand_counts_data import TOP_PRODUCTS, load_carparts, load_m5, load_online_retail
from bench.demand_counts_table import Protocol
from smartshop.ai_agents.inventory.forecasting.choosing import pinball_loss, scaled_loss
from smartshop.ai_agents.inventory.forecasting.panel import Panel


@dataclass(frozen=True, slots=True)
class Series:
    """Which of a set's series are judged."""

    ranks: tuple[int, int] = TOP_PRODUCTS
    """Of online_retail, by units before the first origin, counted from 1, the last included."""
    draw: int = 0
    """Of m5: seed of `draw_series`."""


USUAL_SERIES = Series()
_M5 = "Full months, 1,000 series"


def _carparts(path: Path, series: Series) -> tuple[Panel, Protocol]:
    how = "Complete series, 6 months, train to months 33/39/45; mean pinball loss, unscaled."
    return load_carparts(path), Protocol(
        "carparts", 6, (33, 39, 45), (15, 21, 27), pinball_loss, 0.015, "negative binomial", how
    )


def _online_retail(path: Path, series: Series) -> tuple[Panel, Protocol]:
    panel = load_online_retail(path, horizon=8, origins=4, ranks=series.ranks)
    origins = tuple(panel.periods - 8 * back for back in (4, 3, 2, 1))
    first, last = series.ranks
    name = "online_retail" if series.ranks == TOP_PRODUCTS else f"online_retail_{first}_to_{last}"
    taken = f"Ranks {first} to {last} by units before the first origin"
    how = f"{taken}, full weeks, 8 ahead, last 4 origins; mean pinball loss, unscaled."
    earlier = tuple(origins[0] - 8 * back for back in (5, 4, 3, 2, 1))
    return panel, Protocol(name, 8, origins, earlier, pinball_loss, 0.02, "fading empirical", how)


def _m5(path: Path, series: Series) -> tuple[Panel, Protocol]:
    panel = load_m5(path, series.draw)
    origins = tuple(panel.periods - 3 * back for back in (4, 3, 2, 1))
    earlier = tuple(panel.periods - 3 * back for back in (9, 8, 7, 6, 5))
    name = "m5_walmart" if series.draw == 0 else f"m5_walmart_draw_{series.draw}"
    how = f"{_M5} (draw {series.draw}), 3 months, last four origins; mean RMSSE from the first sale on."
    return panel, Protocol(name, 3, origins, earlier, scaled_loss, 0.03, "", how, levels=())


def _m5_pinball(path: Path, series: Series) -> tuple[Panel, Protocol]:
    panel, means = _m5(path, series)
    how = f"{_M5} (draw {series.draw}), 3 months, last four origins; mean pinball loss, unscaled."
    name = f"{means.name}_pinball"
    return panel, Protocol(name, 3, means.origins, means.earlier, pinball_loss, 0.0, "fading empirical", how)


PROTOCOLS: Mapping[str, Callable[[Path, Series], tuple[Panel, Protocol]]] = {
    "carparts": _carparts,
    "online_retail": _online_retail,
    "m5": _m5,
    "m5_pinball": _m5_pinball,
}
