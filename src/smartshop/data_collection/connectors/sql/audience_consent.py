"""Consent inside a question about standings: whatever is asked, who may not be told of is not.

A customer's own newest word counts, said by any of the merged family; who never said anything has the shop's default.
The same as `shopper_questions.told_consent`, for everybody at once.
"""

from dataclasses import dataclass, field

from sqlalchemy import CTE, ColumnElement, FromClause, and_, case, exists, func, literal, select, union
from sqlalchemy.types import Boolean

from smartshop.data_collection.connectors.sql.tables import consents, customer_merges, standings
from smartshop.data_collection.schemas.customers import Consent, Purpose


@dataclass(slots=True)
class ConsentWords:
    """The words of one question; each purpose asked for joins two small look-ups to it."""

    default: Consent
    _joined: dict[Purpose, tuple[FromClause, FromClause]] = field(default_factory=dict)
    _families: CTE | None = None

    def word(self, purpose: Purpose) -> ColumnElement[bool]:
        """Whether the customer allows it; never NULL."""
        if purpose not in self._joined:
            if self._families is None:
                self._families = _family_words()
            self._joined[purpose] = (
                self._families.alias(f"family_{purpose.value}"),
                consents.alias(f"own_{purpose.value}"),
            )
        family, own = self._joined[purpose]
        default = getattr(self.default, purpose.value)
        return func.coalesce(family.c.granted, own.c.granted, literal(default, Boolean))

    def may_be_told_of(self) -> ColumnElement[bool]:
        """Has a standing rightly: allows personalisation, and is merged into nobody."""
        merged = exists(select(1).where(customer_merges.c.from_customer == standings.c.customer_id))
        return and_(~merged, self.word(Purpose.PERSONALISATION).is_(True))

    def joined_to_standings(self) -> FromClause:
        """Standings with what the words need; asked once all words were."""
        joined: FromClause = standings
        for purpose, (family, own) in self._joined.items():
            joined = joined.outerjoin(
                family, and_(family.c.root == standings.c.customer_id, family.c.purpose == purpose.value)
            ).outerjoin(
                own,
                and_(
                    own.c.shopper_key == standings.c.customer_id,
                    own.c.is_customer.is_(True),
                    own.c.purpose == purpose.value,
                ),
            )
        return joined


def _family_words() -> CTE:
    """(root, purpose, granted): the newest word of each merged family, of those in which somebody said one."""
    merges = customer_merges.c
    chain = select(merges.from_customer.label("member"), merges.into_customer.label("root")).cte(
        "chain", recursive=True
    )
    onward = select(chain.c.member, merges.into_customer).join(customer_merges, merges.from_customer == chain.c.root)
    chain = chain.union(onward)
    members = union(select(chain.c.member, chain.c.root), select(chain.c.root.label("member"), chain.c.root)).cte(
        "members"
    )
    # Between words of the same moment it is decided as `told_consent` does.
    newest_first = (
        consents.c.received_at.desc(),
        case((members.c.member == members.c.root, 1), else_=0),
        members.c.member.desc(),
    )
    place = func.row_number().over(partition_by=(members.c.root, consents.c.purpose), order_by=newest_first)
    said = (
        select(members.c.root, consents.c.purpose, consents.c.granted, place.label("place"))
        .join(consents, and_(consents.c.shopper_key == members.c.member, consents.c.is_customer.is_(True)))
        .cte("said")
    )
    return select(said.c.root, said.c.purpose, said.c.granted).where(said.c.place == 1).cte("family_words")
