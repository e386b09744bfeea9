"""JSON bodies into types: in one call when all is well, else place by place so that every fault is named."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Generic, TypeVar

import msgspec

from command_api.faults import Faults
from runtime.http.errors import pointer
from runtime.http.problems import INVALID_REQUEST, Problem

T = TypeVar("T")
Body = TypeVar("Body", bound=msgspec.Struct)
_MEMBERS: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_LIST: Final = msgspec.json.Decoder(list[msgspec.Raw])


class BodyReader(Generic[Body]):
    """Reads one type of body. `known` names the values of fields that take a few, for those who sent another."""

    def __init__(self, type_: type[Body], known: Mapping[str, Sequence[str]] | None = None) -> None:
        self._decoder = msgspec.json.Decoder(type_)
        self._known = known or {}

    def read(self, body: bytes, faults: Faults) -> Body | None:
        """None after a fault. Raises Problem (400) when the body is no JSON."""
        try:
            return _decode(self._decoder, body)
        except msgspec.ValidationError as error:
            self.add(faults, "#", error)
            return None

    def add(self, faults: Faults, at: str, error: msgspec.DecodeError) -> None:
        """The fault that msgspec found in what stands at the pointer `at`."""
        detail, _, path = str(error).partition(" - at ")
        below = pointer(path.strip("`")).removeprefix("#").rstrip("/")
        known = self._known.get(below.rpartition("/")[2])
        if known and detail.startswith("Invalid"):
            detail = f"{detail}; known: {', '.join(known)}"
        faults.add(at + below, detail)


class ListReader(BodyReader[Body]):
    """Reads a body with a list in its member `member`, of 1 to `most` items of the type `item`.

    The length is no constraint of the body's type, so that a wrong one hides no other fault.
    """

    def __init__(
        self, type_: type[Body], member: str, item: Any, most: int, known: Mapping[str, Sequence[str]] | None = None
    ) -> None:
        super().__init__(type_, known)
        self._item: msgspec.json.Decoder[Any] = msgspec.json.Decoder(item)
        self._member = member
        self._most = most

    def read_list(self, body: bytes, faults: Faults) -> tuple[Body | None, Sequence[Any]]:
        """The body and its items; an item with a fault is None in its place. Raises Problem (400)."""
        try:
            found = _decode(self._decoder, body)
        except msgspec.ValidationError as error:
            return self._read_each(body, faults, error)
        items: Sequence[Any] = getattr(found, self._member)
        return found, items if self._fits(items, faults) else ()

    def _read_each(
        self, body: bytes, faults: Faults, first: msgspec.ValidationError
    ) -> tuple[Body | None, Sequence[Any]]:
        try:
            members = _decode(_MEMBERS, body)
            raws = _LIST.decode(members.get(self._member, b"null"))
        except msgspec.ValidationError:
            self.add(faults, "#", first)
            return None, ()
        envelope = None
        try:
            envelope = self._decoder.decode(msgspec.json.encode({**members, self._member: []}))
        except msgspec.ValidationError as error:
            self.add(faults, "#", error)
        if not self._fits(raws, faults):
            return envelope, ()
        return envelope, [self._one(raw, place, faults) for place, raw in enumerate(raws)]

    def _fits(self, items: Sequence[Any], faults: Faults) -> bool:
        if 1 <= len(items) <= self._most:
            return True
        faults.add(f"#/{self._member}", f"must have from 1 to {self._most} items, has {len(items)}")
        return False

    def _one(self, raw: msgspec.Raw, place: int, faults: Faults) -> Any:
        try:
            return self._item.decode(raw)
        except msgspec.DecodeError as error:
            self.add(faults, f"#/{self._member}/{place}", error)
            return None


def _decode(decoder: msgspec.json.Decoder[T], body: bytes) -> T:
    """Raises msgspec.ValidationError, and Problem (400) when the body is no JSON."""
    try:
        body.decode("utf-8")
        return decoder.decode(body)
    except UnicodeDecodeError as error:
        raise Problem(INVALID_REQUEST, f"The body is not UTF-8 at byte {error.start}.") from None
    except RecursionError:
        raise Problem(INVALID_REQUEST, "The body is nested too deeply.") from None
    except msgspec.ValidationError:
        raise
    except msgspec.DecodeError as error:
        raise Problem(INVALID_REQUEST, str(error)) from None
