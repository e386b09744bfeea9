"""`mg bench` and `mg eval`: figures with bars; exit code 0 only when every bar holds."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import get_args

import click

from bootstrap.mappings.notation import MappingError
from devstack.errors import StackError
from proofs import figures
from proofs.benchmarks import page
from proofs.benchmarks import suite as benchmarks
from proofs.evaluation import compared, learning
from proofs.evaluation import suite as evaluations
from proofs.figures import Figure
from runtime import settings as settings_module
from streams.processors.entity_resolution.chosen import Choice

_RESOLUTION, _LEARNING = "entity-resolution", "learn-weights"
Run = Callable[[], list[Figure]]


def _measured(
    runs: Mapping[str, Run],
    names: tuple[str, ...],
    as_json: bool,
    on_request: Mapping[str, Run] | None = None,
    record: Path | None = None,
) -> list[Figure]:
    """Those of `on_request` only by name."""
    known = {**runs, **(on_request or {})}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise click.BadParameter(f"{', '.join(unknown)}; there are: {', '.join(known)}", param_hint="NAME")
    found: list[Figure] = []
    for name in names or tuple(runs):
        figures_of_one = known[name]()
        found += figures_of_one
        if record is not None:
            page.add(record, name, figures_of_one)
    if as_json:
        click.echo(figures.to_json(found).decode(), nl=False)
    else:
        figures.print_table(found)
    return found


@click.command()
@click.argument("name", nargs=-1)
@click.option("--json", "as_json", is_flag=True, help="A list of {name, value, unit, bar, holds, samples}.")
@click.option("--save", is_flag=True, help="Also write .mg/bench.json.")
@click.option("--record", metavar="FILE", type=click.Path(path_type=Path), help="Put it into docs/performance.json.")
def bench(name: tuple[str, ...], as_json: bool, save: bool, record: Path | None) -> None:
    """Speed and freshness, measured from outside on a stack of their own."""
    found = _measured(benchmarks.RUNS, name, as_json, benchmarks.ON_REQUEST, record)
    if save:
        path = settings_module.home_from() / "bench.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(figures.to_json(found))
    raise SystemExit(figures.exit_code(found))


@click.command(name="eval")
@click.argument("name", nargs=-1)
@click.option("--json", "as_json", is_flag=True, help="A list of {name, value, unit, bar, holds, samples}.")
@click.option("--show", type=int, default=0, metavar="N", help="Also so many wrong, missed and unseen pairs each.")
@click.option("--ablate", is_flag=True, help="F1 without each feature.")
@click.option(
    "--weights",
    type=click.Choice(get_args(Choice)),
    multiple=True,
    help="Of entity resolution; given twice: both in one table. Default: those that the product uses.",
)
@click.option("--link", type=click.FloatRange(0.5, 1.0), help="Another score from which on items are one work.")
@click.option(
    "--out", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False), help="Where learned weights go."
)
@click.option(
    "--sample",
    type=click.Choice(get_args(learning.Sample)),
    default="random",
    show_default=True,
    help="Pairs that chance agreement of other fields than names is learned from.",
)
def evaluate(
    name: tuple[str, ...],
    as_json: bool,
    show: int,
    ablate: bool,
    weights: tuple[Choice, ...],
    link: float | None,
    out: Path | None,
    sample: learning.Sample,
) -> None:
    """Quality on labelled data: NAME…, or `entity-resolution MANIFEST.yaml…` for data of your own.
    `learn-weights MANIFEST.yaml… --out FILE` learns the weights of entity resolution, from unlabelled data too."""
    manifests = tuple(Path(one) for one in name if one.endswith((".yaml", ".yml")))
    rest = tuple(one for one in name if not one.endswith((".yaml", ".yml")))
    if manifests and rest not in {(_RESOLUTION,), (_LEARNING,)}:
        raise click.BadParameter(f"manifests belong to {_RESOLUTION} or {_LEARNING}", param_hint="NAME")
    runs = dict(evaluations.RUNS)
    if manifests or show or ablate or weights or link:
        runs[_RESOLUTION] = lambda: compared.evaluate(manifests, show, ablate, weights, link)
        rest = rest or (_RESOLUTION,)
    on_request = {_LEARNING: lambda: learning.evaluate(manifests, out, sample)}
    try:
        found = _measured(runs, rest, as_json, on_request)
    except (MappingError, StackError) as error:
        raise click.ClickException(str(error)) from None
    raise SystemExit(figures.exit_code(found))
