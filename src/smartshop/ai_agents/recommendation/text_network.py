"""Vectors from a language network without PyTorch: MiniLM (Wang et al. 2020), as Reimers & Gurevych (2019) train it.

The network is run by ONNX Runtime over tokens from `tokenizers` (extra `text`); `text_export` makes its file once. Its
384 numbers are centred on the catalogue and reduced to the directions in which that differs most (principal components,
Pearson 1901), so that what all products of a shop share does not make them all alike.
"""

import importlib.util
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from smartshop.ai_agents.recommendation.rows import map_array
from smartshop.ai_agents.recommendation.text import SIZE, Vectors, unit_rows

LIBRARIES = ("onnxruntime", "tokenizers")
MISSING = "text vectors of a language network need ONNX Runtime and tokenizers; install smartshop[text]"
MOST_TOKENS = 48
"""Of a text: some 35 words."""
BATCH = 32
"""Texts in one run, all of one length: nothing is padded, and no text changes another's vector."""
LEARNED_FROM = 20_000
"""Texts, evenly spread over the catalogue, that the directions are found in."""


def can_encode() -> bool:
    """Whether the libraries are installed; they are not imported for that."""
    return all(importlib.util.find_spec(library) is not None for library in LIBRARIES)


@dataclass(slots=True)
class Network:
    """The exported network and its tokenizer, opened when first asked and shared by all threads."""

    graph: bytes
    """ONNX, from `input_ids` (n, tokens) int64 to `vectors` (n, width) float32."""
    tokens: bytes
    """The tokenizer's JSON."""
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _opened: tuple[Any, Any] | None = None
    """Any: session and tokenizer, whose libraries ship no types."""

    def read(self, texts: Sequence[str]) -> Vectors:
        """(n_texts, width): what the network makes of each; about 4 ms a title on one core."""
        session, tokenizer = self._opened or self._open()
        coded = [encoding.ids for encoding in tokenizer.encode_batch(list(texts))]
        length = np.array([len(each) for each in coded])
        found: dict[int, Vectors] = {}
        for tokens in np.unique(length).tolist():
            same = np.flatnonzero(length == tokens).tolist()
            for first in range(0, len(same), BATCH):
                batch = same[first : first + BATCH]
                ids = np.array([coded[place] for place in batch], np.int64)
                (vectors,) = session.run(None, {"input_ids": ids})
                found.update(zip(batch, vectors, strict=True))
        return np.stack([found[place] for place in range(len(texts))]).astype(np.float32)

    def _open(self) -> tuple[Any, Any]:
        with self._lock:
            if self._opened is None:
                import onnxruntime  # extras, half a second to import, off the request path
                from tokenizers import Tokenizer

                options = onnxruntime.SessionOptions()
                # Read beside requests on few cores: threads of its own would only take theirs.
                options.intra_op_num_threads = options.inter_op_num_threads = 1
                options.log_severity_level = 3
                session = onnxruntime.InferenceSession(self.graph, options, providers=["CPUExecutionProvider"])
                tokenizer = Tokenizer.from_str(self.tokens.decode())
                tokenizer.no_padding()
                tokenizer.enable_truncation(MOST_TOKENS)
                self._opened = session, tokenizer
            return self._opened


@dataclass(frozen=True, slots=True)
class NetworkEncoder:
    network: Network
    centre: NDArray[np.float32]
    """(width,)"""
    directions: NDArray[np.float32]
    """(width, SIZE)"""
    name: ClassVar[str] = "network"

    def encode(self, texts: Sequence[str]) -> Vectors:
        has_text = np.array([bool(text) for text in texts], np.bool_)
        reduced = np.zeros((len(texts), SIZE), np.float32)
        if has_text.any():
            read = self.network.read([text for text in texts if text])
            reduced[has_text] = (read - self.centre) @ self.directions
        return unit_rows(reduced, has_text)

    def save(self, folder: Path, stem: str) -> None:
        (folder / f"{stem}.network.onnx").write_bytes(self.network.graph)
        (folder / f"{stem}.network_tokens.json").write_bytes(self.network.tokens)
        np.save(folder / f"{stem}.network_centre.npy", self.centre, allow_pickle=False)
        np.save(folder / f"{stem}.network_directions.npy", self.directions, allow_pickle=False)

    @classmethod
    def load(cls, folder: Path, stem: str) -> Self:
        """The network is read, not opened: only a product that the model does not know makes it run.

        Raises:
            ValueError: a library is not installed.
        """
        if not can_encode():
            raise ValueError(MISSING)
        return cls(
            Network(
                (folder / f"{stem}.network.onnx").read_bytes(), (folder / f"{stem}.network_tokens.json").read_bytes()
            ),
            map_array(folder / f"{stem}.network_centre.npy"),
            map_array(folder / f"{stem}.network_directions.npy"),
        )


def fit_network(network: Network, texts: Sequence[str]) -> tuple[NetworkEncoder, Vectors]:
    """The encoder for this catalogue, and its (n_texts, SIZE) vectors: every text is read once."""
    has_text = np.array([bool(text) for text in texts], np.bool_)
    read = network.read([text for text in texts if text])
    sample = read[:: max(1, len(read) // LEARNED_FROM)].astype(np.float64)
    centre = sample.mean(axis=0)
    covariance = (sample - centre).T @ (sample - centre) / len(sample)
    _, vectors = np.linalg.eigh(covariance)
    directions = np.ascontiguousarray(vectors[:, ::-1][:, :SIZE].astype(np.float32))
    encoder = NetworkEncoder(network, centre.astype(np.float32), directions)
    reduced = np.zeros((len(texts), SIZE), np.float32)
    reduced[has_text] = (read - encoder.centre) @ directions
    return encoder, unit_rows(reduced, has_text)
