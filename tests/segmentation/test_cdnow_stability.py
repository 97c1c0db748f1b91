"""Six segments of real customers over eight monthly refits: hardly anybody moves who did nothing, and the fit is good.

Who: the customers who bought up to 1997-09-30. First fit then, refits at the eight month ends that follow. Features:
log(1 + ·) of days since the last purchase, days with a purchase, and revenue. Inertia is compared with k-means from
scratch, 20 starts, on the same scaled features.
"""

from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import scipy
from numpy.typing import NDArray
from sklearn.cluster import KMeans

from smartshop.ai_agents.segmentation.dividing import DivideConfig
from smartshop.ai_agents.segmentation.identity import ClusterRefit, RefitConfig, refit_clusters
from smartshop.ai_agents.segmentation.space import points

SIX = RefitConfig(divide=DivideConfig(k=6))
CUTS = (
    date(1997, 9, 30),
    date(1997, 10, 31),
    date(1997, 11, 30),
    date(1997, 12, 31),
    date(1998, 1, 31),
    date(1998, 2, 28),
    date(1998, 3, 31),
    date(1998, 4, 30),
    date(1998, 5, 31),
)


@dataclass(frozen=True)
class Known:
    x: NDArray[np.float64]
    taste: "scipy.sparse.csr_array"
    evidence: NDArray[np.float32]


@dataclass(frozen=True)
class Month:
    known: Known
    bought: NDArray[np.bool_]
    """In the month that ends here."""


def months(file: Path) -> list[Month]:
    rows = pl.read_parquet(file).rename({"master_customer_id": "customer_id"}, strict=False)
    days = rows.group_by("customer_id", "date").agg(pl.col("revenue_usd").sum()).filter(pl.col("revenue_usd") > 0)
    cohort = days.filter(pl.col("date") <= CUTS[0]).select("customer_id").unique().sort("customer_id")
    made = []
    for before, cut in zip((date(1996, 12, 31), *CUTS), CUTS, strict=False):
        so_far = days.filter(pl.col("date") <= cut).group_by("customer_id")
        table = cohort.join(
            so_far.agg(
                recency=(pl.lit(cut) - pl.col("date").max()).dt.total_days(),
                frequency=pl.len(),
                monetary=pl.col("revenue_usd").sum(),
                bought=pl.col("date").max() > before,
            ),
            on="customer_id",
            how="left",
            maintain_order="left",
        )
        x = np.log1p(table.select("recency", "frequency", "monetary").to_numpy().astype(np.float64))
        taste = scipy.sparse.csr_array((len(x), 0), dtype=np.float32)
        made.append(Month(Known(x, taste, np.full(len(x), 9, np.float32)), table["bought"].to_numpy()))
    return made


@pytest.fixture(scope="module")
def cohort(shared_data: Path) -> list[Month]:
    return months(shared_data / "cdnow" / "cdnow_sample.parquet")


@pytest.fixture(scope="module")
def refits(cohort: list[Month]) -> list[ClusterRefit]:
    made: list[ClusterRefit] = []
    for number, month in enumerate(cohort):
        before = made[-1] if made else None
        made.append(
            refit_clusters(
                month.known,
                before.clusters if before else None,
                before.labels if before else None,
                rng=np.random.default_rng(number),
                config=SIX,
            )
        )
    return made


def test_few_change_their_segment_and_fewer_of_those_who_did_nothing(
    cohort: list[Month], refits: list[ClusterRefit]
) -> None:
    moved = [one.labels != other.labels for one, other in pairwise(refits)]
    assert np.shape(moved) == (8, 2349)
    assert np.mean(moved) <= 0.09
    idle = [month_moved[~month.bought] for month_moved, month in zip(moved, cohort[1:], strict=True)]
    assert np.mean([some.mean() for some in idle]) <= 0.05
    assert np.concatenate(idle).mean() <= 0.05
    assert {refit.clusters.ids for refit in refits if refit.clusters} == {("b1", "b2", "b3", "b4", "b5", "b6")}


def test_the_segments_describe_customers_nearly_as_well_as_a_fit_from_scratch(
    cohort: list[Month], refits: list[ClusterRefit]
) -> None:
    for month, refit in zip(cohort[1:], refits[1:], strict=True):
        assert refit.clusters is not None
        z = points(refit.clusters.space, month.known.x).astype(np.float64)
        apart = ((z[:, None] - refit.clusters.mixture.centroids.astype(np.float64)) ** 2).sum(axis=2)
        scratch = KMeans(6, n_init=20, random_state=0).fit(z).inertia_
        assert apart.min(axis=1).sum() <= 1.05 * scratch
        assert apart[np.arange(len(z)), refit.labels].sum() <= 1.05 * scratch
        assert refit.report.fresh_inertia == pytest.approx(scratch, rel=0.002)
        assert refit.report.kept_inertia == pytest.approx(apart[np.arange(len(z)), refit.labels].sum(), rel=1e-4)


def test_every_move_has_one_reason(refits: list[ClusterRefit]) -> None:
    for before, after in pairwise(refits):
        report = after.report
        assert report.compared == 2349
        assert report.moved_behaviour + report.moved_model == np.count_nonzero(before.labels != after.labels)
        assert not report.held_back


def test_the_same_customers_again_move_nobody(cohort: list[Month], refits: list[ClusterRefit]) -> None:
    last = refits[-1]
    again = refit_clusters(cohort[-1].known, last.clusters, last.labels, rng=np.random.default_rng(7), config=SIX)
    assert np.array_equal(again.labels, last.labels)
