"""At request time: each source's ranked list for one moment of one shopper, drawn inside the eligible mask. Pure."""

from smartshop.ai_agents.recommendation.anchors import ask_of
from smartshop.ai_agents.recommendation.model import RecommendationModel
from smartshop.ai_agents.recommendation.source import NOTHING, Drawn, Moment, ShelfView
from smartshop.ai_agents.recommendation.sources import SOURCES


def draw_all(
    model: RecommendationModel, view: ShelfView, moment: Moment, n: int, *, names: frozenset[str] = frozenset(SOURCES)
) -> tuple[Drawn, ...]:
    """The lists of the sources named, in the order of `SOURCES`; empty where one is not named or was not learned."""
    asked = ask_of(moment, lines_in_order=model.recipe.lines_in_order)
    learned = {source.name: source for source in model.sources}
    return tuple(
        learned[name].draw(asked, view, n) if name in names and name in learned else NOTHING for name in SOURCES
    )
