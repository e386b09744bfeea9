"""When two snapshots of an item say the same."""

import hashlib
from datetime import datetime
from typing import Any, Final

import msgspec

from schemas.types.catalog import CanonicalItem

# Lists whose order says nothing. Credits and images stay in the provider's order.
_UNORDERED: Final = (
    "alternate_names", "genres", "unknown_genres", "age_ratings", "languages", "countries", "external_ids", "offers",
)  # fmt: skip
_ENCODER: Final = msgspec.json.Encoder(order="deterministic")


def content_hash(item: CanonicalItem) -> str:
    """SHA-256 (hex) over canonical JSON of every field but `content_hash` itself.

    Empty fields are left out, so that a field that the contract gains later changes no hash until it is filled.
    """
    fields: dict[str, Any] = msgspec.to_builtins(item, builtin_types=(datetime,))
    del fields["content_hash"]
    content = {
        name: [_filled(entry) for entry in value] if type(value) is tuple or type(value) is list else value
        for name, value in fields.items()
        if value is not None and value != () and value != []
    }
    for name in _UNORDERED:
        if len(listed := content.get(name, ())) > 1:
            content[name] = sorted(listed, key=_ENCODER.encode)
    return hashlib.sha256(_ENCODER.encode(content)).hexdigest()


def _filled(entry: Any) -> Any:
    if type(entry) is dict:
        return {name: value for name, value in entry.items() if value is not None}
    return entry
