"""Other series of the same shops are none of those that were judged before."""

from pathlib import Path

import numpy as np

from bench.demand_counts_data import draw_series, load_online_retail


def test_another_draw_takes_none_of_the_first() -> None:
    first, other, again = draw_series(30_490, 0), draw_series(30_490, 1), draw_series(30_490, 1)
    assert len(first) == len(other) == len(np.unique(other)) == 1_000
    assert not len(np.intersect1d(first, other))
    assert (other == again).all()


def test_later_ranks_sold_less_before_the_first_origin(shared_data: Path) -> None:
    top, next_ones = (
        load_online_retail(shared_data / "online_retail", horizon=8, origins=4, ranks=ranks)
        for ranks in ((1, 500), (501, 1_000))
    )
    sold = [panel.demand[:, : panel.periods - 32].sum(axis=1) for panel in (top, next_ones)]
    assert len(top) == len(next_ones) == 500
    assert sold[0].min() >= sold[1].max()
    assert sold[1].min() > 0
