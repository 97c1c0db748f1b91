"""From a request and the shopper's present to the question that the agents argue about."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from smartshop.ai_agents.advice import NOTHING_WANTED, Numbers, Question, Wanted
from smartshop.ai_agents.eligibility import Known, ShelfMasks, eligible
from smartshop.ai_agents.rules import Situation
from smartshop.ai_agents.shelf import Shelf
from smartshop.data_collection.schemas.catalogue import parse_category
from smartshop.data_collection.schemas.events import INTEREST_WEIGHT, EventKind
from smartshop.data_collection.schemas.ids import Micros, ProductId, ProductNo, clean_id
from smartshop.data_collection.schemas.profiles import Interest, Profile
from smartshop.data_collection.schemas.slates import MAX_HISTORY, SlateRequest, Surface
from smartshop.errors import InvalidId

LIKED_FROM = 3.0
"""A rating of so many stars and more is a sign of liking."""
NAMED_IDS = 5
"""Unknown ids named one by one in `degraded`; the rest is counted."""
WINDOWS = frozenset({Surface.HOME, Surface.EMAIL})
"""Surfaces that show what to discover, where what lies in the basket is left out."""
BASKET_LASTS = 24 * 3_600 * 1_000_000
"""µs: an older basket is taken for forgotten, and what was in it may be shown again."""
NO_PROFILE = Profile()
TellWanted = Callable[[Numbers], Wanted]
"""From products that a shopper turned to, oldest first, to what people who shop alike want lately."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, and what of the request could not be used."""

    question: Question
    unknown: list[str]


def wanted_by_nobody(_: Numbers) -> Wanted:
    """For shops that have no segments yet."""
    return NOTHING_WANTED


def ask(
    request: SlateRequest,
    masks: ShelfMasks,
    profile: Profile,
    now: Micros,
    *,
    personal: bool,
    wanted: TellWanted = wanted_by_nobody,
    returned: Sequence[ProductId] = (),
) -> Asked:
    """The question of this request. Not `personal`: no history, only the page, the basket and the moment.

    `returned`: products that are back in stock, which this shopper waited for.
    """
    shelf = masks.shelf
    unknown: list[str] = []
    sent_history = request.history[-MAX_HISTORY:] if personal else []
    sent = _numbers(shelf, sent_history, "history", unknown)
    basket = _numbers(shelf, request.basket, "basket", unknown)
    exclude = _numbers(shelf, request.filters.exclude, "exclude", unknown)
    anchor = _numbers(shelf, [request.product_id] if request.product_id is not None else [], "product_id", unknown)
    liked, liked_at, ordered = _liked(shelf, profile)
    known = _known(shelf, profile, history=sent, basket=basket, exclude=exclude, anchor=anchor[0] if anchor else None)
    mask = eligible(masks, request.filters, request.surface, known, now)
    if request.surface in WINDOWS:
        _leave_out(mask, _in_basket(shelf, profile, now), request.limit)
    history = _array(liked + sent)
    question = Question(
        surface=request.surface,
        limit=request.limit,
        now=now,
        shelf=shelf,
        eligible=mask,
        profile=profile,
        history=history,
        history_at=np.array(liked_at + [now] * len(sent), dtype=np.int64),
        basket=known.basket,
        anchor=known.anchor,
        query=request.query,
        context=request.context,
        history_bought=np.array(ordered + [False] * len(sent), dtype=np.bool_),
        wanted_alike=wanted(history) if personal and len(history) else NOTHING_WANTED,
        returned=_array(shelf.number_of[one] for one in returned if one in shelf.number_of),
    )
    return Asked(question, unknown)


def situation_of(request: SlateRequest, now: Micros, segments: frozenset[str]) -> Situation:
    """What the merchant's rules may ask of this request."""
    return Situation(
        surface=request.surface,
        now=now,
        categories=tuple(parse_category(text) for text in request.filters.category),
        query=request.query or "",
        channel=request.context.channel,
        device=request.context.device,
        segments=segments,
    )


def until(profile: Profile, at: Micros) -> Profile:
    """The profile as it was at a moment: a slate of the past knows nothing of later events."""
    return Profile(
        interest=tuple(one for one in profile.interest if one.occurred_at <= at),
        purchases=tuple(one for one in profile.purchases if one.occurred_at <= at),
        exposures=tuple(one for one in profile.exposures if one.occurred_at <= at),
    )


def likes(sign: Interest) -> bool:
    """Whether it speaks for the product: a rating does from three stars on, other kinds by their weight."""
    if sign.kind is EventKind.RATED and sign.rating is not None:
        return sign.rating >= LIKED_FROM
    return INTEREST_WEIGHT.get(sign.kind, 0.0) > 0


def _liked(shelf: Shelf, profile: Profile) -> tuple[list[int], list[int], list[bool]]:
    """Products of positive interest and purchases, their times, and which were ordered; oldest first."""
    number_of = shelf.number_of
    signs = [
        (sign.occurred_at, sign.event_id, number, sign.kind is EventKind.ORDER_COMPLETED)
        for sign in profile.interest
        if sign.product_id is not None and (number := number_of.get(sign.product_id)) is not None and likes(sign)
    ]
    # A purchase may stand among the signs of interest as well; the set keeps it once.
    signs += [
        (bought.occurred_at, bought.event_id, number, True)
        for bought in profile.purchases
        if (number := number_of.get(bought.product_id)) is not None
    ]
    ordered = sorted(set(signs))
    return [sign[2] for sign in ordered], [sign[0] for sign in ordered], [sign[3] for sign in ordered]


def _in_basket(shelf: Shelf, profile: Profile, now: Micros) -> list[int]:
    """Products put into the basket lately, and neither taken out nor bought since: nobody needs telling of them."""
    added: dict[ProductId, Micros] = {}
    for sign in profile.interest:
        if sign.product_id is None or now - sign.occurred_at > BASKET_LASTS:
            continue
        if sign.kind is EventKind.PRODUCT_ADDED:
            added[sign.product_id] = sign.occurred_at
        elif sign.kind is EventKind.PRODUCT_REMOVED:
            added.pop(sign.product_id, None)
    for bought in profile.purchases:
        if bought.occurred_at >= added.get(bought.product_id, now + 1):
            del added[bought.product_id]
    return [shelf.number_of[product_id] for product_id in added if product_id in shelf.number_of]


def _leave_out(mask: NDArray[np.bool_], numbers: list[int], limit: int) -> None:
    """Out of the mask, unless the slate would not be full without them."""
    if numbers and np.count_nonzero(mask) - np.count_nonzero(mask[numbers]) >= limit:
        mask[numbers] = False


def _known(
    shelf: Shelf, profile: Profile, *, history: list[int], basket: list[int], exclude: list[int], anchor: int | None
) -> Known:
    number_of = shelf.number_of
    bought = [(number_of[one.product_id], one.occurred_at) for one in profile.purchases if one.product_id in number_of]
    seen = {number_of[one.product_id] for one in profile.interest if one.product_id in number_of}
    return Known(
        bought=_array([number for number, _ in bought]),
        bought_at=np.array([occurred_at for _, occurred_at in bought], dtype=np.int64),
        seen=_array(seen),
        dismissed=_array(_dismissed(shelf, profile)),
        history=_array(history),
        basket=_array(basket),
        anchor=anchor,
        exclude=_array(exclude),
    )


def _dismissed(shelf: Shelf, profile: Profile) -> set[int]:
    """Products whose last word was "less like this"."""
    out: set[int] = set()
    for sign in profile.interest:
        number = shelf.number_of.get(sign.product_id) if sign.product_id is not None else None
        if number is None:
            continue
        if sign.kind is EventKind.ITEM_DISMISSED:
            out.add(number)
        elif number in out and likes(sign):
            out.discard(number)
    return out


def _numbers(shelf: Shelf, ids: Sequence[ProductId], field: str, unknown: list[str]) -> list[int]:
    """Numbers of the known ids, in order; the unknown ones are named."""
    numbers, strangers = list[int](), list[str]()
    for product_id in ids:
        number = number_of(shelf, product_id)
        if number is None:
            strangers.append(product_id[:128])
        else:
            numbers.append(number)
    if strangers:
        named = ", ".join(strangers[:NAMED_IDS])
        more = f" and {len(strangers) - NAMED_IDS} more" if len(strangers) > NAMED_IDS else ""
        unknown.append(f"{field}: unknown {named}{more}")
    return numbers


def number_of(shelf: Shelf, product_id: ProductId) -> ProductNo | None:
    """The product of an id as sent, which may be a variant's, untrimmed or in another normal form; None if unknown."""
    number = shelf.number_of.get(product_id)
    if number is not None:
        return number
    try:
        return shelf.number_of.get(ProductId(clean_id(product_id)))
    except InvalidId:
        return None


def _array(numbers: Iterable[int]) -> NDArray[np.int32] | Numbers:
    return np.fromiter(numbers, dtype=np.int32)
