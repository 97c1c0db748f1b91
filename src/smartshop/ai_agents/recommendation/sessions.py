"""What sessions like the present one went on to hold: VMIS-kNN.

Kersbergen, Sprangers & Schelter, "Serenade" (SIGMOD 2022), algorithm 2, after VS-kNN (Ludewig & Jannach 2018): of the
sessions that share a product with the present one, s, the `newest` m; of them the k that resemble it most by
r_n = Σ_{i ∈ s ∩ n} π_i; a product's score is Σ_{n ∋ j} λ_n · r_n · ln(|H| / h_j).
π_i falls with the place of i in s, counted from its newest product: linearly, as 1, (l−1)/l … 1/l with l products.
λ_n = 1 − 0.1 · p where p, from 1, is the place of the newest product shared. |H| sessions are known, h_j hold j. The
newest product itself is not drawn.

What we changed: a product counts the less the farther it lies, in the neighbour, from the newest product shared, and
less still if it came before it: · `step_decay`^(steps − 1), · `backward` (as STAN does, Garg et al. 2019). Without
either HR@10 on the validation item of a public five-core data set falls from .100 to .087, NDCG@10 from .065 to .054.
And s is the shopper's newest distinct products of whatever visit, π_i · how loud step and age let i be (`anchors`): a
page must also be filled for one who has just come back. Products as loud as each other, as the lines of an order are,
share a place: on a wholesaler's baskets NDCG@10 of new products went from .09 to .12. The index holds whole sessions,
the newest that fit in `most_signs`, so that its memory is bounded.

Where a shop knows orders alone, a session is an order.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar, Self

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from smartshop.ai_agents.recommendation.row_source import Summed, best_places, sum_by_product
from smartshop.ai_agents.recommendation.rows import map_array
from smartshop.ai_agents.recommendation.sequences import Sequences
from smartshop.ai_agents.recommendation.source import Anchors, Asked, Drawn, Mask, Numbers, ShelfView

Floats = NDArray[np.float64]
Places = NDArray[np.int64]

PLACE_BITS = 8
"""Of a key: which anchor."""
MATCH_STEP = 0.1
"""What λ loses with each place."""
MOST_PLACES = 9


class SessionsConfig(msgspec.Struct, frozen=True, kw_only=True):
    newest: Annotated[int, Meta(ge=1, le=5_000)] = 500
    """m: sessions per product that are looked at, and of all of them together."""
    neighbours: Annotated[int, Meta(ge=1, le=2_000)] = 100
    """k: most similar sessions, whose products are drawn."""
    longest_question: Annotated[int, Meta(ge=1, le=100)] = 40
    """Newest products of the shopper that look for neighbours, of the first nine places; from the tenth on, λ is 0."""
    longest_session: Annotated[int, Meta(ge=2, le=1_000)] = 100
    """Newest distinct products of a session that are kept; bounds the cost of a wholesaler's order."""
    step_decay: Annotated[float, Meta(gt=0, le=1)] = 0.8
    """Weight of each further step from the newest product shared; what has the same time, as an order, is one step."""
    backward: Annotated[float, Meta(ge=0, le=1)] = 0.5
    """Weight of what came before the newest product shared."""
    most_signs: Annotated[int, Meta(ge=2)] = 2_000_000
    """Products of all sessions together; each costs some 10 bytes."""


@dataclass(frozen=True, slots=True)
class Sessions:
    """Sessions are numbered from 0 by the time of their last sign: the greater, the newer."""

    name: ClassVar[str] = "sessions"

    session_starts: Places
    """(n_sessions + 1,)"""
    session_products: Numbers
    """(n_signs,): distinct products of each session."""
    session_steps: NDArray[np.int16]
    """(n_signs,): the place of each in its session, from 0; signs of one moment share it."""
    shopper: Numbers
    """(n_sessions,): whose it was; a number of the training's own that leads to nobody."""
    product_starts: Places
    """(n_products + 1,)"""
    product_sessions: Numbers
    """(≤ n_signs,): of each product its `newest` sessions, rising."""
    rarity: NDArray[np.float32]
    """(n_products,): ln(|H| / h); 0 for products in no session."""
    config: SessionsConfig

    def draw(self, asked: Asked, view: ShelfView, n: int) -> Drawn:
        return draw_from_sessions(self, asked.anchors, asked.eligible, n)

    def shoppers_with_both(self, first: int, second: int) -> int:
        """Distinct shoppers of the newest sessions with `first` who had `second` in the same session."""
        if not (0 <= first < len(self.rarity) and 0 <= second < len(self.rarity)):
            return 0
        sessions, others = self._newest_with(first), self._newest_with(second)
        if not len(sessions):
            return 0
        if len(others) < self.config.newest:
            # All that hold the second: both lists rise, and looking one up in the other beats reading whole sessions.
            holding = others[sessions.take(sessions.searchsorted(others), mode="clip") == others]
        else:
            entry, owner = _entries(self.session_starts, sessions)
            holding = sessions[owner[self.session_products[entry] == second]]
        return len(set(self.shopper[holding].tolist()))

    def _newest_with(self, product: int) -> Numbers:
        return self.product_sessions[self.product_starts[product] : self.product_starts[product + 1]]

    def save(self, folder: Path) -> None:
        for part in PARTS:
            np.save(folder / f"sessions.{part}.npy", getattr(self, part), allow_pickle=False)
        (folder / "sessions.json").write_bytes(msgspec.json.format(msgspec.json.encode(self.config)))

    @classmethod
    def load(cls, folder: Path) -> Self:
        config = msgspec.json.decode((folder / "sessions.json").read_bytes(), type=SessionsConfig)
        starts, products, steps, shopper, product_starts, product_sessions, rarity = (
            map_array(folder / f"sessions.{part}.npy") for part in PARTS
        )
        return cls(starts, products, steps, shopper, product_starts, product_sessions, rarity, config)


PARTS = (
    "session_starts",
    "session_products",
    "session_steps",
    "shopper",
    "product_starts",
    "product_sessions",
    "rarity",
)


@dataclass(frozen=True, slots=True)
class Neighbours:
    """The k sessions that resemble the present one most. Parallel arrays."""

    session: Places
    similarity: Floats
    """r, > 0"""
    newest: Places
    """The newest product shared, an index into the products asked about."""


def fit_sessions(sequences: Sequences, config: SessionsConfig) -> Sessions | None:
    """Index the newest sessions of two products and more; None where there is none."""
    session, product, at = _session_products(sequences, config.longest_session)
    sizes = np.bincount(session)[session] if len(session) else session
    session, product, at = session[sizes > 1], product[sizes > 1], at[sizes > 1]
    if not len(session):
        return None
    ends = np.zeros(int(sequences.session.max()) + 1, np.int64)
    ends[sequences.session] = sequences.occurred_at
    owner = np.zeros(len(ends), np.int32)
    owner[sequences.session] = sequences.shopper
    kept = _newest_that_fit(session, ends, config.most_signs)
    number = np.full(len(ends), -1, np.int64)
    number[kept] = np.arange(len(kept))
    inside = number[session] >= 0
    by_session = np.argsort(number[session[inside]], kind="stable")
    numbered, product, at = (each[inside][by_session] for each in (number[session], product, at))
    held = np.bincount(product, minlength=sequences.n_products)
    product_starts, product_sessions = _newest_of_each(numbered, product, held, config.newest)
    return Sessions(
        session_starts=_starts(np.bincount(numbered, minlength=len(kept))),
        session_products=product.astype(np.int32),
        session_steps=_steps(numbered, at),
        shopper=owner[kept],
        product_starts=product_starts,
        product_sessions=product_sessions,
        rarity=np.where(held > 0, np.log(len(kept) / np.maximum(held, 1)), 0.0).astype(np.float32),
        config=config,
    )


def _session_products(sequences: Sequences, longest: int) -> tuple[Places, Places, Places]:
    """Distinct (session, product) with the time of the last sign, by session and time; the newest of a long one."""
    pair = sequences.session.astype(np.int64) * max(sequences.n_products, 1) + sequences.product
    _, from_end = np.unique(pair[::-1], return_index=True)
    last = np.sort(len(pair) - 1 - from_end)
    session = sequences.session[last].astype(np.int64)
    ends = np.cumsum(np.bincount(session)) if len(session) else session
    keep = ends[session] - 1 - np.arange(len(session)) < longest
    return session[keep], sequences.product[last][keep].astype(np.int64), sequences.occurred_at[last][keep]


def _steps(session: Places, at: Places) -> NDArray[np.int16]:
    """How many moments of its session lie before each sign."""
    new_session = np.diff(session, prepend=-1) != 0
    moment = np.cumsum(new_session | (np.diff(at, prepend=0) != 0))
    return np.asarray(moment - moment[new_session][np.cumsum(new_session) - 1], np.int16)


def _newest_that_fit(session: Places, ends: Places, most: int) -> Places:
    """Sessions by the time of their end, oldest first: the newest that hold no more than `most` products in all."""
    numbers, sizes = np.unique(session, return_counts=True)
    newest_first = np.lexsort((numbers, ends[numbers]))[::-1]
    fitting = np.cumsum(sizes[newest_first]) <= most
    return np.asarray(numbers[newest_first[fitting]][::-1])


def _newest_of_each(session: Places, product: Places, held: Places, newest: int) -> tuple[Places, Numbers]:
    by_product = np.argsort(product, kind="stable")
    ends = np.cumsum(held)
    keep = np.repeat(ends, held) - 1 - np.arange(len(session)) < newest
    return _starts(np.minimum(held, newest)), session[by_product][keep].astype(np.int32)


def _starts(lengths: Places) -> Places:
    return np.concatenate(([0], np.cumsum(lengths))).astype(np.int64)


@dataclass(frozen=True, slots=True)
class Scored:
    """Eligible products of the neighbours, by product_no. Parallel arrays."""

    product_no: Numbers
    score: Floats
    told: Summed
    """What every entry of the neighbours added, by product."""
    speaker: Numbers
    """The newest anchor of each entry's neighbour."""

    def because(self, chosen: Places) -> Numbers:
        """Of each of these places the newest anchor of the neighbour that added most."""
        return self.speaker[self.told.loudest(chosen)]


def draw_from_sessions(learned: Sessions, anchors: Anchors, eligible: Mask, n: int) -> Drawn:
    """The best eligible products of the most similar sessions; ties by product_no."""
    found = score_products(learned, anchors, eligible)
    best = best_places(found.score, n)
    return Drawn(found.product_no[best], found.because(best))


def score_products(learned: Sessions, anchors: Anchors, eligible: Mask) -> Scored:
    speaking = np.flatnonzero(anchors.product_no < len(learned.rarity))[: learned.config.longest_question]
    products, weight = anchors.product_no[speaking], anchors.weight[speaking]
    place_of = np.cumsum(np.diff(weight, prepend=weight[:1]) != 0)
    near = place_of < MOST_PLACES
    products, weight, place_of = products[near], weight[near], place_of[near]
    found = find_neighbours(learned, products, weight * loudness(place_of))
    entry, owner = _entries(learned.session_starts, found.session)
    product = learned.session_products[entry]
    matched = found.similarity * (1.0 - MATCH_STEP * (place_of[found.newest] + 1))
    speaker = products[found.newest][owner]
    share = matched[owner] * _nearness(learned, entry, owner, product == speaker)
    # What the shopper looks at this moment is in every neighbour, and nobody needs telling of it.
    allowed = eligible.take(product, mode="clip") & (product < len(eligible)) & (product != products[:1])
    told = sum_by_product(product[allowed], share[allowed])
    return Scored(
        product_no=told.product_no,
        score=told.total * learned.rarity[told.product_no],
        told=told,
        speaker=speaker[allowed],
    )


def _nearness(learned: Sessions, entry: Places, owner: Places, is_shared: NDArray[np.bool_]) -> Floats:
    """(n_entries,): how much an entry of a neighbour counts for where it lies; `is_shared`: its newest one shared."""
    step = learned.session_steps[entry].astype(np.int64)
    # Each neighbour has exactly one such entry, and they stand in the order of the neighbours.
    distance = step - step[is_shared][owner]
    # Looked up: there are few distances and many entries.
    steps = np.arange(learned.config.longest_session)
    after = learned.config.step_decay ** np.maximum(steps - 1.0, 0.0)
    by_distance = np.concatenate((learned.config.backward * after[:0:-1], after))
    return np.asarray(by_distance[distance + (len(steps) - 1)], np.float64)


def loudness(place: Places) -> Floats:
    """π at these places, (n,) rising from 0."""
    length = int(place.max(initial=0)) + 1
    return (length - place) / length


def find_neighbours(learned: Sessions, products: Numbers, weight: Floats) -> Neighbours:
    """`products`: newest first, with what each adds to the similarity of a session that holds it."""
    entry, place = _entries(learned.product_starts, products)
    # One sort brings sessions together, oldest first, and within a session the newest product shared to the front.
    key = np.sort((learned.product_sessions[entry].astype(np.int64) << PLACE_BITS) | place)
    session, place = key >> PLACE_BITS, key & ((1 << PLACE_BITS) - 1)
    starts = np.flatnonzero(np.diff(session, prepend=-1))[-learned.config.newest :]
    if not len(starts):
        return Neighbours(session, np.zeros(0), place)
    similarity = np.add.reduceat(weight[place[starts[0] :]], starts - starts[0])
    best = np.lexsort((-starts, -similarity))[: learned.config.neighbours]
    return Neighbours(session[starts[best]], similarity[best], place[starts[best]])


def _entries(starts: Places, rows: NDArray[np.integer]) -> tuple[Places, Places]:
    """Where the entries of these rows lie, and for each the index of its row in `rows`."""
    begin = starts[rows]
    lengths = starts[rows + 1] - begin
    owner = np.repeat(np.arange(len(rows)), lengths)
    before = np.cumsum(lengths) - lengths
    return np.arange(len(owner)) + (begin - before)[owner], owner
