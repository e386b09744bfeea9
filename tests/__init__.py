"""Tests, by kind: unit, contract, integration, migration, e2e, faults."""
