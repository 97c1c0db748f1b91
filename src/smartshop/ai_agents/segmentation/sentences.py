"""A segment in one sentence: what its customers do, how often, for how much, and how that compares with the shop."""

from collections.abc import Sequence

from smartshop.ai_agents.segmentation.feature_list import FEATURES, Unit, column
from smartshop.ai_agents.segmentation.figures import say, say_share
from smartshop.ai_agents.segmentation.leans import Lean
from smartshop.ai_agents.segmentation.portraits import Portrait, Trait, are_kin

MOST_ADVERBS, MOST_TOPICS, MOST_TRAITS = 2, 2, 3
LEAST_RATE = 0.05
"""Orders a year that would read as 0."""
_OBJECTS = ("the ", "many ", "few ", "something ")
"""Adverbs that say what is bought: they stand in the place of topics."""


def sentence_of(portrait: Portrait, currency: str) -> str:
    """`Buy candles in bulk before Christmas; 46 % of orders before Christmas (shop: 9 %); 4.1 orders a year; …`."""
    if not portrait.size:
        return "Nobody is in it now."
    leans = portrait.leans[:MOST_TOPICS]
    spoken = _spoken(portrait.traits, has_topics=bool(leans))
    parts = [_opening(portrait, spoken, leans)]
    told = _figured(spoken, portrait.traits)
    parts += [_told(trait, portrait, currency) for trait in told]
    names = {trait.feature.name for trait in told}
    if portrait.is_buying:
        parts += [_plain(name, portrait, currency) for name in ("orders_per_year", "order_value") if name not in names]
    elif "visits_per_month" not in names:
        parts.append(_plain("visits_per_month", portrait, currency))
    if leans:
        parts.append(_topics_share(portrait, leans))
    return "; ".join(part for part in parts if part) + "."


def _spoken(traits: Sequence[Trait], *, has_topics: bool) -> list[Trait]:
    """The traits told in words before the figures: different in kind, and one object at most."""
    spoken: list[Trait] = []
    for trait in traits:
        adverb = trait.side.adverb
        is_object = adverb.startswith(_OBJECTS)
        clashes = is_object and (has_topics or any(one.side.adverb.startswith(_OBJECTS) for one in spoken))
        if adverb and not clashes and not any(are_kin(trait, one) for one in spoken):
            spoken.append(trait)
        if len(spoken) == MOST_ADVERBS:
            break
    return spoken


def _figured(spoken: Sequence[Trait], traits: Sequence[Trait]) -> list[Trait]:
    """The traits told by figures: those spoken of, then others that say something else."""
    told = [trait for trait in spoken if trait.feature.unit is not Unit.DEGREE]
    for trait in traits:
        if len(told) == MOST_TRAITS:
            break
        if trait.feature.unit is not Unit.DEGREE and trait not in told and not any(are_kin(trait, one) for one in told):
            told.append(trait)
    return told


def _opening(portrait: Portrait, spoken: Sequence[Trait], leans: Sequence[Lean]) -> str:
    about = " and ".join(lean.subject.quoted for lean in leans)
    # What is bought stands before how it is bought.
    adverbs = sorted((trait.side.adverb for trait in spoken), key=lambda adverb: not adverb.startswith(_OBJECTS))
    if not about and not adverbs:
        return "Close to the shop's average"
    buy = "Buy from" if any(lean.subject.is_category for lean in leans) else "Buy"
    verb = buy if portrait.is_buying else "Look at" if about else "Look around"
    return " ".join(part for part in (verb, about, *adverbs) if part)


def _told(trait: Trait, portrait: Portrait, currency: str) -> str:
    place = column(trait.feature.name)
    own, shop = portrait.own.figures[place], portrait.shop.figures[place]
    if own is None or shop is None:
        return ""
    said, usual = say(trait.feature, own, currency), say(trait.feature, shop, currency)
    if trait.feature.name == "orders_per_year" and own < LEAST_RATE:
        return "hardly any second order yet"
    return f"{trait.side.phrase.format(said)} (shop: {usual})"


def _plain(name: str, portrait: Portrait, currency: str) -> str:
    place = column(name)
    own = portrait.own.figures[place]
    if own is None:
        return ""
    if name == "orders_per_year" and own < LEAST_RATE:
        return "hardly any second order yet"
    feature = FEATURES[place]
    return feature.much.phrase.format(say(feature, own, currency))


def _topics_share(portrait: Portrait, leans: Sequence[Lean]) -> str:
    own, shop = sum(lean.own for lean in leans), sum(lean.shop for lean in leans)
    what = "what they buy" if portrait.own.figures[column("visits_per_month")] is None else "their interest"
    which = "these two" if len(leans) > 1 else leans[0].subject.quoted
    within = "in " if len(leans) > 1 or leans[0].subject.is_category else ""
    return f"{say_share(own)} of {what} is {within}{which} (shop: {say_share(shop)})"
