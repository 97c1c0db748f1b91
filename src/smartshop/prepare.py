"""What a shop needs before it opens: schema, keys, and for the demonstration a history and a first model."""

import time

from rich.console import Console

from smartshop.api_keys import first_keys
from smartshop.jobs import run_job
from smartshop.settings import Settings
from smartshop.wiring import Place, opened_stores


def prepare_shop(settings: Settings, place: Place, console: Console) -> None:
    with opened_stores(settings, place) as stores:
        made = first_keys(stores.keys, settings.secret_keys, settings.publishable_keys)
        is_new = stores.log.size().events == 0
    for kind, plain in made:
        shown = "keep it, it is not shown again" if kind == "secret" else "for browsers and phones"
        console.print(f"  {kind} key: [bold]{plain}[/]  ({shown})", highlight=False, soft_wrap=True)
    if place.demo and is_new:
        began = time.monotonic()
        console.print("  Making a demonstration shop: its products and its shoppers' past, and learning from it.")
        run_job("make-demo", settings, place, None, console)
        run_job("train-recommendation", settings, place, None, console)
        console.print(f"  Made in {time.monotonic() - began:.0f} s; it stays in {place.folder}.")
