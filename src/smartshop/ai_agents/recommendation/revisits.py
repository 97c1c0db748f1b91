"""What a shopper turns back to within a visit: the trail of the visit, walked once more.

Learned as counts over all visits. At every sign of a visit each distinct product that it had held up to there is a
case, and the product to which the next sign turned is a hit. Cases are told apart (`revisit_cells`) by what the newest
sign was, whether the product was just ordered, where it stands on the trail from the place at which the shopper is
again, how long ago its last sign was, and how often it was turned to; the last two are what repeat consumption hangs on
most (Anderson, Kumar, Tomkins & Vassilvitskii 2014). The chance of a cell is (hits + k · wider) / (cases + k), `wider`
the chance of the same without the last of these, and so on down to the kind of the newest sign; k = `shrinkage`. Kinds
say nothing of each other: that an order goes on is no reason to turn back after one.

Who goes back to the place where they were before often goes on as before: so are baskets ordered, line by line. A
product is named only if its chance reaches `least_chance`, so that the source is silent where nobody turns back, and
the mix can let it lead where they do.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar, Self

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from smartshop.ai_agents.recommendation.buy_again import VISIT_GAP
from smartshop.ai_agents.recommendation.revisit_cells import SHAPE, cells, sign_before
from smartshop.ai_agents.recommendation.rows import map_array
from smartshop.ai_agents.recommendation.sequences import Sequences
from smartshop.ai_agents.recommendation.source import NOTHING, Asked, Drawn, Moment, Numbers, ShelfView

Places = NDArray[np.int64]
Floats = NDArray[np.float64]

UNHEARD = 0.01
"""Chance that the next sign turns back to a given product, where such a newest sign was never followed."""


class RevisitsConfig(msgspec.Struct, frozen=True, kw_only=True):
    longest_visit: Annotated[int, Meta(ge=2, le=1_000)] = 200
    """Signs of a visit that are looked at: the first ones while learning, the newest ones when asked. With 60 the
    trails of large baskets were lost: of made-up shops' further lines of orders .63 and .79 stood first, now .98."""
    most_signs: Annotated[int, Meta(ge=2)] = 100_000
    """Of the newest visits, that are counted: some thousand cells need no more."""
    shrinkage: Annotated[float, Meta(ge=0)] = 20.0
    """k: cases of doubt."""
    least_chance: Annotated[float, Meta(gt=0, le=1)] = 0.1
    """Of the very next sign: a product below it is not named."""


@dataclass(frozen=True, slots=True)
class Revisits:
    name: ClassVar[str] = "revisits"

    chance: NDArray[np.float32]
    """`SHAPE`: of each cell."""
    config: RevisitsConfig

    def draw(self, asked: Asked, view: ShelfView, n: int) -> Drawn:
        return draw_revisits(self.chance, asked.moment, n, self.config)

    def save(self, folder: Path) -> None:
        np.save(folder / "revisits.chance.npy", self.chance, allow_pickle=False)
        (folder / "revisits.json").write_bytes(msgspec.json.format(msgspec.json.encode(self.config)))

    @classmethod
    def load(cls, folder: Path) -> Self:
        config = msgspec.json.decode((folder / "revisits.json").read_bytes(), type=RevisitsConfig)
        chance = map_array(folder / "revisits.chance.npy")
        if chance.shape != SHAPE:
            raise ValueError(f"revisits.chance.npy has the shape {chance.shape}; {SHAPE} would be right")
        return cls(chance, config)


def fit_revisits(sequences: Sequences, config: RevisitsConfig) -> Revisits:
    return Revisits(chances(*count_revisits(sequences, config), config.shrinkage).astype(np.float32), config)


@dataclass(frozen=True, slots=True)
class Trails:
    """Signs of visits, visit by visit, each in its own order. Parallel arrays, (n,)."""

    visit: Places
    product: Numbers
    at: Places
    """µs UTC"""
    bought: NDArray[np.bool_]
    following: Places
    """Place of the visit's next sign of the same product; n where there is none."""
    preceding: Places
    """Place of the visit's sign of the same product before; -1 where there is none."""
    times: Places
    """How many signs of the product the visit held with this one."""


def count_revisits(sequences: Sequences, config: RevisitsConfig) -> tuple[Places, Places]:
    """Hits and cases of every cell, `SHAPE` each."""
    trails = _newest_trails(sequences, config)
    hits, cases = (np.zeros(int(np.prod(SHAPE)), np.int64) for _ in range(2))
    for lag in range(1, config.longest_visit):
        if lag >= len(trails.product):
            break
        turned_to = np.flatnonzero(trails.visit[:-lag] == trails.visit[lag:])
        # A product is a case by the last sign that it had when the next one was made.
        turned_to = turned_to[trails.following[turned_to] >= turned_to + lag]
        asked = turned_to + lag
        present = asked - 1
        cell = cells(
            before=sign_before(trails.bought[present], trails.at[asked] > trails.at[present]),
            ordered=trails.bought[turned_to],
            onwards=np.where(trails.preceding[present] < 0, np.nan, turned_to - trails.preceding[present]),
            ago=np.full(len(asked), lag),
            times=trails.times[turned_to],
        )
        cases += np.bincount(cell, minlength=len(cases))
        hits += np.bincount(cell[trails.following[turned_to] == asked], minlength=len(hits))
    return hits.reshape(SHAPE), cases.reshape(SHAPE)


def chances(hits: Places, cases: Places, shrinkage: float) -> Floats:
    """`SHAPE`: of every cell, each shrunk towards that of the cells which are told apart by one thing less."""
    chance = np.full((1,) * len(SHAPE), UNHEARD)
    for told_by in range(1, len(SHAPE) + 1):
        others = tuple(range(told_by, len(SHAPE)))
        hit, case = hits.sum(axis=others, keepdims=True), cases.sum(axis=others, keepdims=True)
        chance = (hit + shrinkage * chance) / np.maximum(case + shrinkage, 1e-9)
    return np.asarray(chance, np.float64)


def draw_revisits(chance: NDArray[np.float32], moment: Moment, n: int, config: RevisitsConfig) -> Drawn:
    """Products of the present visit by their chance, the newest first of equals; none where no visit goes on."""
    begin = _visit_begins(moment, config.longest_visit)
    product = moment.history[begin:]
    if not len(product) or not moment.eligible[product].any():
        return NOTHING
    bought = moment.bought[begin:] if len(moment.bought) else np.zeros(len(product), np.bool_)
    is_pause = bool(moment.now > moment.history_at[-1])
    # A click and the look that follows are one sign, as in what was learned from.
    begins = np.concatenate(([True], (product[1:] != product[:-1]) | (bought[1:] != bought[:-1])))
    product, bought = product[begins], bought[begins]
    distinct, from_end, times = np.unique(product[::-1], return_index=True, return_counts=True)
    last = len(product) - 1 - from_end
    here_before = np.flatnonzero(product[:-1] == product[-1])
    cell = cells(
        before=sign_before(bought[-1:], np.array([is_pause])),
        ordered=bought[last],
        onwards=last - here_before[-1] if len(here_before) else np.full(len(last), np.nan),
        ago=from_end + 1,
        times=times,
    )
    found = chance.ravel()[cell]
    best = np.lexsort((from_end, -found))
    best = best[(found[best] >= config.least_chance) & moment.eligible[distinct[best]]][:n]
    named = distinct[best].astype(np.int32)
    return Drawn(named, named)


def _visit_begins(moment: Moment, longest: int) -> int:
    """Where the visit that still goes on begins in the history; its end where none does."""
    at = moment.history_at
    if not len(at) or moment.now - at[-1] > VISIT_GAP:
        return len(at)
    pauses = np.flatnonzero(np.diff(at[-longest:]) > VISIT_GAP)
    return max(len(at) - longest, 0) + (int(pauses[-1]) + 1 if len(pauses) else 0)


def _newest_trails(sequences: Sequences, config: RevisitsConfig) -> Trails:
    """The first `longest_visit` signs of the newest visits of two and more, `most_signs` in all."""
    starts = np.flatnonzero(np.diff(sequences.session, prepend=-1))
    sizes = np.diff(np.append(starts, len(sequences)))
    starts, sizes = starts[sizes > 1], np.minimum(sizes[sizes > 1], config.longest_visit)
    newest = np.argsort(-sequences.occurred_at[starts], kind="stable")
    kept = np.sort(newest[np.cumsum(sizes[newest]) <= config.most_signs])
    visit = np.repeat(np.arange(len(kept)), sizes[kept])
    begins = np.cumsum(sizes[kept]) - sizes[kept]
    sign = starts[kept][visit] + np.arange(len(visit)) - begins[visit]
    product = sequences.product[sign]
    by_product = np.lexsort((product, visit))
    goes_on = (np.diff(product[by_product]) == 0) & (np.diff(visit[by_product]) == 0)
    following, preceding = np.full(len(sign), len(sign)), np.full(len(sign), -1)
    following[by_product[:-1][goes_on]] = by_product[1:][goes_on]
    preceding[by_product[1:][goes_on]] = by_product[:-1][goes_on]
    first = np.flatnonzero(np.concatenate(([True], ~goes_on))[: len(sign)])
    times = np.empty(len(sign), np.int64)
    times[by_product] = np.arange(len(sign)) - np.repeat(first, np.diff(np.append(first, len(sign)))) + 1
    bought = sequences.order[sign] >= 0
    return Trails(visit, product, sequences.occurred_at[sign], bought, following, preceding, times)
