"""The evaluation as people read it: tables on a terminal, or Markdown to keep."""

from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.table import Table as RichTable

from smartshop.ai_agents.recommendation.figures import (
    Accuracy,
    EvaluationReport,
    Figure,
    ModelFigures,
    SourceWorth,
    Table,
)
from smartshop.data_collection.pipelines.clock import format_rfc3339

Cells = tuple[str, ...]


def as_markdown(report: EvaluationReport) -> str:
    """Per convention: the models, what the blend is ahead of each baseline, and what each source adds."""
    parts = [_summary(report)]
    for table in report.tables:
        parts.append(f"### {_title(table)}")
        parts.append(_mix(table))
        parts.append(_pipes(_model_columns(table), [_model_cells(row) for row in table.models]))
        parts.append("The blend less each baseline and SLIST alone, paired question by question:")
        parts.append(_pipes(("over", *_accuracy_columns(table)), _gain_cells(table)))
        parts.append("What each source adds: the blend less the blend of all others, whose weights were chosen anew.")
        columns = ("source", "weight", f"NDCG@{table.cut} without", *_accuracy_columns(table))
        parts.append(_pipes(columns, [_source_cells(row) for row in table.sources]))
    return "\n\n".join(parts) + "\n"


def as_tables(report: EvaluationReport) -> list[RichTable]:
    """For a terminal of 80 columns: three decimals, intervals below their means; two tables per convention."""
    found = []
    for table in report.tables:
        at = f"@{table.cut}"
        columns = ("model", f"HR{at}", f"NDCG{at}", f"R{at}", f"MRR{at}", "cover", "NDCG gain\non item-kNN")
        found.append(_drawn(_title(table), columns, [_narrow_cells(row) for row in table.models]))
        adds = ("source", "weight", f"adds HR{at}", f"adds NDCG{at}", f"adds R{at}")
        rows = [_narrow_source_cells(row) for row in table.sources]
        found.append(_drawn(f"{table.convention.capitalize()}: what each source adds to the others", adds, rows))
    said = f"{_summary(report)} Below a mean: its 95 % bootstrap interval over shoppers. All figures: --markdown FILE."
    found[-1].caption = said
    return found


def _drawn(title: str, columns: Cells, rows: Sequence[Cells]) -> RichTable:
    shown = RichTable(title=title, title_justify="left", box=SIMPLE_HEAD, collapse_padding=True)
    for number, column in enumerate(columns):
        shown.add_column(column, justify="left" if number == 0 else "right", no_wrap=True)
    for row in rows:
        shown.add_row(*row)
    return shown


def _narrow_cells(figures: ModelFigures) -> Cells:
    found = figures.accuracy
    return (
        figures.model,
        _three(found.hit_rate.mean),
        _stacked(found.ndcg),
        _three(found.recall.mean),
        _three(found.mrr.mean),
        _three(figures.coverage.mean),
        _stacked(figures.ndcg_gain_on_item_knn),
    )


def _narrow_source_cells(worth: SourceWorth) -> Cells:
    adds = worth.adds
    return worth.source, f"{worth.weight:.2f}", _stacked(adds.hit_rate), _stacked(adds.ndcg), _stacked(adds.recall)


def _stacked(figure: Figure) -> str:
    return f"{_three(figure.mean)}\n[{_three(figure.low)}, {_three(figure.high)}]"


def _three(value: float) -> str:
    """0.3136 → .314"""
    return _short(value, 3)


def _short(value: float, digits: int) -> str:
    """0.3136 → .3136, -0.02 → -.0200; never -.000"""
    text = f"{value:.{digits}f}"
    if float(text) == 0:
        text = text.lstrip("-")
    return text.replace("0.", ".", 1) if text.lstrip("-").startswith("0.") else text


def _summary(report: EvaluationReport) -> str:
    since = f", from {format_rfc3339(report.since + 1)[:10]} on" if report.since else ""
    return (
        f"Protocol: {report.protocol.replace('_', ' ')}{since}; {report.signs} signs learned from, {report.products} "
        f"products ranked in full; seed {report.seed}. Everything that was chosen was chosen on older questions."
    )


def _mix(table: Table) -> str:
    weights = ", ".join(f"{source} {weight:g}" for source, weight in table.blend_weights.items())
    chosen = "".join(f" {baseline}: {said}." for baseline, said in table.settings.items())
    return f"Mix: {weights}; k {table.blend_k:g}.{chosen}"


def _title(table: Table) -> str:
    return f"{table.convention.capitalize()}: {table.questions} questions of {table.shoppers} shoppers"


def _pipes(columns: Cells, rows: Sequence[Cells]) -> str:
    lines = [columns, ("---",) + ("---:",) * (len(columns) - 1), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def _accuracy_columns(table: Table) -> Cells:
    return tuple(f"{name}@{table.cut}" for name in ("HR", "NDCG", "recall", "MRR"))


def _model_columns(table: Table) -> Cells:
    return ("model", *_accuracy_columns(table), "coverage", "novelty", "diversity", "NDCG over item-kNN")


def _accuracy_cells(found: Accuracy) -> Cells:
    return tuple(_with_interval(figure) for figure in (found.hit_rate, found.ndcg, found.recall, found.mrr))


def _model_cells(figures: ModelFigures) -> Cells:
    return (
        figures.model,
        *_accuracy_cells(figures.accuracy),
        _with_interval(figures.coverage, 3),
        _with_interval(figures.novelty, 2),
        "–" if figures.diversity is None else _with_interval(figures.diversity, 3),
        _with_interval(figures.ndcg_gain_on_item_knn),
    )


def _gain_cells(table: Table) -> list[Cells]:
    return [(gain.over, *_accuracy_cells(gain.gain)) for gain in table.models[0].gains]


def _source_cells(worth: SourceWorth) -> Cells:
    return worth.source, f"{worth.weight:.2f}", _short(worth.without.ndcg.mean, 4), *_accuracy_cells(worth.adds)


def _with_interval(figure: Figure, digits: int = 4) -> str:
    return f"{_short(figure.mean, digits)} [{_short(figure.low, digits)}, {_short(figure.high, digits)}]"
