"""Finding lookalikes in a whole shop: two passes over its standings, a batch in memory at a time.

Of everybody only id and likeness are kept at once: who allows the audience's purpose is asked from the likest on, until
enough of them do.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Annotated

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from smartshop.ai_agents.segmentation.lookalikes import (
    Layout,
    LookalikeConfig,
    Rows,
    fit_likeness,
    layout_for,
    rows_of,
    score,
)
from smartshop.data_collection.connectors.ports import Audiences, Standings
from smartshop.data_collection.schemas.audiences import MAX_LISTED, Audience, AudienceId, Listed, Rule
from smartshop.data_collection.schemas.customers import Purpose
from smartshop.data_collection.schemas.ids import CustomerId, Micros
from smartshop.data_collection.schemas.segments import Standing
from smartshop.errors import Conflict, NotFound

READ_AT_ONCE = 5_000
_decode_rule = msgspec.json.Decoder(Rule).decode
Tell = Callable[[float, str], None]
Allowing = Callable[[Sequence[CustomerId]], set[CustomerId]]
"""Those of them who allow what the audience is for."""


class AlikeConfig(msgspec.Struct, frozen=True, kw_only=True):
    likeness: LookalikeConfig = msgspec.field(default_factory=LookalikeConfig)
    seed_sample: Annotated[int, Meta(ge=1)] = 5_000
    """Of a larger seed so many are learned from; all of it is left out of the answer."""
    rest_sample: Annotated[int, Meta(ge=1)] = 20_000


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """How many to find who allow the purpose; the smaller of both, and of MAX_LISTED, where both are given."""

    size: int = MAX_LISTED
    share: float = 1.0
    """Of the customers outside the seed."""


def fill_alike(
    audiences: Audiences,
    standings: Standings,
    audience: Audience,
    seed: Rule,
    wanted: Wanted,
    *,
    now: Micros,
    shop_now: Micros,
    rng: np.random.Generator,
    tell: Tell = lambda share, what: None,
) -> Audience:
    """Find who is like those that `seed` matches, and save them as the audience's list.

    The seed is only learned from, so whoever has a standing may be of it. So many are found as are wanted who allow the
    audience's purpose today; those as alike who withhold it stand among them, and are counted as withheld and never
    listed, as whoever a rule matches.

    What was changed of the audience meanwhile stays; where that is its rule, nothing is saved.

    Raises:
        Conflict: the seed matches nobody.
        NotFound: the audience was deleted meanwhile.
    """
    tell(0.0, "reading the seed")
    seed_ids = list(_members(audiences, seed, shop_now))
    if not seed_ids:
        raise Conflict("The seed matches nobody with a standing, so there is nobody to be like.")

    def allowing(customer_ids: Sequence[CustomerId]) -> set[CustomerId]:
        told = audiences.page(Listed(tuple(customer_ids)), audience.purpose, shop_now, None, len(customer_ids))
        return {standing.customer_id for standing in told}

    found = find_alike(standings, seed_ids, wanted, allowing, AlikeConfig(), rng=rng, tell=tell)
    return _fill(audiences, audience, Listed(tuple(found)), now)


def _fill(audiences: Audiences, audience: Audience, found: Listed, now: Micros) -> Audience:
    """Finding takes a while in a large shop, and the audience may have been changed or deleted meanwhile."""
    present = audiences.get(audience.audience_id)
    if present is None:
        raise NotFound(f"The audience {audience.audience_id!r} was deleted while its lookalikes were sought.")
    if present.definition != audience.definition:
        return present
    filled = msgspec.structs.replace(present, definition=found, alike=True, changed_at=now)
    audiences.save(filled)
    return filled


def job_arguments(audience_id: AudienceId, seed: Rule, wanted: Wanted) -> dict[str, str]:
    """What a job is queued with that finds lookalikes later; `fill_queued` reads it."""
    return {
        "audience_id": audience_id,
        "seed": msgspec.json.encode(seed).decode(),
        "wanted": msgspec.json.encode(wanted).decode(),
    }


def fill_queued(
    audiences: Audiences,
    standings: Standings,
    arguments: Mapping[str, str],
    *,
    now: Micros,
    shop_now: Micros,
    rng: np.random.Generator,
    tell: Tell = lambda share, what: None,
) -> Audience:
    """Find the lookalikes that a request asked for, and save them as the list of the audience that it made; one that
    was given another rule meanwhile keeps that.

    Raises:
        NotFound: the audience was deleted meanwhile, or the arguments name none.
        Conflict: the seed matches nobody any more.
    """
    audience_id = AudienceId(arguments.get("audience_id", ""))
    audience = audiences.get(audience_id)
    if audience is None:
        raise NotFound(f"There is no audience {audience_id!r} to fill with lookalikes; it was deleted, or never made.")
    if not audience.alike:
        return audience
    seed = _decode_rule(arguments["seed"])
    wanted = msgspec.json.decode(arguments["wanted"], type=Wanted)
    return fill_alike(audiences, standings, audience, seed, wanted, now=now, shop_now=shop_now, rng=rng, tell=tell)


def find_alike(
    standings: Standings,
    seed_ids: Sequence[CustomerId],
    wanted: Wanted,
    allowing: Allowing,
    config: AlikeConfig,
    *,
    rng: np.random.Generator,
    tell: Tell = lambda share, what: None,
) -> list[CustomerId]:
    """The customers most like the seed, the likest first; the seed itself is never among them.

    As many who allow what is asked for as are wanted, and all who are more alike than the last of them; never more than
    MAX_LISTED.
    """
    seed = set(seed_ids)
    learned = sorted(seed)
    if len(learned) > config.seed_sample:
        learned = [learned[i] for i in rng.choice(len(learned), config.seed_sample, replace=False)]
    known = [standing for _, standing in sorted(standings.get(learned).items())]
    layout = layout_for(known, config.likeness)
    tell(0.1, "looking at everybody")
    rest, outside = _sample(standings, seed, layout, config.rest_sample, rng)
    size = min(wanted.size, MAX_LISTED, int(np.ceil(wanted.share * outside)))
    if not known or size < 1:
        return []
    likeness = fit_likeness(layout, rows_of(known, layout), rest, config.likeness)
    customer_ids: list[CustomerId] = []
    scores: list[NDArray[np.float64]] = []
    for batch in _outside(standings, seed):
        customer_ids += [standing.customer_id for standing in batch]
        scores.append(score(likeness, rows_of(batch, layout)))
        tell(0.5 + 0.4 * min(1.0, len(customer_ids) / outside), "comparing")
    # They come by id, so equals stay so, and the same shop gives the same list.
    nearest = np.argsort(-np.concatenate(scores), kind="stable")
    tell(0.9, "asking who allows it")
    return _until_enough_allow([customer_ids[place] for place in nearest.tolist()], size, allowing)


def _until_enough_allow(nearest: Sequence[CustomerId], size: int, allowing: Allowing) -> list[CustomerId]:
    """From the likest on until `size` of them allow it. Where that is over MAX_LISTED, the last who withhold it go."""
    found: list[CustomerId] = []
    allow: set[CustomerId] = set()
    for first in range(0, len(nearest), READ_AT_ONCE):
        step = nearest[first : first + READ_AT_ONCE]
        allowed = allowing(step)
        for customer_id in step:
            found.append(customer_id)
            if customer_id in allowed:
                allow.add(customer_id)
            if len(allow) == size:
                return _fitting(found, allow)
    return _fitting(found, allow)


def _fitting(found: Sequence[CustomerId], allow: set[CustomerId]) -> list[CustomerId]:
    room = MAX_LISTED - len(allow)
    fitting = []
    for customer_id in found:
        if customer_id in allow:
            fitting.append(customer_id)
        elif room > 0:
            fitting.append(customer_id)
            room -= 1
    return fitting


def _members(audiences: Audiences, rule: Rule, now: Micros) -> Iterator[CustomerId]:
    after: CustomerId | None = None
    while True:
        page = audiences.page(rule, Purpose.PERSONALISATION, now, after, READ_AT_ONCE)
        yield from (standing.customer_id for standing in page)
        if len(page) < READ_AT_ONCE:
            return
        after = page[-1].customer_id


def _outside(standings: Standings, seed: set[CustomerId]) -> Iterator[list[Standing]]:
    for batch in standings.scan(READ_AT_ONCE):
        others = [standing for standing in batch if standing.customer_id not in seed]
        if others:
            yield others


def _sample(
    standings: Standings, seed: set[CustomerId], layout: Layout, n: int, rng: np.random.Generator
) -> tuple[Rows, int]:
    """Up to `n` rows drawn alike from all outside the seed, and how many are outside.

    Everyone draws a number, the `n` lowest stay: one pass, never more than 2n rows in memory.
    """
    drawn, rows = np.empty(0), rows_of([], layout)
    outside, highest = 0, 1.0
    for batch in _outside(standings, seed):
        outside += len(batch)
        lots = rng.random(len(batch))
        low = np.flatnonzero(lots < highest)
        drawn = np.concatenate([drawn, lots[low]])
        rows = np.concatenate([rows, rows_of([batch[i] for i in low], layout)])
        if len(drawn) > n:
            stay = np.argpartition(drawn, n - 1)[:n]
            drawn, rows = drawn[stay], rows[stay]
            highest = float(drawn.max())
    return rows, outside
