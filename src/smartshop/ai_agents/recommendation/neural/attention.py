"""What comes after the shopper's newest signs, in their order: self-attentive networks over a bounded vocabulary.

Learned with PyTorch (extra `neural`), served by ONNX Runtime alone (extra `onnx`). A list costs the encoder's run over
at most `max_history` signs and a product of the vocabulary's vectors with what it says, on one thread; a large
vocabulary is screened in whole numbers first.
"""

import importlib.util
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Self

import msgspec
import numpy as np
from numpy.typing import NDArray

from smartshop.ai_agents.recommendation.neural.encoder import MISSING, Encoder, can_encode
from smartshop.ai_agents.recommendation.neural.histories import choose_vocabulary, codes_by_product, split_histories
from smartshop.ai_agents.recommendation.neural.screening import Screen, make_screen
from smartshop.ai_agents.recommendation.neural.settings import AttentionConfig
from smartshop.ai_agents.recommendation.neural.starting_vectors import starting_vectors
from smartshop.ai_agents.recommendation.neural.weights import new_weights
from smartshop.ai_agents.recommendation.row_source import best_places
from smartshop.ai_agents.recommendation.rows import map_array
from smartshop.ai_agents.recommendation.source import NOTHING, Asked, Drawn, Lesson, Mask, Numbers, ShelfView

if TYPE_CHECKING:
    from smartshop.ai_agents.recommendation.neural.learning import Learned

LIBRARIES = ("torch", "onnx", "onnxruntime")
"""What learning needs; serving needs the last alone."""


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """`attention.json`: how the arrays beside it came to be."""

    config: AttentionConfig
    epochs: int


@dataclass(frozen=True, slots=True)
class Attention:
    """Products are their places in `product_no`; those that are not there are never drawn and are skipped as signs."""

    product_no: Numbers
    """(vocabulary,), rising."""
    vectors: NDArray[np.float32]
    """(vocabulary, members · embedding_size)"""
    code_of: Numbers
    """(greatest product_no + 1,): place in the vocabulary, or -1."""
    encoder: Encoder
    config: AttentionConfig
    epochs: int
    """After which the shoppers put aside were served best."""
    screen: Screen | None = None
    """Leaves out who cannot be among the best; None where every product is scored."""
    name: ClassVar[str] = "attention"

    def draw(self, asked: Asked, view: ShelfView, n: int) -> Drawn:
        """What is before the shopper counts as the newest sign. Every product's `because` is the loudest anchor."""
        codes = self._codes(np.concatenate((asked.moment.history, asked.moment.focus)))
        if not len(codes):
            return NOTHING
        wanted = self.encoder.wanted(self.vectors[codes])
        # Products rise, so that those that a smaller shelf no longer has are the last.
        known = int(np.searchsorted(self.product_no, len(asked.eligible)))
        best = self._best(wanted, asked.eligible.take(self.product_no[:known]), n)
        because = asked.anchors.product_no[:1]
        return Drawn(self.product_no[best], np.full(len(best), because[0] if len(because) else -1, np.int32))

    def _best(self, wanted: NDArray[np.float32], eligible: Mask, n: int) -> NDArray[np.intp]:
        """Places in the vocabulary; `eligible`: (≤ vocabulary,)."""
        # Row by row: the same score whoever else is scored, and no threads of linear algebra that wait for each other.
        if self.screen is None:
            places = eligible.nonzero()[0]
            score = np.vecdot(self.vectors[: len(eligible)], wanted)[places]
        else:
            places = self.screen.promising(wanted, eligible, n)
            score = np.vecdot(self.vectors[places], wanted)
        return places[best_places(score, n)]

    def _codes(self, signs: Numbers) -> Numbers:
        """Places of the newest known signs, oldest first, the same one never twice in a row."""
        recent = signs[-2 * self.config.max_history :]
        codes = self.code_of[recent[recent < len(self.code_of)]]
        codes = codes[codes >= 0]
        distinct: Numbers = codes[np.append(codes[1:] != codes[:-1], True)[: len(codes)]]
        return distinct[-self.config.max_history :]

    def save(self, folder: Path) -> None:
        np.save(folder / f"{self.name}.product_no.npy", self.product_no, allow_pickle=False)
        np.save(folder / f"{self.name}.vectors.npy", self.vectors, allow_pickle=False)
        (folder / f"{self.name}.encoder.onnx").write_bytes(self.encoder.model)
        if self.screen is not None:
            self.screen.save(folder, self.name)
        (folder / f"{self.name}.json").write_bytes(
            msgspec.json.format(msgspec.json.encode(Manifest(config=self.config, epochs=self.epochs)))
        )

    @classmethod
    def load(cls, folder: Path) -> Self:
        """The vectors are mapped; the encoder, below a megabyte, is read.

        Raises:
            ValueError: ONNX Runtime is not installed.
        """
        if not can_encode():
            raise ValueError(MISSING)
        manifest = msgspec.json.decode((folder / f"{cls.name}.json").read_bytes(), type=Manifest)
        product_no = map_array(folder / f"{cls.name}.product_no.npy")
        return cls(
            product_no=product_no,
            vectors=map_array(folder / f"{cls.name}.vectors.npy"),
            code_of=codes_by_product(product_no),
            encoder=Encoder((folder / f"{cls.name}.encoder.onnx").read_bytes()),
            config=manifest.config,
            epochs=manifest.epochs,
            screen=Screen.load(folder, cls.name),
        )


def can_learn() -> bool:
    """Whether every library that learning needs is installed; none is imported for that."""
    return all(importlib.util.find_spec(library) is not None for library in LIBRARIES)


def fit_attention(
    lesson: Lesson,
    config: AttentionConfig,
    *,
    earlier: Attention | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Attention | None:
    """Learn from the lesson; None where a library is missing or there are too few signs to learn an order from.

    `earlier`: a fit of a part of this lesson. It found out after how many epochs to end, so that nobody need be put
    aside again, no epoch is learned in vain, and this fit costs less. Its weights are not gone on from: vectors that
    are factorised anew know the newest signs, and ended better. `clock`: seconds that only rise, for `max_minutes`.
    With `lesson.scratch` each epoch leaves a checkpoint there: a fit that was killed goes on from it, and one that had
    come to its end is not repeated.
    """
    if not can_learn() or len(lesson.sequences) < max(config.least_signs, 2):
        return None
    products = choose_vocabulary(lesson.sequences, config.vocabulary)
    members: list[Learned] = []
    for number in range(config.members):
        # The first member finds out when to end; those after it learn from everybody, and that long.
        epochs = earlier.epochs if earlier is not None else members[0].epochs if members else None
        member = _learn_member(lesson, products, config, number, epochs, clock)
        if member is None:
            return None
        members.append(member)
    # An extra, and only learning needs it.
    from smartshop.ai_agents.recommendation.neural.export import encoder_graph

    weights = [member.weights for member in members]
    vectors = np.concatenate([each["vectors"] for each in weights], axis=1)
    return Attention(
        product_no=products,
        vectors=vectors,
        code_of=codes_by_product(products),
        encoder=Encoder(encoder_graph(weights, config)),
        config=config,
        epochs=members[0].epochs,
        screen=make_screen(vectors),
    )


def _learn_member(
    lesson: Lesson,
    products: Numbers,
    config: AttentionConfig,
    number: int,
    epochs: int | None,
    clock: Callable[[], float],
) -> "Learned | None":
    """One network; None where nothing comes after anything. `epochs`: how many are known to be enough, if they are."""
    # PyTorch takes two seconds to import, and serving must not need it.
    from smartshop.ai_agents.recommendation.neural.learning import Course, learn_weights

    seed = int(np.random.SeedSequence((lesson.seed, number)).generate_state(1)[0])
    histories, exam = split_histories(
        lesson.sequences,
        products,
        max_history=config.max_history,
        max_signs=config.max_signs,
        put_aside=config.put_aside if epochs is None else 0.0,
        seed=seed,
    )
    if not (histories.length >= 2).any():
        return None
    course = Course(
        histories=histories,
        exam=exam,
        config=config,
        epochs=config.epochs if epochs is None else min(epochs, config.epochs),
        minutes=config.max_minutes / config.members,
        seed=seed,
        threads=lesson.threads,
        scratch=lesson.scratch,
        clock=clock,
    )
    vectors = starting_vectors(histories, len(products), config.embedding_size, seed)
    return learn_weights(course, new_weights(vectors, config, seed))
