"""Tokens, what is known of a shopper, consent."""

from smartshop.backend_api.utils.shopper_tokens import LIFETIME_SECONDS, TokenSigner
from smartshop.data_collection.pipelines.clock import SECOND
from smartshop.data_collection.schemas.ids import Micros, ShopperKey
from smartshop.errors import Unauthenticated
from tests.api.shop_for_tests import PUBLISHABLE, SECRET, Opened


def test_a_publishable_key_gets_a_token_for_a_new_browser_and_renews_it(service: Opened) -> None:
    made = service.client.post("/v1/shopper-tokens", json={"anonymous_id": "new-1"}, headers=PUBLISHABLE)
    assert made.json()["shopper_key"] == "new-1"
    own = {"Authorization": f"Bearer {made.json()['token']}"}
    renewed = service.client.post("/v1/shopper-tokens", json={}, headers=own)
    assert renewed.json()["shopper_key"] == "new-1"
    other = service.client.post("/v1/shopper-tokens", json={"anonymous_id": "new-2"}, headers=own)
    assert other.status_code == 403


def test_a_publishable_key_names_no_customer(service: Opened) -> None:
    answer = service.client.post("/v1/shopper-tokens", json={"customer_id": "c"}, headers=PUBLISHABLE)
    assert (answer.status_code, "customer_id" in answer.json()["detail"]) == (403, True)
    nobody = service.client.post("/v1/shopper-tokens", json={}, headers=SECRET)
    assert (nobody.status_code, nobody.json()["code"]) == (409, "no_shopper_named")


def test_a_secret_token_for_both_ids_vouches_that_they_are_one(service: Opened) -> None:
    view = {"kind": "product_viewed", "anonymous_id": "before-login", "product_id": "stoves-2"}
    service.client.post("/v1/events", json={"events": [view]}, headers=PUBLISHABLE)
    own = service.token(customer_id="joined", anonymous_id="before-login")
    me = service.client.get("/v1/me", headers=own).json()
    assert (me["shopper_key"], me["linked_ids"]) == ("joined", 1)
    assert [sign["product_id"] for sign in me["interest"]] == ["stoves-2"]
    assert me == service.client.get("/v1/customers/joined", headers=SECRET).json()


def test_a_renewed_token_adds_no_second_link_and_a_change_of_customer_does(service: Opened) -> None:
    def links() -> list[str]:
        return [link.customer_id for link in service.shop.customers.links() if link.anonymous_id == "shared-tablet"]

    for _ in range(3):
        service.token(customer_id="parent", anonymous_id="shared-tablet")
    assert links() == ["parent"]
    service.token(customer_id="child", anonymous_id="shared-tablet")
    service.token(customer_id="parent", anonymous_id="shared-tablet")
    assert links() == ["parent", "child", "parent"]


def test_a_claimed_identify_joins_nothing_that_is_shown(service: Opened) -> None:
    own = service.token(customer_id="claimed")
    view = {"kind": "product_viewed", "customer_id": "claimed", "product_id": "stoves-3"}
    service.client.post("/v1/events", json={"events": [view]}, headers=own)
    claim = {"kind": "identified", "customer_id": "claimed", "anonymous_id": "claimer"}
    service.client.post("/v1/events", json={"events": [claim]}, headers=PUBLISHABLE)
    assert service.client.get("/v1/customers/claimed", headers=SECRET).json()["linked_ids"] == 0


def test_consent_is_changed_by_its_owner_and_holds_from_the_next_slate(service: Opened) -> None:
    own = service.token(customer_id="private")
    changed = service.client.put("/v1/me/consent", json={"personalisation": False}, headers=own)
    assert changed.json() == {"analytics": True, "personalisation": False, "marketing": True}
    assert service.client.get("/v1/customers/private/consent", headers=SECRET).json() == changed.json()
    assert service.client.get("/v1/customers/private/consent", headers=PUBLISHABLE).status_code == 403
    slate = service.client.post("/v1/recommendations", json={"surface": "home"}, headers=own).json()
    hidden = service.client.get(f"/v1/decisions/{slate['decision_id']}", headers=SECRET).json()
    assert hidden["shopper_key"] == "", "a decision is tied to no one without consent"


def test_an_unknown_customer_is_not_found_and_a_secret_key_is_no_shopper(service: Opened) -> None:
    assert service.client.get("/v1/customers/never-seen", headers=SECRET).status_code == 404
    assert service.client.get("/v1/me", headers=SECRET).status_code == 404


def test_a_token_ends_after_an_hour_and_bears_no_change() -> None:
    now = [Micros(1_800_000_000 * SECOND)]
    signer = TokenSigner(lambda: b"k" * 32, lambda: now[0])
    token, _ = signer.sign(ShopperKey("s"), is_customer=True, anonymous_id=None)
    assert signer.read(token).shopper_key == "s"
    now[0] = Micros(now[0] + LIFETIME_SECONDS * SECOND)
    for wrong in (token, token[:-2], "a.b.c", TokenSigner(lambda: b"x" * 32, lambda: now[0]).sign(
        ShopperKey("s"), is_customer=True, anonymous_id=None)[0]):  # fmt: skip
        try:
            signer.read(wrong)
        except Unauthenticated as error:
            assert str(error).endswith(".")  # noqa: PT017  # four refusals in one loop
        else:
            raise AssertionError(f"{wrong} was let in")
