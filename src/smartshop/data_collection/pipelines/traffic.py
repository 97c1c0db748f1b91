"""Who is at the other end: only human traffic is learned from."""

import re
from functools import lru_cache

from smartshop.data_collection.pipelines.arrivals import Arrival
from smartshop.data_collection.schemas.context import Context
from smartshop.data_collection.schemas.events import Traffic, Trust
from smartshop.data_collection.schemas.ids import Micros

_BOTS = re.compile(
    r"bot\b|bot/|crawl|spider|slurp|facebookexternalhit|phantomjs|lighthouse"
    r"|pingdom|uptimerobot|statuscake|archive\.org|wget/|curl/|scrapy|python-requests|go-http-client"
    r"|libwww-perl|ahrefs|semrush|mediapartners-google|bingpreview|google-inspectiontool",
    re.IGNORECASE,
)
"""Words that well-behaved crawlers, monitors and automation put into their user agent.

Headless browsers are not among them: shops test their own pages with them, and a scraper is found by its pace.
"""

EVENTS_PER_SECOND = 20
"""What no human does for long; a page of a shop sends a handful of events per second at most."""
BURST = 400
"""Events a shopper may send at once: a phone that was offline hands in its whole queue."""
MICROS_PER_EVENT = 1_000_000 // EVENTS_PER_SECOND
COOLING_MICROS = 60_000_000
"""Who was too fast stays a bot until slow for this long."""
REMEMBERED_SHOPPERS = 50_000
Sender = tuple[Trust, bool, str]
"""Who sends: with which trust, as a customer or a browser, under which id. Each has a pace of its own."""


@lru_cache(maxsize=4_096)
def is_bot_agent(user_agent: str) -> bool:
    """
    >>> is_bot_agent("Mozilla/5.0 (compatible; Googlebot/2.1)"), is_bot_agent("Mozilla/5.0 (X11; Linux x86_64)")
    (True, False)
    """
    return _BOTS.search(user_agent) is not None


class TrafficWatch:
    """Sorts events into human, bot, internal and test, remembering how fast each sender has been.

    The pace is a leaky bucket per sender (generic cell rate algorithm): `_due[key]` is the moment at which the bucket
    will have run empty. Two generations bound the memory; a forgotten sender starts with an empty bucket.
    """

    def __init__(self) -> None:
        self._due: dict[Sender, int] = {}
        self._older: dict[Sender, int] = {}

    def traffic_of(self, sender: Sender, context: Context | None, arrival: Arrival, at: Micros) -> Traffic:
        if arrival.traffic is not None:
            return arrival.traffic
        user_agent = arrival.user_agent
        if context is not None:
            if context.channel in ("internal", "test"):
                return Traffic(context.channel)
            user_agent = context.user_agent or user_agent
        if arrival.from_import:
            return Traffic.HUMAN
        # The shop's own server names itself in the header; only what it says of the shopper's browser counts then.
        if arrival.trust is Trust.SERVER:
            agent = context.user_agent if context is not None else None
            return Traffic.BOT if agent and is_bot_agent(agent) else Traffic.HUMAN
        if (user_agent and is_bot_agent(user_agent)) or self._is_too_fast(sender, at):
            return Traffic.BOT
        return Traffic.HUMAN

    def _is_too_fast(self, sender: Sender, at: Micros) -> bool:
        due = self._due.get(sender)
        if due is None:
            due = self._older.pop(sender, 0)
            if len(self._due) >= REMEMBERED_SHOPPERS:
                self._older, self._due = self._due, {}
        if due <= at:
            due = at
        elif due - at > BURST * MICROS_PER_EVENT:
            self._due[sender] = at + BURST * MICROS_PER_EVENT + COOLING_MICROS
            return True
        self._due[sender] = due + MICROS_PER_EVENT
        return False
