"""`mg resolve merge|split|confirm|reject|undo`: an operator's decision, posted to the discovery service."""

import time
import uuid
from collections.abc import Callable, Sequence
from typing import Any

import click
import httpx

from bootstrap.serving_addresses import base_url
from runtime import settings as settings_module

_WAIT_SECONDS = 10.0
_PAUSE_SECONDS = 0.1
_NOT_YET = 404
_ACCEPTED = 202
_OK = 200


def _common(command: Callable[..., None]) -> Callable[..., None]:
    for option in (
        click.option("--reason", required=True, help="Why, for those who come later."),
        click.option("--id", "decision_id", help="Names the decision; a repetition with it changes nothing."),
        click.option("--token", help="A token with the scope `operator` (default: the operator token)."),
        click.option("--url", help="Discovery service (default: the local one)."),
    ):
        command = option(command)
    return command


@click.command()
@click.argument("title_id", metavar="TITLE")
@click.argument("other_title_id", metavar="TITLE")
@_common
def merge(title_id: str, other_title_id: str, **common: Any) -> None:
    """Say that two titles are one work."""
    _decide("merge", {"titleId": title_id, "otherTitleId": other_title_id}, **common)


@click.command()
@click.argument("title_id", metavar="TITLE")
@click.argument("items", metavar="ITEM…", nargs=-1, required=True)
@_common
def split(title_id: str, items: Sequence[str], **common: Any) -> None:
    """Say that items (PROVIDER:ID) of a title are another work, together."""
    _decide("split", {"titleId": title_id, "items": [_item(name) for name in items]}, **common)


@click.command()
@click.argument("item", metavar="ITEM")
@click.argument("title_id", metavar="TITLE")
@_common
def confirm(item: str, title_id: str, **common: Any) -> None:
    """Say that an item (PROVIDER:ID) is of the same work as a title."""
    _decide("confirm", {"item": _item(item), "titleId": title_id}, **common)


@click.command()
@click.argument("item", metavar="ITEM")
@click.argument("title_id", metavar="TITLE")
@_common
def reject(item: str, title_id: str, **common: Any) -> None:
    """Say that an item (PROVIDER:ID) is another work than a title."""
    _decide("reject", {"item": _item(item), "titleId": title_id}, **common)


@click.command()
@click.argument("undoes", metavar="DECISION")
@_common
def undo(undoes: str, **common: Any) -> None:
    """Take a decision back."""
    _decide("undo", {"undoes": undoes}, **common)


COMMANDS = (merge, split, confirm, reject, undo)


def _item(name: str) -> dict[str, str]:
    provider, colon, native = name.partition(":")
    if not colon or not native:
        raise click.BadParameter(f"{name!r} is not PROVIDER:ID", param_hint="ITEM")
    return {"provider": provider, "item": native}


def _decide(
    kind: str, members: dict[str, Any], *, reason: str, decision_id: str | None, token: str | None, url: str | None
) -> None:
    """Posts, waits until it was read, and says what became of it; exit code 1 when it was refused."""
    settings = settings_module.load()
    name = decision_id or str(uuid.uuid4())
    body = {"kind": kind, "decisionId": name, "reason": reason, **members}
    headers = {"authorization": f"Bearer {token or settings.operator_token.reveal()}"}
    base = (url or base_url(settings, "discovery")).rstrip("/")
    with httpx.Client(base_url=base, headers=headers, timeout=30.0) as client:
        answer = client.post("/v1/resolution/decisions", json=body)
        if answer.status_code != _ACCEPTED:
            raise click.ClickException(_explain(answer))
        found = _outcome(client, name)
    click.echo(f"{name}: {found['outcome']}, {found['detail']}")
    if found["outcome"] == "refused":
        raise SystemExit(1)


def _outcome(client: httpx.Client, name: str) -> dict[str, Any]:
    deadline = time.monotonic() + _WAIT_SECONDS
    while True:
        answer = client.get(f"/v1/resolution/decisions/{name}")
        if answer.status_code == _OK:
            found: dict[str, Any] = answer.json()
            return found
        if answer.status_code != _NOT_YET:
            raise click.ClickException(_explain(answer))
        if time.monotonic() > deadline:
            raise click.ClickException(f"{name} is in the log, but was not read yet: is entity_resolution running?")
        time.sleep(_PAUSE_SECONDS)


def _explain(answer: httpx.Response) -> str:
    try:
        problem = answer.json()
    except ValueError:
        return f"the service answered {answer.status_code}"
    faults = "; ".join(f"{each['pointer']} {each['detail']}" for each in problem.get("errors", ()) if "pointer" in each)
    return f"{problem.get('detail') or problem.get('title')}{f' ({faults})' if faults else ''}"
