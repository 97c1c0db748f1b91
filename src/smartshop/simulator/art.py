"""Product pictures for shops that have none: a drawing on a soft ground, composed from the product alone.

The drawings are a selection of Microsoft's Fluent Emoji (flat, MIT; notice in `art_shapes.LICENSE`) and some of our
own, put together by `tools/art_shapes.py`. Which drawing serves is told by the title's words, so that any shop's
products get a fitting picture; where no word fits, a tile with the title's first letter.
"""

import re
from functools import cache
from html import escape
from importlib.resources import files
from zlib import crc32

import msgspec

from smartshop.data_collection.schemas.catalogue import Product

SIZE = 400
"""Side of the picture, in its own units."""
DRAWING = 32
"""Side of a Fluent drawing, in its own units."""
_WORD = re.compile(r"[^\W\d_]+(?:'s)?")


class Ground(msgspec.Struct, frozen=True):
    """Colours behind a drawing: top and bottom of the gradient, the soft shape, the letter tile's ink."""

    top: str
    bottom: str
    shape: str
    ink: str


GROUNDS = (
    Ground("#f6efe6", "#ecdfcf", "#f9f5ee", "#7a5c3e"),
    Ground("#e9f0ea", "#d3e2d6", "#f3f8f3", "#3f6a4d"),
    Ground("#e8f0f5", "#d0e1ec", "#f3f8fb", "#35607d"),
    Ground("#f7ece6", "#f0d8cb", "#fcf5f1", "#95523a"),
    Ground("#f4f0e2", "#e8dfba", "#faf8ee", "#75651f"),
    Ground("#eeedf4", "#dcd9ea", "#f6f5fa", "#564c83"),
    Ground("#e6f1f0", "#cbe2df", "#f2f9f8", "#2c6a64"),
    Ground("#f6e9ec", "#ecd1d8", "#fbf4f6", "#8b3f55"),
)
BACKDROPS = (
    '<circle cx="200" cy="200" r="158" fill="{shape}"/>',
    '<path d="M62 346V198a138 138 0 0 1 276 0v148z" fill="{shape}"/>',
    '<path d="M0 282c70-52 132-34 196-8s132 20 204-34v160H0z" fill="{shape}"/>',
    '<path d="M202 40c86-8 150 54 156 144s-48 172-146 176S46 298 42 204 114 48 202 40z" fill="{shape}"/>',
    '<rect x="54" y="52" width="292" height="292" rx="66" fill="{shape}"/>',
)
TILTS = (-9, -6, -3, 0, 0, 3, 6, 9)
SCALES = (7.0, 7.4, 7.8)


class ShapeBook(msgspec.Struct, frozen=True):
    """`art_shapes.json`."""

    shapes: dict[str, str]
    """Name → the inner part of a 32 × 32 SVG."""
    nouns: dict[str, str]
    """What a title ends in (`2-person tent`) → shape."""
    words: dict[str, str]
    """A single word of a title, in small letters and the singular → shape."""
    dyed: list[str]
    """Shapes that may change colour: a tent may, a tomato may not."""


@cache
def shape_book() -> ShapeBook:
    content = files("smartshop.simulator").joinpath("art_shapes.json").read_bytes()
    return msgspec.json.decode(content, type=ShapeBook)


def picture_of(product: Product) -> str:
    """The product's picture as an SVG document; the same product always looks the same."""
    return compose(product.product_id, product.title, shape_for(product.title))


def shape_for(title: str) -> str | None:
    """The drawing that a title asks for: by its last words, else by any one word, the last first."""
    book = shape_book()
    parts = title.split()
    for first in range(len(parts)):
        shape = book.nouns.get(" ".join(parts[first:]))
        if shape is not None:
            return shape
    for word in reversed(_WORD.findall(title.lower())):
        shape = book.words.get(singular(word))
        if shape is not None:
            return shape
    return None


def singular(word: str) -> str:
    """Near enough for finding a drawing.

    >>> singular("boots"), singular("glass"), singular("batteries"), singular("brushes")
    ('boot', 'glass', 'battery', 'brush')
    """
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("shes", "ches", "xes", "sses")):
        return word[:-2]
    return word[:-1] if word.endswith("s") and not word.endswith("ss") else word


def compose(product_id: str, title: str, shape: str | None) -> str:
    """An SVG of 400 × 400 units; ground, tilt, size and dye are hashed from the id."""
    seed = crc32(product_id.encode())
    ground = GROUNDS[seed % len(GROUNDS)]
    backdrop = BACKDROPS[seed // 11 % len(BACKDROPS)].format(shape=ground.shape)
    body = shape_book().shapes.get(shape) if shape else None
    middle = _letter(title, ground) if body is None else _drawing(str(shape), body, seed)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {SIZE} {SIZE}" role="img">'
        f"<title>{escape(title)}</title>"
        '<defs><linearGradient id="g" x1="0" y1="0" x2="0.3" y2="1">'
        f'<stop offset="0" stop-color="{ground.top}"/><stop offset="1" stop-color="{ground.bottom}"/>'
        f'</linearGradient></defs><rect width="{SIZE}" height="{SIZE}" fill="url(#g)"/>'
        f"{backdrop}{middle}</svg>"
    )


def _drawing(shape: str, body: str, seed: int) -> str:
    tilt, scale = TILTS[seed // 101 % len(TILTS)], SCALES[seed // 1009 % len(SCALES)]
    dye = (seed // 7 % 12) * 30 if shape in shape_book().dyed else 0
    style = f' style="filter:hue-rotate({dye}deg) saturate(.85)"' if dye else ""
    half = DRAWING / 2
    return (
        '<ellipse cx="200" cy="334" rx="92" ry="11" fill="#20180f" opacity=".09"/>'
        f'<g transform="translate(200 204) rotate({tilt}) scale({scale}) translate(-{half:g} -{half:g})"{style}>'
        f"{body}</g>"
    )


def _letter(title: str, ground: Ground) -> str:
    letter = next((sign for sign in title if sign.isalnum()), "?").upper()
    return (
        f'<text x="200" y="206" text-anchor="middle" dominant-baseline="central" fill="{ground.ink}" '
        'font-family="Georgia, \'Times New Roman\', serif" font-size="150" font-weight="600">'
        f"{escape(letter)}</text>"
    )
