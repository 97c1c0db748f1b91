"""What goes with all that a shopper ever chose, not only lately, and is wanted now: EASE over whole histories.

B = −P / diag(P), P = (XᵀX + λI)⁻¹, X who chose what (Steck 2019, eq. 8), cut to the best entries of each row. Asked
with the products of a long history, each fading with its age, and every answer times √demand: in a shop of seasons the
right taste of last year is the wrong product of today.

On first baskets of a wholesaler's known customers, products new to them (recall@10, cuts 2011-04-01 and 2011-06-01):
uncut EASE with equal weights .073 and .080; rows of 100 .075 and .080; fading over 60 days .080 and .091; times √demand
.086 and .097.
"""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from smartshop.ai_agents.recommendation.anchors import newest_distinct
from smartshop.ai_agents.recommendation.ease import closed_form, gram_matrix
from smartshop.ai_agents.recommendation.pair_counts import co_occurrences, incidence
from smartshop.ai_agents.recommendation.row_source import RowSource, draw_from_rows
from smartshop.ai_agents.recommendation.rows import Rows, empty_rows, join_rows, top_rows
from smartshop.ai_agents.recommendation.sequences import Sequences
from smartshop.ai_agents.recommendation.slist import most_chosen, renumbered, spread
from smartshop.ai_agents.recommendation.source import Anchors, Asked, Drawn, Moment, Numbers, ShelfView

DAY = 86_400_000_000
"""µs"""
LOOK_BACK = 200
"""Signs of the history that are looked at."""
MAX_ANCHORS = 50
"""Newest distinct products that speak; with the fading more change nothing that is shown."""
HALF_LIFE = 60 * DAY
"""µs: age at which a product speaks half as loud as the newest."""
LEAST_DEMAND = 1e-3
"""Of the most wanted product's: what nobody asks for now can still be shown."""


class TasteConfig(msgspec.Struct, frozen=True, kw_only=True):
    most_products: Annotated[int, Meta(ge=1, le=40_000)] = 6_000
    """The head that is solved, a few seconds on one core: time grows with its cube, memory with its square."""
    regularisation: Annotated[float, Meta(gt=0)] = 400.0
    """λ, in shoppers."""
    max_unit_size: Annotated[int, Meta(ge=2, le=10_000)] = 400
    """Newest distinct products of a shopper that count."""
    n: Annotated[int, Meta(ge=1, le=1000)] = 100
    """Neighbours kept per product."""


@dataclass(frozen=True, slots=True)
class Taste(RowSource):
    name: ClassVar[str] = "taste"

    def draw(self, asked: Asked, view: ShelfView, n: int) -> Drawn:
        anchors = asked.anchors if len(asked.moment.focus) else long_anchors(asked.moment)
        most = max(float(view.demand[view.by_demand[:1]].max(initial=0.0)), 1e-12)

        def wanted(products: Numbers) -> NDArray[np.floating]:
            return np.asarray(np.sqrt(view.demand[products] / most + LEAST_DEMAND))

        return draw_from_rows(self.rows, anchors, asked.eligible, n, times=wanted)


def long_anchors(moment: Moment) -> Anchors:
    """The newest distinct products of the whole history, fading by age alone."""
    product_no, first = newest_distinct(moment.history[-LOOK_BACK:])
    product_no = product_no[:MAX_ANCHORS]
    at = moment.history_at[-LOOK_BACK:][::-1][first[:MAX_ANCHORS]]
    age = np.maximum(int(at[0]) - at, 0) if len(at) else at
    return Anchors(product_no, np.exp2(-age / HALF_LIFE))


def fit_taste(sequences: Sequences, config: TasteConfig) -> Rows:
    """Solve the head, other rows are empty; the evidence of a pair is the number of shoppers who chose both."""
    head = most_chosen(sequences.product, sequences.n_products, config.most_products)
    if not len(head):
        return empty_rows(sequences.n_products)
    known = renumbered(sequences, head)
    held = incidence(known.shopper, known.product, known.n_products, config.max_unit_size)
    weights: NDArray[np.float32] = closed_form(gram_matrix(held), config.regularisation)
    parts = []
    for first, together in co_occurrences(held, held):
        row = first + np.repeat(np.arange(together.shape[0]), np.diff(together.indptr))
        similarity = together.copy()
        similarity.data = weights[row, together.indices].astype(np.float64)
        parts.append(top_rows(similarity, together, config.n))
    return spread(join_rows(parts), head, sequences.n_products)
