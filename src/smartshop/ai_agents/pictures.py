"""How every picture looks, and how it is written: ink, colours that colour-blind people tell apart, fonts, files."""

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from smartshop.errors import InvalidValue

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INK, SOFT_INK, FAINT, PAPER = "#1c2430", "#5c6675", "#e3e7ec", "#ffffff"
BRIGHT = ("#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377")
"""Paul Tol's "bright" scheme (2021): blue, red, green, yellow, cyan, purple."""
FALLBACK_FONTS = (
    "Noto Sans", "Noto Sans CJK JP", "Noto Sans CJK SC", "WenQuanYi Zen Hei", "Noto Sans Arabic",
    "Noto Sans Devanagari", "Noto Sans Thai", "Arial Unicode MS", "Hiragino Sans", "Microsoft YaHei",
)  # fmt: skip
"""Asked for letters that the first font lacks, where they are installed."""
SUFFIXES = (".png", ".svg", ".pdf")
_NO_DATE: Mapping[str, dict[str, str | None]] = {
    ".png": {"Software": None},
    ".svg": {"Date": None},
    ".pdf": {"CreationDate": None},
}
"""The same facts give the same bytes."""


@contextmanager
def style() -> Iterator[None]:
    """Set fonts and ink for what is drawn and saved within, and nothing outside."""
    import matplotlib  # heavy, and only whoever draws needs it
    from matplotlib.font_manager import fontManager

    installed = {font.name for font in fontManager.ttflist}
    families = ["DejaVu Sans", *(name for name in FALLBACK_FONTS if name in installed)]
    settings: Mapping[str, object] = {
        "font.family": families,
        "font.size": 9,
        "text.color": INK,
        "axes.edgecolor": FAINT,
        "axes.labelcolor": SOFT_INK,
        "xtick.color": SOFT_INK,
        "ytick.color": SOFT_INK,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "svg.hashsalt": "smartshop",
        # A category called `$5 and less` is no formula.
        "text.parse_math": False,
    }
    with matplotlib.rc_context(settings), warnings.catch_warnings():  # type: ignore[arg-type]  # stubs list each key
        # A name may have letters that no installed font has: they show as boxes.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        yield


def check_path(path: Path) -> None:
    """Refuse early what could not be written in the end.

    Raises:
        InvalidValue: its suffix is none of the pictures that can be drawn, or its folder is not there.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise InvalidValue(f"The picture {path.name!r} has no known suffix; use one of {', '.join(SUFFIXES)}.")
    if not path.parent.is_dir():
        raise InvalidValue(f"There is no folder {path.parent} to write the picture to; make it, or name another one.")


def save_picture(figure: "Figure", path: Path, dots_per_inch: int) -> None:
    """Its kind is told by the suffix, which `check_path` let through.

    Raises:
        InvalidValue: the place cannot be written to.
    """
    try:
        figure.savefig(path, dpi=dots_per_inch, metadata=_NO_DATE[path.suffix.lower()])
    except OSError as error:
        reason = error.strerror or str(error)
        raise InvalidValue(f"The picture cannot be written to {path} ({reason}); name a place that can.") from None
