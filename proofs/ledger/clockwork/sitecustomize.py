"""The wall clock of a unit is wrong by as many seconds as its file in the home's folder `clocks` says."""

import sys
import time
from datetime import datetime, timedelta
from pathlib import Path

_LOOK_SECONDS = 0.1

# Python imports this first in every process that has the folder on its PYTHONPATH. Services are left alone: an edge
# whose clock is wrong refuses what is right, as it should.
_units = [word for word in sys.orig_argv if word.startswith(("processor:", "materializer:"))]
if _units:
    from runtime.clock import SystemClock
    from runtime.settings import home_from

    _true_time, _true_now = time.time, SystemClock.now

    class _Wrong:
        def __init__(self, path: Path) -> None:
            self._path = path
            self._looked = float("-inf")
            self._seconds = 0.0

        def seconds(self) -> float:
            if time.monotonic() > self._looked + _LOOK_SECONDS:
                self._looked = time.monotonic()
                try:
                    self._seconds = float(self._path.read_text() or 0)
                except OSError:
                    self._seconds = 0.0
            return self._seconds

    _wrong = _Wrong(home_from() / "clocks" / _units[0].replace(":", "-"))

    def _time() -> float:
        return _true_time() + _wrong.seconds()

    def _now(clock: SystemClock) -> datetime:
        return _true_now(clock) + timedelta(seconds=_wrong.seconds())

    setattr(time, "time", _time)  # noqa: B010 - replacing them is what a type checker is there to prevent
    setattr(SystemClock, "now", _now)  # noqa: B010
