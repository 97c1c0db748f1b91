"""What the segments' demand adds to the mix, before made-up shoppers: `python -m bench.segment_demand 21 22`.

Per scenario and seed a shop of 3,000 shoppers and 74 days goes through the door. Segments and recommendation are
learned from its first 60 days, without the networks; asked about are the sessions of the last 14, at their start and in
their middle. The question carries what people who shop alike want, as a served one does. Told is the gain over the same
lists without it, and over the shop's own demand given the same weight. Lists are measured as blended, and as slates:
ordered by the calibrated blend with the segments' advice on top, as they are served (before rules, diversity, chance).

The weights were chosen on seeds 11 and 12 (`--share` and `--half` try others) and are shown on 21 and 22.
"""

import argparse
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from smartshop.ai_agents.advice import Candidates, Question
from smartshop.ai_agents.recommendation.blend import blend
from smartshop.ai_agents.recommendation.held_out import HeldOutQuestion, Protocol, hold_out
from smartshop.ai_agents.recommendation.metrics import CUT, Bootstrap, Measures, draw_bootstrap, measure
from smartshop.ai_agents.recommendation.mixing import ALIKE_SHARE, HALF_KNOWN
from smartshop.ai_agents.recommendation.model import RecommendationModel
from smartshop.ai_agents.recommendation.neural.settings import AttentionConfig
from smartshop.ai_agents.recommendation.recipe import Recipe
from smartshop.ai_agents.recommendation.scoring import draw_all
from smartshop.ai_agents.recommendation.sequences import SequenceConfig, make_sequences
from smartshop.ai_agents.recommendation.source import first_eligible
from smartshop.ai_agents.recommendation.sources import SOURCES, Configs
from smartshop.ai_agents.recommendation.training import train
from smartshop.ai_agents.recommendation.tuning import moment_of, repeats_allowed, without_history
from smartshop.ai_agents.segmentation.advice import SegmentationAdvisor
from smartshop.ai_agents.segmentation.learning import Learning, learn_segments
from smartshop.ai_agents.segmentation.model import SegmentationModel
from smartshop.ai_agents.segmentation.wanted import WantedAlike
from smartshop.ai_agents.shelf import Shelf
from smartshop.data_collection.connectors.sql.stores import SqlStores
from smartshop.data_collection.pipelines.clock import DAY
from smartshop.data_collection.pipelines.interactions import load_interactions
from smartshop.data_collection.pipelines.shelves import ShelfKeeper
from smartshop.data_collection.schemas.context import Context
from smartshop.data_collection.schemas.customers import Consent
from smartshop.data_collection.schemas.ids import Micros
from smartshop.data_collection.schemas.profiles import Profile
from smartshop.data_collection.schemas.slates import Surface
from smartshop.opening import opened_stores
from smartshop.place import find_place
from smartshop.settings import Settings
from smartshop.simulator.enter import enter_history
from smartshop.simulator.scenario import SHIPPED, load_scenario
from smartshop.simulator.world import build_world
from smartshop.wiring import build_clock, build_ingest

NOW = Micros(1_790_000_000_000_000)
SHOPPERS, DAYS, LATER_DAYS = 3_000, 60, 14
CUT_AT = Micros(NOW - LATER_DAYS * DAY)
QUESTIONS = 2_500
"""Of each shop, drawn at random; of shoppers known little all are asked."""
KNOWN_LITTLE = 5
CANDIDATES = 200
NOTHING = np.zeros(0, np.int32)
CONVENTIONS = (("repeats allowed", repeats_allowed), ("new only", without_history))
WITHOUT_NETWORKS = Recipe(configs=Configs(attention=AttentionConfig(least_signs=2**31)))
NAMES = ("without", "segment", "trending")
"""What was added to the mix: nothing, the segments' demand, the shop's."""


@dataclass(frozen=True, slots=True)
class Shop:
    model: RecommendationModel
    segments: SegmentationModel
    shelf: Shelf
    questions: tuple[HeldOutQuestion, ...]


@dataclass(slots=True)
class Answers:
    """Per question asked, in parallel."""

    shopper: list[int] = field(default_factory=list)
    n_known: list[int] = field(default_factory=list)
    is_drawn: list[bool] = field(default_factory=list)
    n_targets: list[int] = field(default_factory=list)
    hits: dict[tuple[str, str], list[NDArray[np.bool_]]] = field(default_factory=dict)
    """("blend" or "slate", one of `NAMES`) → (10,)"""


def made_shop(scenario: str, seed: int) -> Shop:
    world = build_world(load_scenario(scenario), seed, NOW, shoppers=SHOPPERS)
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data_dir=Path(folder), currency=world.scenario.currency)
        with opened_stores(settings, find_place(settings, False)) as stores:
            ingest = build_ingest(settings, stores, build_clock(settings, stores))
            days = DAYS + LATER_DAYS
            enter_history(world, ingest, stores.catalogue, stores.stock, now=NOW, days=days, progress=_silent)
            return _learned(settings, stores)


def _learned(settings: Settings, stores: SqlStores) -> Shop:
    """From what lies before the cut; asked is what lies after it."""
    shelf = ShelfKeeper(stores.catalogue, stores.stock, settings.currency, lambda: CUT_AT, lambda: CUT_AT).shelf
    learning = Learning(
        stores.log, stores.customers, stores.standings, stores.models, shelf, settings.currency, settings.timezone,
        Consent(), lambda: CUT_AT,
    )  # fmt: skip
    learn_segments(learning, until=CUT_AT, progress=_silent)
    record = stores.models.promoted("segmentation")
    assert record is not None
    before = load_interactions(stores.log, stores.customers, shelf, CUT_AT)
    everything = make_sequences(load_interactions(stores.log, stores.customers, shelf), SequenceConfig())
    rng = np.random.default_rng(0)
    trained = train(before, shelf, rng, _silent, recipe=WITHOUT_NETWORKS)
    held = hold_out(everything, everything.n_shoppers, rng, Protocol.BY_TIME, cut=CUT_AT)
    return Shop(trained.model, SegmentationModel.load(stores.models.open(record)), shelf, held.questions)


def ask(shop: Shop, convention: str, share: float, half: float) -> Answers:
    """Every list drawn once, blended with each addition."""
    prior, topics = shop.segments.prior, shop.segments.topics
    assert prior is not None, "the made-up shop has no segments"
    wanted, advisor = WantedAlike(prior, topics), SegmentationAdvisor(prior, topics, shop.segments.behavioural)
    view, answers, limits = shop.model.view(shop.shelf), Answers(), dict(CONVENTIONS)[convention]
    for question, is_drawn in _chosen(shop.questions):
        eligible, targets = limits(question, shop.shelf.alive)
        if not len(targets):
            continue
        moment, n_known = moment_of(question, eligible), len(np.unique(question.history))
        mix, calibration = shop.model.recipe.at(eligible, question.history, moment.focus)
        lists = [drawn.product_no for drawn in draw_all(shop.model, view, moment, mix.n)]
        told = wanted(question.history).product_no
        told = first_eligible(told[told < len(eligible)], eligible, mix.n)
        weights = mix.weights_of(SOURCES)
        added = {"without": NOTHING, "segment": told, "trending": lists[SOURCES.index("trending")]}
        for name in NAMES:
            weight = max(weights) * share * half / (half + n_known)
            blended = blend([*lists, added[name]], [*weights, weight], mix.k, CANDIDATES)
            candidates = Candidates(blended.product_no, blended.score, blended.origin, blended.product_no)
            advice = advisor.advise(_as_served(shop.shelf, question, eligible), candidates)
            order = np.argsort(-(calibration.of(blended.score) + advice.log_odds), kind="stable")
            for kind, shown in (("blend", blended.product_no), ("slate", blended.product_no[order])):
                answers.hits.setdefault((kind, name), []).append(_hits(shown, targets))
        answers.shopper.append(question.shopper)
        answers.n_known.append(n_known)
        answers.is_drawn.append(is_drawn)
        answers.n_targets.append(len(targets))
    return answers


def _chosen(questions: Sequence[HeldOutQuestion]) -> Iterator[tuple[HeldOutQuestion, bool]]:
    """Each question asked, and whether it is among those drawn of all."""
    n = min(QUESTIONS, len(questions))
    drawn = set(np.random.default_rng(0).choice(len(questions), n, replace=False).tolist())
    for number, question in enumerate(questions):
        if number in drawn or len(np.unique(question.history)) <= KNOWN_LITTLE:
            yield question, number in drawn


def _as_served(shelf: Shelf, question: HeldOutQuestion, eligible: NDArray[np.bool_]) -> Question:
    return Question(
        surface=Surface.HOME,
        limit=CUT,
        now=Micros(question.now),
        shelf=shelf,
        eligible=eligible,
        profile=Profile(),
        history=question.history,
        history_at=question.history_at,
        basket=NOTHING,
        anchor=None,
        query=None,
        context=Context(),
    )


def _hits(shown: NDArray[np.int32], targets: NDArray[np.int32]) -> NDArray[np.bool_]:
    hits = np.zeros(CUT, np.bool_)
    hits[: len(shown[:CUT])] = np.isin(shown[:CUT], targets)
    return hits


def rows(label: str, convention: str, asked: Sequence[Answers]) -> Iterator[str]:
    """Markdown: whom, what it is without, gain, and gain over the shop's demand in its place."""
    known = np.concatenate([answers.n_known for answers in asked])
    drawn = np.concatenate([answers.is_drawn for answers in asked])
    shopper = np.concatenate([np.array(each.shopper) * len(asked) + place for place, each in enumerate(asked)])
    for whom, chosen in ((f"1 to {KNOWN_LITTLE}", known <= KNOWN_LITTLE), ("any number", drawn)):
        bootstrap = draw_bootstrap(shopper[chosen], np.random.default_rng(0))
        for kind in ("blend", "slate"):
            without, segment, trending = (_measured(asked, kind, name, chosen) for name in NAMES)
            yield (
                f"| {label} | {convention} | {whom} | {int(chosen.sum())} | {kind} "
                f"| {without.hit_rate.mean():.4f} / {without.ndcg.mean():.4f} "
                f"| {_gain(bootstrap, segment, without)} | {_gain(bootstrap, segment, trending)} |"
            )


def _measured(asked: Sequence[Answers], kind: str, name: str, chosen: NDArray[np.bool_]) -> Measures:
    hits = np.concatenate([np.stack(answers.hits[kind, name]) for answers in asked])
    return measure(hits[chosen], np.concatenate([answers.n_targets for answers in asked])[chosen])


def _gain(bootstrap: Bootstrap, ours: Measures, theirs: Measures) -> str:
    found = (
        bootstrap.interval(ours.hit_rate - theirs.hit_rate.astype(np.float64)),
        bootstrap.interval(ours.ndcg - theirs.ndcg),
    )
    return " / ".join(f"{each.mean:+.4f} [{each.low:+.4f}, {each.high:+.4f}]" for each in found)


def _silent(_: float, __: str) -> None:
    """Progress that nobody looks at."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("seeds", type=int, nargs="+")
    parser.add_argument("--share", type=float, default=ALIKE_SHARE, help="of the strongest other source's weight")
    parser.add_argument("--half", type=float, default=HALF_KNOWN, help="known products at which it weighs half")
    chosen = parser.parse_args()
    print("| shop | lists | known products | questions | as | without: HR@10 / NDCG@10 | gain | over trending |")
    print("|---|---|---|---:|---|---|---|---|")
    everywhere: dict[str, list[Answers]] = {name: [] for name, _ in CONVENTIONS}
    for scenario in SHIPPED:
        shops = [made_shop(scenario, seed) for seed in chosen.seeds]
        for convention, _ in CONVENTIONS:
            asked = [ask(shop, convention, chosen.share, chosen.half) for shop in shops]
            everywhere[convention] += asked
            print("\n".join(rows(scenario, convention, asked)), flush=True)
    for convention, asked in everywhere.items():
        print("\n".join(rows("both", convention, asked)), flush=True)


if __name__ == "__main__":
    main()
