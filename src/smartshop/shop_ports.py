"""The ports of a shop that stand on its stores, by the names a serving process knows them by."""

from typing import TypedDict

from smartshop.data_collection.connectors.ports import (
    Alerts,
    Audiences,
    Catalogue,
    Customers,
    DeadLetters,
    Decisions,
    DemandCauses,
    Erasure,
    EventLog,
    Imports,
    Jobs,
    Keys,
    Models,
    Orders,
    Prices,
    ProposalBook,
    PurchaseOrders,
    Quarantine,
    Reservations,
    Rules,
    Standings,
    Stock,
    Suppliers,
    WaitNews,
    Waits,
)
from smartshop.data_collection.connectors.sql.stores import SqlStores


class ShopPorts(TypedDict):
    """Arguments of `Shop`: whoever puts one together hands them on as they are."""

    log: EventLog
    quarantine: Quarantine
    catalogue: Catalogue
    prices: Prices
    customers: Customers
    orders: Orders
    stock: Stock
    reservations: Reservations
    waits: Waits
    wait_news: WaitNews
    suppliers: Suppliers
    purchase_orders: PurchaseOrders
    proposals: ProposalBook
    alerts: Alerts
    demand_causes: DemandCauses
    standings: Standings
    audiences: Audiences
    rules: Rules
    decisions: Decisions
    models: Models
    keys: Keys
    jobs: Jobs
    dead_letters: DeadLetters
    imports: Imports
    erasure: Erasure


def shop_ports(stores: SqlStores) -> ShopPorts:
    return ShopPorts(
        log=stores.log,
        quarantine=stores.quarantine,
        catalogue=stores.catalogue,
        prices=stores.prices,
        customers=stores.customers,
        orders=stores.orders,
        stock=stores.stock,
        reservations=stores.reservations,
        waits=stores.waits,
        wait_news=stores.waits,
        suppliers=stores.suppliers,
        purchase_orders=stores.purchase_orders,
        proposals=stores.proposals,
        alerts=stores.alerts,
        demand_causes=stores.demand_causes,
        standings=stores.standings,
        audiences=stores.audiences,
        rules=stores.rules,
        decisions=stores.decisions,
        models=stores.models,
        keys=stores.keys,
        jobs=stores.jobs,
        dead_letters=stores.dead_letters,
        imports=stores.imports,
        erasure=stores.erasure,
    )
