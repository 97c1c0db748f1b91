"""Brings a database to the tables this release works with. Running it again, or twice at once, changes nothing more."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text

from smartshop.data_collection.connectors.sql.engine import Database

SCRIPTS = Path(__file__).parent / "migrations"
SHOP = "shop"
DECISIONS = "decisions"
MIGRATION_LOCK = 5_270_001
"""PostgreSQL advisory lock held while migrating; any number that nobody else uses."""


def migrate(database: Database, chain: str = SHOP) -> None:
    """Apply what is missing of one chain of migrations (`shop` or `decisions`), all in one transaction."""
    database.write(lambda connection: _upgrade(connection, chain))


def _upgrade(connection: Connection, chain: str) -> None:
    # SQLite's transaction is a writer's from its first statement; PostgreSQL needs a lock to make the second one wait.
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": MIGRATION_LOCK})
    command.upgrade(_configuration(connection, chain), "head")


def _configuration(connection: Connection, chain: str) -> Config:
    configuration = Config()
    configuration.set_main_option("path_separator", "os")
    configuration.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    configuration.set_main_option("version_locations", str(SCRIPTS / chain).replace("%", "%%"))
    configuration.attributes["connection"] = connection
    configuration.attributes["version_table"] = f"schema_version_{chain}"
    return configuration
