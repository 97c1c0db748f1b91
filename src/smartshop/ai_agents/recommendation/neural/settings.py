"""How the self-attentive model is built and how long it may learn; chosen on a public data set's validation item."""

from typing import Annotated

import msgspec
from msgspec import Meta


class AttentionConfig(msgspec.Struct, frozen=True, kw_only=True):
    """One core, defaults: 4 s per epoch and member for 130,000 signs of 12,000 products, so a minute and a half for a
    fit, and in proportion to the signs. A second fit of the same shop puts nobody aside and ends where the first was
    best.
    """

    vocabulary: Annotated[int, Meta(ge=2, le=200_000)] = 30_000
    """Products with most shoppers that are learned; the others are left to other sources. A request costs one product
    of a (vocabulary, members · embedding_size) matrix with a vector, most of it in eight bits: 0.2 ms of one core for
    30,000 products, 35 MB."""
    max_history: Annotated[int, Meta(ge=1, le=1_000)] = 50
    """Newest signs of a shopper that are read."""
    embedding_size: Annotated[int, Meta(ge=4, le=1_024)] = 64
    members: Annotated[int, Meta(ge=1, le=8)] = 3
    """Networks that learn with luck of their own and whose scores are added. On validation (NDCG@10 alone, in the mix)
    three gave .0739/.0787, two .0724/.0769, one of width 64 .0682, one of 128 .0693/.0748."""
    layers: Annotated[int, Meta(ge=1, le=12)] = 2
    feed_forward: Annotated[float, Meta(gt=0, le=8)] = 2.0
    """Width of the gated layer, in embedding sizes."""
    dropout: Annotated[float, Meta(ge=0, lt=1)] = 0.3
    learning_rate: Annotated[float, Meta(gt=0, le=1)] = 3e-3
    batch_signs: Annotated[int, Meta(ge=1, le=100_000)] = 768
    """Signs to predict in one step."""
    negatives: Annotated[int, Meta(ge=1, le=100_000)] = 1_000
    """Products drawn evenly that every sign of a step is told apart from, beside the step's own targets."""
    averaging: Annotated[float, Meta(ge=0, lt=1)] = 0.99
    """Share that the running average of the weights keeps at each step; the average is what serves."""
    epochs: Annotated[int, Meta(ge=1, le=1_000)] = 8
    """At most so many walks over all signs."""
    patience: Annotated[int, Meta(ge=1, le=100)] = 3
    """Epochs without a better list for the shoppers put aside, after which learning ends."""
    put_aside: Annotated[float, Meta(ge=0, le=0.5)] = 0.1
    """Share of shoppers whose last sign is not learned but asked for, to see when to end."""
    least_signs: Annotated[int, Meta(ge=0)] = 20_000
    """With fewer signs nothing is learned: the counting sources know as much."""
    max_signs: Annotated[int, Meta(ge=1)] = 1_000_000
    """The newest so many are learned from, which bounds an epoch to about a minute."""
    max_minutes: Annotated[float, Meta(gt=0)] = 30.0
    """Learning ends with the best of what it has after this time, which is then no longer the same on every machine."""
