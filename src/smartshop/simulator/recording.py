"""Writes down what a shopper did as the events that a shop's page would send."""

from dataclasses import dataclass

from smartshop.data_collection.pipelines.clock import SECOND, format_rfc3339
from smartshop.data_collection.schemas.context import Context
from smartshop.data_collection.schemas.events import Event, EventKind, ProductLine
from smartshop.data_collection.schemas.ids import AnonymousId, CustomerId, EventId, OrderId, SessionId
from smartshop.simulator.policy import NAME
from smartshop.simulator.steps import Did, Line, Shows
from smartshop.simulator.world import World


@dataclass(slots=True)
class Recorder:
    """The pen of one visit; time moves on with every step."""

    world: World
    session_id: SessionId
    anonymous_id: AnonymousId
    customer_id: CustomerId | None
    """Set from the moment they sign in."""
    context: Context
    now: int
    """µs UTC."""
    written: int = 0

    def wait(self, seconds: float) -> None:
        self.now += int(seconds * SECOND)

    def event_id(self) -> EventId:
        self.written += 1
        return EventId(f"{self.session_id}-{self.written:04d}")

    def plain(self, kind: EventKind, **fields: object) -> Event:
        """An event with who, when and where filled in."""
        return Event(
            kind=kind,
            event_id=self.event_id(),
            occurred_at=format_rfc3339(self.now),
            anonymous_id=self.anonymous_id,
            customer_id=self.customer_id,
            session_id=self.session_id,
            context=self.context,
            **fields,  # type: ignore[arg-type]  # the callers below name Event's own fields
        )

    def did(self, step: Did) -> Event:
        products = self.world.products
        if step.line is not None:
            line, currency = self.line(step.line), self.world.scenario.currency
            return self.plain(
                step.kind,
                product_id=line.product_id,
                variant_id=line.variant_id,
                quantity=line.quantity,
                price_minor=line.price_minor,
                currency=currency,
            )
        fields: dict[str, object] = {
            "surface": step.surface.value if step.surface else None,
            "position": step.position,
            "decision_id": step.decision_id,
            "query": step.query,
            "dwell_ms": step.dwell_ms,
        }
        if step.product >= 0:
            fields["product_id"] = products[step.product].product_id
        if step.leaf >= 0:
            fields["properties"] = {"category": self.category(step.leaf)}
        return self.plain(step.kind, **fields)

    def category(self, leaf: int) -> str:
        return self.world.scenario.leaves[leaf].category

    def shown(self, step: Shows) -> Event:
        """What was visible of a slate; with the chance of each item where the shop said it."""
        slate, products = step.slate, self.world.products
        chances = list(slate.propensities[: step.visible])
        return self.plain(
            EventKind.RECOMMENDATION_SHOWN,
            decision_id=slate.decision_id,
            surface=step.surface.value,
            products=[
                ProductLine(product_id=products[product].product_id, position=position)
                for position, product in enumerate(slate.products[: step.visible])
                if product >= 0
            ],
            properties={"policy": NAME, "propensities": chances} if chances else None,
        )

    def line(self, line: Line) -> ProductLine:
        made = self.world.range
        return ProductLine(
            product_id=made.products[line.product].product_id,
            variant_id=made.variant_ids[line.variant],
            quantity=line.quantity,
            price_minor=int(made.assortment.price_minor[line.product]),
        )

    def ordered(self, order_id: OrderId, lines: tuple[Line, ...]) -> Event:
        return self.plain(
            EventKind.ORDER_COMPLETED,
            order_id=order_id,
            currency=self.world.scenario.currency,
            products=[self.line(line) for line in lines],
            takes_stock=True,
        )
