"""What can go wrong, as sentences a shop's engineer can act on.

SmartShopError
├── InvalidValue            the caller sent something malformed (422)
│   └── InvalidId
├── Unauthenticated         no key, or a key nobody knows (401)
├── Forbidden               a known key that may not do this (403)
│   └── Erased              what names a customer who was erased
├── NotFound                (404)
├── Conflict                well-formed, but the shop's state says no (409)
│   ├── OutOfStock
│   └── OrderConflict
├── TooLarge                body over its limit (413)
├── TooManyRequests         over the rate limit (429)
├── Unavailable             an engine that is down or overloaded (503)
├── SettingsError           a setting that cannot be used; the start stops
├── ModelRefused            a model folder that is cut, altered or of another version
└── SourceError             an import file that cannot be read at all
"""


class SmartShopError(Exception):
    """Base of every error that we raise on purpose; its text is one sentence."""

    status = 500
    code = "internal"


class InvalidValue(SmartShopError):
    status = 422
    code = "invalid_value"


class InvalidId(InvalidValue):
    code = "invalid_id"


class Unauthenticated(SmartShopError):
    status = 401
    code = "unauthenticated"


class Forbidden(SmartShopError):
    status = 403
    code = "forbidden"


class Erased(Forbidden):
    """Its text names nobody: it ends in logs."""

    code = "erased"

    def __init__(self) -> None:
        super().__init__("This shopper was erased, so nothing is kept of them any more; use a new id.")


class NotFound(SmartShopError):
    status = 404
    code = "not_found"


class Conflict(SmartShopError):
    status = 409
    code = "conflict"


class OutOfStock(Conflict):
    code = "out_of_stock"

    def __init__(self, variant_id: str, asked: int, available: int, done: str = "sold") -> None:
        """`done`: what was to become of the units, such as "written off"."""
        self.variant_id, self.asked, self.available = variant_id, asked, available
        super().__init__(f"Only {available} of {variant_id} can be {done} now; {asked} were asked for.")


class OrderConflict(Conflict):
    code = "order_conflict"

    def __init__(self, order_id: str) -> None:
        self.order_id = order_id
        super().__init__(f"Order {order_id} was already recorded with other content; the first content stays.")


class TooLarge(SmartShopError):
    status = 413
    code = "too_large"


class TooManyRequests(SmartShopError):
    status = 429
    code = "too_many_requests"

    def __init__(self, message: str, retry_after_seconds: int) -> None:
        self.retry_after_seconds = retry_after_seconds
        super().__init__(message)


class Unavailable(SmartShopError):
    status = 503
    code = "unavailable"
    retry_after_seconds = 1


class SettingsError(SmartShopError):
    code = "settings"


class ModelRefused(SmartShopError):
    code = "model_refused"


class SourceError(SmartShopError):
    code = "source"
