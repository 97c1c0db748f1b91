"""The moment a shopper is in: channel, device, place, weather."""

import msgspec


class Context(msgspec.Struct, frozen=True, omit_defaults=True):
    """What was known of the moment; every field may be missing."""

    channel: str | None = None
    """web, app, store, email, …"""
    device: str | None = None
    """mobile, desktop, tablet, …"""
    locale: str | None = None
    country: str | None = None
    """ISO 3166 alpha-2."""
    city: str | None = None
    weather: str | None = None
    """sun, cloud, rain, snow, …"""
    temperature_c: float | None = None
    user_agent: str | None = None
    page_url: str | None = None
    market: str | None = None
