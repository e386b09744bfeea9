"""The command and query parts of each service.

Imported when a process has the service to run: Litestar, Qdrant's client and the embedding model are 150 MB, which
every other process, `mg up` and `mg units` would carry for nothing.
"""
# ruff: noqa: PLC0415 - see above

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runtime.http.service import ServiceSpec


def ingestion() -> "tuple[ServiceSpec, ...]":
    from command_api.services import ingestion
    from query_api.services import deliveries

    return ingestion.SPEC, deliveries.SPEC


def discovery() -> "tuple[ServiceSpec, ...]":
    from command_api.services import resolution as commands
    from query_api.services import discovery, quality, resolution

    return discovery.SPEC, resolution.SPEC, quality.SPEC, commands.SPEC


def sync() -> "tuple[ServiceSpec, ...]":
    from command_api.services import sync as commands
    from query_api.services import live
    from query_api.services import sync as queries

    return commands.SPEC, queries.SPEC, live.SPEC


def playback() -> "tuple[ServiceSpec, ...]":
    from command_api.services import playback as commands
    from query_api.services import playback as queries

    return commands.SPEC, queries.SPEC
