"""Where does a hub without `DATABASE_URL` get its database? From a PostgreSQL of its own, supervised here."""

from tocsin.postgres.embedded import EmbeddedPostgres
from tocsin.postgres.errors import DataFolderInUse, PostgresUnavailable

__all__ = ["DataFolderInUse", "EmbeddedPostgres", "PostgresUnavailable"]
