"""Warnings are found by another process; who listens in this one hears of each as it opens."""

import asyncio

import structlog

from smartshop.data_collection.connectors.ports import Alerts, Bus
from smartshop.data_collection.schemas.alerts import Alert
from smartshop.data_collection.schemas.messages import Message, SupplyAlertRaised

log = structlog.get_logger()

LOOK_EVERY_SECONDS = 1.0


async def tell_of_alerts(alerts: Alerts, bus: Bus, every_seconds: float = LOOK_EVERY_SECONDS) -> None:
    """Until it is cancelled. What was open before this process began is no news to it."""
    told: int | None = None
    while True:
        try:
            told = await tell_newest(alerts, bus, told)
        except Exception as error:  # a store that is away for a moment must not end the telling
            log.warning("alerts_not_read", error=repr(error))
        await asyncio.sleep(every_seconds)


async def tell_newest(alerts: Alerts, bus: Bus, told: int | None) -> int:
    """Publish what was opened behind this number of a look; the number to go on behind."""
    number, opened = await asyncio.to_thread(alerts.raised_after, told)
    if opened:
        await bus.publish([as_message(one) for one in opened])
    return number


def as_message(alert: Alert) -> Message:
    found = alert.found
    return SupplyAlertRaised(
        alert_id=found.alert_id,
        alert_kind=found.kind,
        severity=found.severity,
        subject=found.subject,
        words=found.words,
        opened_at=alert.opened_at,
    )
