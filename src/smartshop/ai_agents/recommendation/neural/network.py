"""The self-attentive network in PyTorch, as functions over named tensors; only learning imports this.

SASRec (Kang & McAuley 2018): h = vector(sign)·√d + position, then layers of causal attention and a feed-forward part;
the score of a product is its vector times the last state. What later work found to matter is in: norms before each part
(Xiong et al. 2020), a gated SiLU feed-forward (Shazeer 2020, eq. 6), no biases but the last. One head, as in SASRec.
"""

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from smartshop.ai_agents.recommendation.neural.settings import AttentionConfig
from smartshop.ai_agents.recommendation.neural.weights import NORM_EPSILON, part

Tensors = dict[str, torch.Tensor]


def as_tensors(weights: Mapping[str, NDArray[np.float32]], device: torch.device) -> Tensors:
    """A copy of each array on the device, to be learned."""
    return {name: torch.tensor(array, device=device, requires_grad=True) for name, array in weights.items()}


def as_arrays(tensors: Mapping[str, torch.Tensor]) -> dict[str, NDArray[np.float32]]:
    """A copy of each tensor as an array."""
    return {name: tensor.detach().cpu().numpy().copy() for name, tensor in tensors.items()}


def encode(weights: Tensors, codes: torch.Tensor, config: AttentionConfig, dropout: float) -> torch.Tensor:
    """What is wanted after each sign: (n, length, embedding_size).

    `codes`: (n, length) places in the vocabulary, filled up on the right, which a causal model never looks at;
    `dropout`: share of entries silenced, 0 when nothing is to be learned.
    """
    length, size = codes.shape[1], config.embedding_size
    state = functional.embedding(codes, weights["vectors"]) * size**0.5 + weights["positions"][:length]
    state = functional.dropout(state, dropout)
    future = torch.ones(length, length, dtype=torch.bool, device=codes.device).triu(1)
    for layer in range(config.layers):
        told = _attend(weights, layer, _norm(state, weights[part(layer, "attention_norm")]), future)
        state = state + functional.dropout(told, dropout)
        inner = _norm(state, weights[part(layer, "feed_norm")])
        gate = functional.silu(inner @ weights[part(layer, "gate")]) * (inner @ weights[part(layer, "up")])
        state = state + functional.dropout(gate @ weights[part(layer, "down")], dropout)
    return _norm(state, weights["last_norm"]) + weights["last_bias"]


def _attend(weights: Tensors, layer: int, state: torch.Tensor, future: torch.Tensor) -> torch.Tensor:
    query, key, value = (state @ weights[part(layer, name)] for name in ("query", "key", "value"))
    likeness = (query @ key.transpose(1, 2)) / state.shape[-1] ** 0.5
    share = likeness.masked_fill(future, float("-inf")).softmax(dim=-1)
    return (share @ value) @ weights[part(layer, "out")]


def _norm(state: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    return functional.layer_norm(state, (state.shape[-1],), weight, eps=NORM_EPSILON)


def told_apart(
    wanted: torch.Tensor, target: torch.Tensor, vectors: torch.Tensor, candidates: torch.Tensor, chance: torch.Tensor
) -> torch.Tensor:
    """Mean −log p(target | candidates) over signs, each candidate's score less the log of its chance to be one.

    Sampled softmax with the correction of Bengio & Senécal (2008, eq. 12): what is often a candidate only because it is
    popular is not pushed away for it. `wanted`: (n, size); `target`: (n,) places in the vocabulary, all of them among
    `candidates`, (c,) rising; `chance`: (vocabulary,), of being drawn in a step.
    """
    scores = wanted @ vectors[candidates].T - chance[candidates].log()
    return functional.cross_entropy(scores, torch.searchsorted(candidates, target))
