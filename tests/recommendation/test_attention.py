"""The self-attentive source: what it learns in a shop whose answer is known, and what it promises as a source."""

import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import msgspec
import numpy as np
import pytest

from smartshop.ai_agents.recommendation.advice import RecommendationAdvisor
from smartshop.ai_agents.recommendation.anchors import ask_of
from smartshop.ai_agents.recommendation.blend import BlendConfig
from smartshop.ai_agents.recommendation.markov import Markov
from smartshop.ai_agents.recommendation.model import RecommendationModel
from smartshop.ai_agents.recommendation.neural.attention import Attention, fit_attention
from smartshop.ai_agents.recommendation.neural.checkpoint import KEPT
from smartshop.ai_agents.recommendation.neural.settings import AttentionConfig
from smartshop.ai_agents.recommendation.recipe import Recipe
from smartshop.ai_agents.recommendation.sequences import SequenceConfig, make_sequences
from smartshop.ai_agents.recommendation.source import Asked, Lesson, Moment
from smartshop.ai_agents.recommendation.sources import Configs
from smartshop.ai_agents.recommendation.training import fit
from smartshop.ai_agents.recommendation.view import view_shelf
from tests.recommendation.worlds import (
    N_PRODUCTS,
    PRODUCTS_PER_TASTE,
    SECOND,
    START,
    Row,
    ask,
    make_interactions,
    shelf_of_tastes,
    shop_of_tastes,
    view,
)

for library in ("torch", "onnx", "onnxruntime"):
    pytest.importorskip(library, reason=f"{library} is not installed: the extra `neural` brings it")

SMALL = AttentionConfig(
    embedding_size=16,
    max_history=8,
    dropout=0.1,
    learning_rate=0.01,
    batch_signs=128,
    negatives=20,
    averaging=0.9,
    epochs=8,
    least_signs=0,
    members=1,
)
TWO = msgspec.structs.replace(SMALL, members=2)
Clock = Callable[[], float]


class Killed(Exception):
    """The process ends here."""


def lesson(shoppers: int = 200, scratch: Path | None = None) -> Lesson:
    interactions = shop_of_tastes(shoppers)
    sequences = make_sequences(interactions, SequenceConfig())
    return Lesson(sequences=sequences, shelf=shelf_of_tastes(), as_of=int(interactions.data_until), scratch=scratch)


def lesson_of(rows: list[Row], n_products: int = N_PRODUCTS) -> Lesson:
    sequences = make_sequences(make_interactions(rows, n_products), SequenceConfig())
    return Lesson(sequences=sequences, shelf=shelf_of_tastes(), as_of=START)


@lru_cache
def learned() -> Attention:
    return fitted(lesson())


def fitted(
    one: Lesson, config: AttentionConfig = SMALL, earlier: Attention | None = None, clock: Clock = lambda: 0.0
) -> Attention:
    found = fit_attention(one, config, earlier=earlier, clock=clock)
    assert found is not None
    return found


def asked(history: Sequence[int], focus: Sequence[int] = (), eligible: Sequence[bool] | None = None) -> Asked:
    mask = np.ones(N_PRODUCTS, np.bool_) if eligible is None else np.array(eligible, np.bool_)
    at = START - np.arange(len(history), 0, -1, dtype=np.int64) * SECOND
    return ask_of(
        Moment(
            eligible=mask,
            history=np.array(history, np.int32),
            history_at=at,
            now=START,
            focus=np.array(focus, np.int32),
        )
    )


def drawn(source: Attention, one: Asked, n: int = 5) -> list[int]:
    shelf = shelf_of_tastes()
    found = source.draw(one, view_shelf(np.zeros(N_PRODUCTS, np.float32), shelf.categories, shelf), n)
    assert found.product_no.dtype == found.because.dtype == np.int32
    assert len(found.product_no) == len(found.because)
    products: list[int] = found.product_no.tolist()
    return products


def files(source: Attention, folder: Path) -> dict[str, bytes]:
    folder.mkdir()
    source.save(folder)
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_what_comes_next_in_a_walk_is_learned_from_its_order() -> None:
    """After products i, i + 1 of a range comes i + 2, four times in five: chance would be one in forty."""
    walks = [(taste * PRODUCTS_PER_TASTE + i) for taste in range(4) for i in range(3)]
    firsts = [drawn(learned(), asked([first, first + 1]), 2) for first in walks]
    assert sum(first + 2 in found for first, found in zip(walks, firsts, strict=True)) >= 9


def test_what_is_before_the_shopper_is_the_newest_sign() -> None:
    assert drawn(learned(), asked([21], focus=[2, 3])) == drawn(learned(), asked([21, 2, 3]))
    assert drawn(learned(), asked([21, 2, 3], focus=[3])) == drawn(learned(), asked([21, 2, 3]))


def test_an_empty_history_and_unknown_products_draw_nothing() -> None:
    assert drawn(learned(), asked([])) == []
    assert drawn(learned(), asked([N_PRODUCTS + 7, 10**6])) == []
    assert drawn(learned(), asked([2, N_PRODUCTS + 7, 3])) == drawn(learned(), asked([2, 3]))


def test_any_length_of_history_is_read_up_to_its_newest_signs() -> None:
    newest = [11, 12, 13, 14, 11, 12, 13, 14]
    assert drawn(learned(), asked([5, 6] * 200 + newest)) == drawn(learned(), asked(newest))


def test_lists_are_cut_to_the_mask_before_they_are_cut_to_length() -> None:
    few = np.isin(np.arange(N_PRODUCTS), (3, 17, 29))
    assert sorted(drawn(learned(), asked([1, 2], eligible=few.tolist()))) == [3, 17, 29]
    assert drawn(learned(), asked([1, 2], eligible=[False] * N_PRODUCTS)) == []
    full = drawn(learned(), asked([1, 2]), N_PRODUCTS)
    assert sorted(full) == list(range(N_PRODUCTS))
    assert drawn(learned(), asked([1, 2]), 7) == full[:7]


def test_a_shelf_that_shrank_or_grew_is_no_error() -> None:
    full = drawn(learned(), asked([1, 2]), N_PRODUCTS)
    assert drawn(learned(), asked([1, 2], eligible=[True] * 12), 40) == [product for product in full if product < 12]
    assert drawn(learned(), asked([1, 2], eligible=[True] * 90), 40) == full


def test_the_loudest_anchor_is_named_as_the_cause() -> None:
    shelf = shelf_of_tastes()
    seen = view_shelf(np.zeros(N_PRODUCTS, np.float32), shelf.categories, shelf)
    assert set(learned().draw(asked([1, 2]), seen, 5).because.tolist()) == {2}


def test_only_products_with_most_shoppers_are_in_the_vocabulary() -> None:
    rows = [view(shopper, product, START + product) for shopper in range(30) for product in range(shopper % 6 + 1)]
    found = fitted(lesson_of(rows), msgspec.structs.replace(SMALL, vocabulary=3))
    assert found.product_no.tolist() == [0, 1, 2]
    assert found.vectors.shape == (3, 16)
    assert set(drawn(found, asked([0, 5]))) <= {0, 1, 2}


def test_two_fits_are_equal_byte_for_byte_and_another_seed_is_another_fit(tmp_path: Path) -> None:
    first, again = files(learned(), tmp_path / "first"), files(fitted(lesson()), tmp_path / "again")
    assert first == again
    other = files(fitted(replace(lesson(), seed=1)), tmp_path / "other")
    assert first != other


def test_what_was_saved_answers_as_before(tmp_path: Path) -> None:
    files(learned(), tmp_path / "model")
    loaded = Attention.load(tmp_path / "model")
    assert loaded.config == SMALL
    for one in (asked([]), asked([1, 2, 3]), asked([4], focus=[9]), asked([5] * 300)):
        assert drawn(loaded, one, 20) == drawn(learned(), one, 20)


def test_serving_needs_neither_torch_nor_onnx(tmp_path: Path) -> None:
    files(learned(), tmp_path / "model")
    program = (
        "import sys; sys.modules['torch'] = sys.modules['onnx'] = None\n"
        "from pathlib import Path\n"
        "from tests.recommendation.test_attention_serving import serve\n"
        "print(serve(Path(sys.argv[1])))"
    )
    root = Path(__file__).parents[2]
    answer = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "model")], cwd=root, capture_output=True, text=True, check=True
    )
    assert answer.stdout.strip() == str(drawn(learned(), asked([1, 2])))


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [view(0, 1, START)],
        [view(shopper, shopper, START) for shopper in range(N_PRODUCTS)],
        [view(0, 3, START + step * 3_600 * SECOND) for step in range(9)],
    ],
    ids=["an empty log", "one sign", "only ties", "one product"],
)
def test_where_nothing_comes_after_anything_nothing_is_learned(rows: list[Row]) -> None:
    assert fit_attention(lesson_of(rows), SMALL) is None


def test_one_shopper_is_enough_to_learn_from() -> None:
    rows = [view(0, product, START + product) for product in range(6)]
    assert len(drawn(fitted(lesson_of(rows)), asked([1]))) == 5


def test_few_signs_are_left_to_the_counting_sources() -> None:
    assert fit_attention(lesson(), msgspec.structs.replace(SMALL, least_signs=100_000)) is None


class Counting:
    """A clock that stands still, counts who looks at it, and kills the process that looks too often."""

    def __init__(self, last_look: int = 10**9) -> None:
        self.looks, self.last_look = 0, last_look

    def __call__(self) -> float:
        self.looks += 1
        if self.looks > self.last_look:
            raise Killed
        return 0.0


def test_a_killed_training_goes_on_and_ends_as_if_it_had_not_been(tmp_path: Path) -> None:
    scratch = tmp_path / "scratch"
    with pytest.raises(Killed):
        fitted(lesson(scratch=scratch), TWO, clock=Counting(300))
    rest, whole, again = Counting(), Counting(), Counting()
    went_on = files(fitted(lesson(scratch=scratch), TWO, clock=rest), tmp_path / "went on")
    assert went_on == files(fitted(lesson(), TWO, clock=whole), tmp_path / "whole")
    assert 200 < whole.looks - rest.looks < 300
    assert files(fitted(lesson(scratch=scratch), TWO, clock=again), tmp_path / "again") == went_on
    assert again.looks < 3 < rest.looks


def test_another_lessons_checkpoints_are_left_alone_and_only_the_newest_are_kept(tmp_path: Path) -> None:
    short = msgspec.structs.replace(SMALL, epochs=1)
    few = lesson(20)
    for seed in range(KEPT + 1):
        kept = replace(few, seed=seed, scratch=tmp_path / "scratch")
        found = files(fitted(kept, short), tmp_path / f"{seed}")
        assert found == files(fitted(replace(few, seed=seed), short), tmp_path / f"{seed} without")
    assert len(list((tmp_path / "scratch").iterdir())) == KEPT


def test_a_damaged_checkpoint_is_not_gone_on_from(tmp_path: Path) -> None:
    scratch = tmp_path / "scratch"
    with pytest.raises(Killed):
        fitted(lesson(scratch=scratch), clock=Counting(60))
    (stored,) = scratch.iterdir()
    stored.write_bytes(stored.read_bytes()[:5_000])
    assert files(fitted(lesson(scratch=scratch)), tmp_path / "fresh") == files(learned(), tmp_path / "whole")


def test_learning_ends_when_its_time_is_up() -> None:
    hours = iter(range(1_000))
    found = fitted(lesson(), clock=lambda: 3_600.0 * next(hours))
    assert next(hours) < 8
    assert len(drawn(found, asked([1, 2]))) == 5


def test_two_networks_learn_apart_and_add_their_scores(tmp_path: Path) -> None:
    both = fitted(lesson(), TWO)
    first, second = both.vectors[:, :16], both.vectors[:, 16:]
    assert first.tolist() == learned().vectors.tolist() != second.tolist()
    files(both, tmp_path / "model")
    loaded = Attention.load(tmp_path / "model")
    assert drawn(loaded, asked([1, 2])) == drawn(both, asked([1, 2]))
    codes = both.code_of[np.array([1, 2])]
    alone = learned().encoder.wanted(first[codes])
    np.testing.assert_allclose(both.encoder.wanted(both.vectors[codes])[:16], alone, atol=1e-5)


def test_a_second_fit_takes_the_number_of_epochs_from_the_first_and_learns_from_everybody() -> None:
    first = fitted(lesson(), msgspec.structs.replace(SMALL, epochs=3))
    assert 1 <= first.epochs <= 3
    second = fitted(lesson(), earlier=first)
    everybody = msgspec.structs.replace(SMALL, epochs=first.epochs, put_aside=0.0)
    assert second.epochs == first.epochs
    assert second.vectors.tolist() == fitted(lesson(), everybody).vectors.tolist()


def test_learning_ends_when_those_put_aside_gain_no_more() -> None:
    """Where every step is luck there is nothing to gain for long."""
    rng = np.random.default_rng(0)
    rows = [view(shopper, int(rng.integers(N_PRODUCTS)), START + i) for shopper in range(120) for i in range(8)]
    patient = msgspec.structs.replace(SMALL, epochs=60, put_aside=0.3)
    assert 1 <= fitted(lesson_of(rows), patient).epochs < 50


def test_in_a_whole_model_its_products_come_with_counts_that_are_true(tmp_path: Path) -> None:
    interactions, shelf = shop_of_tastes(), shelf_of_tastes()
    recipe = Recipe(configs=Configs(attention=SMALL), blend=BlendConfig(weights={"attention": 1.0}))
    sequences = make_sequences(interactions, SequenceConfig())
    fit(sequences, shelf, int(interactions.data_until), recipe).save(tmp_path)
    model = RecommendationModel.load(tmp_path)
    advisor, question = RecommendationAdvisor(model), ask(shelf, [1, 2])
    found = advisor.candidates(question, 5)
    assert {found.origins[origin] for origin in found.origin} == {"attention"}
    assert 3 in found.product_no
    reason = advisor.advise(question, found).reason(found.product_no.tolist().index(3))
    markov = model.of(Markov)
    assert reason is not None
    assert markov is not None
    assert reason.code == "viewed_next"
    assert reason.evidence == {"product_id": "p2", "shoppers": markov.rows.evidence_of(2, 3)}
