"""Which weights decide. The one place to change it."""

from pathlib import Path
from typing import Final, Literal

from runtime import logging
from streams.processors.entity_resolution import artefact
from streams.processors.entity_resolution.hand_set import HAND_SET
from streams.processors.entity_resolution.weighting import Weights

Choice = Literal["hand", "learned"]

CHOSEN: Final[Choice] = "hand"
"""Learned ones find more where a catalogue has little but names, and are less precise (docs/resolution.md)."""
LEARNED: Final = Path(__file__).with_name("weights") / "learned-1.json"

_log = logging.get(__name__)


def chosen(choice: Choice = CHOSEN, path: Path = LEARNED) -> Weights:
    """The weights to decide with. Learned ones that cannot be read are replaced by those set by hand, which is logged:
    another precision is no reason to stand still."""
    try:
        return read(choice, path)
    except (OSError, ValueError) as error:
        _log.warning("learned weights cannot be used", path=str(path), error=str(error), instead=HAND_SET.version)
        return HAND_SET


def read(choice: Choice, path: Path = LEARNED) -> Weights:
    """Raises OSError and ValueError."""
    return HAND_SET if choice == "hand" else artefact.weights(artefact.decode(path.read_bytes()))
