"""Learned weights as a file: what was learned, from what, by which run. Aggregates only, no row of any data. Pure."""

import math
from typing import Final

import msgspec

from streams.processors.entity_resolution.hand_set import HAND_SET
from streams.processors.entity_resolution.weighting import Weights

FORMAT: Final = 1
LEAST_PAIRS: Final = 20.0
"""A level that fewer blocked pairs are on keeps the weight that was set by hand."""
_MOST_BITS: Final = 64.0


class Input(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file that was learned from. `rows`: of the file; `items`: of these, what normalization takes."""

    manifest: str
    file: str
    rows: int
    items: int
    sha256: str


class Pairs(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Of two files, of one kind: pairs in question, weighted so that each item counts once, and how many of them are of
    one work, as expected."""

    pairs: float
    of_one_work: float


class Level(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`bits`: the binary logarithm of m / u. Not `used`: too few `pairs` are on it, so the weight set by hand stays."""

    m: float
    u: float
    bits: float
    pairs: float
    used: bool


class KindLearned(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    prior: float
    namesakes: float
    iterations: int
    log_likelihood: float
    sets: dict[str, Pairs]
    fields: dict[str, dict[str, Level]]


class Artefact(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`left`: kinds of which nothing was learned, and why; hand-set weights stay."""

    format: int
    version: str
    made_at: str
    command: str
    started_from: str
    inputs: list[Input]
    kinds: dict[str, KindLearned]
    left: dict[str, str]


def encode(artefact: Artefact) -> bytes:
    """The same bytes for the same artefact."""
    return msgspec.json.format(msgspec.json.encode(artefact, order="sorted"), indent=1) + b"\n"


def decode(body: bytes) -> Artefact:
    """Raises ValueError that says what is wrong."""
    try:
        found = msgspec.json.decode(body, type=Artefact)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"no weights: {error}") from None
    if found.format != FORMAT:
        raise ValueError(f"weights of format {found.format}, known is {FORMAT}")
    if not found.version or found.version == HAND_SET.version:
        raise ValueError("weights need a version of their own")
    for kind, learned in found.kinds.items():
        _check(kind, learned)
    return found


def _check(kind: str, learned: KindLearned) -> None:
    known = HAND_SET.bits.get(kind)
    if known is None:
        raise ValueError(f"weights of an unknown kind {kind}")
    if not abs(learned.prior) <= _MOST_BITS or not 1.0 <= learned.namesakes < math.inf:
        raise ValueError(f"{kind}: a prior of {learned.prior} bits and {learned.namesakes} namesakes cannot be")
    for name, levels in learned.fields.items():
        if unknown := set(levels) - set(known.get(name, {})):
            raise ValueError(f"{kind}: no comparison has the level {name}: {min(unknown)}")
        for level, one in levels.items():
            if not (0.0 < one.m <= 1.0 and 0.0 < one.u <= 1.0 and abs(one.bits) <= _MOST_BITS):
                raise ValueError(f"{kind}: m {one.m}, u {one.u}, {one.bits} bits cannot be ({name}: {level})")


def weights(artefact: Artefact) -> Weights:
    """What was learned, over what is set by hand."""
    bits = {kind: dict(fields) for kind, fields in HAND_SET.bits.items()}
    for kind, learned in artefact.kinds.items():
        for name, levels in learned.fields.items():
            used = {level: one.bits for level, one in levels.items() if one.used}
            bits[kind][name] = {**bits[kind][name], **used}
    return Weights(
        version=artefact.version,
        prior={**HAND_SET.prior, **{kind: learned.prior for kind, learned in artefact.kinds.items()}},
        bits=bits,
        namesakes={kind: learned.namesakes for kind, learned in artefact.kinds.items()},
        provenance=f"{artefact.command}, {artefact.made_at}",
    )
