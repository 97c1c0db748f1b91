"""The evaluation as people read it: tables on a terminal, or Markdown to keep."""

from rich.box import SIMPLE_HEAD
from rich.table import Table as RichTable

from smartshop.ai_agents.recommendation.evaluate import EvaluationReport, Figure, ModelFigures, Table

COLUMNS = ("model", "HR@10", "NDCG@10 (95 %)", "recall@10", "MRR", "coverage", "NDCG over item-kNN (95 %)")


NARROW_COLUMNS = ("model", "HR@10", "NDCG@10", "R@10", "MRR", "cover", "NDCG gain\non item-kNN")


def as_markdown(report: EvaluationReport) -> str:
    """One heading and one table per convention."""
    parts = [_summary(report)]
    for table in report.tables:
        rows = [_cells(figures) for figures in table.models]
        lines = [COLUMNS, ("---",) + ("---:",) * (len(COLUMNS) - 1), *rows]
        parts.append(f"### {_title(table)}")
        parts.append("\n".join("| " + " | ".join(cells) + " |" for cells in lines))
    return "\n\n".join(parts) + "\n"


def as_tables(report: EvaluationReport) -> list[RichTable]:
    """For a terminal of 80 columns: three decimals, intervals below their means; one table per convention."""
    found = []
    for table in report.tables:
        shown = RichTable(title=_title(table), title_justify="left", box=SIMPLE_HEAD, collapse_padding=True)
        for number, column in enumerate(NARROW_COLUMNS):
            shown.add_column(column, justify="left" if number == 0 else "right", no_wrap=True)
        for figures in table.models:
            shown.add_row(*_narrow_cells(figures))
        found.append(shown)
    found[-1].caption = f"{_summary(report)} Below a mean: its 95 % bootstrap interval over shoppers."
    return found


def _narrow_cells(figures: ModelFigures) -> tuple[str, ...]:
    return (
        figures.model,
        _three(figures.hit_rate_at_10.mean),
        _stacked(figures.ndcg_at_10),
        _three(figures.recall_at_10.mean),
        _three(figures.mrr.mean),
        _three(figures.coverage),
        _stacked(figures.ndcg_gain_on_item_knn),
    )


def _stacked(figure: Figure) -> str:
    return f"{_three(figure.mean)}\n[{_three(figure.low)}, {_three(figure.high)}]"


def _three(value: float) -> str:
    """0.3136 → .314"""
    return f"{value:.3f}".replace("0.", ".", 1)


def _summary(report: EvaluationReport) -> str:
    weights = ", ".join(f"{source} {weight:g}" for source, weight in report.blend_weights.items())
    return (
        f"Protocol: {report.protocol.replace('_', ' ')}; {report.signs} signs learned from, {report.products} products "
        f"ranked in full. Mix chosen on older shoppers: {weights}; k {report.blend_k:g}."
    )


def _title(table: Table) -> str:
    return f"{table.convention.capitalize()}: {table.questions} questions of {table.shoppers} shoppers"


def _cells(figures: ModelFigures) -> tuple[str, ...]:
    return (
        figures.model,
        f"{figures.hit_rate_at_10.mean:.4f}",
        _with_interval(figures.ndcg_at_10),
        f"{figures.recall_at_10.mean:.4f}",
        f"{figures.mrr.mean:.4f}",
        f"{figures.coverage:.3f}",
        _with_interval(figures.ndcg_gain_on_item_knn),
    )


def _with_interval(figure: Figure) -> str:
    return f"{figure.mean:.4f} [{figure.low:.4f}, {figure.high:.4f}]"
