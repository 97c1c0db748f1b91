"""A fitted recommendation model: arrays over product_no, written once and memory-mapped by every reader."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import msgspec

from smartshop.ai_agents.recommendation.bought_together import BoughtTogether
from smartshop.ai_agents.recommendation.recipe import FORMAT_VERSION, Manifest, Recipe
from smartshop.ai_agents.recommendation.rows import Rows, load_rows
from smartshop.ai_agents.recommendation.trending import Trending, load_trending
from smartshop.errors import ModelRefused

MANIFEST_NAME = "model.json"
"""Not `manifest.json`: that one belongs to the store, which seals the folder."""


@dataclass(frozen=True, slots=True)
class RecommendationModel:
    """Products numbered `n_products` or above came after it: it has nothing to say of them, and that is no error."""

    n_products: int
    as_of: int
    """µs UTC: ages were counted from here."""
    recipe: Recipe
    markov: Rows
    item_to_item: Rows
    bought_together: BoughtTogether
    trending: Trending
    categories: tuple[tuple[str, ...], ...]
    """Paths of the codes in `bought_together.categories`; a later shelf may number them otherwise."""

    def save(self, folder: Path) -> None:
        """Write the arrays and `model.json` into a folder; the same model gives the same bytes."""
        self.markov.save(folder, "markov")
        self.item_to_item.save(folder, "item_to_item")
        self.bought_together.products.save(folder, "bought_together")
        self.bought_together.categories.save(folder, "categories")
        self.trending.save(folder)
        manifest = Manifest(
            n_products=self.n_products,
            as_of=self.as_of,
            recipe=self.recipe,
            categories=[list(path) for path in self.categories],
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
                markov=load_rows(folder, "markov"),
                item_to_item=load_rows(folder, "item_to_item"),
                bought_together=BoughtTogether(
                    products=load_rows(folder, "bought_together"), categories=load_rows(folder, "categories")
                ),
                trending=load_trending(folder),
                categories=tuple(tuple(path) for path in manifest.categories),
            )
        except (OSError, ValueError, msgspec.MsgspecError) as error:
            raise ModelRefused(f"The model {folder.name} cannot be read ({error}); train again.") from None
