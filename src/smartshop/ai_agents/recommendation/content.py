"""What is like what the shopper turned to, by text, category, brand and price: needs no shopper before.

Every product's row holds the living products most like it; a row's weights are likeness raised to `sharpness`. The
source also keeps the texts' vectors and their encoder, by which a product that came after the model is placed among
those it knows (`newcomers_view`).
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar, Self

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from smartshop.ai_agents.recommendation.content_likeness import Alike, LikenessConfig, most_alike, traits_of
from smartshop.ai_agents.recommendation.row_source import draw_from_rows
from smartshop.ai_agents.recommendation.rows import Rows, load_rows, map_array
from smartshop.ai_agents.recommendation.source import Anchors, Asked, Drawn, Lesson, Mask, ShelfView
from smartshop.ai_agents.recommendation.text import Encoder, Vectors, texts_of
from smartshop.ai_agents.recommendation.text_export import open_network
from smartshop.ai_agents.recommendation.text_network import Network, NetworkEncoder, fit_network
from smartshop.ai_agents.recommendation.text_words import WordEncoder, fit_words
from smartshop.ai_agents.shelf import Shelf

ENCODERS: tuple[type[WordEncoder] | type[NetworkEncoder], ...] = (WordEncoder, NetworkEncoder)


class ContentConfig(msgspec.Struct, frozen=True, kw_only=True):
    n: Annotated[int, Meta(ge=1, le=1_000)] = 50
    """Neighbours kept per product."""
    sharpness: Annotated[float, Meta(gt=0, le=20)] = 8.0
    """Power of a likeness: the greater, the more the nearest count."""
    most_by_network: Annotated[int, Meta(ge=0)] = 50_000
    """Products up to which a language network reads the texts (1.5 ms each, one core); in greater catalogues, and where
    there is none, words are counted."""
    likeness: LikenessConfig = LikenessConfig()


@dataclass(frozen=True, slots=True)
class Content:
    rows: Rows
    """(n_products of the shelf learned from); nobody's choice stands behind an entry: its evidence is 0."""
    vectors: NDArray[np.float16]
    """(n_products, 64): of the texts."""
    encoder: Encoder
    digest: str
    """sha256 of all that was learned from: the same shelf need not be learned again."""
    config: ContentConfig
    name: ClassVar[str] = "content"

    def draw(self, asked: Asked, view: ShelfView, n: int) -> Drawn:
        late = view.newcomers.alike if view.newcomers is not None else None
        return draw_from_both(self.rows, late, asked.anchors, asked.eligible, n)

    def save(self, folder: Path) -> None:
        self.rows.save(folder, self.name)
        np.save(folder / f"{self.name}.vectors.npy", self.vectors, allow_pickle=False)
        self.encoder.save(folder, self.name)
        about = About(encoder=self.encoder.name, digest=self.digest, config=self.config)
        (folder / f"{self.name}.json").write_bytes(msgspec.json.format(msgspec.json.encode(about)))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """
        Raises:
            ValueError: the encoder is not known here, or its library is not installed.
        """
        about = msgspec.json.decode((folder / f"{cls.name}.json").read_bytes(), type=About)
        encoder = next((kind for kind in ENCODERS if kind.name == about.encoder), None)
        if encoder is None:
            raise ValueError(f"no encoder of texts is called {about.encoder!r}")
        return cls(
            rows=load_rows(folder, cls.name),
            vectors=map_array(folder / f"{cls.name}.vectors.npy"),
            encoder=encoder.load(folder, cls.name),
            digest=about.digest,
            config=about.config,
        )


class About(msgspec.Struct, frozen=True, kw_only=True):
    """`content.json`"""

    encoder: str
    digest: str
    config: ContentConfig


def fit_content(lesson: Lesson, config: ContentConfig, *, earlier: Content | None = None) -> Content | None:
    """Read every product's text and find its neighbours; None where the shelf says nothing in words.

    `earlier`: an earlier fit, given back as it is where it learned from the same shelf.
    """
    shelf = lesson.shelf
    texts = texts_of(shelf, range(shelf.n_products))
    if not any(texts):
        return None
    folder = lesson.text_network if len(texts) <= config.most_by_network else None
    network = open_network(folder) if folder is not None else None
    digest = _digest(shelf, texts, config, is_read=network is not None)
    if earlier is not None and earlier.digest == digest:
        return earlier
    encoder, vectors = _encoded(texts, network, lesson.seed)
    # At half precision from here on, so that a loaded model has the very neighbours that were found.
    kept = vectors.astype(np.float16)
    traits, living = traits_of(shelf, kept), np.flatnonzero(shelf.alive)
    own_place = np.full(shelf.n_products, -1, np.int64)
    own_place[living] = np.arange(len(living))
    alike = most_alike(traits, traits.take(living), own_place, config.n, config.likeness)
    return Content(rows_of(alike, living, config.sharpness), kept, encoder, digest, config)


def _encoded(texts: Sequence[str], network: Network | None, seed: int) -> tuple[Encoder, Vectors]:
    if network is not None:
        return fit_network(network, texts)
    words = fit_words(texts, seed)
    return words, words.encode(texts)


def _digest(shelf: Shelf, texts: Sequence[str], config: ContentConfig, *, is_read: bool) -> str:
    told = hashlib.sha256(msgspec.json.encode((texts, config, is_read, shelf.categories)))
    for array in (shelf.alive, shelf.category, shelf.brand, shelf.price_minor):
        told.update(array.tobytes())
    return told.hexdigest()


def rows_of(alike: Alike, targets: NDArray[np.integer], sharpness: float) -> Rows:
    """Neighbours as rows; `targets`: (n_targets,) the product_no at each place."""
    valid = alike.likeness > 0
    return Rows(
        indptr=np.concatenate(([0], np.cumsum(valid.sum(axis=1)))).astype(np.int64),
        indices=targets[alike.place[valid]].astype(np.int32),
        weights=(alike.likeness[valid] ** sharpness).astype(np.float32),
        evidence=np.zeros(int(valid.sum()), np.int32),
    )


def draw_from_both(rows: Rows, late: Rows | None, anchors: Anchors, eligible: Mask, n: int) -> Drawn:
    """As `draw_from_rows`, from the model's own rows and those that a view added for products newer than it."""
    if late is None or not len(late.indices):
        return draw_from_rows(rows, anchors, eligible, n)
    products = anchors.product_no
    own, added = _of(rows, products), _of(late, products)
    both = Rows(
        indptr=np.concatenate((own.indptr, own.indptr[-1] + added.indptr[1:])),
        indices=np.concatenate((own.indices, added.indices)),
        weights=np.concatenate((own.weights, added.weights)),
        evidence=np.concatenate((own.evidence, added.evidence)),
    )
    place = np.arange(2 * len(products), dtype=np.int32)
    drawn = draw_from_rows(both, Anchors(place, np.tile(anchors.weight, 2)), eligible, n)
    return Drawn(drawn.product_no, np.tile(products, 2)[drawn.because])


def _of(rows: Rows, products: NDArray[np.int32]) -> Rows:
    """These products' rows alone, in this order; empty for those that there is none of."""
    known = np.minimum(products, rows.n_rows - 1)
    starts = rows.indptr[known] if rows.n_rows else np.zeros(len(products), np.int64)
    lengths = np.where(products < rows.n_rows, rows.indptr[known + 1] - starts, 0) if rows.n_rows else starts
    ends = np.cumsum(lengths)
    entry = np.arange(ends[-1] if len(ends) else 0) + np.repeat(starts - (ends - lengths), lengths)
    return Rows(np.concatenate(([0], ends)), rows.indices[entry], rows.weights[entry], rows.evidence[entry])
