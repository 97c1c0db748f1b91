"""What the self-attentive model reads: shoppers' signs as codes of a bounded vocabulary, in windows. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from smartshop.ai_agents.recommendation.sequences import Sequences

Codes = NDArray[np.int64]

LEAST_TO_ASK = 3
"""Signs that a shopper must have before the last of them is put aside."""


@dataclass(frozen=True, slots=True)
class Histories:
    """Windows over one flat row of codes: window i is `codes[start[i]:end[i]]`, oldest sign first, of one shopper."""

    codes: Codes
    """(n_signs,): places in the vocabulary."""
    start: Codes
    """(n_windows,)"""
    end: Codes
    """(n_windows,)"""

    @property
    def length(self) -> Codes:
        """(n_windows,)"""
        return self.end - self.start

    def padded(self, windows: Codes) -> tuple[Codes, NDArray[np.bool_]]:
        """Codes and mask of these windows, (n, longest) each; 0 on the right, where the mask is false."""
        length = self.length[windows]
        steps = np.arange(int(length.max(initial=0)))
        mask = steps < length[:, None]
        places = np.where(mask, self.start[windows][:, None] + steps, 0)
        return np.where(mask, self.codes[places], 0), mask


@dataclass(frozen=True, slots=True)
class Exam:
    """Shoppers put aside: from a history to the sign that came after it."""

    histories: Histories
    target: Codes
    """(n_windows,)"""


def choose_vocabulary(sequences: Sequences, size: int) -> NDArray[np.int32]:
    """Numbers, rising, of the `size` products with most shoppers; ties go to the smaller number."""
    pairs = np.unique(sequences.shopper.astype(np.int64) * sequences.n_products + sequences.product)
    shoppers = np.bincount(pairs % max(sequences.n_products, 1), minlength=sequences.n_products)
    most = np.argsort(-shoppers, kind="stable")[: min(size, int((shoppers > 0).sum()))]
    return np.sort(most).astype(np.int32)


def codes_by_product(products: NDArray[np.int32]) -> NDArray[np.int32]:
    """(greatest product_no + 1,): each product's place in the vocabulary, -1 for one that is not in it."""
    codes = np.full(int(products.max(initial=-1)) + 1, -1, np.int32)
    codes[products] = np.arange(len(products), dtype=np.int32)
    return codes


def split_histories(
    sequences: Sequences, products: NDArray[np.int32], *, max_history: int, max_signs: int, put_aside: float, seed: int
) -> tuple[Histories, Exam]:
    """Windows to learn from, and the last signs of a random share of shoppers, which no window holds.

    Only a sign that is the shopper's first of its product is put aside: lists of what is new are what it is for.
    """
    shopper, codes = _known_signs(sequences, products, max_signs)
    edges = np.flatnonzero(np.concatenate(([True], shopper[1:] != shopper[:-1]))[: len(shopper)])
    start, end = edges, np.append(edges[1:], len(shopper))[: len(edges)]
    able = np.flatnonzero((end - start >= LEAST_TO_ASK) & _is_first(shopper, codes)[end - 1])
    chosen = np.sort(np.random.default_rng(seed).permutation(able)[: int(len(able) * put_aside)])
    learned_until = end.copy()
    learned_until[chosen] -= 1
    last = learned_until[chosen]
    asked = Histories(codes, np.maximum(start[chosen], last - max_history), last)
    return _windows(codes, start, learned_until, max_history), Exam(asked, codes[last])


def batches(histories: Histories, batch_signs: int, rng: np.random.Generator) -> Iterator[Codes]:
    """Windows in steps of about `batch_signs` signs to predict, alike in length, in random order."""
    usable = np.flatnonzero(histories.length >= 2)
    order = usable[np.lexsort((rng.random(len(usable)), histories.length[usable]))]
    signs = np.cumsum(histories.length[order] - 1)
    step = (signs - 1) // batch_signs
    cuts = np.flatnonzero(np.diff(step)) + 1
    groups = np.split(order, cuts) if len(order) else []
    for place in rng.permutation(len(groups)):
        yield groups[place]


def _known_signs(sequences: Sequences, products: NDArray[np.int32], max_signs: int) -> tuple[NDArray[np.int32], Codes]:
    """(n,) shopper and (n,) code of the newest signs of products in the vocabulary, in the order of the sequences.

    The same product twice in a row, as when a look becomes a purchase, is one sign: what comes next is another.
    """
    of_product = np.full(max(sequences.n_products, 1), -1, np.int64)
    of_product[products] = np.arange(len(products))
    code = of_product[sequences.product]
    known = np.flatnonzero(code >= 0)
    if len(known) > max_signs:
        newest = np.argsort(sequences.occurred_at[known], kind="stable")[len(known) - max_signs :]
        known = known[np.sort(newest)]
    shopper, code = sequences.shopper[known], code[known]
    changed = np.ones(len(known), np.bool_)
    changed[1:] = (code[1:] != code[:-1]) | (shopper[1:] != shopper[:-1])
    return shopper[changed], code[changed]


def _is_first(shopper: NDArray[np.int32], codes: Codes) -> NDArray[np.bool_]:
    """(n,): whether a sign is the shopper's first of its product."""
    _, first = np.unique(shopper.astype(np.int64) * (int(codes.max(initial=0)) + 1) + codes, return_index=True)
    is_first = np.zeros(len(codes), np.bool_)
    is_first[first] = True
    return is_first


def _windows(codes: Codes, start: Codes, end: Codes, max_history: int) -> Histories:
    """Cut every shopper's row into windows of at most max_history signs and the one after them.

    Each sign but a shopper's first is the one to predict in exactly one window.
    """
    n_windows = np.maximum(-(-(end - start - 1) // max_history), 0)
    row = np.repeat(np.arange(len(start)), n_windows)
    number = np.arange(len(row)) - np.repeat(np.cumsum(n_windows) - n_windows, n_windows)
    window_end = end[row] - number * max_history
    return Histories(codes, np.maximum(start[row], window_end - max_history - 1), window_end)
