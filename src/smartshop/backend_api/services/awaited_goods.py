"""What is back in stock, and who wanted it: known in memory by the serving process, so that no slate waits for it."""

import threading
from collections.abc import Callable, Iterable

from smartshop.ai_agents.inventory.back_in_stock import wanted_while_gone
from smartshop.data_collection.connectors.ports import Erasure, Waits
from smartshop.data_collection.pipelines.clock import SECOND
from smartshop.data_collection.schemas.customers import Shopper
from smartshop.data_collection.schemas.ids import Micros, ProductId
from smartshop.data_collection.schemas.messages import BackInStock
from smartshop.data_collection.schemas.profiles import Profile
from smartshop.data_collection.schemas.waits import NEWS_LASTS, owner_of, waiting_keys

REMEMBERED = 100_000
"""Answers, and products that came back; the oldest go first."""
OVERLAP = 10 * SECOND
"""Every reading starts so much (µs) before the last: an answer is stamped before its transaction commits."""


def keys_of(shopper: Shopper) -> tuple[str, ...]:
    """Every key under which this shopper may have asked: the customer's, those merged into it, browsers used now."""
    browsers = [window.anonymous_id for window in shopper.windows if window.until is None]
    if shopper.anonymous_id is not None:
        browsers.append(shopper.anonymous_id)
    return waiting_keys(shopper.customer_ids, tuple(browsers))


class AwaitedGoods:
    """`refresh` once a second and after every erasure, from any thread; everything else never waits."""

    def __init__(self, waits: Waits, erasure: Erasure, now: Callable[[], Micros]) -> None:
        self._waits, self._erasure, self._now = waits, erasure, now
        self._turn = threading.Lock()
        """One thread reads at a time: what another read before an erasure must not come back after it."""
        self._erased = 0
        """How many ids were erased when it was last read anew."""
        self._told: dict[tuple[str, ProductId], Micros] = {}
        """(shopper key, product) → when they were told; in that order."""
        self._of_key: dict[str, frozenset[ProductId]] = {}
        """Replaced whole: slates read it while another thread refreshes."""
        self._absences: dict[ProductId, tuple[Micros, Micros]] = {}
        """Product → from when to when it was gone."""
        self._read_at = Micros(0)

    def refresh(self) -> None:
        with self._turn:
            erased, now = self._erasure.refresh(), self._now()
            if erased != self._erased:
                # Whatever an erasure took, of browsers that others use as well too, is read no more.
                self._told, self._of_key, self._read_at = {}, {}, Micros(0)
            since = Micros(max(self._read_at - OVERLAP, now - NEWS_LASTS))
            for wait in self._waits.told_since(since):
                if wait.told_at is not None and not self._erasure.is_erased(*owner_of(wait.shopper_key)):
                    self._remember((wait.shopper_key, wait.product_id), wait.told_at)
            self._read_at, self._erased = now, erased
            self._forget_before(Micros(now - NEWS_LASTS))

    def hear(self, message: BackInStock) -> None:
        if message.gone_at is None:
            return
        self._absences.pop(message.product_id, None)
        if len(self._absences) >= REMEMBERED:
            del self._absences[next(iter(self._absences))]
        self._absences[message.product_id] = (message.gone_at, message.back_at)

    def wanted_by(self, keys: Iterable[str], profile: Profile) -> list[ProductId]:
        """What this shopper asked for, or came to look at in vain, and that came back lately.

        `profile`: empty where the shopper withholds personalisation; then only what was asked for.
        """
        asked = {product_id for key in keys for product_id in self._of_key.get(key, ())}
        if self._absences:
            looked_at = {sign.product_id for sign in profile.interest if sign.product_id is not None}
            fresh = self._now() - NEWS_LASTS
            for product_id in looked_at & self._absences.keys():
                gone_at, back_at = self._absences[product_id]
                if back_at > fresh and wanted_while_gone(profile, product_id, gone_at, back_at):
                    asked.add(product_id)
        return sorted(asked)

    def _remember(self, answer: tuple[str, ProductId], told_at: Micros) -> None:
        self._told.pop(answer, None)
        self._told[answer] = told_at
        key, product_id = answer
        self._of_key[key] = self._of_key.get(key, frozenset()) | {product_id}

    def _forget_before(self, moment: Micros) -> None:
        while self._told:
            answer, told_at = next(iter(self._told.items()))
            if told_at > moment and len(self._told) <= REMEMBERED:
                return
            del self._told[answer]
            key, product_id = answer
            left = self._of_key[key] - {product_id}
            if left:
                self._of_key[key] = left
            else:
                del self._of_key[key]
