"""Everything that is wrong with a request, named place by place, and refused at once."""

from datetime import datetime
from typing import Final, TypeVar

from runtime.http import problems
from runtime.http.problems import FieldError, Problem

T = TypeVar("T")
MOST_ERRORS: Final = 100
SERVER_TIME_HEADER: Final = "MG-Time"


class Faults:
    """Collects faults. One that is only about clocks has a problem of its own, since devices can mend it by themselves:
    the answer tells them the time."""

    def __init__(self) -> None:
        self._errors: list[FieldError] = []
        self._clocks = 0
        self._count = 0

    def __bool__(self) -> bool:
        return self._count > 0

    def add(self, pointer: str, detail: str) -> None:
        """`pointer` is a JSON pointer into the body as a URI fragment."""
        self._count += 1
        if len(self._errors) < MOST_ERRORS:
            self._errors.append(FieldError(detail=detail, pointer=pointer))

    def add_clock(self, pointer: str, detail: str) -> None:
        self._clocks += 1
        self.add(pointer, detail)

    def nothing_wrong(self, found: T | None, now: datetime) -> T:
        """`found`, which was read without a fault. Raises Problem (422) otherwise."""
        self.raise_if_any(now)
        if found is None:
            raise RuntimeError("nothing was read and no fault was found")
        return found

    def raise_if_any(self, now: datetime) -> None:
        """Raises Problem (422): clock-ahead when clocks are all that is wrong, else invalid-content."""
        if not self._count:
            return
        if self._clocks < self._count:
            raise Problem(
                problems.INVALID_CONTENT,
                f"Nothing was accepted: {self._count} fault{'s' if self._count > 1 else ''} in the body.",
                errors=self._errors,
            )
        time = now.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        raise Problem(
            problems.CLOCK_AHEAD,
            f"Nothing was accepted: clocks of the request are ahead of the server's, which shows {time}.",
            errors=self._errors,
            headers={SERVER_TIME_HEADER: time},
        )
