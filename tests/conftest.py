"""Plugins of all tests; fixtures of one kind of unit are in the folders below."""

pytest_plugins = ["tests.support.backends"]
