"""What diversity costs: NDCG@10 against intra-list diversity for several λ, on held-out questions of a shop.

    python -m bench.diversity --data-dir DIR [--new-only]

The newest tenth of the history is put aside; of what is older, the newest tenth is asked for, by time, from a model
fitted and tuned on what is older still. So λ is chosen on nothing that a final figure is measured on. Lists are the
service's own: candidates of the recommender, as a home slate of 20 asks for them, re-ranked as the slate does it.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # ships no types

from smartshop.ai_agents.advice import Question
from smartshop.ai_agents.mmr import RankedQuestion, ShelfLikeness, TradeOff, trade_off
from smartshop.ai_agents.recommendation.advice import RecommendationAdvisor
from smartshop.ai_agents.recommendation.held_out import HeldOutQuestion, Protocol, hold_out
from smartshop.ai_agents.recommendation.metrics import draw_bootstrap
from smartshop.ai_agents.recommendation.sequences import make_sequences
from smartshop.ai_agents.recommendation.training import DEFAULT_RECIPE, learn
from smartshop.ai_agents.recommendation.tuning import repeats_allowed, without_history
from smartshop.ai_agents.shelf import Shelf
from smartshop.data_collection.connectors.sql.stores import open_stores
from smartshop.data_collection.pipelines.clock import ShopClock, system_now
from smartshop.data_collection.pipelines.interactions import load_interactions
from smartshop.data_collection.pipelines.shelves import ShelfKeeper
from smartshop.data_collection.schemas.context import Context
from smartshop.data_collection.schemas.ids import Micros
from smartshop.data_collection.schemas.profiles import Profile
from smartshop.data_collection.schemas.slates import Surface

WEIGHTS = (1.0, 0.95, 0.9, 0.85, 0.8, 0.7, 0.6, 0.5)
CANDIDATES = 200
LIMIT = 20
MAX_SHOPPERS = 1_500
SEED = 0


@dataclass(frozen=True, slots=True)
class Asked:
    questions: list[RankedQuestion]
    shopper: NDArray[np.int64]
    """(n_questions,): whose each is."""
    shelf: Shelf


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--currency", default="GBP")
    parser.add_argument("--new-only", action="store_true", help="neither show nor ask for what the shopper knows")
    arguments = parser.parse_args()
    with threadpool_limits(limits=1):
        asked = ask(arguments.data_dir, arguments.currency, new_only=arguments.new_only)
        found = trade_off(asked.questions, asked.shelf, WEIGHTS, ShelfLikeness())
    print(as_markdown(found, asked))


def ask(folder: Path, currency: str, *, new_only: bool) -> Asked:
    """Every question with the candidates and scores that the service would weigh."""
    stores = open_stores("", folder, folder / "models")
    try:
        newest = stores.log.size().newest_human_at
        clock = ShopClock(ZoneInfo("UTC"), system_now, lambda: newest)
        shelf = ShelfKeeper(stores.catalogue, stores.stock, currency, clock.shop_now, clock.now).shelf
        interactions = load_interactions(stores.log, stores.customers, shelf)
    finally:
        stores.close()
    rng = np.random.default_rng(SEED)
    sequences = make_sequences(interactions, DEFAULT_RECIPE.configs.sequences)
    older = hold_out(sequences, 0, rng, Protocol.BY_TIME).rest
    held = hold_out(older, MAX_SHOPPERS, rng, Protocol.BY_TIME)
    learned = learn(held.rest, shelf, DEFAULT_RECIPE, rng, lambda *_: None, protocol=Protocol.BY_TIME)
    advisor = RecommendationAdvisor(learned.older)
    questions, shoppers = list[RankedQuestion](), list[int]()
    for question in held.questions:
        eligible, targets = (without_history if new_only else repeats_allowed)(question, shelf.alive)
        if not len(targets):
            continue
        home = _home(question, eligible, shelf)
        candidates = advisor.candidates(home, CANDIDATES)
        log_odds = advisor.advise(home, candidates).log_odds.astype(np.float64)
        order = np.argsort(-log_odds, kind="stable")
        questions.append(RankedQuestion(candidates.product_no[order], log_odds[order], targets))
        shoppers.append(question.shopper)
    return Asked(questions, np.array(shoppers, dtype=np.int64), shelf)


def as_markdown(found: list[TradeOff], asked: Asked) -> str:
    """One row per λ; differences to λ = 1 are paired, with 95 % bootstrap intervals over shoppers."""
    bootstrap = draw_bootstrap(asked.shopper, np.random.default_rng(SEED))
    plain = found[0]
    lines = [
        (
            f"{len(asked.questions):,} questions of {len(np.unique(asked.shopper)):,} shoppers,"
            f" {int(asked.shelf.alive.sum()):,} products, {len(asked.shelf.categories) - 1} leaf categories,"
            f" {len(asked.shelf.brands) - 1} brands"
        ),
        "",
        "| λ | NDCG@10 | difference to λ = 1 | intra-list diversity | difference | leaf categories of ten |",
        "|---|---|---|---|---|---|",
    ]
    for row in found:
        cost, gain = bootstrap.interval(row.ndcg - plain.ndcg), bootstrap.interval(row.diversity - plain.diversity)
        lines.append(
            f"| {row.weight:g} | {row.ndcg.mean():.4f} | {cost.mean:+.4f} [{cost.low:+.4f}, {cost.high:+.4f}]"
            f" | {row.diversity.mean():.3f} | {gain.mean:+.3f} [{gain.low:+.3f}, {gain.high:+.3f}]"
            f" | {row.leaf_categories.mean():.2f} |"
        )
    return "\n".join(lines)


def _home(question: HeldOutQuestion, eligible: NDArray[np.bool_], shelf: Shelf) -> Question:
    return Question(
        surface=Surface.HOME,
        limit=LIMIT,
        now=Micros(question.now),
        shelf=shelf,
        eligible=eligible,
        profile=Profile(),
        history=question.history,
        history_at=question.history_at,
        basket=np.empty(0, dtype=np.int32),
        anchor=None,
        query=None,
        context=Context(),
    )


if __name__ == "__main__":
    main()
