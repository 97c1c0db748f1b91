"""Progress bars for people; without a console they are silent."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
)


@contextmanager
def counting_bar(what: str, total: int | None, console: Console | None) -> Iterator[Callable[[int], None]]:
    """Call what you get with each further count of rows."""
    with _progress(MofNCompleteColumn(), console) as progress:
        task = progress.add_task(what, total=total)
        yield lambda rows: progress.advance(task, rows)


@contextmanager
def sharing_bar(what: str, console: Console | None) -> Iterator[Callable[[float, str], None]]:
    """Call what you get with the share done (0 to 1) and what is being done."""
    with _progress(TaskProgressColumn(), console) as progress:
        task = progress.add_task(what, total=1.0)
        yield lambda share, doing: progress.update(task, completed=share, description=f"{what}: {doing}")


def _progress(count: ProgressColumn, console: Console | None) -> Progress:
    columns = (TextColumn("  {task.description}"), BarColumn(), count, TimeElapsedColumn())
    return Progress(*columns, console=console or Console(quiet=True))
