"""The ranker as it serves: trees that correct the blend's log-odds, learned from what was shown and clicked.

score(j) = slope × (steepness × blend's log-odds of j + Σ trees(features of j)): boosting begins at the blend (Burges
2010, section 7: LambdaMART may add its trees to any model), so that trees which know nothing leave its order as it is.
"""

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Self

import msgspec
import numpy as np
import structlog
from numpy.typing import NDArray

from smartshop.ai_agents.recommendation.ranker_columns import feature_names

if TYPE_CHECKING:
    import lightgbm

log = structlog.get_logger(__name__)

NAME = "ranker"
NOT_INSTALLED = "LightGBM is not installed, so the blend serves alone; install the extra `ranker` for a ranker"
MOST_LOG_ODDS = 20.0
"""What lies beyond is cut: relevance is its exponential, and `calibration.FLOOR` is e to -20.7."""


class RankerNote(msgspec.Struct, frozen=True, kw_only=True):
    """`ranker.json`, beside LightGBM's own text in `ranker.txt`."""

    sources: list[str]
    """The candidate sources that it learned with, in the order of its columns."""
    columns: list[str]
    steepness: float
    """Of the blend's log-odds, where boosting began."""
    slope: float
    """What one unit of the trees' score is worth in log-odds of being acted upon."""


class Ranker:
    """A fitted ranker. Immutable, safe for any number of threads."""

    def __init__(self, text: str, sources: tuple[str, ...], *, steepness: float, slope: float) -> None:
        """`text`: of a LightGBM model over `feature_names(sources)`.

        Raises:
            ValueError: the text is no model, or one over other columns.
            ImportError: LightGBM is not installed.
        """
        self.text, self.sources = text, sources
        self.steepness, self.slope = steepness, slope
        self._booster = _read(text)
        if self._booster.feature_name() != list(feature_names(sources)):
            raise ValueError("The ranker was learned over other columns than this release makes; train again.")

    def log_odds(self, features: NDArray[np.float32], blend: NDArray[np.floating]) -> NDArray[np.float64]:
        """(n,) log-odds, of which only the differences mean something.

        `features`: (n, f) C-contiguous; `blend`: (n,) log-odds.
        """
        if not len(features):
            return np.zeros(0)
        trees = np.asarray(self._booster.predict(features, raw_score=True, num_threads=1), np.float64)
        return np.clip(self.slope * (self.steepness * blend + trees), -MOST_LOG_ODDS, MOST_LOG_ODDS)

    @property
    def n_trees(self) -> int:
        return int(self._booster.num_trees())

    def save(self, folder: Path) -> None:
        note = RankerNote(
            sources=list(self.sources),
            columns=list(feature_names(self.sources)),
            steepness=self.steepness,
            slope=self.slope,
        )
        (folder / f"{NAME}.json").write_bytes(msgspec.json.format(msgspec.json.encode(note)))
        (folder / f"{NAME}.txt").write_text(self.text, encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read at once, not at the first request: that one should not wait for LightGBM to be imported.

        Raises:
            ValueError: it cannot be read, or is of another release.
            ImportError: LightGBM is not installed.
        """
        note = msgspec.json.decode((folder / f"{NAME}.json").read_bytes(), type=RankerNote)
        text = (folder / f"{NAME}.txt").read_text(encoding="utf-8")
        return cls(text, tuple(note.sources), steepness=note.steepness, slope=note.slope)


def is_installed() -> bool:
    """Whether LightGBM can be imported."""
    return importlib.util.find_spec("lightgbm") is not None


def load_ranker(folder: Path) -> Ranker | None:
    """The ranker in a model's folder; None, and a word to the operator, where it cannot serve here: the blend does."""
    if not is_installed():
        log.warning("ranker_left_out", reason=NOT_INSTALLED)
        return None
    try:
        return Ranker.load(folder)
    except (OSError, ValueError, msgspec.MsgspecError) as error:
        log.warning("ranker_left_out", reason=str(error)[:300])
        return None


def _read(text: str) -> "lightgbm.Booster":
    """Parse LightGBM's text.

    Raises:
        ValueError: it is no model.
    """
    import lightgbm  # an extra, and slow to import: only where there is a ranker

    if not text.startswith("tree\n") or "end of trees" not in text:
        # LightGBM itself may end the process on a cut text.
        raise ValueError("The ranker's text is cut or no LightGBM model; train again.")
    try:
        return lightgbm.Booster(model_str=text)
    except lightgbm.basic.LightGBMError as error:
        raise ValueError(f"The ranker's text cannot be read ({error}); train again.") from None
