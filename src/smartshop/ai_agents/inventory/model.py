"""What is foreseen of every product at every place, written once and read by every process."""

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Self

import msgspec
import numpy as np
from numpy.typing import NDArray

from smartshop.ai_agents.inventory.demand.known_days import KnownAhead
from smartshop.ai_agents.inventory.forecasting.choosing_classes import CLASS_NAMES, NEWCOMER
from smartshop.ai_agents.inventory.forecasting.panel import Floats
from smartshop.ai_agents.inventory.replenishment.lead_times import LeadTime
from smartshop.ai_agents.inventory.sum_spread import SumSpread
from smartshop.data_collection.schemas.ids import LocationId, Micros, ModelVersion, ProductNo, SupplierId, VariantId
from smartshop.errors import ModelRefused

FORMAT_VERSION = 2
MODEL_NAME = "inventory.json"
DAYS_OF_WEEK = 7
_ARRAYS = (
    "product_no", "location", "sold", "demand", "mean", "quantiles", "scatter", "series_class", "method", "value_class",
    "steadiness", "pinball", "covered", "variant_series", "variant_share", "relative", "asked",
    "daily_series", "daily_mean", "daily_quantiles",
)  # fmt: skip


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What is no array."""

    format_version: int = FORMAT_VERSION
    as_of: Micros
    currency: str
    history_day: int
    """Ordinal of the first day of the history's first week."""
    first_day: int
    """Ordinal of the first day that is forecast, a Monday."""
    levels: tuple[float, ...]
    """Of the quantiles of single weeks."""
    locations: tuple[LocationId, ...]
    methods: tuple[str, ...]
    variants: tuple[VariantId, ...]
    lead_times: dict[SupplierId, LeadTime]
    measures: dict[str, float]
    """Pinball loss and coverage at the last origin, beside the simplest baseline's."""
    weeks: int
    """Of demand that were learned from."""
    tried_weeks: int = 0
    """The last of them, which the last origin's forecasts are judged by; 0 where none was tried."""
    known: tuple[KnownAhead, ...] = ()
    """Of the days ahead, by the forecasts by day."""


@dataclass(frozen=True, slots=True, eq=False)
class InventoryModel:
    """n series by (product, location), t weeks of history, h weeks ahead, v variants."""

    facts: Facts
    product_no: NDArray[np.int32]
    location: NDArray[np.int32]
    """(n,) index into the facts' locations."""
    sold: NDArray[np.float32]
    """(n, t) units a week, as they were."""
    demand: NDArray[np.float32]
    """(n, t) estimated where there was none to be had; NaN where nobody knows."""
    mean: NDArray[np.float32]
    """(n, h) units a week."""
    quantiles: NDArray[np.float32]
    """(n, h, q) of single weeks."""
    scatter: NDArray[np.float32]
    """(n,) variance per unit of mean from week to week."""
    series_class: NDArray[np.int32]
    """(n,) how often and evenly it sells: index into `choosing_classes.CLASS_NAMES`."""
    method: NDArray[np.int32]
    """(n,) index into the facts' methods."""
    value_class: NDArray[np.str_]
    """(n,) A, B or C."""
    steadiness: NDArray[np.str_]
    """(n,) X, Y or Z."""
    pinball: NDArray[np.float32]
    """(n,) mean loss at the last origin, units; NaN where it was not tried."""
    covered: NDArray[np.float32]
    """(n,) share of the last origin's weeks within the outermost quantiles; NaN where it was not tried."""
    variant_series: NDArray[np.int32]
    """(v,) series that a variant is sold in."""
    variant_share: NDArray[np.float32]
    """(v,) its share of the series' units."""
    relative: Floats
    """(classes, k) as in `SumSpread`."""
    asked: Floats
    """(classes, k, levels) as in `SumSpread`."""
    daily_series: NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, np.int32))
    """(m,) the series that are foreseen by day, rising."""
    daily_mean: NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 0), np.float32))
    """(m, d) units a day, from the first day that is forecast on; weeks of them add up to `mean`."""
    daily_quantiles: NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 0, 0), np.float32))
    """(m, d, q) of single days."""

    def __len__(self) -> int:
        return len(self.product_no)

    @property
    def spread(self) -> SumSpread:
        return SumSpread(self.relative, self.asked)

    @property
    def first_day(self) -> date:
        """That is forecast."""
        return date.fromordinal(self.facts.first_day)

    def series_of(self, product_no: ProductNo) -> list[int]:
        """A product's series, one for each place that sold it."""
        return np.flatnonzero(self.product_no == product_no).tolist()

    def has_sold(self, series: int) -> bool:
        """Or is told by launches of its like, since nobody bought it yet."""
        return int(self.series_class[series]) != NEWCOMER

    def pattern_of(self, series: int) -> str:
        """How often and evenly it sells, in a word: wherever it is told."""
        return CLASS_NAMES[int(self.series_class[series])]

    def tried_weeks_of(self, series: int) -> int:
        """Weeks that a series' forecast of the last origin was judged by: those tried in which its demand is known."""
        tried = self.demand[series, self.demand.shape[1] - self.facts.tried_weeks :]
        return int(np.isfinite(tried).sum()) if np.isfinite(self.covered[series]) else 0

    def days_of(self, series: int) -> tuple[NDArray[np.float32], NDArray[np.float32]] | None:
        """(d,) means and (d, q) quantiles of a series' next days; None where it is foreseen by week alone."""
        place = int(np.searchsorted(self.daily_series, series))
        if place == len(self.daily_series) or self.daily_series[place] != series:
            return None
        return self.daily_mean[place], self.daily_quantiles[place]

    def mean_between(self, series: int, begins: float, ends: float) -> float:
        """Units expected from one moment to another, in days since the first day that is forecast.

        Days of a week sell alike; before the first week counts as in it, and beyond the last as in the last.
        """
        weeks = self.mean[series].astype(np.float64)
        edges = np.arange(len(weeks) + 1) * float(DAYS_OF_WEEK)
        added = np.concatenate([[0.0], np.cumsum(weeks)])

        def until(moment: float) -> float:
            if moment <= 0:
                return moment / DAYS_OF_WEEK * float(weeks[0])
            if moment >= edges[-1]:
                return float(added[-1] + (moment - edges[-1]) / DAYS_OF_WEEK * weeks[-1])
            return float(np.interp(moment, edges, added))

        return max(0.0, until(ends) - until(begins))

    def save(self, folder: Path) -> None:
        """Write everything into a folder; the same model gives the same bytes."""
        for name in _ARRAYS:
            np.save(folder / f"{name}.npy", getattr(self, name), allow_pickle=False)
        (folder / MODEL_NAME).write_bytes(msgspec.json.format(msgspec.json.encode(self.facts)))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read a saved model.

        Raises:
            ModelRefused: the folder holds no model, or one of another format.
        """
        try:
            facts = msgspec.json.decode((folder / MODEL_NAME).read_bytes(), type=Facts)
            arrays = {name: np.load(folder / f"{name}.npy", allow_pickle=False) for name in _ARRAYS}
        except (OSError, ValueError, msgspec.MsgspecError) as error:
            raise ModelRefused(f"The forecasts in {folder.name} cannot be read ({error}); train again.") from None
        if facts.format_version != FORMAT_VERSION:
            raise ModelRefused(
                f"The forecasts in {folder.name} have format {facts.format_version}; this reads {FORMAT_VERSION}."
            )
        return cls(facts, **arrays)


@dataclass(frozen=True, slots=True)
class ServedModel:
    model: InventoryModel
    version: ModelVersion


@dataclass(slots=True)
class ServedForecasts:
    """The model that serves in this process, replaced whole with its version; None until there is one."""

    served: ServedModel | None = None

    def use(self, model: InventoryModel, version: ModelVersion) -> None:
        self.served = ServedModel(model, version)

    def __call__(self) -> InventoryModel | None:
        return None if self.served is None else self.served.model
