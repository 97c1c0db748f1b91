"""What a shop needs before it opens: schema, keys, and for the demonstration a history and a first model."""

import shutil
import time

from rich.console import Console

from smartshop.api_keys import first_keys
from smartshop.opening import opened_stores
from smartshop.place import DEMO_MARK, SHOP_FILE, Place
from smartshop.settings import Settings


def prepare_shop(settings: Settings, place: Place, console: Console) -> None:
    """Bring everything into place; keys that were made are printed, this once."""
    if place.demo and _was_cut(settings, place):
        console.print("  The demonstration was not finished last time; it is made anew.")
        shutil.rmtree(place.folder)
    with opened_stores(settings, place) as stores:
        made = first_keys(stores.keys, settings.secret_keys, settings.publishable_keys)
        is_new = stores.log.size().events == 0
    for kind, plain in made:
        shown = "keep it: it is not shown again" if kind == "secret" else "for browsers and phones"
        console.print(f"  {kind:<11} key  [bold]{plain}[/]  ({shown})", highlight=False, soft_wrap=True)
    if place.demo and is_new:
        _make_demo(settings, place, console)


def _make_demo(settings: Settings, place: Place, console: Console) -> None:
    from smartshop.jobs import run_job  # all that learns; a shop that is there already opens without

    began = time.monotonic()
    console.print("\n  Making its past (products, two months of shoppers) and learning from it.")
    run_job("make-demo", settings, place, console=console)
    run_job("train-recommendation", settings, place, console=console)
    console.print(f"  Made in {time.monotonic() - began:.0f} s; from now on it opens at once.")


def _was_cut(settings: Settings, place: Place) -> bool:
    """A start that ended while the history was made left a part of it, which could not be told from a whole one."""
    if not (place.folder / SHOP_FILE).exists():
        return False
    with opened_stores(settings, place) as stores:
        return stores.log.size().events > 0 and stores.imports.find(DEMO_MARK) is None
