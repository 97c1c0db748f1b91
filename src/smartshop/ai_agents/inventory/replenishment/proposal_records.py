"""What is told of what to order: line by line, and the orders to suppliers that the lines make together."""

import msgspec

from smartshop.data_collection.schemas.ids import LocationId, ProductId, SupplierId, VariantId


class Proposal(msgspec.Struct, frozen=True, kw_only=True):
    """Money in minor units of the shop's currency."""

    proposal_id: str
    """Of this variant and place on this day."""
    product_id: ProductId
    variant_id: VariantId
    title: str
    location_id: LocationId
    supplier_id: SupplierId | None
    """None: nobody told who delivers it."""
    supplier_name: str | None
    units: int
    packs: int
    pack_size: int
    unit_cost_minor: int
    """At this size of order."""
    goods_minor: int
    """Cash tied up by it."""
    on_hand: int
    reserved: int
    incoming: int
    per_day: float
    """Units expected to be asked for."""
    out_on: str | None
    """Day by which as much is expected to be asked for as is there, if nothing is ordered: today where there is none.
    None: not within half a year."""
    covers_days: float | None
    """That stock lasts with the order; None: nothing is asked for."""
    chance_short_before: float
    """That somebody asks in vain before an order of now could come; goods on their way count from the day they are
    expected on."""
    service_level: float
    """Chance that none is missing from then until the order after it could arrive."""
    fill_rate: float
    reorder_point: int | None
    order_up_to: int
    one_pack_less_minor: int | None
    """What that costs more, over the time that the order lasts; None: there is no smaller order."""
    one_pack_more_minor: int | None
    waiting_minor: int
    """What ordering nothing now costs more."""
    lead_days: float
    lead_spread_days: float
    lead_source: str
    review_days: float
    demand_class: str
    """ABC-XYZ."""
    pattern: str
    """How often and evenly it sells, as the forecast says it."""
    notes: tuple[str, ...] = ()
    """What was assumed, or stands against it."""


class JointOrder(msgspec.Struct, frozen=True, kw_only=True):
    """Money in minor units of the shop's currency."""

    supplier_id: SupplierId
    supplier_name: str
    location_id: LocationId
    """Where its goods go."""
    lines: int
    units: int
    goods_minor: int
    fixed_cost_minor: int
    """Of the order, however large; 0 as well where the supplier bills in another currency, which is not converted."""
    total_minor: int
    missing_minor: int
    """Worth of goods by which it falls short of what the supplier takes an order from; 0: it does not."""
    notes: tuple[str, ...] = ()
    """What stands against it."""


class Proposals(msgspec.Struct, frozen=True, kw_only=True):
    """All of one day."""

    as_of: str
    """Day"""
    currency: str
    items: tuple[Proposal, ...]
    """The costliest to wait with first."""
    orders: tuple[JointOrder, ...]
    """What becomes of them: one order to each supplier and place, by the supplier's name."""
    looked_at: int
    """Variants with stock that is counted, place by place."""
    never_sold: int
    """Of them, those that nothing is foreseen of, never sold there and without ten launches of their like."""
    cash_minor: int
    budget_minor: int | None = None
    left_out: int = 0
    """Orders that the budget did not allow."""
