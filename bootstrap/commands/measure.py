"""`mg bench` and `mg eval`: figures with bars; exit code 0 only when every bar holds."""

from collections.abc import Callable, Mapping
from pathlib import Path

import click

from bootstrap.mappings.notation import MappingError
from devstack.errors import StackError
from proofs import figures
from proofs.benchmarks import page
from proofs.benchmarks import suite as benchmarks
from proofs.evaluation import resolution
from proofs.evaluation import suite as evaluations
from proofs.figures import Figure
from runtime import settings as settings_module

_OF_MANIFESTS = "entity-resolution"
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
def evaluate(name: tuple[str, ...], as_json: bool, show: int, ablate: bool) -> None:
    """Quality on labelled data: NAME…, or `entity-resolution MANIFEST.yaml…` for data of your own."""
    manifests = tuple(Path(one) for one in name if one.endswith((".yaml", ".yml")))
    rest = tuple(one for one in name if not one.endswith((".yaml", ".yml")))
    if manifests and rest != (_OF_MANIFESTS,):
        raise click.BadParameter(f"manifests belong to {_OF_MANIFESTS}", param_hint="NAME")
    runs = dict(evaluations.RUNS)
    if manifests or show or ablate:
        runs[_OF_MANIFESTS] = lambda: resolution.ablate(manifests) if ablate else resolution.evaluate(manifests, show)
        rest = (_OF_MANIFESTS,)
    try:
        found = _measured(runs, rest, as_json)
    except (MappingError, StackError) as error:
        raise click.ClickException(str(error)) from None
    raise SystemExit(figures.exit_code(found))
