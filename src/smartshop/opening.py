"""Opening a shop's stores for a command or a process, and what to say where they cannot be opened."""

from collections.abc import Iterator
from contextlib import contextmanager

from alembic.util import CommandError
from sqlalchemy.exc import SQLAlchemyError

from smartshop.data_collection.connectors.sql.stores import SqlStores, open_stores
from smartshop.data_collection.schemas.customers import Consent
from smartshop.errors import SettingsError, Unavailable
from smartshop.place import Place
from smartshop.settings import Settings


@contextmanager
def opened_stores(settings: Settings, place: Place) -> Iterator[SqlStores]:
    """The stores of a shop, their schema up to date; closed at the end.

    Raises:
        SettingsError: the place cannot be used: no right to write, no such server, a file that is no database, or one
            of a newer release.
        Unavailable: the engine failed while it was used.
    """
    stores = _open(settings, place)
    try:
        yield stores
    except SQLAlchemyError as error:
        raise Unavailable(f"The database {place.shown_database} failed: {_cause(error)}.") from error
    finally:
        stores.close()


def consent_default(settings: Settings) -> Consent:
    granted = settings.consent_default == "granted"
    return Consent(analytics=granted, personalisation=granted, marketing=granted)


def _open(settings: Settings, place: Place) -> SqlStores:
    try:
        place.folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(
            f"The data dir {place.folder} cannot be made or written ({error.strerror}); choose another with "
            "SMARTSHOP_DATA_DIR or --data-dir, for example ./smartshop-data."
        ) from None
    try:
        return open_stores(
            place.database_url, place.folder, place.models_dir, consent_default=consent_default(settings)
        )
    except CommandError as error:
        raise SettingsError(
            f"The database {place.shown_database} was made by another release ({error}); use that release or newer."
        ) from error
    except (SQLAlchemyError, OSError, Unavailable) as error:
        raise SettingsError(
            f"The database {place.shown_database} cannot be opened: {_cause(error)}. Check the file or server, and "
            "SMARTSHOP_DATABASE_URL."
        ) from error


def _cause(error: BaseException) -> str:
    """The engine's own words in one line, without SQL."""
    engine_error = error.__cause__ if isinstance(error, Unavailable) and error.__cause__ else error
    said = str(getattr(engine_error, "orig", None) or engine_error)
    return " ".join(said.split()).removesuffix(".")[:300]
