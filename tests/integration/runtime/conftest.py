"""A migrated database."""

from tests.support.migrated import migrated, settings

__all__ = ["migrated", "settings"]
