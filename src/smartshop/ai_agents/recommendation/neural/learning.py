"""Learns the network's weights: sampled softmax, averaged weights, an end when shoppers put aside gain no more.

One epoch is one walk over all signs; its luck depends on the seed and its number only, so that an interrupted training
goes on from its last whole epoch and ends with the same bytes. The same bytes are promised on one kind of machine with
the same number of threads. A GPU is used where there is one.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
import torch
from numpy.typing import NDArray

from smartshop.ai_agents.recommendation.metrics import CUT
from smartshop.ai_agents.recommendation.neural.checkpoint import (
    Checkpoint,
    Standing,
    fingerprint,
    load_checkpoint,
    save_checkpoint,
)
from smartshop.ai_agents.recommendation.neural.histories import Exam, Histories, batches
from smartshop.ai_agents.recommendation.neural.network import Tensors, as_arrays, as_tensors, encode, told_apart
from smartshop.ai_agents.recommendation.neural.settings import AttentionConfig
from smartshop.ai_agents.recommendation.neural.weights import Weights

Clock = Callable[[], float]
"""Seconds that only rise."""

BETAS = (0.9, 0.98)
"""Of Adam: a shorter memory of squares than the customary .999, since trainings have a few thousand steps."""
WARM_UP_STEPS = 100
"""Over which the learning rate rises to its full height."""
AVERAGING_DELAY = 10
"""The average follows closely at first: share kept ≤ (1 + step) / (delay + step)."""
ASKED_AT_ONCE = 256
"""Shoppers put aside that are judged in one block: (256, vocabulary) float32 scores."""
MINUTE = 60.0
"""seconds"""


@dataclass(frozen=True, slots=True)
class Course:
    """What is learned from, and by which rules."""

    histories: Histories
    exam: Exam
    config: AttentionConfig
    epochs: int
    minutes: float
    """Learning ends with the best of what it has after this time."""
    seed: int
    threads: int
    scratch: Path | None
    """Where each epoch leaves a checkpoint; None for none."""
    clock: Clock


@dataclass(slots=True)
class _Learner:
    """The moving parts of one training."""

    now: Tensors
    average: Tensors
    best: Weights
    optimizer: torch.optim.Adam
    standing: Standing


@dataclass(frozen=True, slots=True)
class Learned:
    weights: Weights
    epochs: int
    """After how many epochs these were the weights."""


def learn_weights(course: Course, start: Weights) -> Learned:
    """The averaged weights of the best epoch; of the last, where nobody was put aside."""
    with _sober(course.threads) as device:
        learner = _begin(course, start, device)
        began = course.clock() - learner.standing.seconds
        while not _is_over(course, learner.standing):
            _walk(course, learner, began)
            _judge(course, learner)
            learner.standing = msgspec.structs.replace(learner.standing, seconds=course.clock() - began)
            if course.scratch is not None:
                save_checkpoint(course.scratch, _checkpoint(learner))
    return Learned(learner.best, learner.standing.best_epoch)


def _is_over(course: Course, standing: Standing) -> bool:
    return (
        standing.epoch >= course.epochs
        or standing.epoch - standing.best_epoch >= course.config.patience
        or standing.seconds >= course.minutes * MINUTE
    )


def _begin(course: Course, start: Weights, device: torch.device) -> _Learner:
    mark = _fingerprint(course, start)
    found = load_checkpoint(course.scratch, mark) if course.scratch is not None else None
    now = as_tensors(start if found is None else found.of("now"), device)
    average = {name: tensor.detach().clone() for name, tensor in now.items()}
    # One pass over all weights of a step instead of five.
    optimizer = torch.optim.Adam(list(now.values()), lr=course.config.learning_rate, betas=BETAS, fused=True)
    if found is None:
        nothing_yet = Standing(fingerprint=mark, epoch=0, steps=0, seconds=0.0, best=-1.0, best_epoch=0)
        return _Learner(now, average, dict(start), optimizer, nothing_yet)
    for name, array in found.of("average").items():
        average[name].copy_(torch.from_numpy(array))
    first, second = found.of("first"), found.of("second")
    for name, tensor in now.items():
        optimizer.state[tensor] = {
            "step": torch.tensor(float(found.standing.steps), device=device),
            "exp_avg": torch.tensor(first[name], device=device),
            "exp_avg_sq": torch.tensor(second[name], device=device),
        }
    return _Learner(now, average, found.of("best"), optimizer, found.standing)


def _walk(course: Course, learner: _Learner, began: float) -> None:
    """One epoch; cut short when the time is up."""
    config, standing = course.config, learner.standing
    rng = np.random.default_rng((course.seed, standing.epoch))
    torch.manual_seed(int(rng.integers(2**31)))
    shares = _target_shares(course.histories, len(learner.now["vectors"]))
    steps = standing.steps
    for windows in batches(course.histories, config.batch_signs, rng):
        for group in learner.optimizer.param_groups:
            group["lr"] = config.learning_rate * min(1.0, (steps + 1) / WARM_UP_STEPS)
        _step(course, learner, windows, shares, rng)
        steps += 1
        _follow(learner, min(config.averaging, (1 + steps) / (AVERAGING_DELAY + steps)))
        if course.clock() - began >= course.minutes * MINUTE:
            break
    learner.standing = msgspec.structs.replace(standing, epoch=standing.epoch + 1, steps=steps)


def _step(
    course: Course,
    learner: _Learner,
    windows: NDArray[np.int64],
    shares: NDArray[np.float64],
    rng: np.random.Generator,
) -> None:
    codes, mask = course.histories.padded(windows)
    device, vectors = learner.now["vectors"].device, learner.now["vectors"]
    predicted = mask[:, 1:]
    target = codes[:, 1:][predicted]
    even = rng.integers(0, len(vectors), course.config.negatives)
    missed = (1 - 1 / len(vectors)) ** len(even) * np.exp(-shares * len(target))
    state = encode(learner.now, torch.from_numpy(codes[:, :-1]).to(device), course.config, course.config.dropout)
    loss = told_apart(
        state[torch.from_numpy(predicted).to(device)],
        torch.from_numpy(target).to(device),
        vectors,
        torch.from_numpy(np.unique(np.concatenate((even, target)))).to(device),
        torch.from_numpy((1 - missed).astype(np.float32)).to(device),
    )
    learner.optimizer.zero_grad(set_to_none=True)
    loss.backward()
    learner.optimizer.step()


def _follow(learner: _Learner, kept: float) -> None:
    with torch.no_grad():
        for name, tensor in learner.now.items():
            learner.average[name].lerp_(tensor, 1 - kept)


def _target_shares(histories: Histories, n_products: int) -> NDArray[np.float64]:
    """(n_products,): each product's share of all signs; of a step's targets it is expected to be as many."""
    counts = np.bincount(histories.codes, minlength=n_products).astype(np.float64)
    return np.asarray(counts / max(counts.sum(), 1.0))


def _judge(course: Course, learner: _Learner) -> None:
    """Keep the average if its lists are no worse than any before for the shoppers put aside."""
    value = exam_ndcg(learner.average, course.exam, course.config)
    standing = learner.standing
    if value >= standing.best:
        learner.best = as_arrays(learner.average)
        learner.standing = msgspec.structs.replace(standing, best=value, best_epoch=standing.epoch)


def exam_ndcg(weights: Tensors, exam: Exam, config: AttentionConfig) -> float:
    """Mean NDCG@10 of what comes next over the whole vocabulary, without what the shopper has; 0 without exam."""
    gained = 0.0
    device = weights["vectors"].device
    with torch.no_grad():
        for first in range(0, len(exam.target), ASKED_AT_ONCE):
            asked = np.arange(first, min(first + ASKED_AT_ONCE, len(exam.target)))
            codes, mask = exam.histories.padded(asked)
            state = encode(weights, torch.from_numpy(codes).to(device), config, 0.0)
            rows = torch.arange(len(asked), device=device)
            scores = state[rows, torch.from_numpy(mask.sum(axis=1) - 1).to(device)] @ weights["vectors"].T
            target = torch.from_numpy(exam.target[asked]).to(device)
            hit = scores[rows, target].clone()
            seen = np.where(mask, codes, codes[:, :1])
            scores.scatter_(1, torch.from_numpy(seen).to(device), float("-inf"))
            place = (scores > hit[:, None]).sum(dim=1)
            gained += float(((place < CUT) / torch.log2(place + 2.0)).sum())
    return gained / max(len(exam.target), 1)


def _checkpoint(learner: _Learner) -> Checkpoint:
    state = [learner.optimizer.state[tensor] for tensor in learner.now.values()]
    kinds = {
        "now": as_arrays(learner.now),
        "average": as_arrays(learner.average),
        "best": learner.best,
        "first": as_arrays({name: each["exp_avg"] for name, each in zip(learner.now, state, strict=True)}),
        "second": as_arrays({name: each["exp_avg_sq"] for name, each in zip(learner.now, state, strict=True)}),
    }
    arrays = {f"{kind}/{name}": array for kind, weights in kinds.items() for name, array in weights.items()}
    return Checkpoint(learner.standing, arrays)


def _fingerprint(course: Course, start: Weights) -> str:
    settings = msgspec.json.encode((course.config, course.epochs, course.minutes, course.seed))
    lesson = {
        "codes": course.histories.codes,
        "start": course.histories.start,
        "end": course.histories.end,
        "target": course.exam.target,
    }
    return fingerprint(settings, {**lesson, **start})


@contextmanager
def _sober(threads: int) -> Iterator[torch.device]:
    """Repeatable arithmetic on a GPU where there is one, else on so many cores; the process's settings come back."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    # What cuBLAS needs to repeat itself; read when the first matrix is multiplied.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    before, was_repeatable = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    torch.set_num_threads(threads)
    # Only warned of, since a shop without a repeatable kernel on its GPU should rather learn.
    torch.use_deterministic_algorithms(True, warn_only=True)
    try:
        with torch.random.fork_rng():
            yield device
    finally:
        torch.use_deterministic_algorithms(was_repeatable)
        torch.set_num_threads(before)
