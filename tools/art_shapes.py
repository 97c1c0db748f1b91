"""Puts `art_shapes.json` together: `python -m tools.art_shapes FOLDER`.

FOLDER is the unpacked npm package `@iconify-json/fluent-emoji-flat` (`npm pack @iconify-json/fluent-emoji-flat`, then
`tar xzf`). Run it when a scenario asks for a new shape; nothing needs the package afterwards.
"""

import sys
from pathlib import Path

import msgspec

import smartshop.simulator.art
from smartshop.simulator.art import ShapeBook, singular
from smartshop.simulator.scenario import SHIPPED, Scenario, load_scenario

OWN = Path(__file__).with_name("art_own")
TARGET = Path(smartshop.simulator.art.__file__).with_name("art_shapes.json")
PLAIN_WORDS = {"bag": "shopping-bags", "box": "tin-box", "case": "luggage", "bottle": "water-bottle", "mat": "cloth"}
"""What a word means where the first kind that ends in it is too special: a `bag` is seldom for sleeping."""
DYED = (
    "backpack", "ballet-shoes", "balloon", "bed", "bicycle", "billed-cap", "broom", "bucket",
    "camping", "card-index-dividers", "chair", "closed-umbrella", "clutch-bag", "coat",
    "couch-and-lamp", "cup-with-straw", "diya-lamp", "dress", "envelope", "flashlight", "flat-shoe",
    "flying-disc", "framed-picture", "gloves", "goggles", "green-book", "jeans", "kick-scooter", "kimono",
    "kite", "knot", "lotion-bottle", "luggage", "mate", "notebook", "one-piece-swimsuit", "orange-book",
    "paintbrush", "party-popper", "purse", "razor", "rescue-workers-helmet", "ribbon", "ring-buoy",
    "running-shirt", "running-shoe", "safety-vest", "scarf", "shopping-bags", "shorts", "sled", "sleeping-bag",
    "soap", "socks", "sponge", "t-shirt", "tape", "cloth", "cushion",
    "teacup-without-handle", "teapot", "tent", "thong-sandal",
    "thread", "toolbox", "toothbrush", "umbrella", "womans-hat", "wrapped-gift",
    "yarn", "yo-yo",
    "bauble", "beanie", "bench", "blanket", "deck-chair", "down-jacket", "drawstring-bag",
    "dry-bag", "duffel-bag", "flask", "fleece", "gilet", "groundsheet", "head-torch", "helmet",
    "hot-water-bottle", "jug", "jumper", "long-sleeve", "mittens", "paddle-board", "poncho",
    "rain-jacket", "robe", "rope-coil", "shirt", "sleeping-mat", "spray-can", "stool", "table-lamp",
    "tin-box", "travel-mug", "tube", "water-bottle", "watering-can",
)  # fmt: skip
"""Shapes that may change colour."""


class Icon(msgspec.Struct):
    body: str


class IconSet(msgspec.Struct):
    icons: dict[str, Icon]


def own_drawings() -> dict[str, str]:
    """Drawings of our own in `art_own`, for things that the set does not have: name → inner part of the SVG."""
    return {path.stem: _inner(path.read_text()) for path in sorted(OWN.glob("*.svg"))}


def _inner(document: str) -> str:
    """The group that a 32 × 32 SVG document holds, on one line."""
    start, end = document.index(">") + 1, document.rindex("</svg>")
    return '<g fill="none">' + document[start:end].replace("\n", "") + "</g>"


def build_book(scenarios: list[Scenario], icons: IconSet) -> ShapeBook:
    """The shapes that the scenarios name, and the words that lead to them; the first to use a word wins.

    Raises:
        KeyError: a scenario names a shape that the set does not have.
    """
    nouns: dict[str, str] = {}
    words: dict[str, str] = dict(PLAIN_WORDS)
    for scenario in scenarios:
        for leaf in scenario.leaves:
            for kind in leaf.kinds:
                shape = kind.art or leaf.art
                nouns.setdefault(kind.noun, shape)
                words.setdefault(singular(kind.noun.lower().split()[-1]), shape)
    own = own_drawings()
    used = sorted({*nouns.values(), *words.values()})
    shapes = {name: own[name] if name in own else icons.icons[name].body for name in used}
    return ShapeBook(shapes, dict(sorted(nouns.items())), dict(sorted(words.items())), [d for d in DYED if d in shapes])


def main(folder: Path) -> None:
    icons = msgspec.json.decode((folder / "icons.json").read_bytes(), type=IconSet)
    book = build_book([load_scenario(name) for name in SHIPPED], icons)
    TARGET.write_bytes(msgspec.json.format(msgspec.json.encode(book), indent=1) + b"\n")
    print(f"{TARGET.name}: {len(book.shapes)} shapes, {len(book.nouns)} nouns, {TARGET.stat().st_size:,} bytes")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
