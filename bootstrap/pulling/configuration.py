"""The YAML file of a pulled provider."""

from pathlib import Path
from typing import Annotated, Literal

import msgspec
import yaml

from runtime.settings import Secret


class PullError(Exception):
    """The file cannot be used; the message says where and why, and never what a key is."""


_Positive = Annotated[float, msgspec.Meta(gt=0)]


class PullConfiguration(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """`keys` is a file beside this one, a key a line; `per_minute` counts for each key."""

    provider: Annotated[str, msgspec.Meta(pattern="^[a-z0-9_-]{1,64}$")]
    url: Annotated[str, msgspec.Meta(pattern="^https?://")]
    header: Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9-]+$")]
    keys: str
    countries: Annotated[tuple[Annotated[str, msgspec.Meta(pattern="^[A-Za-z]{2}$")], ...], msgspec.Meta(min_length=1)]
    shape: Literal["streaming_availability"] = "streaming_availability"
    every_minutes: _Positive = 15.0
    per_minute: _Positive = 60.0


def read(path: Path) -> tuple[PullConfiguration, tuple[Secret, ...]]:
    """Raises PullError."""
    try:
        found = msgspec.convert(yaml.safe_load(path.read_text()), PullConfiguration)
    except (OSError, UnicodeDecodeError) as error:
        raise PullError(f"{path}: {error}") from None
    except yaml.YAMLError as error:
        raise PullError(f"{path}: no YAML: {' '.join(str(error).split())}") from None
    except msgspec.ValidationError as error:
        raise PullError(f"{path}: {error}") from None
    keys_file = path.parent / found.keys
    try:
        keys = tuple(Secret(line.strip()) for line in keys_file.read_text().splitlines() if line.strip())
    except (OSError, UnicodeDecodeError) as error:
        raise PullError(f"{keys_file}: {type(error).__name__}; `keys` names a file with a key a line") from None
    if not keys or not all(key.reveal().isascii() and key.reveal().isprintable() for key in keys):
        raise PullError(f"{keys_file}: no keys; one a line, printable ASCII")
    return found, keys
