"""What learning to rank gains before shoppers whose tastes are known: `python -m bench.learning_to_rank`.

One row per seed: the judge's figures, the true worth of the first ten candidates, and how often noise was promoted.
"""

import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from smartshop.ai_agents.recommendation.model import RecommendationModel
from smartshop.ai_agents.recommendation.ranker_learning import learn_ranker
from smartshop.ai_agents.recommendation.training import train
from smartshop.data_collection.pipelines.clock import DAY
from smartshop.data_collection.pipelines.interactions import load_interactions
from smartshop.data_collection.pipelines.slate_outcomes import load_shown_slates
from smartshop.data_collection.schemas.ids import Micros
from tests.recommendation import clicking_shop
from tests.recommendation.clicking_shop import END_AT, ClickingShop, live, open_shop
from tests.recommendation.test_ranker_learning import told_of_others, true_worth
from tests.recommendation.worlds import silent

SEEDS = (1, 2, 3)
DAYS = 8
NOISES = 5


def row(seed: int, folder: Path, *, tuned: bool) -> str:
    """One shop of its own; `tuned`: all sources and a mix tuned on the past, else three under the default mix."""
    clicking_shop.SEED = seed
    shop = open_shop(folder, products=150, shoppers=500)
    if tuned:
        shop.model = _trained(shop)
    live(shop, DAYS)
    stores = shop.stores
    until = Micros(END_AT + 30 * DAY)
    slates = load_shown_slates(stores.log, stores.customers, stores.decisions, shop.shelf, since=END_AT, until=until)
    tried = learn_ranker(shop.model, shop.shelf, slates)
    newest, found = slates[-len(slates) // 4 :], tried.metrics
    worth = [true_worth(shop, replace(shop.model, ranker=each), newest) for each in (None, tried.ranker)]
    noise = [learn_ranker(shop.model, shop.shelf, told_of_others(slates, n)).ranker for n in range(NOISES)]
    stores.close()
    return (
        f"| {'all, tuned' if tuned else 'three, default'} | {seed} | {found['ranker_ndcg_blend']:.3f} "
        f"| {found['ranker_ndcg_new']:.3f} | {found['ranker_gain_low']:.3f} to {found['ranker_gain_high']:.3f} "
        f"| {found['ranker_gain_halved_low']:.3f} | {worth[0]:.3f} → {worth[1]:.3f} "
        f"| {sum(each is not None for each in noise)} of {NOISES} |"
    )


def _trained(shop: ClickingShop) -> RecommendationModel:
    past = load_interactions(shop.stores.log, shop.stores.customers, shop.shelf)
    return train(past, shop.shelf, np.random.default_rng(0), silent).model


def main() -> None:
    for tuned in (False, True):
        for seed in SEEDS:
            with tempfile.TemporaryDirectory() as folder:
                print(row(seed, Path(folder), tuned=tuned), flush=True)


if __name__ == "__main__":
    main()
