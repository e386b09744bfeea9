"""Migrated databases for the stores."""

from tests.support.migrated import migrated, settings

__all__ = ["migrated", "settings"]
