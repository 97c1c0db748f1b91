"""All that decides how a model is fitted and how its sources are mixed; stored with the arrays as JSON."""

from typing import Annotated

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from smartshop.ai_agents.recommendation.blend import BlendConfig
from smartshop.ai_agents.recommendation.calibration import Calibration
from smartshop.ai_agents.recommendation.sources import Configs

Numbers = NDArray[np.int32]
Mask = NDArray[np.bool_]


class Recipe(msgspec.Struct, frozen=True, kw_only=True):
    """Settings plus what was learned of the mix on held-out data."""

    configs: Configs = Configs()
    blend: BlendConfig = BlendConfig()
    lines_in_order: bool = False
    """Whether the order in which an order's lines came tells of the line that comes next."""
    calibration: Calibration = Calibration()
    calibration_new: Calibration | None = None
    """Of the mix for new products only; None where there is but one mix."""

    def at(self, eligible: Mask, history: Numbers, focus: Numbers) -> tuple[BlendConfig, Calibration]:
        """The mix for one moment, and what its scores mean.

        Habits lead where the shopper's own products may be shown and nothing lies before the shopper; on a product's
        page and in the basket the question is what goes with it.
        """
        if self.calibration_new is None or (not len(focus) and eligible[history].any()):
            return self.blend, self.calibration
        return self.blend.for_new(), self.calibration_new


FORMAT_VERSION = 2


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """`model.json`: what the arrays beside it are."""

    n_products: int
    as_of: int
    """µs UTC: the moment that ages were counted from."""
    recipe: Recipe
    sources: list[str]
    """Those that were learned."""
    categories: list[list[str]]
    """Paths by the codes that `bought_together_categories.*.npy` use."""
    ranker: bool = False
    """Whether `ranker.json` and `ranker.txt` lie beside it."""
    format_version: Annotated[int, Meta(ge=1)] = FORMAT_VERSION
