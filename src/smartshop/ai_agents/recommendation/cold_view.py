"""Reads products that came after the model: off the request path, once per catalogue, each text once. Pure."""

import numpy as np
from numpy.typing import NDArray

from smartshop.ai_agents.recommendation.cold import Newcomers, with_own
from smartshop.ai_agents.recommendation.cold_borrowing import adoption, borrowed
from smartshop.ai_agents.recommendation.content import Content, rows_of
from smartshop.ai_agents.recommendation.content_likeness import most_alike, traits_of
from smartshop.ai_agents.recommendation.rows import Rows
from smartshop.ai_agents.recommendation.source import NewcomersView
from smartshop.ai_agents.recommendation.text import SIZE, texts_of
from smartshop.ai_agents.shelf import Shelf


def newcomers_view(
    content: Content, newcomers: Newcomers, shelf: Shelf, before: NewcomersView | None = None
) -> NewcomersView | None:
    """What the newest products of this shelf that the model does not know are like, and what they borrow.

    At most `most_late` of them. `before`: an earlier view of the same model, whose texts need not be read again. None
    where there is no such product.
    """
    n, read = shelf.n_products, len(content.vectors)
    late = read + np.flatnonzero(shelf.alive[read:])
    newest = np.argsort(-shelf.published_at[late], kind="stable")[: newcomers.config.most_late]
    late = np.sort(late[newest])
    if not len(late):
        return None
    vector_of = _vectors(content, texts_of(shelf, late.tolist()), before)
    vectors = np.zeros((n, SIZE), np.float16)
    vectors[:read] = content.vectors
    vectors[late] = np.stack([vector_of[text] for text in texts_of(shelf, late.tolist())])
    traits, of_late = traits_of(shelf, vectors), np.arange(len(late))

    candidates = np.concatenate((np.flatnonzero(shelf.alive[:read]), late))
    own_place = len(candidates) - len(late) + of_late
    likeness = content.config.likeness
    alike = most_alike(traits.take(late), traits.take(candidates), own_place, content.config.n, likeness)
    known = newcomers.lenders(shelf.alive)
    nobody = np.full(len(late), -1, np.int64)
    lenders = most_alike(traits.take(late), traits.take(known), nobody, newcomers.config.neighbours, likeness)
    adopted = adoption(lenders, late, known, np.ones(len(late)), n)
    lent = with_own(newcomers.lent, n, newcomers.config.own)
    return NewcomersView(
        alike=_at(late, rows_of(alike, candidates, content.config.sharpness), n),
        borrowed=borrowed(lent, adopted, adopters=newcomers.config.adopters, n_kept=newcomers.config.n),
        vector_of=vector_of,
    )


def _vectors(content: Content, texts: list[str], before: NewcomersView | None) -> dict[str, NDArray[np.float32]]:
    """Of each text; only those that no earlier view read are read now."""
    known = dict(before.vector_of) if before is not None else {}
    unread = sorted({text for text in texts if text not in known})
    if unread:
        known.update(zip(unread, content.encoder.encode(unread), strict=True))
    return {text: known[text] for text in texts}


def _at(products: NDArray[np.integer], rows: Rows, n: int) -> Rows:
    """Rows of these products, rising, among n; the others' are empty."""
    lengths = np.zeros(n, np.int64)
    lengths[products] = np.diff(rows.indptr)
    return Rows(np.concatenate(([0], np.cumsum(lengths))), rows.indices, rows.weights, rows.evidence)
