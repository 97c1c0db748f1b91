"""Rules read plainly, customer by customer: what the stores' one statement must agree with."""

from dataclasses import dataclass
from typing import TypeVar, assert_never

import numpy as np

from smartshop.data_collection.schemas.audiences import (
    AllOf,
    AnyOf,
    Between,
    CaresFor,
    Consents,
    InAudience,
    InSegment,
    Listed,
    LivesIn,
    Not,
    Number,
    Rule,
)
from smartshop.data_collection.schemas.customers import ConsentChange, Customer, Purpose
from smartshop.data_collection.schemas.ids import CustomerId, Micros, ShopperKey
from smartshop.data_collection.schemas.segments import Affinity, AffinityKind, SegmentId, Standing
from tests.connectors.standings_told import CHAMPIONS, CLIMBERS, DORMANT, GARDENERS, standing
from tests.connectors.told import NOON, at

Item = TypeVar("Item")

DAY = 86_400_000_000
COUNTRIES = ("GB", "CH", "FR")
CITIES = ("Leeds", "Zürich", "Lyon")
SHELVES = ("Garden", "Garden > Tools", "Garden > Tools > Rakes", "Gardening", "Home")
BRANDS = ("Acme", "Bolt")


@dataclass(frozen=True)
class Known:
    """Everything that a rule can ask of a customer."""

    standing: Standing
    customer: Customer
    said: tuple[ConsentChange, ...]

    def allows(self, purpose: Purpose) -> bool:
        words = [(change.received_at, change.changes[purpose]) for change in self.said if purpose in change.changes]
        return max(words)[1] if words else True

    @classmethod
    def made_up(cls, customer_id: str, rng: np.random.Generator) -> "Known":
        orders = int(rng.integers(5))
        chances = {"churn_risk": _share(rng), "p_alive": 0.5} if orders else {}
        leanings = [Affinity(AffinityKind.CATEGORY, each, _share(rng)) for each in SHELVES if rng.random() < 0.3]
        leanings += [Affinity(AffinityKind.BRAND, each, _share(rng)) for each in BRANDS if rng.random() < 0.3]
        return cls(
            standing=standing(
                customer_id,
                rfm_group=_one_of(rng, (CHAMPIONS, DORMANT)),
                segment_id=_one_of(rng, (CLIMBERS, GARDENERS, None)),
                recency_score=int(rng.integers(1, 6)) if orders else 0,
                orders=orders,
                spent_minor=int(rng.integers(-500, 5_000)),
                last_order_at=at(-86_400 * int(rng.integers(-3, 90))) if orders else None,
                next_order_at=at(86_400 * int(rng.integers(-30, 60))) if rng.random() < 0.5 else None,
                expected_orders=(0.1, _share(rng), 1.0),
                affinities=tuple(leanings),
                **chances,
            ),
            customer=Customer(
                customer_id=CustomerId(customer_id),
                country=_one_of(rng, (*COUNTRIES, None)),
                city=_one_of(rng, (*CITIES, None)),
            ),
            said=tuple(
                ConsentChange(
                    shopper_key=ShopperKey(customer_id),
                    is_customer=True,
                    changes={str(_one_of(rng, tuple(Purpose))): bool(rng.random() < 0.5)},
                    received_at=at(second),
                )
                for second in range(int(rng.integers(3)))
            ),
        )


def matches(rule: Rule, known: Known) -> bool:
    told = known.standing
    match rule:
        case AllOf():
            return all(matches(inner, known) for inner in rule.rules)
        case AnyOf():
            return any(matches(inner, known) for inner in rule.rules)
        case Not():
            return not matches(rule.of, known)
        case InSegment():
            return bool({told.rfm_group, told.segment_id} & set(rule.segments))
        case Between():
            value = _number(told, rule.number)
            above = rule.min is None or (value is not None and value >= rule.min)
            return value is not None and above and (rule.max is None or value <= rule.max)
        case CaresFor():
            return any(
                affinity.kind is rule.affinity
                and affinity.strength >= rule.min_strength
                and any(_holds(subject, affinity) for subject in rule.subjects)
                for affinity in told.affinities
            )
        case LivesIn():
            lives = known.customer
            in_country = not rule.countries or lives.country in rule.countries
            return in_country and (not rule.cities or lives.city in rule.cities)
        case Consents():
            return known.allows(rule.purpose) == rule.granted
        case Listed():
            return told.customer_id in rule.customer_ids
        case InAudience():
            raise AssertionError("none is made up here")
        case _:
            assert_never(rule)


def _holds(subject: str, affinity: Affinity) -> bool:
    below = affinity.kind is AffinityKind.CATEGORY and affinity.subject.startswith(f"{subject} > ")
    return affinity.subject == subject or below


def _number(told: Standing, number: Number) -> float | None:
    bought = told.orders > 0
    values: dict[Number, float | None] = {
        Number.ORDERS: told.orders,
        Number.SPENT_MINOR: told.spent_minor,
        Number.AVERAGE_ORDER_MINOR: told.spent_minor / told.orders if bought else None,
        Number.CHURN_RISK: told.churn_risk,
        Number.P_ALIVE: told.p_alive,
        Number.EXPECTED_ORDERS_90: told.expected_orders[1],
        Number.EXPECTED_VALUE_30_MINOR: told.expected_value_minor[0],
        Number.EXPECTED_VALUE_90_MINOR: told.expected_value_minor[1],
        Number.EXPECTED_VALUE_365_MINOR: told.expected_value_minor[2],
        Number.DAYS_SINCE_ORDER: _days(told.last_order_at, NOON),
        Number.DAYS_SINCE_SEEN: _days(told.last_seen_at, NOON),
        Number.DAYS_SINCE_FIRST_ORDER: _days(told.first_order_at, NOON),
        Number.DAYS_UNTIL_NEXT_ORDER: None if told.next_order_at is None else (told.next_order_at - NOON) / DAY,
        Number.RECENCY_SCORE: told.recency_score or None,
        Number.FREQUENCY_SCORE: told.frequency_score or None,
        Number.MONETARY_SCORE: told.monetary_score or None,
    }
    return values[number]


def _days(moment: Micros | None, now: Micros) -> float | None:
    return None if moment is None else (now - moment) / DAY


BOUNDS: dict[Number, float] = {
    Number.ORDERS: 4,
    Number.SPENT_MINOR: 4_000,
    Number.AVERAGE_ORDER_MINOR: 2_000,
    Number.CHURN_RISK: 1,
    Number.P_ALIVE: 1,
    Number.EXPECTED_ORDERS_90: 1,
    Number.DAYS_SINCE_ORDER: 90,
    Number.DAYS_SINCE_SEEN: 1,
    Number.DAYS_SINCE_FIRST_ORDER: 90,
    Number.DAYS_UNTIL_NEXT_ORDER: 60,
    Number.RECENCY_SCORE: 5,
}
"""About the largest value of each that is made up here."""


def random_rule(rng: np.random.Generator, depth: int) -> Rule:
    if depth > 0 and rng.random() < 0.7:
        inner = tuple(random_rule(rng, depth - 1) for _ in range(rng.integers(1, 4)))
        made: tuple[Rule, ...] = (AllOf(inner), AnyOf(inner), Not(inner[0]))
        return made[rng.integers(3)]
    number = _one_of(rng, tuple(BOUNDS))
    bounds = sorted(float(bound) for bound in (rng.random(2) * BOUNDS[number]).round(2))
    sides = _one_of(rng, ((bounds[0], None), (None, bounds[1]), (bounds[0], bounds[1])))
    leaves: tuple[Rule, ...] = (
        Between(number, *sides),
        Between(number, *sides),
        InSegment((_one_of(rng, (CHAMPIONS, CLIMBERS, GARDENERS, SegmentId("b9"))),)),
        CaresFor(AffinityKind.CATEGORY, (_one_of(rng, SHELVES), _one_of(rng, SHELVES)), _share(rng) / 2),
        CaresFor(AffinityKind.BRAND, (_one_of(rng, BRANDS),), _share(rng) / 2),
        LivesIn((_one_of(rng, COUNTRIES),), () if rng.random() < 0.5 else (_one_of(rng, CITIES),)),
        LivesIn((), (_one_of(rng, CITIES),)),
        Consents(_one_of(rng, tuple(Purpose)), bool(rng.random() < 0.5)),
        Listed(tuple(CustomerId(f"c{place:02}") for place in rng.integers(0, 60, 12))),
    )
    return leaves[rng.integers(len(leaves))]


def _share(rng: np.random.Generator) -> float:
    return int(rng.integers(0, 101)) / 100


def _one_of(rng: np.random.Generator, items: tuple[Item, ...]) -> Item:
    return items[rng.integers(len(items))]
