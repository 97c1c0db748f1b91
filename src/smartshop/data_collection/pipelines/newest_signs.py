"""Where somebody stands is judged from all their orders and their newest signs, however much they ever looked at."""

from dataclasses import replace

import numpy as np

from smartshop.data_collection.pipelines.customer_activity import CustomerActivity

MOST_SIGNS = 500
"""Some forty visits: more change little of what somebody likes, and each costs a live move some microseconds."""


def newest_signs(activity: CustomerActivity, most: int = MOST_SIGNS) -> CustomerActivity:
    """The activity with each customer's newest `most` signs; the very same object where nobody has more.

    Whole moments stay: where several signs tie with the oldest one kept, all of them are kept, so that every reading
    of the log agrees on them. Orders all stay. Of whoever lost signs, `first_seen_at` is of the orders and signs kept;
    `last_seen_at` stays as it is, and `sign_session` has gaps.

    Raises:
        ValueError: `most` is below 1.
    """
    if most < 1:
        raise ValueError(f"{most} signs would be kept of each customer; keep at least 1.")
    counts = np.bincount(activity.sign_customer, minlength=len(activity))
    busy = np.flatnonzero(counts > most)
    if not len(busy):
        return activity
    end = np.cumsum(counts)
    kept = np.ones(len(activity.sign_at), np.bool_)
    first_seen = activity.first_seen_at.copy()
    for customer, first, behind in zip(busy.tolist(), (end - counts)[busy].tolist(), end[busy].tolist(), strict=True):
        at = activity.sign_at[first:behind]
        left_out = int(np.searchsorted(at, at[-most]))
        if left_out:
            kept[first : first + left_out] = False
            ordered = activity.order_at[slice(*np.searchsorted(activity.order_customer, [customer, customer + 1]))]
            first_seen[customer] = min([at[left_out], *ordered[:1]])
    if kept.all():
        return activity
    return replace(
        activity,
        first_seen_at=first_seen,
        sign_customer=activity.sign_customer[kept],
        sign_at=activity.sign_at[kept],
        sign_kind=activity.sign_kind[kept],
        sign_product=activity.sign_product[kept],
        sign_session=activity.sign_session[kept],
        sign_device=activity.sign_device[kept],
    )
