"""Which tracking names are one of our kinds: the e-commerce specification v2, its first version, and our own words.

Source: Segment's "E-Commerce Events" specification, version 2, and the v1 names that its clients still send; its
"Consent Management" for the event of consent.
"""

from smartshop.data_collection.schemas.events import EventKind

_SPECIFIED = {
    "products searched": EventKind.SEARCHED,
    "product list viewed": EventKind.PRODUCT_LIST_VIEWED,
    "product list filtered": EventKind.PRODUCT_LIST_VIEWED,
    "promotion viewed": EventKind.PROMOTION_VIEWED,
    "promotion clicked": EventKind.PROMOTION_CLICKED,
    "product clicked": EventKind.PRODUCT_CLICKED,
    "product viewed": EventKind.PRODUCT_VIEWED,
    "product added": EventKind.PRODUCT_ADDED,
    "product removed": EventKind.PRODUCT_REMOVED,
    "checkout started": EventKind.CHECKOUT_STARTED,
    "order completed": EventKind.ORDER_COMPLETED,
    "order refunded": EventKind.ORDER_REFUNDED,
    "order returned": EventKind.ORDER_RETURNED,
    "product added to wishlist": EventKind.WISHLISTED,
    "wishlist product added to cart": EventKind.PRODUCT_ADDED,
    "product reviewed": EventKind.RATED,
}
_FIRST_VERSION = {
    "searched products": EventKind.SEARCHED,
    "viewed product category": EventKind.PRODUCT_LIST_VIEWED,
    "viewed promotion": EventKind.PROMOTION_VIEWED,
    "clicked promotion": EventKind.PROMOTION_CLICKED,
    "clicked product": EventKind.PRODUCT_CLICKED,
    "viewed product": EventKind.PRODUCT_VIEWED,
    "added product": EventKind.PRODUCT_ADDED,
    "removed product": EventKind.PRODUCT_REMOVED,
    "started order": EventKind.CHECKOUT_STARTED,
    "completed order": EventKind.ORDER_COMPLETED,
}
_CONSENT = {
    "segment consent preference updated": EventKind.CONSENT_CHANGED,
    "consent preference updated": EventKind.CONSENT_CHANGED,
    # Its name in Segment's first wrappers.
    "segment consent preference": EventKind.CONSENT_CHANGED,
}
_HAVE_THEIR_OWN_CALL = (EventKind.CUSTOM, EventKind.IDENTIFIED)
_OURS = {kind.value.replace("_", " "): kind for kind in EventKind if kind not in _HAVE_THEIR_OWN_CALL}
_NAMES = {**_OURS, **_FIRST_VERSION, **_SPECIFIED, **_CONSENT}


def kind_of(name: str) -> EventKind | None:
    """None for a name that stays the shop's own.

    >>> kind_of("Order Completed"), kind_of("Newsletter Opened")
    (<EventKind.ORDER_COMPLETED: 'order_completed'>, None)
    """
    return _NAMES.get(name.strip().lower().replace("_", " "))
