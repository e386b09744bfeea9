"""Plugins of all tests; fixtures of one kind of unit are in the folders below."""

import gc

from hypothesis import HealthCheck, settings

pytest_plugins = ["tests.support.backends", "tests.support.distribution", "tests.support.skips"]

# Machines are shared: an example that takes long once says nothing about the code. In CI the examples are the same in
# every run, so that a red run is about the change; elsewhere they are new each time.
settings.register_profile("shared-machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("shared-machine"), derandomize=True)
settings.load_profile("ci" if settings.get_current_profile_name() == "ci" else "shared-machine")

# Syntax trees and catalogues are a million objects that all stay: looked through at every 700th new one, as is the
# default, they take several times as long to make.
gc.set_threshold(20_000, 20, 20)


def pytest_collection_finish() -> None:
    """What is loaded by now stays until the end; the garbage collector need not walk it again and again."""
    gc.freeze()
