"""All that decides how a model is fitted and how its sources are mixed; stored with the arrays as JSON."""

from typing import Annotated

import msgspec
from msgspec import Meta

from smartshop.ai_agents.recommendation.blend import BlendConfig
from smartshop.ai_agents.recommendation.calibration import Calibration
from smartshop.ai_agents.recommendation.sources import Configs


class Recipe(msgspec.Struct, frozen=True, kw_only=True):
    """Settings plus what was learned of the mix on held-out data."""

    configs: Configs = Configs()
    blend: BlendConfig = BlendConfig()
    calibration: Calibration = Calibration()


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
    format_version: Annotated[int, Meta(ge=1)] = FORMAT_VERSION
