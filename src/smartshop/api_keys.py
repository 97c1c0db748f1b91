"""Making API keys: a secret key's plain text is shown once, then only its hash is known."""

import hashlib
import secrets

from smartshop.data_collection.connectors.ports import ApiKey, Keys
from smartshop.data_collection.pipelines.clock import system_now
from smartshop.errors import InvalidValue

KINDS = ("secret", "publishable")


def create_key(keys: Keys, kind: str, label: str) -> str:
    """Make, keep and return a key.

    Raises:
        InvalidValue: another kind than secret or publishable.
    """
    if kind not in KINDS:
        raise InvalidValue(f"The kind {kind!r} is none; make a secret or a publishable key.")
    plain = f"{'sk' if kind == 'secret' else 'pk'}_{secrets.token_urlsafe(24)}"
    keep_key(keys, kind, plain, label)
    return plain


def keep_key(keys: Keys, kind: str, plain: str, label: str) -> None:
    """Keep a key the operator chose; keeping it twice is harmless."""
    digest = hashlib.sha256(plain.encode()).hexdigest()
    if any(known.sha256 == digest for known in keys.all()):
        return
    keys.add(
        ApiKey(
            key_id=f"key-{digest[:12]}",
            kind=kind,
            sha256=digest,
            label=label,
            created_at=system_now(),
            plain=plain if kind == "publishable" else None,
        )
    )


def first_keys(keys: Keys, secret: tuple[str, ...], publishable: tuple[str, ...]) -> list[tuple[str, str]]:
    """Keep the keys of the settings; where a kind has none at all, make one.

    Returns what was made, to be printed once.
    """
    made = []
    for kind, given in (("secret", secret), ("publishable", publishable)):
        for plain in given:
            keep_key(keys, kind, plain, "settings")
        if not any(key.kind == kind and key.revoked_at is None for key in keys.all()):
            made.append((kind, create_key(keys, kind, "first start")))
    return made
