"""The choice of daily forecasts: what wins, what is tried on which series, and that a killed run goes on."""

import os
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from smartshop.ai_agents.inventory.daily_choice import SIMPLE, ChosenDays, DailyConfig, choose_days, daily_origins
from smartshop.ai_agents.inventory.forecasting.boosted_days import BoostedDays
from smartshop.ai_agents.inventory.forecasting.measures import pinball
from smartshop.ai_agents.inventory.forecasting.panel import Forecast
from smartshop.ai_agents.inventory.pieces import Pieces, digest_of
from smartshop.ai_agents.inventory.weekly_choice import LEVELS
from tests.inventory.daily_counts_world import CountsWorld, make_counts_world

DAYS = 196
LIGHT = DailyConfig(most_valuable=0, learner=BoostedDays(trees=20, most_rows=5_000, least_in_leaf=40))
HEAVY = DailyConfig(most_valuable=2, block=1, least_days=150, least_boosted=10_000)
KILLED_AFTER = 7
THIS = "tests.inventory.test_daily_choice"
"""As a program it makes a run that kills itself."""


@dataclass(slots=True)
class Watch:
    """Remembers what was told, and stops the run after so many words."""

    stop_after: int | None = None
    shares: list[float] = field(default_factory=list)
    words: list[str] = field(default_factory=list)

    def __call__(self, share: float, words: str) -> None:
        self.shares.append(share)
        self.words.append(words)
        if self.stop_after is not None and len(self.words) > self.stop_after:
            raise KeyboardInterrupt


def world_of(series: int) -> CountsWorld:
    return make_counts_world(series, DAYS, np.random.default_rng(8))


def value_of(world: CountsWorld) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.asarray(world.panel.demand.sum(axis=1), np.float64)


def assert_same(one: ChosenDays, other: ChosenDays) -> None:
    for a, b in [
        (one.forecast, other.forecast),
        *((x.told, y.told) for x, y in zip(one.past, other.past, strict=True)),
    ]:
        assert a.mean.tobytes() == b.mean.tobytes()
        assert a.quantiles.tobytes() == b.quantiles.tobytes()
    assert one.methods == other.methods
    assert np.array_equal(one.method, other.method)


def test_the_choice_beats_the_simple_ones_at_an_origin_that_it_had_not_seen() -> None:
    world, watch = world_of(60), Watch()
    chosen = choose_days(world.panel, value_of(world), watch, config=LIGHT)
    assert watch.shares == sorted(watch.shares)
    assert watch.shares[-1] == 1.0
    assert chosen.judged is not None
    origin = chosen.judged.origin
    assert origin == max(daily_origins(DAYS, LIGHT))
    came = world.panel.demand[:, origin : origin + 28]
    ours = pinball(came, chosen.judged.told.quantiles, LEVELS).mean()
    assert ours <= 1.01 * min(pinball(came, chosen.baselines[name].told.quantiles, LEVELS).mean() for name in SIMPLE)
    ahead = pinball(world.demand[:, DAYS:], chosen.forecast.quantiles, LEVELS).mean()
    assert ahead < pinball(world.demand[:, DAYS:], np.zeros((60, 28, len(LEVELS))), LEVELS).mean() / 2
    assert not len(chosen.heavy)


def test_a_shop_too_young_for_a_trial_gets_the_first_simple_forecast() -> None:
    world = world_of(5)
    chosen = choose_days(world.panel.until(60), value_of(world), Watch(), config=LIGHT)
    assert set(chosen.methods) == {SIMPLE[0]}
    assert chosen.judged is None
    assert chosen.past == ()


def test_the_dearest_alone_are_tried_with_the_models_that_are_fitted_one_by_one() -> None:
    pytest.importorskip("statsforecast")
    world, watch = world_of(12), Watch()
    value = np.arange(12.0)[::-1].copy()
    chosen = choose_days(world.panel, value, watch, config=HEAVY)
    assert chosen.heavy.tolist() == [0, 1]
    assert "AutoETS" in chosen.heavy_names
    assert any("AutoCES after 168 days, the 2 of highest value" in one for one in watch.words)
    others = choose_days(
        world.panel, value, Watch(), config=DailyConfig(most_valuable=0, least_days=150, least_boosted=10_000)
    )
    assert np.array_equal(chosen.forecast.mean[2:], others.forecast.mean[2:])


def test_a_broken_run_of_fitted_models_goes_on_and_tells_the_same(tmp_path: Path) -> None:
    pytest.importorskip("statsforecast")
    world = world_of(6)
    value = value_of(world)
    whole = choose_days(world.panel, value, Watch(), config=HEAVY)
    pieces = Pieces.of(tmp_path, digest_of(world.panel, value, HEAVY))
    with pytest.raises(KeyboardInterrupt):
        choose_days(world.panel, value, Watch(stop_after=10), config=HEAVY, pieces=pieces)
    kept = {path.name: path.stat().st_mtime_ns for path in tmp_path.rglob("*.npy")}
    assert any(name.startswith("AutoETS-168-") for name in kept)
    assert_same(choose_days(world.panel, value, Watch(), config=HEAVY, pieces=pieces), whole)
    later = {path.name: path.stat().st_mtime_ns for path in tmp_path.rglob("*.npy")}
    assert len(later) > len(kept)
    assert {name: later[name] for name in kept} == kept, "what was kept is not made again"


def test_a_killed_process_goes_on_and_tells_the_same(tmp_path: Path) -> None:
    world = world_of(40)
    value = value_of(world)
    ended = subprocess.run([sys.executable, "-m", THIS, str(tmp_path)], cwd=Path(__file__).parents[2], check=False)
    assert ended.returncode == -signal.SIGKILL
    pieces = Pieces.of(tmp_path, digest_of(world.panel, value, LIGHT))
    kept = len(list(tmp_path.rglob("*.npy")))
    assert kept == (KILLED_AFTER + 1) // 2, "two words for each light piece: one before, one after"
    resumed = choose_days(world.panel, value, Watch(), config=LIGHT, pieces=pieces)
    assert_same(resumed, choose_days(world.panel, value, Watch(), config=LIGHT))
    pieces.clear()
    assert not list(tmp_path.iterdir())


def test_pieces_of_other_data_are_not_taken_and_removed(tmp_path: Path) -> None:
    world = world_of(3)
    value = value_of(world)
    first = digest_of(world.panel, value, LIGHT)
    Pieces.of(tmp_path, first).keep("one", Forecast(np.ones((3, 2)), np.ones((3, 2, 1))))
    world.panel.demand[0, 0] += 1.0
    second = digest_of(world.panel, value, LIGHT)
    assert second != first
    assert digest_of(world.panel, value, HEAVY) != second
    assert Pieces.of(tmp_path, second).found("one") is None
    assert [path.name for path in tmp_path.iterdir()] == [f"pieces-{second}"]


def test_a_piece_cut_short_is_made_again(tmp_path: Path) -> None:
    pieces = Pieces.of(tmp_path, "some")
    made = Forecast(np.full((2, 3), 0.1), np.full((2, 3, 1), 0.2))
    kept = pieces.keep("one", made)
    assert pieces.folder is not None
    file = pieces.folder / "one.npy"
    file.write_bytes(file.read_bytes()[:-4])
    assert pieces.found("one") is None
    assert np.array_equal(pieces.once("one", lambda: made).quantiles, kept.quantiles)


def _run_until_killed(folder: Path) -> None:
    world, told = world_of(40), 0

    def tell(share: float, words: str) -> None:
        nonlocal told
        told += 1
        if told > KILLED_AFTER:
            os.kill(os.getpid(), signal.SIGKILL)

    value = value_of(world)
    pieces = Pieces.of(folder, digest_of(world.panel, value, LIGHT))
    choose_days(world.panel, value, tell, config=LIGHT, pieces=pieces)


if __name__ == "__main__":
    _run_until_killed(Path(sys.argv[1]))
