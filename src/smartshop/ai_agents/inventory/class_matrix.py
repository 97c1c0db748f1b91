"""What the shop lives on and how steadily it is asked for: products and yearly turnover by ABC and XYZ. Pure."""

from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from smartshop.ai_agents.inventory.demand.classes import Steadiness, Value
from smartshop.ai_agents.inventory.model import InventoryModel

WEEKS_OF_YEAR = 52


class ClassCell(msgspec.Struct, frozen=True, kw_only=True):
    value: str
    """A, B or C: the first 80 % of turnover, up to 95 %, the rest."""
    steadiness: str
    """X, Y or Z: how much demand varies from week to week."""
    series: int
    """Products, counted at every place that sold them."""
    units: float
    """Sold in the last year that was learned from."""
    turnover_minor: int
    """Of these units at today's prices; products without a price count nothing."""
    turnover_share: float


class ClassMatrix(msgspec.Struct, frozen=True, kw_only=True):
    """All nine, AX first."""

    as_of: str
    currency: str
    weeks: int
    """That turnover is of."""
    cells: tuple[ClassCell, ...]


def class_matrix(model: InventoryModel, price_minor: NDArray[np.int64], as_of: str) -> ClassMatrix:
    """`price_minor`: (n_products,) lowest present offer by product number, -1 where there is none."""
    year = model.sold[:, -WEEKS_OF_YEAR:].astype(np.float64)
    units = year.sum(axis=1)
    known = model.product_no < len(price_minor)
    price = np.where(known, price_minor[np.where(known, model.product_no, 0)] if len(price_minor) else -1, -1)
    turnover = units * np.maximum(price, 0)
    whole = float(turnover.sum())
    cells = []
    for value in Value:
        for steadiness in Steadiness:
            own = (model.value_class == value.value) & (model.steadiness == steadiness.value)
            money = float(turnover[own].sum())
            cells.append(
                ClassCell(
                    value=value.value,
                    steadiness=steadiness.value,
                    series=int(own.sum()),
                    units=round(float(units[own].sum()), 1),
                    turnover_minor=round(money),
                    turnover_share=round(money / whole, 4) if whole > 0 else 0.0,
                )
            )
    return ClassMatrix(as_of=as_of, currency=model.facts.currency, weeks=int(year.shape[1]), cells=tuple(cells))


def cell_of(cells: Sequence[ClassCell], value: str, steadiness: str) -> ClassCell:
    return next(one for one in cells if (one.value, one.steadiness) == (value, steadiness))
