"""What is usual among many customers: the figures that one segment, or one customer, is held against."""

import msgspec
import numpy as np
import scipy  # its sparse arrays load when first used
from numpy.typing import NDArray

from smartshop.ai_agents.segmentation.feature_list import FEATURES, Unit, column
from smartshop.ai_agents.segmentation.features import Features


class Usual(msgspec.Struct, frozen=True):
    figures: tuple[float | None, ...]
    """Per feature, in natural units; None where it applies to nobody."""
    topic_shares: tuple[float, ...]
    """Per topic: the mean of customers' own shares, so that a giant counts once."""


def usual_of(features: Features, members: NDArray[np.bool_]) -> Usual:
    """The figures of these customers; `members`: (n,)."""
    figures = [figure_of(features, place, members) for place in range(len(FEATURES))]
    return Usual(
        figures=tuple(figure if np.isfinite(figure) else None for figure in figures),
        topic_shares=tuple(mean_shares(features.taste, members).tolist()),
    )


def figure_of(features: Features, place: int, members: NDArray[np.bool_]) -> float:
    """Of one feature: shares are the mean over customers, orders a year all repeat orders over all years since the
    first ones, everything else the median over customers. NaN where it applies to none of them.
    """
    if place == column("orders_per_year"):
        years = float(features.years[members].sum())
        repeats = float(np.maximum(features.n_orders[members] - 1, 0).sum())
        return repeats / years if years > 0 else np.nan
    known = features.figures[members, place]
    known = known[np.isfinite(known)]
    if not len(known):
        return np.nan
    return float(known.mean(dtype=np.float64) if FEATURES[place].unit is Unit.SHARE else np.median(known))


def shares(taste: "scipy.sparse.csr_array") -> "scipy.sparse.csr_array":
    """(n, t) rows that sum to 1, or to 0 for customers without any taste."""
    total = np.asarray(taste.sum(axis=1), np.float64).ravel()
    row = np.repeat(np.arange(taste.shape[0]), np.diff(taste.indptr))
    return scipy.sparse.csr_array((taste.data / total[row], taste.indices, taste.indptr), shape=taste.shape)


def mean_shares(taste: "scipy.sparse.csr_array", members: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(t,) over the members that have a taste; zeros where none has."""
    of_members = taste[np.flatnonzero(members)]
    tasting = int((np.diff(of_members.indptr) > 0).sum())
    return np.asarray(shares(of_members).sum(axis=0), np.float64).ravel() / max(tasting, 1)
