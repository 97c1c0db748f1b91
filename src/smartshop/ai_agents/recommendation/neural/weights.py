"""The network's weights by name, as plain arrays: what learning begins from, stores and hands to the exporter. Pure."""

import numpy as np
from numpy.typing import NDArray

from smartshop.ai_agents.recommendation.neural.settings import AttentionConfig

Weights = dict[str, NDArray[np.float32]]
"""`vectors`: (vocabulary, size); `positions`: (max_history, size); `layer0.query`, …: as `new_weights` makes them."""

NORM_EPSILON = 1e-5
POSITION_SPREAD = 0.16
"""Standard deviation of the positions' entries: that of the products' vectors as the network sees them at first."""


def part(layer: int, name: str) -> str:
    return f"layer{layer}.{name}"


def new_weights(vectors: NDArray[np.float32], config: AttentionConfig, seed: int) -> Weights:
    """Weights to begin from, with these vectors; matrices keep the size of what goes through them."""
    rng = np.random.default_rng(seed)
    size, width = config.embedding_size, round(config.embedding_size * config.feed_forward)
    # Each layer adds twice to one sum, whose size should not grow with their number (Radford et al. 2019, section 2.3).
    residual = (2 * config.layers) ** -0.5

    def matrix(inputs: int, outputs: int, scale: float = 1.0) -> NDArray[np.float32]:
        return np.asarray(rng.standard_normal((inputs, outputs)) * (scale * float(inputs) ** -0.5), np.float32)

    weights: Weights = {
        "vectors": vectors,
        "positions": (rng.standard_normal((config.max_history, size)) * POSITION_SPREAD).astype(np.float32),
    }
    for layer in range(config.layers):
        weights[part(layer, "attention_norm")] = np.ones(size, np.float32)
        for name in ("query", "key", "value"):
            weights[part(layer, name)] = matrix(size, size)
        weights[part(layer, "out")] = matrix(size, size, residual)
        weights[part(layer, "feed_norm")] = np.ones(size, np.float32)
        weights[part(layer, "gate")] = matrix(size, width)
        weights[part(layer, "up")] = matrix(size, width)
        weights[part(layer, "down")] = matrix(width, size, residual)
    weights["last_norm"] = np.ones(size, np.float32)
    weights["last_bias"] = np.zeros(size, np.float32)
    return weights
