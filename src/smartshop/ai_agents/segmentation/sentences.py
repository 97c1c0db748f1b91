"""A segment in one sentence: what its customers do, how often, for how much, and how that compares with the shop."""

from collections.abc import Sequence

from smartshop.ai_agents.segmentation.feature_list import FEATURES, Unit, column
from smartshop.ai_agents.segmentation.figures import say, say_both, say_share
from smartshop.ai_agents.segmentation.leans import Lean
from smartshop.ai_agents.segmentation.named import Named
from smartshop.ai_agents.segmentation.portraits import Portrait, Trait, are_kin

MOST_ADVERBS, MOST_TOPICS, MOST_TRAITS = 2, 2, 3
LEAST_RATE = 0.05
"""Orders a year that would read as 0."""


def sentence_of(portrait: Portrait, currency: str, named: Named | None = None) -> str:
    """`Buy candles in bulk, before Christmas; 46 pieces of each product (shop: 9); 4.1 orders a year; …`.

    What the segment is named by is told first. A name outlives what gave it: then only the figure is told.
    """
    if not portrait.size:
        return "Nobody is in it now."
    first = named or Named()
    leans = [*first.leans, *(lean for lean in portrait.leans if lean not in first.leans)][:MOST_TOPICS]
    # What no longer holds is not said in words, nor anything else before its figure.
    marked = [trait for trait in portrait.traits if trait.is_marked]
    spoken = _spoken(first.traits, marked) if all(trait in marked for trait in first.traits) else []
    parts = [_opening(portrait, spoken, leans)] if spoken or leans or not first.traits else []
    told = _figured([*first.traits, *(trait for trait in spoken if trait not in first.traits)], portrait.traits)
    parts += [_told(trait, portrait, currency) for trait in told]
    names = {trait.feature.name for trait in told}
    if portrait.is_buying:
        parts += [_plain(name, portrait, currency) for name in ("orders_per_year", "order_value") if name not in names]
    elif "visits_per_month" not in names:
        parts.append(_plain("visits_per_month", portrait, currency))
    if leans:
        parts.append(_topics_share(portrait, leans))
    sentence = "; ".join(part for part in parts if part)
    return f"{sentence[:1].upper()}{sentence[1:]}."


def _spoken(first: Sequence[Trait], traits: Sequence[Trait]) -> list[Trait]:
    """The traits told in words before the figures: those of the name, then others that differ from them in kind."""
    spoken = list(first)
    for trait in traits:
        if len(spoken) >= MOST_ADVERBS:
            break
        if trait.side.adverb and trait not in spoken and not any(are_kin(trait, one) for one in spoken):
            spoken.append(trait)
    return spoken


def _figured(spoken: Sequence[Trait], traits: Sequence[Trait]) -> list[Trait]:
    """The traits told by figures: those of the name and those spoken of, then others that say something else."""
    told = [trait for trait in spoken if trait.feature.unit is not Unit.DEGREE]
    for trait in traits:
        if len(told) == MOST_TRAITS:
            break
        if trait.feature.unit is not Unit.DEGREE and trait not in told and not any(are_kin(trait, one) for one in told):
            told.append(trait)
    return told


def _opening(portrait: Portrait, spoken: Sequence[Trait], leans: Sequence[Lean]) -> str:
    about = " and ".join(lean.subject.quoted for lean in leans)
    adverbs = [trait.side.adverb for trait in spoken]
    if not about and not adverbs:
        return "Close to the shop's average"
    buy = "Buy from" if any(lean.subject.is_category for lean in leans) else "Buy"
    verb = buy if portrait.is_buying else "Look at" if about else "Look around"
    return " ".join(part for part in (verb, about, ", ".join(adverbs)) if part)


def _told(trait: Trait, portrait: Portrait, currency: str) -> str:
    place = column(trait.feature.name)
    own, shop = portrait.own.figures[place], portrait.shop.figures[place]
    if own is None or shop is None:
        return ""
    said, usual = say_both(trait.feature, own, shop, currency)
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
