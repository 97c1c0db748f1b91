"""Every setting, read once in the entry points (`cli`, `tending`); everything else receives values."""

from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from smartshop.data_collection.schemas.countries import clean_country
from smartshop.data_collection.schemas.money import clean_currency
from smartshop.data_collection.schemas.webhooks import AddressRefused, check_webhook_url
from smartshop.errors import InvalidValue, SettingsError


class Settings(BaseSettings):
    """All optional; works with none set."""

    model_config = SettingsConfigDict(
        env_prefix="SMARTSHOP_", env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True
    )

    data_dir: Path = Field(Path("smartshop-data"), description="Folder of the embedded stores, models and quarantine.")
    database_url: str = Field("", description="`sqlite:///FILE` (in the data dir when empty) or `postgresql://…`.")
    models_dir: Path | None = Field(None, description="Folder of model versions; `models` in the data dir when empty.")
    secret_keys: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="Secret keys, comma-separated; one is made and printed at first start when empty."
    )
    publishable_keys: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="Publishable keys, comma-separated; one is made at first start when empty."
    )
    timezone: str = Field("UTC", description="IANA zone in which a day begins and ends, such as Europe/London.")
    currency: str = Field("GBP", description="ISO 4217 code in which values are reported.")
    country: str | None = Field(
        None,
        description="ISO 3166 code of two letters, such as GB, whose public holidays forecasts of demand know (with "
        "the extra `forecast`); none when empty.",
    )
    consent_default: Literal["granted", "withheld"] = Field(
        "granted", description="What holds for a shopper who was never asked: granted or withheld."
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="Least level that is logged.")
    cors_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        ("*",), description="Origins that browsers may call from, comma-separated; `*` is any (keys are no cookies)."
    )
    webhooks_private: bool = Field(
        False,
        description="`true` lets audiences be pushed to this machine itself and to private networks, not only to "
        "public addresses; for trying out, or where the receiver lives in your own network.",
    )
    holding_cost_share: float = Field(
        0.25, gt=0, le=2, description="Of a unit's cost, what it costs to keep it for a year: capital, room, ageing."
    )
    usual_cost_share: float = Field(
        0.6, gt=0, lt=1, description="Of the price, what a unit costs the shop where nobody told its cost."
    )
    goodwill_share: float = Field(
        0.0, ge=0, le=5, description="Of the price, what is lost beside the margin when a product is out of stock."
    )
    service_level: float | None = Field(
        None,
        gt=0,
        lt=1,
        description="Wanted chance of no stock-out until the next delivery, such as 0.95; when empty margins decide.",
    )
    pressure_from_shortage: float = Field(
        0.25, ge=0, le=1, description="Most log-odds by which slates lean away from what runs out before its delivery."
    )
    pressure_to_overstock: float = Field(
        0.15,
        ge=0,
        le=0.5,
        description="Most log-odds by which slates lean toward what lies too long and earns something.",
    )
    overstock_weeks: float = Field(26.0, gt=0, le=520, description="Weeks of cover beyond which stock lies too long.")
    back_in_stock_webhook: str = Field(
        "",
        description="Where it is told who asked for a product that is back in stock, such as https://shop.example/back;"
        " signed as pushed audiences are. Nobody is told outside the shop when empty.",
    )
    told_per_unit: int = Field(
        10, ge=1, le=1_000, description="Per unit that is back in stock, at most so many of those who asked are told."
    )
    shop_name: str = Field("Smart Shop", description="The name on the storefront.")

    @field_validator("secret_keys", "publishable_keys", "cors_origins", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("log_level", mode="before")
    @classmethod
    def _any_case(cls, value: object) -> object:
        return value.upper() if isinstance(value, str) else value

    @field_validator("secret_keys", "publishable_keys")
    @classmethod
    def _long_enough(cls, keys: tuple[str, ...]) -> tuple[str, ...]:
        for key in keys:
            if len(key) < 16:
                raise ValueError(f"the key {key[:3]}… has {len(key)} characters; use at least 16 random ones")
        return keys

    @field_validator("back_in_stock_webhook")
    @classmethod
    def _callable(cls, url: str) -> str:
        try:
            if url:
                check_webhook_url(url)
        except AddressRefused as error:
            raise ValueError(str(error)) from None
        return url

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError(f"{value!r} is no IANA time zone; write for example Europe/London") from None
        return value

    @field_validator("currency")
    @classmethod
    def _iso_currency(cls, value: str) -> str:
        try:
            return clean_currency(value)
        except InvalidValue as error:
            raise ValueError(str(error)) from None

    @field_validator("country")
    @classmethod
    def _iso_country(cls, value: str | None) -> str | None:
        try:
            return None if value is None else clean_country(value)
        except InvalidValue as error:
            raise ValueError(str(error)) from None

    @field_validator("database_url")
    @classmethod
    def _known_engine(cls, value: str) -> str:
        if value and not value.startswith(("sqlite:///", "postgresql://", "postgresql+psycopg://")):
            raise ValueError(
                f"{value[:20]!r}… names no engine we know; write sqlite:///shop.db or postgresql://user@host/db"
            )
        return value


def read_settings(**overrides: object) -> Settings:
    """Settings from the environment and `.env`, with the command line's own words on top.

    Raises:
        SettingsError: a value that cannot be used; names the variable.
    """
    given = {name: value for name, value in overrides.items() if value is not None}
    try:
        return Settings(**given)  # type: ignore[arg-type]  # checked by pydantic, which is the point
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"The file .env here cannot be read ({error}); it needs lines NAME=value.") from None
    except ValidationError as error:
        first = error.errors()[0]
        name = "SMARTSHOP_" + "_".join(str(part) for part in first["loc"]).upper()
        raise SettingsError(
            f"{name} cannot be used: {first['msg'].removeprefix('Value error, ').rstrip('.')}."
        ) from None
