"""Where a shop lies: which folder, which database, which of the two shops of a data dir. Imports nothing heavy."""

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from smartshop.errors import SettingsError

if TYPE_CHECKING:
    from smartshop.settings import Settings

SHOP_FILE = "shop.db"
DEMO_FOLDER = "demo"
DEMO_MARK = "make-demo"
"""Import key of the demonstration's history; its mark says that all of it is in."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where one shop's data lies."""

    root: Path
    """The data dir as the operator knows it."""
    folder: Path
    """The root, or `demo` in it."""
    database_url: str
    models_dir: Path
    demo: bool

    @property
    def shown_database(self) -> str:
        """The database without its password."""
        head, at, tail = self.database_url.rpartition("@")
        return f"{head.split('//')[0]}//…@{tail}" if at else self.database_url

    @property
    def arguments(self) -> list[str]:
        """The same place for another command of ours."""
        return ["--data-dir", str(self.root), "--demo" if self.demo else "--no-demo"]


def find_place(settings: "Settings", demo: bool | None) -> Place:
    """The shop that is meant: with servers the one of the URL; embedded the one in the data dir, else its demo.

    `demo` None means: whatever is there already, and for an empty data dir the demonstration shop.

    Raises:
        SettingsError: a demonstration in a database that somebody named.
    """
    root = settings.data_dir
    if demo and settings.database_url:
        raise SettingsError(
            "The demonstration keeps a shop of its own in the data dir, and SMARTSHOP_DATABASE_URL names another; "
            "unset it, or leave --demo away."
        )
    if demo is None:
        demo = not settings.database_url and not (root / SHOP_FILE).exists()
    folder = root / DEMO_FOLDER if demo else root
    url = settings.database_url or f"sqlite:///{(folder / SHOP_FILE).resolve()}"
    return Place(root, folder, url, settings.models_dir or folder / "models", demo)


def require_server_engine(settings: "Settings", command: str) -> None:
    """
    Raises:
        SettingsError: the embedded SQLite is one machine's; separate processes need a server.
    """
    if not settings.database_url.startswith("postgresql"):
        raise SettingsError(
            f"`smartshop {command}` runs one process of several and needs SMARTSHOP_DATABASE_URL=postgresql://…; "
            "with the embedded SQLite use `smartshop up`, which runs them all."
        )


def storefront_folder() -> Path | None:
    """The built pages: beside the package when installed, else in the checkout; None when nobody built them."""
    packaged = Path(str(files("smartshop"))) / "storefront"
    checkout = Path(__file__).parents[2] / "frontend" / "web" / "dist"
    return next((folder for folder in (packaged, checkout) if (folder / "index.html").exists()), None)
