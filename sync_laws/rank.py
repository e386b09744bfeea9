"""Fractional indices: strings that sort by themselves, with always room for one more between two of them.

A rank is an integer part, whose first letter says how long it is and on which side of zero, and a fraction (Greenspan,
"Implementing fractional indexing", 2021). Appending or prepending counts the integer up or down, so that a list filled
from one end keeps short ranks; only insertions between neighbours grow the fraction.
"""

import re
from typing import Final

DIGITS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
"""In the order of their code points, so that plain string comparison is the order."""
FIRST: Final = "a0"
MOST_CHARACTERS: Final = 200
_RANK = re.compile(r"[A-Za-z][0-9A-Za-z]*")
_SMALLEST_INTEGER: Final = "A" + "0" * 26


class RankError(ValueError):
    """Not a rank, or no room between two ranks."""


def is_rank(text: str) -> bool:
    """Well-formed, not longer than MOST_CHARACTERS, and with room below it."""
    if len(text) > MOST_CHARACTERS or not _RANK.fullmatch(text):
        return False
    length = _integer_length(text[0])
    return len(text) >= length and text != _SMALLEST_INTEGER and not (len(text) > length and text.endswith("0"))


def between(lower: str | None, upper: str | None) -> str:
    """A rank above `lower` and below `upper`; None is no bound on that side.

    Raises RankError when a bound is no rank, when `lower` is not below `upper`, or when the result would be longer than
    MOST_CHARACTERS (after some hundred insertions at one place: give the neighbours new ranks).
    """
    for bound in (lower, upper):
        if bound is not None and not is_rank(bound):
            raise RankError(f"not a rank: {bound[:MOST_CHARACTERS]!r}")
    if lower is not None and upper is not None and lower >= upper:
        raise RankError(f"{lower!r} is not below {upper!r}")
    found = _between(lower, upper)
    if len(found) > MOST_CHARACTERS:
        raise RankError(f"no room between {lower!r} and {upper!r} in {MOST_CHARACTERS} characters")
    return found


def spread(lower: str | None, upper: str | None, count: int) -> list[str]:
    """`count` ranks in order above `lower` and below `upper`, close to as short as can be. Raises RankError."""
    if count <= 0:
        return []
    if upper is None:
        found = [between(lower, None)]
        while len(found) < count:
            found.append(between(found[-1], None))
        return found
    middle = between(lower, upper)
    below = (count - 1) // 2
    return [*spread(lower, middle, below), middle, *spread(middle, upper, count - 1 - below)]


def _between(lower: str | None, upper: str | None) -> str:
    if lower is None:
        return FIRST if upper is None else _below(upper)
    if upper is None:
        integer, fraction = _split(lower)
        following = _incremented(integer)
        return following if following is not None else integer + _middle(fraction, None)
    lower_integer, lower_fraction = _split(lower)
    upper_integer, upper_fraction = _split(upper)
    if lower_integer == upper_integer:
        return lower_integer + _middle(lower_fraction, upper_fraction)
    following = _incremented(lower_integer)
    if following is not None and following < upper:
        return following
    return lower_integer + _middle(lower_fraction, None)


def _below(upper: str) -> str:
    integer, fraction = _split(upper)
    if integer == _SMALLEST_INTEGER:
        return integer + _middle("", fraction)
    if fraction:
        return integer
    previous = _decremented(integer)
    if previous is None or previous == _SMALLEST_INTEGER:
        return _SMALLEST_INTEGER + _middle("", None)
    return previous


def _integer_length(head: str) -> int:
    """Digits behind the head grow away from zero: a…z are 1 to 26 digits up from it, Z…A as many down."""
    return ord(head) - ord("a") + 2 if head >= "a" else ord("Z") - ord(head) + 2


def _split(rank: str) -> tuple[str, str]:
    length = _integer_length(rank[0])
    return rank[:length], rank[length:]


def _middle(lower: str, upper: str | None) -> str:
    """A fraction strictly between two fractions, without a trailing zero. `upper` None is one."""
    if upper is not None:
        shared = 0
        while shared < len(upper) and (lower[shared] if shared < len(lower) else "0") == upper[shared]:
            shared += 1
        if shared:
            return upper[:shared] + _middle(lower[shared:], upper[shared:])
    low = DIGITS.index(lower[0]) if lower else 0
    high = DIGITS.index(upper[0]) if upper else len(DIGITS)
    if high - low > 1:
        return DIGITS[(low + high) // 2]
    if upper is not None and len(upper) > 1:
        return upper[0]
    return DIGITS[low] + _middle(lower[1:], None)


def _incremented(integer: str) -> str | None:
    head, digits = integer[0], list(integer[1:])
    for place in reversed(range(len(digits))):
        value = DIGITS.index(digits[place]) + 1
        if value < len(DIGITS):
            digits[place] = DIGITS[value]
            return head + "".join(digits)
        digits[place] = "0"
    if head == "z":
        return None
    if head == "Z":
        return FIRST
    following = chr(ord(head) + 1)
    return following + "0" * (_integer_length(following) - 1)


def _decremented(integer: str) -> str | None:
    head, digits = integer[0], list(integer[1:])
    for place in reversed(range(len(digits))):
        value = DIGITS.index(digits[place]) - 1
        if value >= 0:
            digits[place] = DIGITS[value]
            return head + "".join(digits)
        digits[place] = DIGITS[-1]
    if head == "A":
        return None
    previous = "Z" if head == "a" else chr(ord(head) - 1)
    return previous + DIGITS[-1] * (_integer_length(previous) - 1)
