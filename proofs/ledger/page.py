"""The tables of `docs/reliability.md`: made from recorded runs (`docs/reliability.json`), compared by a test."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from proofs.figures import Figure, short
from proofs.ledger import checker
from proofs.ledger.checker import Finding
from proofs.ledger.evidence import Evidence

UNDISTURBED: Final = "none"
_MOST: Final = 3


class Recorded(Struct):
    """One run. `faults`: how often each was done; `findings`: the first of each class; `counts`: how many of each;
    `victims`: the only units that were killed, when they were chosen."""

    seed: int
    seconds: float
    faults: dict[str, int]
    figures: list[Figure]
    findings: list[str]
    counts: dict[str, int]
    victims: tuple[str, ...] = ()


def recorded(
    evidence: Evidence, findings: Sequence[Finding], figures: list[Figure], victims: tuple[str, ...] = ()
) -> Recorded:
    first = {finding.kind: f"{finding.kind}: {finding.what}" for finding in reversed(findings)}
    done: dict[str, int] = {}
    for fault in evidence.faults:
        done[fault.name] = done.get(fault.name, 0) + 1
    found = checker.counts(findings)
    return Recorded(
        seed=evidence.seed,
        seconds=evidence.seconds,
        faults=dict(sorted(done.items())),
        figures=figures,
        findings=[first[kind] for kind in checker.CLASSES if kind in first][:_MOST],
        counts={kind: count for kind, count in found.items() if count},
        victims=victims,
    )


def read(path: Path) -> dict[str, Recorded]:
    """By mutation; UNDISTURBED is the real system. Empty without the file."""
    return msgspec.json.decode(path.read_bytes(), type=dict[str, Recorded]) if path.exists() else {}


def add(path: Path, name: str, run: Recorded) -> None:
    """Puts a run into the file, in place of the last one of its name."""
    runs = dict(sorted({**read(path), name: run}.items()))
    path.write_bytes(msgspec.json.format(msgspec.json.encode(runs), indent=1) + b"\n")


def figures_table(run: Recorded) -> str:
    lines = ["| figure | value | must be |", "| --- | ---: | --- |"]
    lines += [f"| {f.name} | {short(f.value)}{f' {f.unit}' if f.unit else ''} | {f.bar} |" for f in run.figures]
    return "\n".join(lines)


def faults_line(run: Recorded) -> str:
    done = ", ".join(f"{count} × {name}" for name, count in run.faults.items())
    chosen = "".join(f", `--victim {unit}`" for unit in run.victims)
    return f"{run.seconds:.0f} s of load, seed {run.seed}{chosen}: {done or 'no faults'}."


def mutations_table(runs: dict[str, Recorded]) -> str:
    lines = ["| mutation | load and faults | what the checker said |", "| --- | --- | --- |"]
    for name, run in sorted(runs.items()):
        if name != UNDISTURBED:
            said = "; ".join(f"{count} × {kind}" for kind, count in run.counts.items()) or "nothing"
            example = f" (`{run.findings[0]}`)" if run.findings else ""
            lines.append(f"| `{name}` | {faults_line(run)} | {said}{example} |")
    return "\n".join(lines)
