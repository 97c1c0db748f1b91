"""What was measured of forecasts of counts, as a table and as figures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from bench.figures import Figure
from smartshop.ai_agents.inventory.forecasting.choosing import Loss
from smartshop.ai_agents.inventory.forecasting.measures import (
    Interval,
    ratio_interval,
    rmsse,
    share_below,
    tie_chances,
)
from smartshop.ai_agents.inventory.forecasting.panel import Floats, Forecast, Panel
from smartshop.ai_agents.inventory.forecasting.statistical import Model

LEVELS = (0.1, 0.25, 0.5, 0.75, 0.9)
CHOSEN = "chosen"


@dataclass(frozen=True, slots=True)
class Protocol:
    name: str
    horizon: int
    origins: tuple[int, ...]
    """Demanded: periods known at each."""
    earlier: tuple[int, ...]
    """Origins before them, from which settings and mixtures were chosen."""
    loss: Loss
    wanted: float
    """Share by which the chosen forecast must be below the rival."""
    rival: str
    """Name of the candidate that it is measured against; empty: the best single model of statsforecast."""
    how: str
    levels: tuple[float, ...] = LEVELS


@dataclass(frozen=True, slots=True)
class Result:
    protocol: Protocol
    panel: Panel
    told: Mapping[int, Mapping[str, Forecast]]
    losses: Mapping[str, Floats]
    """Name → (n, origins)"""
    used: Mapping[int, str]
    """Origin → what was mixed, class by class, in words."""
    seconds: Mapping[str, float] = field(default_factory=dict)
    """Name → processor seconds of its fits."""


def _rival(result: Result) -> str:
    if result.protocol.rival:
        return result.protocol.rival
    single = [name for name in result.losses if any(name == f"{model} counts" for model in Model)]
    return min(single, key=lambda name: float(np.nanmean(result.losses[name])))


def _below(result: Result, name: str) -> Interval:
    """How far below the rival, with the interval over series that have a loss at all."""
    ours, theirs = result.losses[name], result.losses[_rival(result)]
    some = np.isfinite(ours).any(axis=1) & np.isfinite(theirs).any(axis=1)
    return ratio_interval(ours[some], theirs[some], np.random.default_rng(0))


def as_table(result: Result) -> str:
    means = not result.protocol.rival
    origins = [f"at {origin}" for origin in result.protocol.origins]
    last = ["unit-weighted"] if means else [f"≤ q{level}" for level in LEVELS]
    header = ["forecast", "RMSSE" if means else "pinball", *origins, f"below {_rival(result)}", "95 %", *last, "CPU s"]
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    for name in sorted(result.losses, key=lambda one: float(np.nanmean(result.losses[one]))):
        below, losses = _below(result, name), result.losses[name]
        shown = [f"{np.nanmean(losses):.4f}", *(f"{np.nanmean(losses[:, k]):.4f}" for k in range(losses.shape[1]))]
        gained = [f"{below.value:+.1%}", f"{below.low:+.1%} to {below.high:+.1%}"]
        more = [f"{_unit_weighted(result, name):.4f}"] if means else [f"{share:.3f}" for share in _shares(result, name)]
        spent = result.seconds.get(name)
        cells = [name, *shown, *gained, *more, "" if spent is None else f"{spent:.1f}"]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def by_origin(result: Result, baselines: Sequence[str]) -> str:
    """How far the chosen forecast is below each of them: at each origin, and at all."""
    lines = ["| below | " + " | ".join([*(f"at {one}" for one in result.protocol.origins), "all"]) + " |"]
    lines.append("|" + "---|" * (len(result.protocol.origins) + 2))
    for name in baselines:
        told = [
            _told_below(result.losses[CHOSEN][:, [k]], result.losses[name][:, [k]]) for k in range(_origins(result))
        ]
        lines.append("| " + " | ".join([name, *told, _told_below(result.losses[CHOSEN], result.losses[name])]) + " |")
    return "\n".join(lines) + "\n"


def _origins(result: Result) -> int:
    return len(result.protocol.origins)


def _told_below(ours: Floats, theirs: Floats) -> str:
    some = np.isfinite(ours).any(axis=1) & np.isfinite(theirs).any(axis=1)
    below = ratio_interval(ours[some], theirs[some], np.random.default_rng(0))
    return f"{below.value:+.1%} [{below.low:+.1%}, {below.high:+.1%}]"


def _shares(result: Result, name: str) -> list[float]:
    """Of what came, at or below each quantile, over all demanded origins; ties by the forecast's own chances."""
    p = result.protocol
    came = np.stack([result.panel.demand[:, o : o + p.horizon] for o in p.origins])
    told = np.stack([result.told[o][name].quantiles for o in p.origins])
    whole = np.rint(told)  # what came are whole units
    uniform = np.random.default_rng(0).random(came.shape)
    chances = tie_chances(whole, LEVELS)
    return [share_below(came, whole[..., k], uniform, chances[..., k]) for k in range(len(LEVELS))]


def _unit_weighted(result: Result, name: str) -> float:
    """RMSSE weighted by the units sold in the last 12 periods before the origin."""
    p, found = result.protocol, list[float]()
    for origin in p.origins:
        known, came = result.panel.demand[:, :origin], result.panel.demand[:, origin : origin + p.horizon]
        weight = np.nansum(known[:, -12:], axis=1)
        scaled = rmsse(known, came, result.told[origin][name].mean)
        some = np.isfinite(scaled)
        found.append(float(np.average(scaled[some], weights=weight[some])))
    return float(np.mean(found))


def as_figures(result: Result) -> list[Figure]:
    p, below = result.protocol, _below(result, CHOSEN)
    unit = "pinball" if p.rival else "RMSSE"
    how = f"{p.name}: {p.how}"
    figures = [
        Figure(f"demand_{p.name}_{name.replace(' ', '_').lower()}", float(np.nanmean(losses)), unit, "", how)
        for name, losses in result.losses.items()
    ]
    against = f"{how} Below {_rival(result)}"
    figures.append(Figure(f"demand_{p.name}_gain", below.value, "share", f"≥ {p.wanted}", against))
    interval = f"{against}; lower end of the 95 % interval over series"
    figures.append(Figure(f"demand_{p.name}_gain_low", below.low, "share", "≥ 0", interval))
    if p.rival:
        figures += [
            Figure(f"demand_{p.name}_at_or_below_{level}", share, "share", "", f"{how} The chosen forecast")
            for level, share in zip(LEVELS, _shares(result, CHOSEN), strict=True)
        ]
    else:
        weighted = _unit_weighted(result, CHOSEN)
        figures.append(Figure(f"demand_{p.name}_chosen_unit_weighted", weighted, "RMSSE", "", how))
    return figures
