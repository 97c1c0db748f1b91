"""What was decided about ordering more of a variant, as it was told then, and how it turned out."""

import msgspec

from smartshop.data_collection.schemas.ids import LocationId, Micros, ModelVersion, ProductId, SupplierId, VariantId
from smartshop.data_collection.schemas.supply import PurchaseOrderId

DAY_MICROS = 86_400_000_000


class ToldLaw(msgspec.Struct, frozen=True):
    """The chance that demand over a stretch stays within so many units; straight between these points."""

    units: tuple[float, ...]
    """Rising, from 0."""
    within: tuple[float, ...]
    """P(demand ≤ units), rising to 1."""


class ToldCosts(msgspec.Struct, frozen=True, kw_only=True):
    """Money in minor units of the currency that the shop counted in then."""

    currency: str
    unit: float
    """Of one unit, at the proposed size."""
    holding_per_unit_day: float
    missed_per_unit: float
    """Lost with one unit asked for in vain."""
    order: float
    """This variant's part of what an order costs, whatever its size."""
    order_lasts_days: float
    """Over which that cost is spread: days that a usual order lasts."""


class ToldProposal(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One decision, to order or not to order now, with everything needed to judge it later."""

    proposal_id: str
    """Of this variant and place on this day."""
    decided_at: Micros
    """In the shop's own time."""
    product_id: ProductId
    variant_id: VariantId
    title: str
    location_id: LocationId
    """Where goods go."""
    locations: tuple[LocationId, ...]
    """Whose units and orders count."""
    supplier_id: SupplierId | None = None
    supplier_name: str | None = None
    units: int
    """0: nothing was to be ordered yet."""
    pack_size: int = 1
    least_units: int = 0
    on_hand: int
    reserved: int = 0
    incoming: int = 0
    lead_days: float
    lead_spread_days: float
    review_days: float
    stretch_days: int
    """Whole days from the decision on over which it is judged: lead time and review."""
    mean: float
    """Units told for the stretch."""
    told_10: float
    """Units that demand stays within with 10 %."""
    told_50: float
    told_90: float
    law: ToldLaw | None = None
    """None once the score is final."""
    service_level: float
    """Told chance that none is missing until the order after this one could come."""
    chance_short_before: float
    """Told chance that somebody asks in vain before this order could come."""
    costs: ToldCosts
    demand_class: str
    """ABC-XYZ."""
    pattern: str
    model_version: ModelVersion
    in_turn: bool
    """It was this place's turn to be kept whatever was decided: those are no choice of the short ones."""

    @property
    def ends_at(self) -> Micros:
        return Micros(self.decided_at + self.stretch_days * DAY_MICROS)

    @property
    def due_at(self) -> Micros:
        """A day later, when the stretch's last day is over everywhere."""
        return Micros(self.ends_at + DAY_MICROS)


class ProposalScore(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """How one decision turned out over its stretch; units asked for behind an empty shelf are estimated."""

    proposal_id: str
    scored_at: Micros
    """In the shop's own time."""
    look_again_at: Micros | None = None
    """Late orders and refunds may still change it until then; None: it is final."""
    left_out: str | None = None
    """Why it cannot be judged, in words; then the rest says nothing."""
    sold: int = 0
    asked_for: float = 0.0
    """Sold, and estimated for the time without stock."""
    short: float = 0.0
    """Of it, what found an empty shelf."""
    level_met: float = 0.5
    """Where demand fell in the told law, 0 to 1, drawn within the step of its count."""
    told_covered: float = 1.0
    """The told chance that demand stays within what was there, on its way and proposed."""
    covered: bool = True
    """It did."""
    ran_short_before: bool = False
    """Stock ran out, and was asked for, before the order's goods came or could have come."""
    days_out: float = 0.0
    """Without stock."""
    left: int = 0
    """Units at the end of the stretch."""
    received: int = 0
    """Units that came within it."""
    as_proposed: float = 0.0
    """Money, under the told costs, of the stretch with the order as proposed."""
    without_order: float = 0.0
    with_hindsight: float = 0.0
    """With the size that turned out best."""
    best_units: int = 0
    """That size."""

    @property
    def is_open(self) -> bool:
        return self.look_again_at is not None


class KeptProposal(msgspec.Struct, frozen=True, kw_only=True):
    """A decision with what became of it."""

    told: ToldProposal
    followed_by: PurchaseOrderId | None = None
    """The purchase order made from it."""
    score: ProposalScore | None = None
