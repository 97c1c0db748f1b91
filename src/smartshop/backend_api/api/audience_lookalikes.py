"""`/v1/audiences/lookalikes`: customers like these, saved as an audience.

Where the shop is small they are found while the request waits; where it is large a job finds them.
"""

from typing import Annotated

import msgspec
import numpy as np
from msgspec import Meta

from smartshop.ai_agents.segmentation.alike import Wanted, fill_alike, job_arguments
from smartshop.backend_api.api.audiences import AudienceName, WebhookUrl
from smartshop.backend_api.endpoint import Answer, Call, Endpoint
from smartshop.backend_api.service import Service
from smartshop.backend_api.services.audience_views import (
    ID_START,
    AudienceSeen,
    check_definition,
    check_webhook,
    new_audience_id,
    save,
    seen,
    size_of,
)
from smartshop.backend_api.utils.auth import Permission
from smartshop.data_collection.connectors.ports import JobRecord
from smartshop.data_collection.schemas.audiences import MAX_LISTED, Audience, Listed, Rule
from smartshop.data_collection.schemas.customers import Purpose
from smartshop.errors import Conflict

FIND_ALIKE = "find-alike"
FOUND_AT_ONCE = 20_000
"""Customers that are compared while a request waits (a second or two); more are a job's."""


class LookalikeRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    name: AudienceName
    seed: Rule
    """Whom to be like: `{"rule": "list", "customer_ids": […]}`, a segment, an audience, or any other rules."""
    size: Annotated[int, Meta(ge=1, le=MAX_LISTED)] | None = None
    """How many customers; give this or `share`, and never both."""
    share: Annotated[float, Meta(gt=0, le=1)] | None = None
    """How many of the customers outside the seed; at most 10,000 are found."""
    purpose: Purpose = Purpose.MARKETING
    webhook_url: WebhookUrl | None = None


class Lookalikes(msgspec.Struct, frozen=True, kw_only=True):
    audience: AudienceSeen
    job_id: int | None
    """Of the job that finds them; null: they are found, the likest first in `audience.definition`."""


def make_lookalikes(service: Service, call: Call[None, LookalikeRequest]) -> Answer:
    shop, body, now = service.shop, call.body, service.shop.clock.now()
    wanted = _wanted(body)
    check_webhook(shop, body.webhook_url)
    check_definition(shop, body.seed)
    # All who have a standing may be learned from: those who withdrew personalisation have none.
    if not size_of(shop, body.seed, Purpose.PERSONALISATION).customers:
        raise Conflict("The seed matches nobody with a standing, so there is nobody to be like.")
    audience = Audience(
        audience_id=new_audience_id(),
        name=body.name,
        definition=Listed(()),
        purpose=body.purpose,
        alike=True,
        webhook_url=body.webhook_url,
        created_at=now,
        changed_at=now,
    )
    save(shop, audience)
    if sum(shop.standings.sizes().values()) <= 2 * FOUND_AT_ONCE:  # everybody is in an RFM group, most in another
        rng = np.random.default_rng(int(audience.audience_id.removeprefix(ID_START), 16))
        found = fill_alike(
            shop.audiences,
            shop.standings,
            audience,
            body.seed,
            wanted,
            now=now,
            shop_now=shop.clock.shop_now(),
            rng=rng,
        )
        return Answer(Lookalikes(audience=seen(shop, found), job_id=None), 201)
    arguments = job_arguments(audience.audience_id, body.seed, wanted)
    job_id = shop.jobs.enqueue(JobRecord(name=FIND_ALIKE, arguments=arguments, queued_at=now))
    return Answer(Lookalikes(audience=seen(shop, audience), job_id=job_id), 202)


def _wanted(body: LookalikeRequest) -> Wanted:
    """Raises:
    Conflict: both size and share were told, or neither.
    """
    match body.size, body.share:
        case int() as size, None:
            return Wanted(size=size)
        case None, float() | int() as share:
            return Wanted(share=share)
        case size, share:
            told = "neither a size nor a share" if size is None else f"size {size} and share {share:g} at once"
            raise Conflict(
                f"Lookalikes were asked for with {told}; give one of them: how many customers, or what share of those "
                "outside the seed."
            )


ENDPOINTS = (
    Endpoint(
        method="POST",
        path="/v1/audiences/lookalikes",
        permission=Permission.SECRET,
        handle=make_lookalikes,
        summary="Customers most like these, saved as an audience",
        body=LookalikeRequest,
        answer=Lookalikes,
        status=201,
        other_successes=(202,),
    ),
)
