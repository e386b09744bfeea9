"""`mg bench` and `mg eval`: figures with bars; exit code 0 only when every bar holds."""

from collections.abc import Callable, Mapping

import click

from proofs import figures
from proofs.benchmarks import suite as benchmarks
from proofs.evaluation import suite as evaluations
from proofs.figures import Figure
from runtime import settings as settings_module

Run = Callable[[], list[Figure]]


def _measured(runs: Mapping[str, Run], names: tuple[str, ...], as_json: bool) -> list[Figure]:
    unknown = [name for name in names if name not in runs]
    if unknown:
        raise click.BadParameter(f"{', '.join(unknown)}; there are: {', '.join(runs)}", param_hint="NAME")
    found = [figure for name in names or tuple(runs) for figure in runs[name]()]
    if as_json:
        click.echo(figures.to_json(found).decode(), nl=False)
    else:
        figures.print_table(found)
    return found


@click.command()
@click.argument("name", nargs=-1)
@click.option("--json", "as_json", is_flag=True, help="A list of {name, value, unit, bar, holds, samples}.")
@click.option("--save", is_flag=True, help="Also write .mg/bench.json.")
def bench(name: tuple[str, ...], as_json: bool, save: bool) -> None:
    """Speed and freshness, measured from outside on a stack of their own."""
    found = _measured(benchmarks.RUNS, name, as_json)
    if save:
        path = settings_module.home_from() / "bench.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(figures.to_json(found))
    raise SystemExit(figures.exit_code(found))


@click.command(name="eval")
@click.argument("name", nargs=-1)
@click.option("--json", "as_json", is_flag=True, help="A list of {name, value, unit, bar, holds, samples}.")
def evaluate(name: tuple[str, ...], as_json: bool) -> None:
    """Quality on labelled data."""
    found = _measured(evaluations.RUNS, name, as_json)
    raise SystemExit(figures.exit_code(found))
