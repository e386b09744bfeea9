"""What operators decide, and how it is checked: every bad place named."""

from typing import Annotated, Final

import msgspec

from command_api.faults import Faults
from command_api.fields import ClientId
from command_api.reading import BodyReader

MOST_ITEMS: Final = 100
KINDS: Final = ("confirm", "reject", "merge", "split", "undo")
_UUID: Final = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(?!\n)$"
_NO_NUL: Final = r"^[^\x00]+$"

TitleId = Annotated[
    str, msgspec.Meta(pattern=_UUID, description="A title; one that was merged stands for its successor.")
]


class ItemName(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A provider's item, as histories and reviews name it."""

    provider: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9_-]{1,64}(?!\n)$")]
    item: Annotated[
        str, msgspec.Meta(min_length=1, max_length=200, pattern=_NO_NUL, description="The provider's id of the item.")
    ]


class _Decision(
    msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True, tag_field="kind"
):
    decision_id: Annotated[
        ClientId, msgspec.Meta(description="Names this decision for ever: a repetition changes nothing.")
    ]
    reason: Annotated[
        str, msgspec.Meta(min_length=1, max_length=1000, pattern=_NO_NUL, description="Why, for those who come later.")
    ]


class Confirm(_Decision, frozen=True, tag="confirm"):
    """The item is of the same work as the title."""

    item: ItemName
    title_id: TitleId


class Reject(_Decision, frozen=True, tag="reject"):
    """The item is another work than the title; it leaves it, if it is there, and never links to it again."""

    item: ItemName
    title_id: TitleId


class Merge(_Decision, frozen=True, tag="merge"):
    """The titles are one work. The one with more items keeps its id, the other leads to it."""

    title_id: TitleId
    other_title_id: TitleId


class Split(_Decision, frozen=True, tag="split"):
    """Some items of the title are another work. The larger part keeps the title's id."""

    title_id: TitleId
    items: Annotated[
        list[ItemName], msgspec.Meta(min_length=1, max_length=MOST_ITEMS, description="Those that leave, together.")
    ]


class Undo(_Decision, frozen=True, tag="undo"):
    """Takes an earlier decision back."""

    undoes: Annotated[ClientId, msgspec.Meta(description="`decisionId` of the earlier decision.")]


Command = Confirm | Reject | Merge | Split | Undo
_BODY: "BodyReader[Command]" = BodyReader(Command, {"kind": KINDS})  # type: ignore[arg-type] # a union of structs


def parse(body: bytes, faults: Faults) -> Command | None:
    """None after a fault. Raises Problem (400) when the body is no JSON."""
    found = _BODY.read(body, faults)
    match found:
        case Merge(title_id=one, other_title_id=other) if one == other:
            faults.add("#/otherTitleId", "is the same title")
        case Split(items=items):
            for place, item in enumerate(items):
                if item in items[:place]:
                    faults.add(f"#/items/{place}", "is named twice")
        case Undo(undoes=earlier, decision_id=own) if earlier == own:
            faults.add("#/undoes", "is this decision itself")
    return found
