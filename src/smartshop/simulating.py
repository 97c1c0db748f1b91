"""`smartshop simulate`: simulated shoppers against any running service, with its storefront's own publishable key."""

import asyncio

import httpx
from rich.console import Console

from smartshop.errors import Unavailable
from smartshop.log import configure_logging
from smartshop.simulator.live import run_live
from smartshop.simulator.scenario import load_scenario


def simulate_shoppers(url: str, scenario: str, shoppers: int, per_minute: float, seed: int, console: Console) -> int:
    """Send them, and return how many came.

    Raises:
        SourceError: no such scenario.
        Unavailable: nothing of ours answers at the URL.
    """
    world = load_scenario(scenario)
    try:
        with httpx.Client(base_url=url, timeout=10) as client:
            key = client.get("/v1/storefront").raise_for_status().json()["publishable_key"]
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, KeyError) as error:
        raise Unavailable(f"No shop of ours answers at {url} ({error}); open one with `smartshop up`.") from None
    configure_logging("WARNING")
    console.print(f"{shoppers} shoppers go to {url}, {per_minute:g} a minute.")
    visits = run_live(
        url, key, world, seed=seed, shoppers_per_minute=per_minute, stop=asyncio.Event(), shoppers=shoppers
    )
    return asyncio.run(visits)
