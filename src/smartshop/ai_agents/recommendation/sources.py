"""The sources there are, in the order in which lists, origins and tables name them; to add one is a line in each part.

A source that has nothing to learn from, or whose library is not installed, is left out of the model.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import msgspec

from smartshop.ai_agents.recommendation.bought_together import (
    BoughtTogether,
    BoughtTogetherConfig,
    fit_bought_together,
)
from smartshop.ai_agents.recommendation.buy_again import BuyAgain, BuyAgainConfig, fit_buy_again
from smartshop.ai_agents.recommendation.category_trending import CategoryTrending
from smartshop.ai_agents.recommendation.cold import Newcomers, NewcomersConfig, fit_newcomers
from smartshop.ai_agents.recommendation.content import Content, ContentConfig, fit_content
from smartshop.ai_agents.recommendation.item_to_item import ItemToItem, ItemToItemConfig, fit_item_to_item
from smartshop.ai_agents.recommendation.markov import Markov, MarkovConfig, learn_markov
from smartshop.ai_agents.recommendation.neural.attention import Attention, fit_attention
from smartshop.ai_agents.recommendation.neural.settings import AttentionConfig
from smartshop.ai_agents.recommendation.revisits import Revisits, RevisitsConfig, fit_revisits
from smartshop.ai_agents.recommendation.segment_trending import SegmentTrending
from smartshop.ai_agents.recommendation.sequences import SequenceConfig
from smartshop.ai_agents.recommendation.sessions import Sessions, SessionsConfig, fit_sessions
from smartshop.ai_agents.recommendation.slist import Slist, SlistConfig, fit_slist
from smartshop.ai_agents.recommendation.source import Lesson, Source
from smartshop.ai_agents.recommendation.taste import Taste, TasteConfig, fit_taste
from smartshop.ai_agents.recommendation.trending import Trending, TrendingConfig, fit_trending

KINDS: tuple[type[Source], ...] = (
    Markov,
    Sessions,
    Slist,
    Taste,
    ItemToItem,
    BoughtTogether,
    CategoryTrending,
    SegmentTrending,
    Trending,
    BuyAgain,
    Revisits,
    Attention,
    Content,
    Newcomers,
)
SOURCES: tuple[str, ...] = tuple(kind.name for kind in KINDS)
"""In this order everywhere: lists, weights, origins."""
HANDED_ON = frozenset({SegmentTrending.name})
"""Sources that hand on another agent's word. Held-out questions of the past carry none of it, since that agent has
learned from what they ask for: neither the mix's search nor tables nor a ranker look at them, and their weight is given
at the request (`mixing`)."""


class Configs(msgspec.Struct, frozen=True, kw_only=True):
    """The settings of every source, each kept beside its algorithm."""

    sequences: SequenceConfig = SequenceConfig()
    markov: MarkovConfig = MarkovConfig()
    sessions: SessionsConfig = SessionsConfig()
    slist: SlistConfig = SlistConfig()
    taste: TasteConfig = TasteConfig()
    item_to_item: ItemToItemConfig = ItemToItemConfig()
    bought_together: BoughtTogetherConfig = BoughtTogetherConfig()
    trending: TrendingConfig = TrendingConfig()
    buy_again: BuyAgainConfig = BuyAgainConfig()
    revisits: RevisitsConfig = RevisitsConfig()
    attention: AttentionConfig = AttentionConfig()
    content: ContentConfig = ContentConfig()
    newcomers: NewcomersConfig = NewcomersConfig()


def fit_sources(lesson: Lesson, configs: Configs, earlier: Sequence[Source] = ()) -> Iterator[Source]:
    """Fit one source after the other, in the order of `SOURCES`.

    `earlier`: sources fitted on a part of this lesson, from which one that is costly to learn takes what it found out.
    """
    sequences = lesson.sequences
    markov = learn_markov(sequences, configs.markov)
    yield markov
    sessions = fit_sessions(sequences, configs.sessions)
    if sessions is not None:
        yield sessions
    yield Slist(fit_slist(sequences, configs.slist))
    yield Taste(fit_taste(sequences, configs.taste))
    item_to_item = ItemToItem(fit_item_to_item(sequences, configs.item_to_item))
    yield item_to_item
    yield fit_bought_together(sequences, lesson.category(), len(lesson.shelf.categories), configs.bought_together)
    yield CategoryTrending()
    yield SegmentTrending()
    yield fit_trending(sequences, lesson.as_of, configs.trending)
    yield fit_buy_again(lesson, configs.buy_again)
    yield fit_revisits(sequences, configs.revisits)
    before = next((source for source in earlier if isinstance(source, Attention)), None)
    attention = fit_attention(lesson, configs.attention, earlier=before)
    if attention is not None:
        yield attention
    read = next((source for source in earlier if isinstance(source, Content)), None)
    content = fit_content(lesson, configs.content, earlier=read)
    if content is not None:
        yield content
        newcomers = fit_newcomers(lesson, content, (markov.rows, item_to_item.rows), configs.newcomers)
        if newcomers is not None:
            yield newcomers


def load_sources(folder: Path, names: Iterable[str]) -> tuple[Source, ...]:
    """Map the sources that a model was saved with.

    Raises:
        ValueError: one of them is not known here.
    """
    kinds = {kind.name: kind for kind in KINDS}
    wanted = tuple(names)
    unknown = [name for name in wanted if name not in kinds]
    if unknown:
        raise ValueError(f"no source is called {unknown[0]!r}")
    return tuple(kinds[name].load(folder) for name in wanted)
