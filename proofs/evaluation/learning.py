"""`mg eval learn-weights MANIFEST…`: weights of entity resolution learned from catalogues, without labels.

Manifests are those of `mg eval entity-resolution`, but no gold is read and no label either; there need not be any. Of
the same files comes the same artefact, but for the moment it was made at.
"""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal

from bootstrap.mappings.notation import MappingError
from proofs.evaluation import manifest
from proofs.evaluation.manifest import Data
from proofs.evaluation.patterns import Seen, observe
from proofs.figures import Figure
from schemas.types.catalog import Kind
from streams.processors.entity_resolution import artefact
from streams.processors.entity_resolution.artefact import Artefact, Input, KindLearned, Level, Pairs
from streams.processors.entity_resolution.hand_set import HAND_SET
from streams.processors.entity_resolution.learning import NothingToLearn, Observed, learn

FOLDER: Final = Path(__file__).with_name("manifests")
KINDS: Final[tuple[Kind, ...]] = ("movie", "series", "season", "episode", "track", "album")
IN_BLOCKS: Final = frozenset({"name", "artist"})
"""Fields that blocks look at: how often they agree by chance cannot be told from pairs drawn at random."""
_DIGITS: Final = 6

Sample = Literal["blocked", "random"]
"""What u of the other fields is learned from."""


def evaluate(
    paths: Sequence[Path] = (), out: Path | None = None, sample: Sample = "random", now: datetime | None = None
) -> list[Figure]:
    """What was learned, of each kind; the artefact goes to `out`, whose name is its version. Raises MappingError."""
    chosen = list(paths) or [path for path in sorted(FOLDER.rglob("*.yaml")) if manifest.is_here(path)]
    if not chosen:
        raise MappingError("the data is not here; give a MANIFEST.yaml of your own (docs/resolution.md)")
    made = make(chosen, sample, out.stem if out else "learned", now or datetime.now(UTC))
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_bytes(artefact.encode(made))
    return [figure for kind, learned in made.kinds.items() for figure in _figures(kind, learned)]


def make(paths: Sequence[Path], sample: Sample, version: str, now: datetime) -> Artefact:
    """Raises MappingError."""
    fields = {kind: tuple(HAND_SET.bits[kind]) for kind in KINDS}
    seen: dict[Kind, Seen] = {}
    inputs: list[Input] = []
    for path in paths:
        data = manifest.load(path, labelled=False)
        inputs += _inputs(data)
        observe(data, fields, seen)
    kinds: dict[str, KindLearned] = {}
    left: dict[str, str] = {}
    for kind in KINDS:
        try:
            kinds[kind] = _learned(kind, seen[kind], sample)
        except NothingToLearn as error:
            left[kind] = str(error)
    names = " ".join(path.name for path in paths)
    return Artefact(
        format=artefact.FORMAT,
        version=version,
        made_at=now.isoformat(timespec="seconds"),
        command=f"mg eval learn-weights {names} --sample {sample}",
        started_from=HAND_SET.version,
        inputs=inputs,
        kinds=kinds,
        left=left,
    )


def _inputs(data: Data) -> list[Input]:
    """Files by folder and name: where the folder stands is nobody's business."""
    return [
        Input(
            manifest=data.name,
            file="/".join(read.path.parts[-2:]),
            rows=read.rows,
            items=read.items,
            sha256=hashlib.sha256(read.path.read_bytes()).hexdigest(),
        )
        for read in data.files
    ]


def _learned(kind: Kind, seen: Seen, sample: Sample) -> KindLearned:
    observed: Observed = seen.observed
    at_random = frozenset(observed.fields) - IN_BLOCKS if sample == "random" else frozenset()
    found = learn(observed, HAND_SET.bits[kind], HAND_SET.prior[kind], at_random)
    fields: dict[str, dict[str, Level]] = {}
    for name in observed.fields:
        pairs, bits = observed.known(name), found.bits(name)
        if len(pairs) > 1:
            fields[name] = {
                level: Level(
                    m=_round(found.m[name][level]),
                    u=_round(found.u[name][level]),
                    bits=round(bits[level], 3),
                    pairs=round(pairs.get(level, 0.0), 1),
                    used=pairs.get(level, 0.0) >= artefact.LEAST_PAIRS,
                )
                for level in sorted(bits)
            }
    return KindLearned(
        prior=round(found.prior, 3),
        namesakes=round(seen.namesakes, 4),
        iterations=len(found.likelihoods),
        log_likelihood=round(found.likelihoods[-1], 3),
        sets={
            name: Pairs(pairs=round(count, 1), of_one_work=round(found.matches[name], 1))
            for name, count in found.pairs.items()
        },
        fields=fields,
    )


def _round(share: float) -> float:
    return float(f"{share:.{_DIGITS}g}")


def _figures(kind: str, learned: KindLearned) -> list[Figure]:
    pairs = round(sum(one.pairs for one in learned.sets.values()))
    matches = sum(one.of_one_work for one in learned.sets.values())
    return [
        Figure.information(f"{kind}: pairs that share a block", pairs, "pairs", pairs),
        Figure.information(f"{kind}: of one work, as expected", matches / pairs, "of pairs", pairs),
        Figure.information(f"{kind}: iterations", learned.iterations, "", pairs),
        Figure.information(f"{kind}: logarithm of the likelihood", learned.log_likelihood, "", pairs),
    ]
