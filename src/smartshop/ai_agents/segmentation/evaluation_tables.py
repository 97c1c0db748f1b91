"""The evaluation of segments as people read it: tables for a terminal, or Markdown to keep."""

from collections.abc import Iterator, Sequence

from rich.table import Table

from smartshop.ai_agents.figure_tables import Cells, Figures, drawn, in_markdown
from smartshop.ai_agents.segmentation.churn_trial import Areas, ChurnTrial
from smartshop.ai_agents.segmentation.evaluate import MonthlyRefit, SegmentationReport
from smartshop.ai_agents.segmentation.value_holdout import HoldoutError


def figures_of(report: SegmentationReport) -> Iterator[Figures]:
    if report.value is not None:
        yield _value(report.value)
    if report.churn is not None:
        yield _churn(report.churn, report.churn_as_of)
    if report.months:
        yield _months(report.months)


def as_markdown(report: SegmentationReport) -> str:
    return in_markdown(f"{report.customers:,} customers, as of {report.as_of}.", figures_of(report))


def as_tables(report: SegmentationReport) -> Iterator[Table]:
    return drawn(figures_of(report))


def _value(error: HoldoutError) -> Figures:
    return Figures(
        "Orders per customer, held out",
        ("told by", "MAE", "RMSE", "correlation", "orders told", "orders come"),
        (
            (error.variant.value, _3(error.mae), _3(error.rmse), _3(error.correlation), f"{error.told:,.0f}",
             f"{error.actual:,.0f}"),
            ("ordinary BG/NBD", _3(error.bg_nbd_mae), _3(error.bg_nbd_rmse), "", "", ""),
            ("going on as before", _3(error.naive_mae), _3(error.naive_rmse), "", "", ""),
        ),
        f"{error.customers:,} customers who had bought before the last {error.weeks:.0f} weeks; fitted on what lies "
        "before them, the variant chosen within that.",
    )  # fmt: skip


def _churn(trial: ChurnTrial, as_of: str) -> Figures:
    rows = (
        ("no order, buyers", trial.by_order_of_buyers),
        ("no order, all", trial.by_order),
        ("no sign of life, buyers", trial.by_sign_of_buyers),
        ("no sign of life, all", trial.by_sign),
    )
    return Figures(
        f"Who stays away for {trial.days} days (AUC)",
        ("stayed away by", "customers", "did", "risk", "BG/NBD", "last seen"),
        [(name, *_areas(areas)) for name, areas in rows],
        f"Learned on everything up to {as_of} and compared with the {trial.days} days after; 0.5 is chance.",
    )


def _areas(areas: Areas) -> Cells:
    return (
        f"{areas.customers:,}", f"{areas.churned_share:.0%}", _3(areas.risk), _3(areas.bg_nbd), _3(areas.recency)
    )  # fmt: skip


def _months(months: Sequence[MonthlyRefit]) -> Figures:
    return Figures(
        "Monthly refits, played again",
        ("known until", "segments", "compared", "moved: behaviour", "moved: model", "idle who moved", "inertia"),
        [
            (
                f"{one.month}{' (held back)' if one.held_back else ''}",
                str(one.segments),
                f"{one.compared:,}",
                _share(one.moved_behaviour, one.compared),
                _share(one.moved_model, one.compared),
                _share(one.idle_moved, one.idle),
                _3(one.inertia_ratio),
            )
            for one in months
        ],
        "Each refit continues the one before. Idle: nothing at all was seen of them since. Inertia: of the segments as "
        "kept, over that of a fit from scratch.",
    )


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else "–"


def _3(value: float) -> str:
    return "–" if value != value else f"{value:.3f}"
