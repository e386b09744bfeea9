"""`mg token`: what a user's device shows to the services of the local stack."""

import json
from collections.abc import Sequence

import click

from devstack.tokens import signer_of
from runtime import settings as settings_module
from runtime.http.identity import REGION, usable_id


@click.command()
@click.option("--user", required=True, help="Whose token (`sub`).")
@click.option("--device", required=True, help="From which device (`device_id`).")
@click.option("--scope", "scopes", multiple=True, help="A right, for example users:read; may be given several times.")
@click.option("--region", help="Two letters (ISO 3166-1), for trending.")
@click.option("--minutes", type=click.IntRange(1, 60 * 24 * 365), default=60, show_default=True, help="Valid for.")
@click.option("--json", "as_json", is_flag=True, help="The token with what it says.")
def token(user: str, device: str, scopes: Sequence[str], region: str | None, minutes: int, as_json: bool) -> None:
    """Sign a token with the key of `mg stack up` and print it.

    \b
    curl -H "authorization: Bearer $(mg token --user ann --device tv)" \\
        http://127.0.0.1:8083/v1/users/ann/watchlist
    """
    for name, value in (("--user", user), ("--device", device)):
        if not usable_id(value):
            raise click.BadParameter("must be 1 to 128 printable characters without / and :", param_hint=name)
    if region is not None and not REGION.fullmatch(region):
        raise click.BadParameter("must be two capital letters", param_hint="--region")
    rights = sorted({right for scope in scopes for right in scope.split()})
    signer = signer_of(settings_module.home_from(), settings_module.load_identity())
    signed, expires_at = signer.signed(user, device, rights, region=region, seconds=minutes * 60)
    if not as_json:
        click.echo(signed)
        return
    shape = {
        "token": signed,
        "user": user,
        "device": device,
        "scopes": rights,
        "region": region,
        "expiresAt": expires_at.isoformat(),
    }
    click.echo(json.dumps(shape, ensure_ascii=False))
