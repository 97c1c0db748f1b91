"""Webhooks over real sockets: what is signed, what is answered, and where nothing is ever sent."""

import asyncio
import base64
import hashlib
import hmac
import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from smartshop.data_collection.connectors.webhooks import HttpWebhooks
from smartshop.data_collection.schemas.webhooks import (
    AddressRefused,
    WebhookAnswer,
    check_webhook_url,
    refusal_of,
    shown_secret,
    signed_headers,
)
from smartshop.errors import Unavailable
from tests.connectors.receiver import cut, cut_within, endless, receiving, status

SECRET = b"0123456789abcdef0123456789abcdef"
AT = 1_700_000_000


def post(url: str, *, private: bool = True, timeout_seconds: float = 10.0, body: bytes = b"{}") -> WebhookAnswer:
    async def send() -> WebhookAnswer:
        async with HttpWebhooks(SECRET, private=private, timeout_seconds=timeout_seconds) as webhooks:
            return await webhooks.post(url, "p-1.0", AT, body)

    return asyncio.run(send())


def test_a_receiver_can_check_who_sent_it() -> None:
    with receiving() as receiver:
        assert post(receiver.url, body=b'{"a": 1}').status == 200
        (got,) = receiver.received
    # By hand, from what a receiver holds: the shown secret and the three headers.
    key = base64.b64decode(shown_secret(SECRET).removeprefix("whsec_"))
    signed = f"{got.headers['webhook-id']}.{got.headers['webhook-timestamp']}.".encode() + got.body
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert got.headers["webhook-signature"] == f"v1,{expected}"
    assert (got.headers["webhook-id"], got.headers["webhook-timestamp"]) == ("p-1.0", str(AT))
    assert (got.headers["content-type"], got.body) == ("application/json", b'{"a": 1}')


def test_the_signature_is_the_one_that_the_specification_shows() -> None:
    """The example of the Standard Webhooks specification's own libraries."""
    secret = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    headers = signed_headers(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_redirect_is_an_answer_and_is_not_followed() -> None:
    with receiving() as receiver, receiving() as elsewhere:
        receiver.told(status(307, location=elsewhere.url))
        assert post(receiver.url).status == 307
        assert elsewhere.received == []


@pytest.mark.parametrize(
    ("header", "seconds"), [("7", 7.0), ("Tue, 14 Nov 2023 22:14:20 GMT", 60.0), ("soon", None), ("-3", None)]
)
def test_retry_after_is_read_in_both_forms(header: str, seconds: float | None) -> None:
    with receiving() as receiver:
        receiver.told(status(503, retry_after=header))
        assert post(receiver.url) == WebhookAnswer(503, seconds)


@pytest.mark.parametrize("reply", [cut, cut_within])
def test_an_answer_that_breaks_off_is_none(reply: object) -> None:
    with receiving() as receiver:
        receiver.replies.append(reply)  # type: ignore[arg-type]  # parametrize forgets what it is
        with pytest.raises(Unavailable, match="broke off"):
            post(receiver.url)


def test_a_silent_receiver_is_left_after_the_time_limit() -> None:
    with receiving() as receiver:
        receiver.told(receiver.silent)
        with pytest.raises(Unavailable, match=r"within 0\.2 seconds"):
            post(receiver.url, timeout_seconds=0.2)
        receiver.released.set()


def test_of_an_endless_answer_only_the_beginning_is_read() -> None:
    with receiving() as receiver:
        receiver.told(endless)
        assert post(receiver.url).status == 200


def test_nobody_there_is_unavailable() -> None:
    with receiving() as receiver:
        url = receiver.url
    with pytest.raises(Unavailable):
        post(url)
    with pytest.raises(Unavailable, match="no address"):
        post("https://nothing.invalid/hook")


def test_loopback_is_called_only_where_the_operator_says_so() -> None:
    with receiving() as receiver:
        for url in (receiver.url, receiver.url.replace("127.0.0.1", "localhost")):
            with pytest.raises(AddressRefused, match="SMARTSHOP_WEBHOOKS_PRIVATE"):
                post(url, private=False)
            assert post(url, private=True).status == 200
        assert [got.headers["host"].partition(":")[0] for got in receiver.received] == ["127.0.0.1", "localhost"]


def test_other_spellings_of_loopback_lead_to_the_same_refusal() -> None:
    for host in ("127.1", "2130706433", "0x7f000001", "[::ffff:127.0.0.1]", "[::1]", "localhost."):
        with pytest.raises((AddressRefused, Unavailable)):
            post(f"https://{host}/hook", private=False, timeout_seconds=2.0)


@pytest.mark.parametrize(
    "address",
    "169.254.169.254 fe80::1 224.0.0.1 ff02::1 0.0.0.0 :: ::ffff:169.254.169.254 64:ff9b::a9fe:a9fe 2002:a9fe:a9fe::"
    " ::169.254.169.254 168.63.129.16"
    .split(),
)  # fmt: skip
def test_link_local_and_multicast_addresses_are_never_called(address: str) -> None:
    assert refusal_of(ip_address(address), "https", private=True)
    assert refusal_of(ip_address(address), "https", private=False)


@pytest.mark.parametrize(
    "address",
    "10.0.0.8 172.16.3.4 192.168.1.1 100.64.0.1 fd00:ec2::254 fec0::1 ::7f00:1 ::ffff:10.0.0.8 127.0.0.1 ::1".split(),
)
def test_private_addresses_are_called_only_where_the_operator_says_so(address: str) -> None:
    assert refusal_of(ip_address(address), "https", private=False)
    assert refusal_of(ip_address(address), "https", private=True) is None


def test_public_addresses_are_called_over_https_alone() -> None:
    for address in ("8.8.8.8", "2606:4700::1111", "64:ff9b::808:808"):
        assert refusal_of(ip_address(address), "https", private=False) is None
        assert refusal_of(ip_address(address), "http", private=True)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "https://",
        "ftp://example.com/",
        "http://example.com/hook",
        "http://127.0.0.1.example.com/",
        "https://user:word@example.com/",
        "https://example.com/#part",
        "https://example.com:0/",
        "https://example.com:99999/",
        "https://exa mple.com/",
        "https://example.com\\@127.0.0.1/",
        "https://exämple.com/",
        "https://[::1/",
        "https://example.com/\n",
        "https://example.com/" + "a" * 2_000,
        "javascript:alert(1)",
    ],
)
def test_an_address_that_is_none_is_refused_when_it_is_saved(url: str) -> None:
    with pytest.raises(AddressRefused):
        check_webhook_url(url)


def test_over_tls_the_certificate_must_be_of_the_name_that_was_saved(tmp_path: Path) -> None:
    """The connection goes to the address that was judged; the name is still what the certificate is held against."""
    server, client = _tls_for("localhost", tmp_path)
    with receiving(server, "localhost") as receiver:

        async def send(url: str) -> WebhookAnswer:
            async with HttpWebhooks(SECRET, private=True, tls=client) as webhooks:
                return await webhooks.post(url, "p-1.0", AT, b"{}")

        assert asyncio.run(send(receiver.url)).status == 200
        with pytest.raises(Unavailable):
            asyncio.run(send(receiver.url.replace("localhost", "127.0.0.1")))
        with pytest.raises(Unavailable):
            post(receiver.url)  # signed by nobody whom the public trusts
        assert len(receiver.received) == 1


def _tls_for(name: str, folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's and a client's context around one self-signed certificate."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = folder / "tls.pem"
    pem.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(pem)
    return server, ssl.create_default_context(cafile=str(pem))
