"""Finds the few products whose score may be among the best, at a tenth of the price of scoring all of them.

The vectors are kept once more in whole numbers of eight bits, v̂ = s·w, and what is wanted is rounded likewise, q̂ = t·p.
For every product |v·q − v̂·q̂| ≤ ‖v − v̂‖·‖q‖ + ‖v̂‖·‖q − q̂‖ (Cauchy & Schwarz), so that whoever has even at most a score
below what n others have at least is not among the n best. The rest, some hundreds of 30,000, are scored as ever: the
list is the one that scoring all would give.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from smartshop.ai_agents.recommendation.neural.encoder import Session
from smartshop.ai_agents.recommendation.rows import map_array

LEAST_VOCABULARY = 2_000
"""Below, scoring all costs no more."""
LARGEST = 127
"""Of a product's whole numbers."""
LARGEST_WANTED = 63
"""Of the other side's: processors without instructions of their own for it add two products in sixteen bits."""
MIDDLE = 64
"""That side's nought, since it is stored without a sign."""
ROUNDING = 1e-4
"""Of ‖v‖·‖q‖: more than single precision loses in adding up."""
OPSET, FORMAT = 17, 9
"""As in `export`."""

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Screen:
    """Of (vocabulary, width) vectors."""

    session: Session
    """From `wanted`, (1, width) uint8, to `score`, (1, vocabulary) float32: v̂·p."""
    bounds: Floats
    """(2, vocabulary): ‖v − v̂‖, and ‖v̂‖."""

    def promising(self, wanted: Floats, eligible: NDArray[np.bool_], n: int) -> NDArray[np.intp]:
        """Places, rising, with the `n` eligible ones of greatest score among them. `eligible`: (≤ vocabulary,)."""
        if np.count_nonzero(eligible) <= n:
            return eligible.nonzero()[0]
        step = float(np.abs(wanted).max()) / LARGEST_WANTED or 1.0
        rounded = np.rint(wanted / step)
        score = self.session.run({"wanted": (rounded + MIDDLE).astype(np.uint8)[None]})[0, : len(eligible)]
        length, lost = float(np.linalg.norm(wanted)), float(np.linalg.norm(wanted - step * rounded))
        of_vectors, of_lengths = self.bounds[:, : len(eligible)]
        error = of_vectors * np.float32(length / step) + of_lengths * np.float32((lost + ROUNDING * length) / step)
        least = np.where(eligible, score - error, -np.inf)
        border = np.partition(least, len(least) - n)[len(least) - n]
        places: NDArray[np.intp] = (eligible & (score + error >= border)).nonzero()[0]
        return places

    def save(self, folder: Path, name: str) -> None:
        (folder / f"{name}.screen.onnx").write_bytes(self.session.model)
        np.save(folder / f"{name}.screen_bounds.npy", self.bounds, allow_pickle=False)

    @classmethod
    def load(cls, folder: Path, name: str) -> Self | None:
        """None where there is none: few products, or a model of before there were any."""
        path = folder / f"{name}.screen.onnx"
        if not path.exists():
            return None
        return cls(Session(path.read_bytes()), map_array(folder / f"{name}.screen_bounds.npy"))


def make_screen(vectors: Floats) -> Screen | None:
    """`vectors`: (vocabulary, width). None where scoring all of them is as quick.

    Raises:
        ImportError: the package `onnx` is not installed.
    """
    if len(vectors) < LEAST_VOCABULARY:
        return None
    step = np.maximum(np.abs(vectors).max(axis=1), np.finfo(np.float32).tiny) / np.float32(LARGEST)
    whole = np.rint(vectors / step[:, None])
    kept = whole * step[:, None]
    bounds = np.stack((np.linalg.norm(vectors - kept, axis=1), np.linalg.norm(kept, axis=1)))
    return Screen(Session(_graph(whole.astype(np.int8), step)), bounds.astype(np.float32))


def _graph(whole: NDArray[np.int8], step: Floats) -> bytes:
    """A serialised ONNX model of one product of whole numbers."""
    import onnx  # an extra, and only learning needs it
    from onnx import TensorProto, helper

    size, width = whole.shape
    nodes = [
        helper.make_node("MatMulInteger", ["wanted", "whole", "middle"], ["sum"]),
        helper.make_node("Cast", ["sum"], ["plain"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["plain", "step"], ["score"]),
    ]
    constants = {"whole": np.ascontiguousarray(whole.T), "middle": np.array(MIDDLE, np.uint8), "step": step}
    model = helper.make_model(
        helper.make_graph(
            nodes,
            "screen",
            [helper.make_tensor_value_info("wanted", TensorProto.UINT8, [1, width])],
            [helper.make_tensor_value_info("score", TensorProto.FLOAT, [1, size])],
            [onnx.numpy_helper.from_array(array, name) for name, array in constants.items()],
        ),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=FORMAT,
        producer_name="smartshop",
    )
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString(deterministic=True))
