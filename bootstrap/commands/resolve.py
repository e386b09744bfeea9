"""`mg resolve`: why two items are one work, or are not; and an operator's word on it."""

import json

import click

from bootstrap import outcomes
from bootstrap.commands import decide
from bootstrap.terminal import table
from runtime import settings as settings_module
from runtime.settings import Settings
from schemas.types.catalog import CanonicalItem
from streams.processors.entity_resolution.chosen import chosen
from streams.processors.entity_resolution.features import Features
from streams.processors.entity_resolution.scoring import REVIEW, score


@click.group()
def resolve() -> None:
    """Which items are one work, and why."""


for _command in decide.COMMANDS:
    resolve.add_command(_command)


@resolve.command()
@click.argument("one", metavar="ITEM")
@click.argument("other", metavar="ITEM")
@click.option("--json", "as_json", is_flag=True, help="Machine-readable.")
def explain(one: str, other: str, as_json: bool) -> None:
    """Score two items (PROVIDER:ID each) as entity resolution would, field by field."""
    settings = settings_module.load()
    left, right = (_item(settings, name) for name in (one, other))
    same_provider = one.partition(":")[0] == other.partition(":")[0]
    weights = chosen()
    found = score(Features(left), Features(right), weights, same_provider=same_provider)
    verdict = (
        "one work"
        if found.total >= weights.link
        else "for a person to decide"
        if found.total >= REVIEW
        else "two works"
    )
    if as_json:
        evidence = [
            {"field": each.field, "level": each.level, "weight": each.weight if each.weight > float("-inf") else None}
            for each in found.evidence
        ]
        said = {"score": found.total, "verdict": verdict, "weights": weights.version, "evidence": evidence}
        click.echo(json.dumps(said))
        return
    for name, item in ((one, left), (other, right)):
        click.echo(f"{name}: {item.kind}, {item.name}{f' ({item.year})' if item.year else ''}")
    table(
        ("field", "how they compare", "bits"),
        [(each.field, each.level, _bits(each.weight)) for each in found.evidence],
    )
    click.echo(
        f"score {found.total:.3f}: {verdict} by what they say"
        f" (one from {weights.link}, two below {REVIEW}; ids decide before)"
    )


def _bits(weight: float) -> str:
    return f"{weight:+.1f}" if weight > float("-inf") else "never"


def _item(settings: Settings, name: str) -> CanonicalItem:
    provider, colon, native = name.partition(":")
    if not colon or not native:
        raise click.BadParameter(f"{name!r} is not PROVIDER:ID", param_hint="ITEM")
    found = outcomes.item(settings, provider, native)
    if found is None:
        raise click.ClickException(f"no item {name}; `mg tap provider-items` shows what there is")
    return found
