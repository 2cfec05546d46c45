"""The database: one engine, one unit of work, all tables, migrations, and reads that several features share."""

from biblio.store.engine import Store, make_engine, reads_only, two_at_once
from biblio.store.schema import check_schema, downgrade, upgrade

__all__ = ["Store", "check_schema", "downgrade", "make_engine", "reads_only", "two_at_once", "upgrade"]
