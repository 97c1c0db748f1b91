"""What the shop means by "this id was that one": a browser's id is linked, an older customer is merged."""

import structlog

from smartshop.backend_api.shop import Shop
from smartshop.data_collection.schemas.customers import IdentityLink
from smartshop.data_collection.schemas.events import EventKind, Trust
from smartshop.data_collection.schemas.ids import AnonymousId, CustomerId, Micros
from smartshop.errors import Conflict

_ANY_KIND = tuple(EventKind)
_log = structlog.get_logger(__name__)


def take_alias(shop: Shop, previous: str, into: CustomerId, now: Micros) -> None:
    """Blocking. `previous` is a browser's id or an older customer's; the wire does not say which.

    A browser chooses its own id, also one spelt like a customer's, and shops hand it on as they found it. So an id that
    was ever a browser's is only linked; only a customer known by now is merged, never one who may come later.
    """
    link = IdentityLink(anonymous_id=AnonymousId(previous), customer_id=into, received_at=now, trust=Trust.SERVER)
    is_mergeable = not _is_browser(shop, AnonymousId(previous)) and _is_customer(shop, CustomerId(previous))
    shop.customers.link(link)
    if not is_mergeable:
        return
    try:
        shop.customers.merge(CustomerId(previous), into, now)
    except Conflict as error:
        # The alias itself is in the log; a client could do nothing with an error but send it for ever.
        _log.warning("alias_refused", reason=str(error))


def _is_browser(shop: Shop, anonymous_id: AnonymousId) -> bool:
    browser = shop.customers.shopper(None, anonymous_id, False)
    return shop.customers.has_identified(anonymous_id) or bool(shop.log.recent(browser, _ANY_KIND, 1))


def _is_customer(shop: Shop, customer_id: CustomerId) -> bool:
    customer = shop.customers.shopper(customer_id, None, True)
    return shop.customers.get(customer_id) is not None or bool(shop.log.recent(customer, _ANY_KIND, 1))
