"""When a variant can be sold again: who is told of it, in the order of asking, and no more people than it is worth."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from smartshop.ai_agents.shelf import Shelf
from smartshop.data_collection.connectors.ports import Reservations, Stock, Waits
from smartshop.data_collection.pipelines.clock import DAY
from smartshop.data_collection.pipelines.shelves import free_units
from smartshop.data_collection.schemas.events import EventKind
from smartshop.data_collection.schemas.ids import LocationId, Micros, ProductId, ProductNo, VariantId
from smartshop.data_collection.schemas.messages import BackInStock
from smartshop.data_collection.schemas.profiles import Profile
from smartshop.data_collection.schemas.stock import StockMovement
from smartshop.data_collection.schemas.waits import Returned, Wait, owner_of

MOVEMENTS_READ = 100
"""What went and came further back than so many movements of the variant is old news."""
REMEMBERED = 100_000
"""Variants; one that is forgotten costs a reading of its movements when it is next sold."""
LOOKS_THAT_TELL = 2
"""Who looked so often at what was sold out came back to see whether it was there."""
BASKET_REMEMBERED = 7 * DAY
"""µs: what was put into a basket so long before it was sold out, and not taken out, is still wanted."""
UNCOUNTED = -1
EVERYBODY = 1 << 31
"""Of what is never counted there is enough for all."""

Key = TypeVar("Key")
Value = TypeVar("Value")
Levels = dict[VariantId, dict[LocationId, int]]


@dataclass(frozen=True, slots=True)
class ReturnConfig:
    people_per_unit: int = 10
    """At most so many are told per unit that can be sold: of those who are told, far from all come."""
    patience: int = DAY
    """µs. So long somebody who was told counts as being on the way; then it is the turn of the next in line."""


@dataclass(frozen=True, slots=True)
class Absence:
    """From the last unit that went to the first one that came."""

    gone_at: Micros
    back_at: Micros
    movement_id: str
    """Of what brought it back."""


def last_absence(movements: Sequence[StockMovement], level: int) -> Absence | None:
    """The newest time without any unit that is over by now; None when it is not over, or these movements show none.

    `movements`: of one variant over all locations, newest first; `level`: the present sum over all locations.

    >>> from smartshop.data_collection.schemas.stock import MovementReason
    >>> def moved(units, at):
    ...     reason = MovementReason.RECEIPT if units > 0 else MovementReason.SALE
    ...     return StockMovement(movement_id=f"m{at}", variant_id="v", quantity=units, reason=reason, occurred_at=at)
    >>> last_absence([moved(-1, 9), moved(5, 7), moved(-2, 3), moved(2, 1)], 4)
    Absence(gone_at=3, back_at=7, movement_id='m7')
    """
    after, back = level, None
    if level <= 0:
        return None
    for movement in movements:
        before = after - movement.quantity
        if back is None and before <= 0 < after:
            back = movement
        elif back is not None and after <= 0 < before:
            return Absence(movement.occurred_at, back.occurred_at, back.movement_id)
        after = before
    return None


def wanted_while_gone(profile: Profile, product_id: ProductId, gone_at: Micros, back_at: Micros) -> bool:
    """Whether this shopper looked at it at least twice while it was gone, or had it in the basket."""
    looks, in_basket = 0, False
    for sign in profile.interest:
        if sign.product_id != product_id or sign.occurred_at > back_at:
            continue
        if sign.kind is EventKind.PRODUCT_VIEWED and sign.occurred_at >= gone_at:
            looks += 1
        elif sign.kind is EventKind.PRODUCT_ADDED:
            in_basket = sign.occurred_at >= gone_at - BASKET_REMEMBERED
        elif sign.kind is EventKind.PRODUCT_REMOVED:
            in_basket = False
    has_it = any(one.product_id == product_id and one.occurred_at >= gone_at for one in profile.purchases)
    return not has_it and (looks >= LOOKS_THAT_TELL or in_basket)


def sellable_product(shelf: Shelf, variant_id: VariantId) -> ProductNo | None:
    """The product whose shelf place this variant's stock counts for; None where it could not be sold with any stock."""
    number = shelf.number_of.get(ProductId(variant_id))
    if number is None or not shelf.alive[number] or variant_id not in shelf.variants_sold[number]:
        return None
    shop_has_prices = bool((shelf.price_minor >= 0).any())
    return None if shop_has_prices and shelf.price_minor[number] < 0 else number


class ReturnLookout:
    """Looks at variants whose stock may have moved, and answers those who wait for what can be sold again.

    Whoever waits is told when it can be sold, whatever made it so: goods that came, a basket that was given up, a
    price. The answer is written where it is chosen, in one transaction, so a message delivered again finds nobody to
    tell again, after a crash too. That goods came back is said once per process, for those who only came to look.
    """

    def __init__(
        self,
        stock: Stock,
        reservations: Reservations,
        waits: Waits,
        shelf: Callable[[], Shelf],
        now: Callable[[], Micros],
        config: ReturnConfig | None = None,
    ) -> None:
        self._stock, self._reservations, self._waits, self._shelf, self._now = stock, reservations, waits, shelf, now
        self._config = config or ReturnConfig()
        self._levels: dict[VariantId, int] = {}
        """As of the last look: where nothing came, nothing came back."""
        self._said: dict[tuple[VariantId, str], None] = {}

    def look(self, variant_ids: Sequence[VariantId], levels: Levels) -> list[BackInStock]:
        """`levels`: the present ones of these variants; one that is absent was never counted."""
        shelf, now = self._shelf(), self._now()
        kept = self._reservations.kept(now, variant_ids)
        places = {
            variant_id: (shelf.product_ids[number], _units(levels.get(variant_id), kept.get(variant_id, {})))
            for variant_id in variant_ids
            if (number := sellable_product(shelf, variant_id)) is not None
        }
        awaited = self._waits.awaited(now, sorted({product_id for product_id, units in places.values() if units}))
        found: list[BackInStock] = []
        for variant_id, (product_id, units) in places.items():
            level = sum(levels.get(variant_id, {}).values())
            rises, is_awaited = self._rises(variant_id, level), product_id in awaited
            if not units or not (rises or is_awaited):
                continue
            absence = last_absence(self._stock.movements(variant_id, MOVEMENTS_READ), level)
            told = self._tell(product_id, variant_id, units, absence, now) if is_awaited else []
            news = absence if absence is not None and self._is_news(variant_id, absence, now) else None
            if told or news is not None:
                found.append(self._message(product_id, variant_id, units, news, told, now))
        return found

    def _tell(
        self, product_id: ProductId, variant_id: VariantId, units: int, absence: Absence | None, now: Micros
    ) -> list[Wait]:
        since = max(now - self._config.patience, 0 if absence is None else absence.gone_at)
        people = self._people(units)
        returned = Returned(product_id=product_id, variant_id=variant_id, people=people, since=Micros(since))
        return self._waits.tell(returned, now)

    def _people(self, units: int) -> int:
        return EVERYBODY if units == UNCOUNTED else units * self._config.people_per_unit

    def _message(
        self,
        product_id: ProductId,
        variant_id: VariantId,
        units: int,
        news: Absence | None,
        told: Sequence[Wait],
        now: Micros,
    ) -> BackInStock:
        owners = [owner_of(wait.shopper_key) for wait in told]
        shoppers = {wait.shopper_key for wait in told}
        return BackInStock(
            product_id=product_id,
            variant_id=variant_id,
            units=units,
            customer_ids=tuple(dict.fromkeys(customer for customer, _ in owners if customer is not None)),
            anonymous_ids=tuple(dict.fromkeys(browser for _, browser in owners if browser is not None)),
            others=0 if news is None else max(0, self._people(units) - len(shoppers)),
            gone_at=None if news is None else news.gone_at,
            back_at=now if news is None else news.back_at,
        )

    def _rises(self, variant_id: VariantId, level: int) -> bool:
        """Whether there is more than at the last look, or nobody looked yet."""
        before = self._levels.pop(variant_id, None)
        _make_room(self._levels)
        self._levels[variant_id] = level
        return before is None or level > before

    def _is_news(self, variant_id: VariantId, absence: Absence, now: Micros) -> bool:
        key = (variant_id, absence.movement_id)
        if key in self._said or absence.back_at <= now - self._config.patience:
            return False
        _make_room(self._said)
        self._said[key] = None
        return True


def _units(levels: Mapping[LocationId, int] | None, kept: Mapping[LocationId, int]) -> int:
    """Units that anybody can buy."""
    return UNCOUNTED if levels is None else free_units(levels, kept)


def _make_room(remembered: dict[Key, Value]) -> None:
    if len(remembered) >= REMEMBERED:
        del remembered[next(iter(remembered))]
