"""`/v1/rules`: what the merchant pins, boosts, buries and caps in slates; every serving process acts on it at once."""

from typing import Any

import msgspec
from starlette.responses import Response

from smartshop.backend_api.endpoint import Call, Endpoint
from smartshop.backend_api.service import Service
from smartshop.backend_api.services.rule_views import (
    RuleInput,
    RuleReplacement,
    RuleSeen,
    new_rule,
    rule_named,
    rule_of,
    seen,
)
from smartshop.backend_api.utils.auth import Permission
from smartshop.backend_api.utils.wire import Cursor, Limit, id_in_path, next_cursor, offset_of
from smartshop.data_collection.schemas.rules import MerchantRule
from smartshop.errors import NotFound


class RulesQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    limit: Limit = 50
    cursor: Cursor | None = None


class RulePage(msgspec.Struct, frozen=True):
    items: list[RuleSeen]
    next_cursor: str | None


def list_rules(service: Service, call: Call[RulesQuery, None]) -> RulePage:
    rules, offset, limit = service.shop.rules.all(), offset_of(call.query.cursor), call.query.limit
    now = service.shop.clock.shop_now()
    page = [seen(rule, now) for rule in rules[offset : offset + limit]]
    return RulePage(page, next_cursor(offset, limit, len(rules)))


def create_rule(service: Service, call: Call[None, RuleInput]) -> RuleSeen:
    clock = service.shop.clock
    [kept] = service.shop.rules.add([new_rule(call.body, clock.timezone, clock.now())])
    return _kept(service, kept)


def get_rule(service: Service, call: Call[None, None]) -> RuleSeen:
    return _seen(service, _rule_in_path(service, call.path("rule_id")))


def replace_rule(service: Service, call: Call[None, RuleReplacement]) -> RuleSeen:
    clock, before = service.shop.clock, _rule_in_path(service, call.path("rule_id"))
    told = rule_of(call.body, before, clock.timezone, clock.now())
    kept = service.shop.rules.replace(told, call.body.version)
    if kept is None:
        raise NotFound(f"There is no rule {before.rule_id!r} any more; somebody deleted it meanwhile.")
    return _kept(service, kept)


def delete_rule(service: Service, call: Call[None, None]) -> Response:
    rule = _rule_in_path(service, call.path("rule_id"))
    if not service.shop.rules.delete(rule.rule_id):
        raise NotFound(f"There is no rule {rule.rule_id!r} any more; somebody deleted it meanwhile.")
    service.shop.rule_keeper.refresh()
    return Response(status_code=204)


def _rule_in_path(service: Service, sent: str) -> MerchantRule:
    return rule_named(service.shop.rules, id_in_path(sent, "rule"))


def _kept(service: Service, rule: MerchantRule) -> RuleSeen:
    """Served by this process from now on; by others within a second."""
    service.shop.rule_keeper.refresh()
    return _seen(service, rule)


def _seen(service: Service, rule: MerchantRule) -> RuleSeen:
    return seen(rule, service.shop.clock.shop_now(), service.shop.shelves.shelf)


ENDPOINTS: tuple[Endpoint[Any, Any], ...] = (  # Any: each has its own query and body
    Endpoint(
        method="GET",
        path="/v1/rules",
        permission=Permission.SECRET,
        handle=list_rules,
        summary="The shop's own rules for slates, by name",
        query=RulesQuery,
        answer=RulePage,
    ),
    Endpoint(
        method="POST",
        path="/v1/rules",
        permission=Permission.SECRET,
        handle=create_rule,
        summary="Pin, boost, bury or cap products in slates, where and when it is wanted",
        body=RuleInput,
        answer=RuleSeen,
        status=201,
    ),
    Endpoint(
        method="GET",
        path="/v1/rules/{rule_id}",
        permission=Permission.SECRET,
        handle=get_rule,
        summary="One rule, and how many products it means now",
        answer=RuleSeen,
    ),
    Endpoint(
        method="PUT",
        path="/v1/rules/{rule_id}",
        permission=Permission.SECRET,
        handle=replace_rule,
        summary="Replace a rule whole; with its version, only if nobody changed it meanwhile",
        body=RuleReplacement,
        answer=RuleSeen,
    ),
    Endpoint(
        method="DELETE",
        path="/v1/rules/{rule_id}",
        permission=Permission.SECRET,
        handle=delete_rule,
        summary="Delete a rule; slates forget it at once",
        status=204,
    ),
)
