"""A fitted recommendation model: arrays over product_no, written once and memory-mapped by every reader."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self, TypeVar

import msgspec
import numpy as np

from smartshop.ai_agents.recommendation.cold import Newcomers
from smartshop.ai_agents.recommendation.cold_view import newcomers_view
from smartshop.ai_agents.recommendation.content import Content
from smartshop.ai_agents.recommendation.ranker import Ranker, load_ranker
from smartshop.ai_agents.recommendation.recipe import FORMAT_VERSION, Manifest, Recipe
from smartshop.ai_agents.recommendation.source import ShelfView, Source
from smartshop.ai_agents.recommendation.sources import load_sources
from smartshop.ai_agents.recommendation.trending import Trending
from smartshop.ai_agents.recommendation.view import view_shelf
from smartshop.ai_agents.shelf import Shelf
from smartshop.errors import ModelRefused

MANIFEST_NAME = "model.json"
"""Not `manifest.json`: that one belongs to the store, which seals the folder."""


NO_DEMAND = np.zeros(0, np.float32)
Kind = TypeVar("Kind")


@dataclass(frozen=True, slots=True)
class RecommendationModel:
    """Products numbered `n_products` or above came after it: it has nothing to say of them, and that is no error."""

    n_products: int
    as_of: int
    """µs UTC: ages were counted from here."""
    recipe: Recipe
    sources: tuple[Source, ...]
    """In the order of `sources.SOURCES`, without those that had nothing to learn from."""
    categories: tuple[tuple[str, ...], ...]
    """Paths of the codes that the sources use; a later shelf may number them otherwise."""
    ranker: Ranker | None = None
    """What corrects the blend's order, learned from slates shown and clicked; None: the blend's order stands."""

    def of(self, kind: type[Kind]) -> Kind | None:
        """The source of this kind; None where it was not learned."""
        return next((source for source in self.sources if isinstance(source, kind)), None)

    def view(self, shelf: Shelf) -> ShelfView:
        """What this model says of a catalogue."""
        trending = self.of(Trending)
        return view_shelf(trending.score if trending is not None else NO_DEMAND, self.categories, shelf)

    def view_with_newcomers(self, shelf: Shelf, before: ShelfView | None = None) -> ShelfView:
        """As `view`, with the products that came after the model read and placed among those it knows.

        Some milliseconds a product: for threads beside the requests. `before`: an earlier such view of this model.
        """
        content, newcomers = self.of(Content), self.of(Newcomers)
        plain = self.view(shelf)
        if content is None or newcomers is None:
            return plain
        read = newcomers_view(content, newcomers, shelf, before.newcomers if before is not None else None)
        return replace(plain, newcomers=read)

    def save(self, folder: Path) -> None:
        """Write the arrays and `model.json` into a folder; the same model gives the same bytes."""
        for source in self.sources:
            source.save(folder)
        if self.ranker is not None:
            self.ranker.save(folder)
        manifest = Manifest(
            n_products=self.n_products,
            as_of=self.as_of,
            recipe=self.recipe,
            sources=[source.name for source in self.sources],
            categories=[list(path) for path in self.categories],
            ranker=self.ranker is not None,
        )
        (folder / MANIFEST_NAME).write_bytes(msgspec.json.format(msgspec.json.encode(manifest)))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Map a saved model; nothing is read until it is asked for.

        Raises:
            ModelRefused: the folder holds no model, or one of another format.
        """
        try:
            manifest = msgspec.json.decode((folder / MANIFEST_NAME).read_bytes(), type=Manifest)
            if manifest.format_version != FORMAT_VERSION:
                raise ModelRefused(
                    f"The model {folder.name} has format {manifest.format_version}; this reads {FORMAT_VERSION}."
                )
            return cls(
                n_products=manifest.n_products,
                as_of=manifest.as_of,
                recipe=manifest.recipe,
                sources=load_sources(folder, manifest.sources),
                categories=tuple(tuple(path) for path in manifest.categories),
                ranker=load_ranker(folder) if manifest.ranker else None,
            )
        except (OSError, ValueError, msgspec.MsgspecError) as error:
            raise ModelRefused(f"The model {folder.name} cannot be read ({error}); train again.") from None
