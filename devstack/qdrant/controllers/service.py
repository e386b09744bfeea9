"""Version, health and metrics."""

from importlib.metadata import version
from typing import Any, Final

from litestar import Controller, MediaType, get
from litestar.datastructures import ResponseHeader

from devstack.qdrant.front import Front

_VERSION: Final = version("qdrant-client")  # what the client compares: it warns when a minor version apart by two
_METRICS_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"


class ServiceController(Controller):
    @get("/", sync_to_thread=False)
    def root(self) -> dict[str, Any]:
        return {
            "title": "qdrant - vector search engine",
            "version": _VERSION,
            "commit": f"qdrant-edge-py {version('qdrant-edge-py')}",
        }

    @get("/healthz", media_type=MediaType.TEXT, sync_to_thread=False)
    def healthz(self) -> str:
        return "healthz check passed"

    @get("/livez", media_type=MediaType.TEXT, sync_to_thread=False)
    def livez(self) -> str:
        return "livez check passed"

    @get("/readyz", media_type=MediaType.TEXT, sync_to_thread=False)
    def readyz(self) -> str:
        # The application starts only after every collection is loaded, so an answer at all means ready.
        return "all shards are ready"

    @get(
        "/metrics",
        media_type=MediaType.TEXT,
        response_headers=[ResponseHeader(name="content-type", value=_METRICS_TYPE)],
        sync_to_thread=False,
    )
    def metrics(self, front: Front) -> str:
        lines = [
            "# HELP app_info information about qdrant server",
            "# TYPE app_info gauge",
            f'app_info{{name="qdrant",version="{_VERSION}"}} 1',
            "# HELP collections_total number of collections",
            "# TYPE collections_total gauge",
            f"collections_total {len(front.catalog.collections)}",
            "# HELP collection_points approximate amount of points per collection",
            "# TYPE collection_points gauge",
        ]
        lines += [
            f'collection_points{{id="{name}"}} {collection.shard.info().points_count}'
            for name, collection in list(front.catalog.collections.items())
        ]
        lines += ["# HELP rest_responses_total total number of responses", "# TYPE rest_responses_total counter"]
        lines += [
            f'rest_responses_total{{method="{method}",status="{status}"}} {count}'
            for (method, status), count in sorted(front.responses.items())
        ]
        return "\n".join(lines) + "\n"
