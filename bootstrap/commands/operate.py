"""`mg migrate`, `mg topics`, `mg schemas`, `mg sql`: what operators and release jobs call."""

import json

import click
import msgspec

from bootstrap import flow
from bootstrap.terminal import say
from migrations import runner, schema, statements
from runtime import settings as settings_module
from runtime.connections import topics as kafka_topics
from schemas import generate, loader, publish, registry


@click.command()
@click.option(
    "--phase", type=click.Choice(["pre", "post", "all"]), default="all", help="pre: safe before the roll-out."
)
@click.option("--plan", is_flag=True, help="Only show what would run.")
def migrate(phase: runner.Phase, plan: bool) -> None:
    """Bring PostgreSQL to this version's schema."""
    dsn = settings_module.load().postgres_dsn
    if plan:
        for line in runner.plan(dsn):
            click.echo(str(line))
        return
    runner.apply(dsn, phase, say)


@click.group()
def topics() -> None:
    """Kafka topics as schemas/topics/*.yaml say, and a dead-letter topic for every consumer."""


@topics.command()
@click.option("--add-partitions", is_flag=True, help="Also grow topics (keys move to other partitions).")
@click.option(
    "--replication", type=int, default=-1, help="Replication factor of new topics (-1: the broker's default)."
)
def apply(add_partitions: bool, replication: int) -> None:
    """Create what is missing and set what differs; deletes nothing."""
    settings = settings_module.load()
    done = kafka_topics.apply(
        settings.kafka,
        flow.topic_specs(),
        settings.topic_prefix,
        replication=replication,
        add_partitions=add_partitions,
    )
    for difference in done.changed:
        click.echo(f"changed  {difference}")
    for difference in done.refused:
        click.echo(f"refused  {difference}")
    if done.refused:
        raise SystemExit(1)


@topics.command(name="diff")
@click.option("--json", "as_json", is_flag=True, help="Machine-readable.")
def diff_topics(as_json: bool) -> None:
    """What `apply` would change; exit code 1 when anything differs."""
    settings = settings_module.load()
    found = kafka_topics.diff(settings.kafka, flow.topic_specs(), settings.topic_prefix)
    if as_json:
        click.echo(json.dumps(msgspec.to_builtins(found)))
    else:
        for difference in found:
            click.echo(str(difference))
    if found:
        raise SystemExit(1)


@click.group()
def schemas() -> None:
    """The Avro contract and its ids."""


@schemas.command()
def check() -> None:
    """Generated types and the lock fit the Avro files; exit code 1 when not."""
    stale = [str(path.name) for path in generate.stale()]
    unlocked = [record for record in loader.record_schemas() if not registry.is_locked(record)]
    for name in stale:
        click.echo(f"{name} is stale: run `make schemas`", err=True)
    for name in unlocked:
        click.echo(f"{name} has a shape that is not registered: run `mg schemas lock`", err=True)
    if stale or unlocked:
        raise SystemExit(1)
    click.echo(f"{len(registry.entries())} schemas, all registered and generated")


@schemas.command()
def lock() -> None:
    """Give every new shape an id and keep it in schemas/baseline/."""
    for entry in registry.lock():
        click.echo(f"{entry.subject} version {entry.version} has id {entry.id}")


@schemas.command(name="publish")
@click.option("--url", help="Registry (default: MG_REGISTRY_URL).")
def publish_schemas(url: str | None) -> None:
    """Upload all versions with their ids to a Confluent-compatible registry (import mode)."""
    target = url or settings_module.load().registry_url
    if not target:
        raise click.UsageError("give --url or set MG_REGISTRY_URL")
    for line in publish.publish(target):
        click.echo(str(line))


@click.group()
def sql() -> None:
    """Named statements, checked against a real database once and against the lock ever after."""


@sql.command()
def prepare() -> None:
    """Describe every statement on the migrated database and write migrations/statements.lock.json."""
    found = statements.prepare(settings_module.load().postgres_dsn)
    click.echo(f"{len(found)} statements described")


@sql.command(name="schema")
def write_schema() -> None:
    """Write migrations/postgres/schema.sql: the end state of all migrations, from a scratch database."""
    changed = schema.write_schema(settings_module.load().postgres_dsn)
    click.echo(f"{schema.PATH.name} {'written' if changed else 'was up to date'}")


@sql.command(name="check")
def check_sql() -> None:
    """Code, queries.sql and the lock agree; needs no database."""
    problems = statements.check()
    for problem in problems:
        click.echo(str(problem), err=True)
    if problems:
        raise SystemExit(1)
    click.echo("statements, code and lock agree")
