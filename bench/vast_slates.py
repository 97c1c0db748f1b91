"""Slates of a hundred thousand products, from every source there is; what a model weighs in memory, and at a swap."""

import asyncio
from pathlib import Path
from threading import Thread

from bench.figures import Figure
from bench.load import open_loop
from bench.machine import peak_memory_mib
from bench.service import Served, served
from bench.shops import LargeShop
from bench.slates import Asked, all_answered, slate_figures, slates
from bench.vast_shop import learn_briefly, make_vast_shop, promote_again

ASKED = Asked(name="slate_100k", limit=20, per_second=60, processor="≤ 5", throughput="≥ 130", p99="≤ 40")
SWAP_SECONDS = 10.0
TAKEN_UP = "event=model_served agent=recommendation"
"""As the serving process logs it."""


def measure_vast_slates(folder: Path, seconds: float) -> list[Figure]:
    """Every source that learned is named in the protocol of the last figures."""
    shop = make_vast_shop(folder)
    sources = learn_briefly(folder)
    with served(folder) as service:
        found = slate_figures(folder, service, shop, seconds, ASKED)
        serving = peak_memory_mib(service.pid)
        swapping_p99 = _swap(folder, service, shop)
        peak = peak_memory_mib(service.pid)
    how = f"{shop.products:,} products, {len(sources)} sources: {', '.join(sources)}"
    return [
        *found,
        Figure("slate_100k_open_p99_swap", swapping_p99, "ms", "", f"the same while another model is taken up; {how}"),
        Figure("slate_100k_memory", serving, "MiB", "< 954", f"resident at most, the whole serving process; {how}"),
        Figure("slate_100k_swap_memory", peak, "MiB", "< 1526", "the same, with that swap"),
    ]


def _swap(folder: Path, service: Served, shop: LargeShop) -> float:
    """Promote another version while slates are asked for; p99 in ms.

    Raises:
        RuntimeError: the service did not take it up meanwhile.
    """
    log = folder / "serve.log"
    before = log.read_text().count(TAKEN_UP)
    promoting = Thread(target=promote_again, args=(folder,))
    promoting.start()
    requests = slates(service.target, shop, ASKED.limit)
    measured = asyncio.run(open_loop(service.target, requests, ASKED.per_second, SWAP_SECONDS))
    promoting.join()
    all_answered(measured)
    if log.read_text().count(TAKEN_UP) == before:
        raise RuntimeError(f"no other model was taken up within {SWAP_SECONDS} s of being promoted: {log}")
    return measured.percentile(99)
