"""A shop's customers with segments and standings put there through the ports, as a refit would."""

from collections.abc import Sequence

import msgspec
import numpy as np

from smartshop.data_collection.connectors.ports import Customers, Standings
from smartshop.data_collection.pipelines.clock import DAY, system_now
from smartshop.data_collection.schemas.customers import ConsentChange, Customer
from smartshop.data_collection.schemas.ids import CustomerId, Micros, ModelVersion, ShopperKey
from smartshop.data_collection.schemas.segments import (
    Affinity,
    AffinityKind,
    Refit,
    Segment,
    SegmentFlow,
    SegmentId,
    SegmentKind,
    Standing,
)

CHAMPIONS, DORMANT = SegmentId("rfm-champions"), SegmentId("rfm-dormant")
CLIMBERS, HOSTS, GONE = SegmentId("b1"), SegmentId("b2"), SegmentId("b3")
N_FEATURES = 6


def segments(now: Micros) -> list[Segment]:
    """Two groups, two behavioural segments, and one that is retired."""

    def made(segment_id: SegmentId, kind: SegmentKind, name: str, retired_at: Micros | None = None) -> Segment:
        return Segment(
            segment_id=segment_id,
            kind=kind,
            name=name,
            sentence=f"{name} buy as nobody else does.",
            since=Micros(now - 100 * DAY),
            retired_at=retired_at,
        )

    return [
        made(CHAMPIONS, SegmentKind.RFM, "Champions"),
        made(DORMANT, SegmentKind.RFM, "Dormant"),
        made(CLIMBERS, SegmentKind.BEHAVIOUR, "Climbers"),
        made(HOSTS, SegmentKind.BEHAVIOUR, "=Hosts"),
        made(GONE, SegmentKind.BEHAVIOUR, "Gone", Micros(now - DAY)),
    ]


def standing(number: int, now: Micros) -> Standing:
    """Even customers are climbers who buy tents, odd ones hosts who buy planters; every fifth is too little known."""
    is_climber, orders = number % 2 == 0, 1 + number % 7
    figures = np.full(N_FEATURES, 2.0 if is_climber else -2.0) + np.sin(np.arange(N_FEATURES) * (number + 1))
    leaning = ("Outdoor > Tents", "tents-1") if is_climber else ("Garden > Planters", "planters-1")
    return Standing(
        customer_id=CustomerId(f"c-{number:04d}"),
        rfm_group=CHAMPIONS if orders > 3 else DORMANT,
        recency_score=1 + number % 5,
        frequency_score=min(5, orders),
        monetary_score=3,
        segment_id=None if number % 5 == 4 else (CLIMBERS if is_climber else HOSTS),
        membership=0.9,
        in_segment_since=Micros(now - 30 * DAY),
        orders=orders,
        spent_minor=orders * 2_000,
        first_order_at=Micros(now - 90 * DAY),
        last_order_at=Micros(now - (number % 60) * DAY),
        last_seen_at=Micros(now - (number % 60) * DAY),
        p_alive=0.8,
        churn_risk=(number % 10) / 10,
        expected_orders=(0.2, 0.6, 2.4),
        expected_value_minor=(400, 1_200, 4_800),
        next_order_at=Micros(now + 20 * DAY),
        affinities=(Affinity(AffinityKind.CATEGORY, leaning[0], 0.8), Affinity(AffinityKind.PRODUCT, leaning[1], 0.6)),
        features=figures.astype(np.float32).tobytes(),
        changed_at=now,
        log_no=1,
    )


def refit(version: str, now: Micros, **changes: object) -> Refit:
    made = Refit(
        version=ModelVersion(version),
        as_of=now,
        refitted_at=now,
        customers=100,
        buyers=100,
        sizes={CLIMBERS: 40, HOSTS: 40, CHAMPIONS: 60, DORMANT: 40},
        compared=80,
        moved_behaviour=3,
        moved_model=1,
        flows=(SegmentFlow(CLIMBERS, HOSTS, 4), SegmentFlow(None, CLIMBERS, 2)),
        measures={"value_mae": 0.7, "naive_mae": 0.9, "churn_auc": float("nan")},
    )
    return msgspec.structs.replace(made, **changes)


def populate(customers: Customers, standings: Standings, n: int = 100, extra: Sequence[Standing] = ()) -> None:
    """`c-0000`, `c-0001`, …; every tenth has withdrawn marketing."""
    now = system_now()
    people = [*(standing(number, now) for number in range(n)), *extra]
    customers.upsert([Customer(customer_id=one.customer_id, country="GB") for one in people], now)
    for one in people[:n:10]:
        change = ConsentChange(
            shopper_key=ShopperKey(one.customer_id), is_customer=True, changes={"marketing": False}, received_at=now
        )
        customers.set_consent(change)
    standings.replace_all(people, refit("r-1", now), segments(now))
