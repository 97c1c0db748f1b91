"""The evaluation of forecasts as people read it: tables for a terminal, or Markdown to keep."""

from collections.abc import Iterator

from rich.table import Table

from smartshop.ai_agents.figure_tables import Figures, drawn, in_markdown
from smartshop.ai_agents.inventory.evaluate import ForecastReport
from smartshop.ai_agents.inventory.evaluate_daily import DailyContest
from smartshop.ai_agents.inventory.evaluate_past import Gain
from smartshop.ai_agents.inventory.evaluate_weekly import CHOSEN, WeeklyContest
from smartshop.ai_agents.inventory.forecasting.choosing_classes import CLASSES

BELOW_WORDS = "of what came, the share at or below that quantile (ties by chance): a true law has the level itself"


def figures_of(report: ForecastReport) -> Iterator[Figures]:
    for contest in report.weekly:
        yield _weekly(contest)
        yield _classes(contest)
    if report.daily is not None:
        yield _daily(report.daily)


def as_markdown(report: ForecastReport) -> str:
    return in_markdown(summary(report), figures_of(report))


def as_tables(report: ForecastReport) -> list[Table]:
    words = Table(show_header=False, box=None)
    words.add_row(summary(report))
    return [*drawn(figures_of(report)), words]


def summary(report: ForecastReport) -> str:
    said = [f"{report.series:,} series of demand, {report.first_day} to {report.last_day}.", *report.notes]
    if report.left_out:
        said.append(f"Left out – {'; '.join(report.left_out)}.")
    return " ".join(said)


def _weekly(contest: WeeklyContest) -> Figures:
    levels = tuple(f"≤ {level:g}" for level in contest.levels)
    rows = [
        (row.forecast, _3(row.pinball), f"{row.wmape:.1%}", *(f"{share:.1%}" for share in row.share_below))
        for row in contest.rows
    ]
    note = (
        f"{contest.series:,} series, {contest.weeks_ahead} weeks from {', '.join(contest.first_days)}; weeks partly "
        f"out of stock are left out. Pinball: mean loss over the levels, in units. ≤: {BELOW_WORDS}. The {CHOSEN} is "
        f"chosen on earlier origins alone: {_gained(contest.gain)}."
    )
    return Figures(contest.title, ("forecast", "pinball", "wMAPE", *levels), rows, note)


def _classes(contest: WeeklyContest) -> Figures:
    seen = [CLASSES.index(one.name) for one in contest.classes]
    rows = [(row.forecast, *(_3(row.by_class[number]) for number in seen)) for row in contest.rows]
    rows.append(("series, on average", *(f"{one.series:.{0 if one.series >= 10 else 1}f}" for one in contest.classes)))
    rows.append(("chosen is below by", *(_percent(one.gain) for one in contest.classes)))
    rows.append(("95 % interval", *(_interval(one.gain) for one in contest.classes)))
    rows.append(("the better simple one", *("–" if one.gain is None else one.gain.rival for one in contest.classes)))
    note = (
        "Mean pinball loss by how often and how evenly a series had sold by each origin (Syntetos, Boylan & Croston "
        f"2005). Below: share by which the {CHOSEN} loses less than the better simple forecast, its interval by "
        "resampling series."
    )
    return Figures(f"{contest.title}: by class", ("forecast", *(one.name for one in contest.classes)), rows, note)


def _daily(contest: DailyContest) -> Figures:
    rows = [
        (
            row.forecast,
            f"{row.wmape:.1%}",
            _3(row.rmspe),
            _3(row.rmspe_without_worst),
            f"{row.covered:.1%}",
            f"{row.least_covered:.0%} to {row.most_covered:.0%}",
            f"{row.width:.2f}",
            _percent(row.gain),
            _interval(row.gain),
        )
        for row in contest.rows
    ]
    rivals = {row.gain.rival for row in contest.rows if row.gain is not None}
    causes = ", ".join(name.replace("_", " ") for name in contest.causes) or "none"
    note = (
        f"The {contest.series:,} series of highest value, {contest.days_ahead} days from "
        f"{', '.join(contest.first_days)}; days out of stock are left out. RMSPE: on days with sales; then without the "
        "worst 0.1 %. Within 90 %: intervals learned from earlier origins, then by origin; width over mean sales. "
        f"Below: share by which the absolute error is below that of {' or '.join(sorted(rivals)) or 'none'}, with its "
        f"95 % interval over series. Causes known: {causes}."
    )
    columns = ("forecast", "wMAPE", "RMSPE", "trimmed", "within 90 %", "by origin", "width", "below", "95 % interval")
    return Figures("Forecasts by day, with causes", columns, rows, note)


def _gained(gain: Gain | None) -> str:
    if gain is None:
        return "nothing was lost by a simple forecast either"
    interval = "too few series for an interval" if gain.low is None else f"95 % interval {_interval(gain)}"
    return f"its loss is {_percent(gain)} below that of the better simple forecast, {gain.rival} ({interval})"


def _percent(gain: Gain | None) -> str:
    return "–" if gain is None else f"{gain.value:.1%}"


def _interval(gain: Gain | None) -> str:
    return "–" if gain is None or gain.low is None or gain.high is None else f"{gain.low:.1%} to {gain.high:.1%}"


def _3(value: float | None) -> str:
    return "–" if value is None or value != value else f"{value:.3f}"
