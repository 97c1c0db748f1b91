"""All SQL stores of one shop, opened together: the only function of this folder that the rest of the house calls."""

import secrets
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.engine import make_url

from smartshop.data_collection.connectors.reads import ShortRead, in_place, in_thread
from smartshop.data_collection.connectors.refused_files import FOLDER as REFUSED_ROWS
from smartshop.data_collection.connectors.sql.alerts import SqlAlerts
from smartshop.data_collection.connectors.sql.audiences import SqlAudiences
from smartshop.data_collection.connectors.sql.catalogue import SqlCatalogue
from smartshop.data_collection.connectors.sql.customers import SqlCustomers
from smartshop.data_collection.connectors.sql.dead_letters import SqlDeadLetters
from smartshop.data_collection.connectors.sql.decisions import SqlDecisions
from smartshop.data_collection.connectors.sql.demand_causes import SqlDemandCauses
from smartshop.data_collection.connectors.sql.engine import Database, open_database
from smartshop.data_collection.connectors.sql.erased_keys import ErasedKeys
from smartshop.data_collection.connectors.sql.erasure import SqlErasure
from smartshop.data_collection.connectors.sql.imports import SqlImports
from smartshop.data_collection.connectors.sql.jobs import SqlJobs
from smartshop.data_collection.connectors.sql.keys import SqlKeys
from smartshop.data_collection.connectors.sql.log import SqlEventLog
from smartshop.data_collection.connectors.sql.migrate import DECISIONS, SHOP, migrate
from smartshop.data_collection.connectors.sql.models import SqlModels
from smartshop.data_collection.connectors.sql.orders import SqlOrders
from smartshop.data_collection.connectors.sql.owned_events import SqlOwnedEvents
from smartshop.data_collection.connectors.sql.prices import SqlPrices
from smartshop.data_collection.connectors.sql.proposals import SqlProposalBook
from smartshop.data_collection.connectors.sql.purchase_orders import SqlPurchaseOrders
from smartshop.data_collection.connectors.sql.quarantine import SqlQuarantine
from smartshop.data_collection.connectors.sql.reservations import SqlReservations
from smartshop.data_collection.connectors.sql.rules import SqlRules
from smartshop.data_collection.connectors.sql.standings import SqlStandings
from smartshop.data_collection.connectors.sql.stock import SqlStock
from smartshop.data_collection.connectors.sql.supply import SqlSuppliers
from smartshop.data_collection.connectors.sql.waits import SqlWaits
from smartshop.data_collection.schemas.customers import Consent

ERASURE_SECRET = "erasure"  # noqa: S105  # its name


@dataclass(frozen=True, slots=True)
class SqlStores:
    log: SqlEventLog
    owned_events: SqlOwnedEvents
    quarantine: SqlQuarantine
    catalogue: SqlCatalogue
    prices: SqlPrices
    customers: SqlCustomers
    orders: SqlOrders
    stock: SqlStock
    reservations: SqlReservations
    waits: SqlWaits
    suppliers: SqlSuppliers
    purchase_orders: SqlPurchaseOrders
    proposals: SqlProposalBook
    alerts: SqlAlerts
    demand_causes: SqlDemandCauses
    standings: SqlStandings
    audiences: SqlAudiences
    rules: SqlRules
    decisions: SqlDecisions
    models: SqlModels
    keys: SqlKeys
    jobs: SqlJobs
    dead_letters: SqlDeadLetters
    imports: SqlImports
    erasure: SqlErasure
    shop_database: Database
    decisions_database: Database

    @property
    def short_read(self) -> ShortRead:
        """How the event loop reads a row or two."""
        return in_thread if self.shop_database.is_postgres else in_place

    def close(self) -> None:
        self.shop_database.close()
        self.decisions_database.close()


def open_stores(
    database_url: str, data_dir: Path, models_dir: Path, *, consent_default: Consent | None = None
) -> SqlStores:
    """Open the shop's stores, bringing their tables up to date first.

    `database_url` is `sqlite:///FILE`, `postgresql://…`, or empty for `shop.db` in the data dir. Under SQLite the
    decision log lies beside the shop's file; under PostgreSQL in the same database. `consent_default` is what holds for
    a shopper who was never asked (everything granted when not given).
    """
    shop = open_database(database_url or f"sqlite:///{data_dir / 'shop.db'}")
    decisions = open_database(_decisions_url(database_url, data_dir), durable=False)
    consent = consent_default or Consent()
    migrate(shop, SHOP)
    migrate(decisions, DECISIONS)
    keys = SqlKeys(shop)
    erased = ErasedKeys(shop, lambda: keys.secret(ERASURE_SECRET, secrets.token_bytes(32)))
    erased.refresh()
    return SqlStores(
        log=SqlEventLog(shop, erased),
        owned_events=SqlOwnedEvents(shop),
        quarantine=SqlQuarantine(shop, erased),
        catalogue=SqlCatalogue(shop),
        prices=SqlPrices(shop),
        customers=SqlCustomers(shop, consent, erased),
        orders=SqlOrders(shop, erased),
        stock=SqlStock(shop),
        reservations=SqlReservations(shop, erased),
        waits=SqlWaits(shop, erased),
        suppliers=SqlSuppliers(shop),
        purchase_orders=SqlPurchaseOrders(shop),
        proposals=SqlProposalBook(shop),
        alerts=SqlAlerts(shop),
        demand_causes=SqlDemandCauses(shop),
        standings=SqlStandings(shop, consent, erased),
        audiences=SqlAudiences(shop, consent, erased),
        rules=SqlRules(shop),
        decisions=SqlDecisions(decisions, erased),
        models=SqlModels(shop, models_dir),
        keys=keys,
        jobs=SqlJobs(shop),
        dead_letters=SqlDeadLetters(shop, erased),
        imports=SqlImports(shop),
        erasure=SqlErasure(shop, decisions, erased, data_dir / REFUSED_ROWS),
        shop_database=shop,
        decisions_database=decisions,
    )


def _decisions_url(database_url: str, data_dir: Path) -> str:
    if not database_url:
        return f"sqlite:///{data_dir / 'decisions.db'}"
    if not database_url.startswith("sqlite"):
        return database_url
    shop_file = Path(make_url(database_url).database or "")
    return f"sqlite:///{shop_file.with_name(shop_file.stem + '-decisions.db')}"
