"""The learned encoders as one ONNX graph, node by node: the same weights give the same bytes, and no tracer is needed.

Input `signs`: (n, members · embedding_size) float32, the vectors of the newest n signs, oldest first,
1 ≤ n ≤ max_history, each member's beside the other's. Output `wanted`: (1, members · embedding_size) float32; its
product with a product's vectors is the sum of the members' scores. Only the last sign's state is asked for, so that the
last layer looks from it alone. The vectors stay outside: they are mapped as an array, once for encoders and scores.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from smartshop.ai_agents.recommendation.neural.settings import AttentionConfig
from smartshop.ai_agents.recommendation.neural.weights import NORM_EPSILON, Weights, part

OPSET = 17
"""The first with layer normalisation as one operator."""
FORMAT = 9
"""Of the file, as old as that operator set: any runtime of the last years reads it."""
NEVER = -1e9
"""Added to what must not be looked at before the softmax."""


def encoder_graph(members: Sequence[Weights], config: AttentionConfig) -> bytes:
    """A serialised ONNX model of the members' encoders side by side.

    Raises:
        ImportError: the package `onnx` is not installed.
    """
    import onnx  # an extra, and only learning needs it
    from onnx import TensorProto, helper

    graph = _Graph()
    wanted = [
        _encoder(_Graph(graph.nodes, graph.constants, f"member{number}."), weights, config, number)
        for number, weights in enumerate(members)
    ]
    graph.read(graph.add("Concat", *wanted, axis=1), "wanted")
    size = len(members) * config.embedding_size
    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "encoder",
            [helper.make_tensor_value_info("signs", TensorProto.FLOAT, ["n", size])],
            [helper.make_tensor_value_info("wanted", TensorProto.FLOAT, [1, size])],
            [onnx.numpy_helper.from_array(array, name) for name, array in graph.constants.items()],
        ),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=FORMAT,
        producer_name="smartshop",
    )
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString(deterministic=True))


@dataclass(slots=True)
class _Graph:
    """Nodes and constants as they come; results are named by their number, constants of our own begin with `_`."""

    nodes: list[Any] = field(default_factory=list)
    """Any: the protocol buffers of a library without types."""
    constants: dict[str, NDArray[Any]] = field(default_factory=dict)
    owner: str = ""
    """What the names of weights begin with."""

    def add(self, operator: str, *inputs: str, **attributes: float) -> str:
        from onnx import helper

        result = f"_{operator}{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, list(inputs), [result], **attributes))
        return result

    def read(self, result: str, name: str) -> None:
        from onnx import helper

        self.nodes.append(helper.make_node("Identity", [result], [name]))

    def weight(self, weights: Weights, name: str) -> str:
        self.constants[self.owner + name] = weights[name]
        return self.owner + name

    def constant(self, name: str, value: float | Sequence[int] | NDArray[np.float32]) -> str:
        array = np.array(value, np.int64) if isinstance(value, (list, tuple)) else np.array(value, np.float32)
        self.constants[f"_{name}"] = array
        return f"_{name}"


def _encoder(graph: _Graph, weights: Weights, config: AttentionConfig, number: int) -> str:
    size, longest = config.embedding_size, config.max_history
    columns = graph.constant(f"from{number}", [number * size]), graph.constant(f"to{number}", [number * size + size])
    signs = graph.add("Slice", "signs", *columns, graph.constant("one", [1]))
    length = graph.add("Slice", graph.add("Shape", "signs"), graph.constant("zero", [0]), "_one")
    placed = graph.add("Slice", graph.weight(weights, "positions"), "_zero", length, "_zero")
    state = graph.add("Add", graph.add("Mul", signs, graph.constant("root", size**0.5)), placed)
    future = np.triu(np.full((longest, longest), NEVER, np.float32), 1)
    graph.constant("first_two_axes", [0, 1])
    graph.constant("from_start", [0, 0])
    both = graph.add("Concat", length, length, axis=0)
    mask = graph.add("Slice", graph.constant("future", future), "_from_start", both, "_first_two_axes")
    graph.constant("scale", size**-0.5)
    graph.constant("last", [-1])
    for layer in range(config.layers):
        is_last = layer == config.layers - 1
        told = _norm(graph, state, graph.weight(weights, part(layer, "attention_norm")))
        asking = graph.add("Gather", told, "_last", axis=0) if is_last else told
        state = graph.add("Gather", state, "_last", axis=0) if is_last else state
        state = graph.add("Add", state, _attend(graph, weights, layer, asking, told, "" if is_last else mask))
        inner = _norm(graph, state, graph.weight(weights, part(layer, "feed_norm")))
        state = graph.add("Add", state, _feed(graph, weights, layer, inner))
    return graph.add("Add", _norm(graph, state, graph.weight(weights, "last_norm")), graph.weight(weights, "last_bias"))


def _attend(graph: _Graph, weights: Weights, layer: int, asking: str, told: str, mask: str) -> str:
    query = graph.add("MatMul", asking, graph.weight(weights, part(layer, "query")))
    key = graph.add("MatMul", told, graph.weight(weights, part(layer, "key")))
    value = graph.add("MatMul", told, graph.weight(weights, part(layer, "value")))
    likeness = graph.add("Mul", graph.add("MatMul", query, graph.add("Transpose", key)), "_scale")
    if mask:
        likeness = graph.add("Add", likeness, mask)
    seen = graph.add("MatMul", graph.add("Softmax", likeness, axis=-1), value)
    return graph.add("MatMul", seen, graph.weight(weights, part(layer, "out")))


def _feed(graph: _Graph, weights: Weights, layer: int, inner: str) -> str:
    gate = graph.add("MatMul", inner, graph.weight(weights, part(layer, "gate")))
    gate = graph.add("Mul", gate, graph.add("Sigmoid", gate))
    up = graph.add("MatMul", inner, graph.weight(weights, part(layer, "up")))
    return graph.add("MatMul", graph.add("Mul", gate, up), graph.weight(weights, part(layer, "down")))


def _norm(graph: _Graph, state: str, weight: str) -> str:
    return graph.add("LayerNormalization", state, weight, axis=-1, epsilon=NORM_EPSILON)
