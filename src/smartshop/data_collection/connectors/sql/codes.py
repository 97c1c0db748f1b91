"""Small whole numbers under which kinds, trust and traffic stand in columns. A number once given never changes."""

from smartshop.data_collection.schemas.events import EventKind, Traffic, Trust
from smartshop.data_collection.schemas.segments import AffinityKind, SegmentKind

KIND_CODES: dict[EventKind, int] = {
    EventKind.PRODUCT_VIEWED: 1,
    EventKind.PRODUCT_LIST_VIEWED: 2,
    EventKind.PRODUCT_CLICKED: 3,
    EventKind.PRODUCT_ADDED: 4,
    EventKind.PRODUCT_REMOVED: 5,
    EventKind.CHECKOUT_STARTED: 6,
    EventKind.ORDER_COMPLETED: 7,
    EventKind.ORDER_REFUNDED: 8,
    EventKind.ORDER_RETURNED: 9,
    EventKind.SEARCHED: 10,
    EventKind.WISHLISTED: 11,
    EventKind.RATED: 12,
    EventKind.DWELLED: 13,
    EventKind.PAGE_VIEWED: 14,
    EventKind.IDENTIFIED: 15,
    EventKind.CONSENT_CHANGED: 16,
    EventKind.ITEM_DISMISSED: 17,
    EventKind.RECOMMENDATION_SHOWN: 18,
    EventKind.RECOMMENDATION_CLICKED: 19,
    EventKind.PROMOTION_VIEWED: 20,
    EventKind.PROMOTION_CLICKED: 21,
    EventKind.CUSTOM: 22,
}
"""Below 63, so that a set of kinds fits one signed 64-bit mask."""

TRUST_CODES: dict[Trust, int] = {Trust.CLIENT: 0, Trust.SHOPPER: 1, Trust.SERVER: 2}
"""0 is a claim, anything above was vouched for; the partial indexes on events say `trust > 0`."""

TRUST_OF: dict[int, Trust] = {code: trust for trust, code in TRUST_CODES.items()}

TRAFFIC_CODES: dict[Traffic, int] = {Traffic.HUMAN: 0, Traffic.BOT: 1, Traffic.INTERNAL: 2, Traffic.TEST: 3}

AFFINITY_CODES: dict[AffinityKind, int] = {AffinityKind.CATEGORY: 1, AffinityKind.BRAND: 2, AffinityKind.PRODUCT: 3}

AFFINITY_OF: dict[int, AffinityKind] = {code: kind for kind, code in AFFINITY_CODES.items()}

SEGMENT_KIND_CODES: dict[SegmentKind, int] = {SegmentKind.RFM: 1, SegmentKind.BEHAVIOUR: 2}

SEGMENT_KIND_OF: dict[int, SegmentKind] = {code: kind for kind, code in SEGMENT_KIND_CODES.items()}


def kind_mask(kinds: tuple[EventKind, ...]) -> int:
    """A bit per kind; asked as `(mask >> kind) & 1 = 1`, so that a statement has one shape for every set of kinds."""
    mask = 0
    for kind in kinds:
        mask |= 1 << KIND_CODES[kind]
    return mask
