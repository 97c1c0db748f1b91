"""A dress rehearsal: a made-up shop of any size whose truth is known, learned from as a real one would be.

It tells an operator what learning will cost on this machine, and how near the segments come to the planted types.
"""

import resource
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # ships no types

from smartshop.ai_agents.segmentation.refit import Learned, RefitSettings, nothing_before, refit
from smartshop.bars import sharing_bar
from smartshop.data_collection.connectors.sql.stores import open_stores
from smartshop.data_collection.pipelines.clock import system_now
from smartshop.data_collection.schemas.events import EventKind
from smartshop.data_collection.schemas.ids import ModelVersion
from smartshop.simulator.fast import make_fast_history
from smartshop.simulator.fast_catalogue import shelf_of
from smartshop.simulator.fast_tables import customer_activity, person_of
from smartshop.simulator.scenario import load_scenario

KINDS = (EventKind.PRODUCT_VIEWED, EventKind.PRODUCT_ADDED, EventKind.SEARCHED)
"""Signs of the made-up customers: page views, dwelling and clicks say little more, and would be most of the memory."""
KIB_PER_MIB = 1024 if sys.platform != "darwin" else 1024 * 1024
"""Of `ru_maxrss`, which macOS tells in bytes."""


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What it cost, and what was found."""

    customers: int
    buyers: int
    order_lines: int
    signs: int
    making_seconds: float
    learning_seconds: float
    """From what customers did to segments, value and churn."""
    storing_seconds: float
    """Writing where everybody stands into a fresh SQLite file."""
    peak_mib: int
    """Of the whole process, the made-up shop included."""
    segments: int
    in_a_segment: float
    """Share of the customers."""
    types_found: float | None
    """Adjusted Rand index between segments and planted types, over those in a segment; 1 is perfect, 0 is chance."""

    def facts(self) -> dict[str, object]:
        return {name: round(value, 3) if isinstance(value, float) else value for name, value in asdict(self).items()}


def rehearse_segments(scenario: str, *, shoppers: int, days: int, seed: int, console: Console | None) -> Rehearsal:
    """Make the shop, learn from it, and store what was found in a folder that goes away again."""
    with sharing_bar("rehearsing", console) as tell, threadpool_limits(limits=1):
        started = time.perf_counter()
        now = system_now()
        history = make_fast_history(
            load_scenario(scenario), seed, shoppers=shoppers, days=days, end_at=now, kinds=KINDS,
            progress=lambda share, what: tell(0.2 * share, what),
        )  # fmt: skip
        activity, shelf = customer_activity(history), shelf_of(history.catalogue)
        kind = history.truth.type[person_of(activity)]
        del history
        made = time.perf_counter()
        learned = refit(
            activity, shelf, nothing_before(len(activity)), RefitSettings("GBP", "UTC", ModelVersion("rehearsal"), now),
            rng=np.random.default_rng(seed), progress=lambda share, what: tell(0.2 + 0.5 * share, what),
        )  # fmt: skip
        known = time.perf_counter()
        tell(0.7, "storing where everybody stands")
        _store(learned)
        stored = time.perf_counter()
    label = learned.judged.label
    return Rehearsal(
        customers=len(activity),
        buyers=learned.refit.buyers,
        order_lines=len(activity.line_product),
        signs=len(activity.sign_product),
        making_seconds=made - started,
        learning_seconds=known - made,
        storing_seconds=stored - known,
        peak_mib=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // KIB_PER_MIB,
        segments=len(learned.serving.cluster_ids),
        in_a_segment=float(np.mean(label >= 0)) if len(label) else 0.0,
        types_found=_agreement(kind[label >= 0], label[label >= 0]),
    )


def _store(learned: Learned) -> None:
    with tempfile.TemporaryDirectory(prefix="smartshop-rehearsal-") as folder:
        stores = open_stores("", Path(folder), Path(folder) / "models")
        try:
            records = learned.standings(log_no=1, now=system_now())
            stores.standings.replace_all(records, learned.refit, learned.serving.facts.segments)
        finally:
            stores.close()


def _agreement(kind: NDArray[np.integer], label: NDArray[np.integer]) -> float | None:
    """Hubert & Arabie (1985)."""
    from sklearn.metrics import adjusted_rand_score  # heavy, and only a rehearsal needs it here

    return float(adjusted_rand_score(kind, label)) if len(label) else None
