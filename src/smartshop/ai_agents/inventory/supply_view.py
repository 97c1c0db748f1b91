"""How each product of the shelf stands towards its next delivery: what is asked for until then, and how surely. Pure.

Worked out beside the requests, when the model, the suppliers or what is on its way change. All arrays are over the
shelf's products.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from smartshop.ai_agents.inventory.model import DAYS_OF_WEEK, InventoryModel
from smartshop.ai_agents.inventory.policies.bounds import Floats
from smartshop.ai_agents.inventory.replenishment.arriving import wait_for
from smartshop.ai_agents.inventory.replenishment.awaited import LONG_RUN_DAYS
from smartshop.ai_agents.inventory.replenishment.lead_times import LeadTime, lead_time_of
from smartshop.ai_agents.shelf import Shelf
from smartshop.data_collection.schemas.ids import Micros, ProductId, SupplierId, VariantId
from smartshop.data_collection.schemas.supply import DEFAULT_REVIEW_DAYS, IncomingUnits, Supplier, SupplyTerms


@dataclass(frozen=True, slots=True, eq=False)
class Replenished:
    """(n,) days until goods come, with their deviation."""

    days: Floats
    spread_days: Floats


@dataclass(frozen=True, slots=True, eq=False)
class SupplyView:
    """n products; NaN where nothing is foreseen."""

    expected: Floats
    """(n,) units asked for until goods come."""
    variance: Floats
    """(n,) units² of these."""
    per_day: Floats
    """(n,) units a day over the next twelve weeks."""
    margin: Floats
    """(n,) share of the price that stays once the unit is paid; NaN where its cost is not known."""

    def __len__(self) -> int:
        return len(self.expected)


@dataclass(frozen=True, slots=True)
class Suppliers:
    """Who supplies what, and how long they take."""

    suppliers: Mapping[SupplierId, Supplier]
    terms: Mapping[VariantId, SupplyTerms]
    """Of the preferred supplier, else the first by id."""
    lead_times: Mapping[SupplierId, LeadTime]
    """As learned; a supplier that is not among them takes what it stated, or what is usual."""

    def delivers_in(self, supplier_id: SupplierId | None) -> tuple[float, float]:
        """Days from now to the goods of an order placed at the next review, and their deviation."""
        supplier = None if supplier_id is None else self.suppliers.get(supplier_id)
        lead = lead_time_of(supplier, self.lead_times)
        return lead.mean_days + (DEFAULT_REVIEW_DAYS if supplier is None else supplier.review_days), lead.sd_days


def usually_replenished(shelf: Shelf, suppliers: Suppliers) -> Replenished:
    """With nothing on its way: lead time and review, of the fastest who delivers one of the product's variants.

    Whom terms name goes before whom the catalogue names; of products without either 14 + 7 days are assumed.
    """
    by_code = [suppliers.delivers_in(None), *(suppliers.delivers_in(one) for one in shelf.suppliers[1:])]
    table = np.array(by_code, np.float64)
    code = shelf.supplier if len(shelf.supplier) else np.zeros(shelf.n_products, np.int32)
    days, spread = table[code, 0], table[code, 1]
    told: set[int] = set()
    for terms in suppliers.terms.values():
        number = shelf.number_of.get(ProductId(terms.variant_id))
        if number is None:
            continue
        lead_days, lead_spread = suppliers.delivers_in(terms.supplier_id)
        if number not in told or lead_days < days[number]:
            days[number], spread[number] = lead_days, lead_spread
            told.add(number)
    return Replenished(days, spread)


def with_incoming(
    usual: Replenished, incoming: Iterable[IncomingUnits], suppliers: Suppliers, shelf: Shelf, now: Micros
) -> Replenished:
    """Where approved orders bring goods, the first of them stand instead, as `arriving.wait_for` expects them."""
    days, spread = usual.days.copy(), usual.spread_days.copy()
    first: dict[int, float] = {}
    for one in incoming:
        number = shelf.number_of.get(ProductId(one.variant_id))
        if number is None or one.units <= 0:
            continue
        wait = wait_for(one, lead_time_of(suppliers.suppliers.get(one.supplier_id), suppliers.lead_times), now)
        if wait.days < first.get(number, np.inf):
            first[number] = days[number] = wait.days
            spread[number] = wait.spread_days
    return Replenished(days, spread)


def known_margins(shelf: Shelf, suppliers: Suppliers, currency: str) -> Floats:
    """(n,) as the shelf has them; where the catalogue tells no cost, by terms in the shop's own currency."""
    n = shelf.n_products
    margin = shelf.margin.astype(np.float64) if len(shelf.margin) else np.full(n, np.nan)
    for terms in suppliers.terms.values():
        number, supplier = shelf.number_of.get(ProductId(terms.variant_id)), suppliers.suppliers.get(terms.supplier_id)
        if number is None or supplier is None or supplier.currency != currency:
            continue
        if np.isnan(margin[number]) and shelf.price_minor[number] > 0:
            margin[number] = 1.0 - terms.unit_cost_minor / float(shelf.price_minor[number])
    return margin


def supply_view(model: InventoryModel, replenished: Replenished, margin: Floats, begins: float) -> SupplyView:
    """What each product is asked for until its goods come, over all its variants and places, as the shelf counts them.

    `begins`: days from the model's first day to now. Variance as in `SumSpread`, and with the time that it runs for,
    (μ per day)²·Var[L] (Snyder & Shen 2019, eq. 5.2); places are taken to vary by themselves.
    """
    n = len(margin)
    known = np.flatnonzero(model.product_no < n)
    number = model.product_no[known]
    days = replenished.days[number]
    start = _units_until(model, known, np.full(len(known), begins))
    expected = np.maximum(_units_until(model, known, begins + days) - start, 0.0)
    long_run = np.maximum(_units_until(model, known, np.full(len(known), begins + LONG_RUN_DAYS)) - start, 0.0)
    varies = model.scatter[known] * expected + _relative(model, known, days) * expected**2
    varies = varies + (expected / days * replenished.spread_days[number]) ** 2

    def by_product(values: Floats) -> Floats:
        summed = np.full(n, np.nan)
        summed[number] = 0.0
        np.add.at(summed, number, values)
        return summed

    return SupplyView(by_product(expected), by_product(varies), by_product(long_run / LONG_RUN_DAYS), margin)


def _units_until(model: InventoryModel, series: np.ndarray, moment: Floats) -> Floats:
    """(k,) units from the first day foreseen to a moment; `InventoryModel.mean_between` over many series at once."""
    weeks = model.mean[series].astype(np.float64)
    added = np.concatenate([np.zeros((len(series), 1)), np.cumsum(weeks, axis=1)], axis=1)
    place = np.clip(np.floor(moment / DAYS_OF_WEEK), 0, weeks.shape[1] - 1).astype(np.int64)
    row = np.arange(len(series))
    return np.asarray(added[row, place] + (moment / DAYS_OF_WEEK - place) * weeks[row, place], np.float64)


def _relative(model: InventoryModel, series: np.ndarray, days: Floats) -> Floats:
    """(k,) φ of each series over so many days."""
    kind, found = model.series_class[series], np.zeros(len(series))
    lengths = np.arange(1, model.relative.shape[1] + 1) * float(DAYS_OF_WEEK)
    for number in np.unique(kind).tolist():
        some = kind == number
        found[some] = np.interp(days[some], lengths, model.relative[number])
    return found
