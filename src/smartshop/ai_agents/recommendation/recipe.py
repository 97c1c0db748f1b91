"""All that decides how a model is fitted and how its sources are mixed; stored with the arrays as JSON."""

from typing import Annotated

import msgspec
from msgspec import Meta

from smartshop.ai_agents.recommendation.blend import BlendConfig
from smartshop.ai_agents.recommendation.bought_together import BoughtTogetherConfig
from smartshop.ai_agents.recommendation.calibration import Calibration
from smartshop.ai_agents.recommendation.item_to_item import ItemToItemConfig
from smartshop.ai_agents.recommendation.markov import MarkovConfig
from smartshop.ai_agents.recommendation.sequences import SequenceConfig
from smartshop.ai_agents.recommendation.trending import TrendingConfig


class Configs(msgspec.Struct, frozen=True, kw_only=True):
    """The settings of every source, each kept beside its algorithm."""

    sequences: SequenceConfig = SequenceConfig()
    markov: MarkovConfig = MarkovConfig()
    item_to_item: ItemToItemConfig = ItemToItemConfig()
    bought_together: BoughtTogetherConfig = BoughtTogetherConfig()
    trending: TrendingConfig = TrendingConfig()


class Recipe(msgspec.Struct, frozen=True, kw_only=True):
    """Settings plus what was learned of the mix on held-out data."""

    configs: Configs = Configs()
    blend: BlendConfig = BlendConfig()
    calibration: Calibration = Calibration()


FORMAT_VERSION = 1


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """`model.json`: what the arrays beside it are."""

    n_products: int
    as_of: int
    """µs UTC: the moment that ages were counted from."""
    recipe: Recipe
    categories: list[list[str]]
    """Paths by the codes that `categories.*.npy` use."""
    format_version: Annotated[int, Meta(ge=1)] = FORMAT_VERSION
