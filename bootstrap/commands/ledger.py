"""`mg ledger`: nothing lost, nothing twice; a run with faults and its verdict."""

import time
from pathlib import Path

import click

from bootstrap.terminal import say
from proofs import figures, small_disk
from proofs.ledger import checker, page, run
from proofs.ledger.evidence import UNITS
from proofs.ledger.nemesis import FAULTS
from runtime import settings as settings_module

_MOST_FINDINGS = 20


@click.command()
@click.option("--seconds", default=120.0, show_default=True, type=click.FloatRange(1), help="How long the load lasts.")
@click.option("--faults", default="all", show_default=True, help=f"all, none, or of: {', '.join(FAULTS)}.")
@click.option("--seed", default=7, show_default=True, help="Chooses faults, victims and what people do.")
@click.option("--victim", multiple=True, metavar="UNIT", help="Kill this unit instead of any; repeat.")
@click.option("--mutate", metavar="NAME", help="Run a copy that is broken on purpose.")
@click.option("--list-mutations", is_flag=True, help="What can be broken.")
@click.option("--replay", metavar="HISTORY", type=click.Path(path_type=Path), help="Judge a kept run again.")
@click.option(
    "--record", metavar="FILE", type=click.Path(path_type=Path), help="Put the run into docs/reliability.json."
)
@click.option("--json", "as_json", is_flag=True, help="A list of {name, value, unit, bar, holds, samples}.")
def ledger(
    seconds: float,
    faults: str,
    seed: int,
    victim: tuple[str, ...],
    mutate: str | None,
    list_mutations: bool,
    replay: Path | None,
    record: Path | None,
    as_json: bool,
) -> None:
    """Load and faults on a system of its own; then the logs and every store are checked. Exit code 1 on a violation."""
    known = run.mutations()
    if list_mutations:
        for name, what in known.items():
            click.echo(f"{name:28} {what}")
        return
    if mutate is not None and mutate not in known:
        raise click.BadParameter(f"{mutate}; there are: {', '.join(known)}", param_hint="--mutate")
    home = settings_module.home_from()
    if replay is not None:
        evidence = run.load(replay)
    else:
        evidence = run.run(home, run.Plan(seconds, _chosen(faults), seed, _victims(victim)), mutate or "", say)
    findings = checker.judge(evidence)
    if findings and replay is None:
        path = home / "ledger-history" / f"{time.strftime('%Y%m%dT%H%M%S')}-seed-{seed}.json"
        run.save(path, evidence)
        say(f"violations: the history is kept in {path}; `mg ledger --replay` judges it again")
    _tell(findings)
    found = run.figures(evidence, findings)
    if record is not None:
        page.add(record, mutate or page.UNDISTURBED, page.recorded(evidence, findings, found, victim))
    raise SystemExit(figures.report(found, as_json=as_json, title="mg ledger"))


def _tell(findings: list[checker.Finding]) -> None:
    for finding in findings[:_MOST_FINDINGS]:
        say(f"{finding.kind}: {finding.what}")
    if len(findings) > _MOST_FINDINGS:
        say(f"and {len(findings) - _MOST_FINDINGS} more")


def _victims(names: tuple[str, ...]) -> tuple[str, ...]:
    if unknown := [name for name in names if name not in UNITS]:
        raise click.BadParameter(f"{', '.join(unknown)}; there are: {', '.join(UNITS)}", param_hint="--victim")
    return names or UNITS


def _chosen(faults: str) -> tuple[str, ...]:
    if faults == "all":
        lacking = small_disk.why_not()
        if lacking:
            say(f"{run.DISK_FULL} is left out: {lacking}")
        return tuple(name for name in FAULTS if name != run.DISK_FULL or not lacking)
    names = [] if faults == "none" else [name.strip() for name in faults.split(",")]
    if unknown := [name for name in names if name not in FAULTS]:
        raise click.BadParameter(f"{', '.join(unknown)}; there are: {', '.join(FAULTS)}", param_hint="--faults")
    return tuple(names)
