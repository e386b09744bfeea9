"""POST /v1/users/{user_id}/sync/mutations: what a device's queue holds."""

from typing import Annotated, Any

from litestar import Controller, Request, Response, post
from litestar.params import PathParameter

from command_api.openapi import BODY_REFUSALS, ID_REFUSALS, POSITION, RATES, json_body, refusals
from command_api.services.sync.queues import MutationsAccepted, Queues
from command_api.services.sync.requests import MOST_BODY_BYTES, Mutations
from runtime.http import bodies, problems
from runtime.http.authenticating import caller_of
from runtime.http.service import Injected

UserId = Annotated[str, PathParameter(description="The token's own `sub`; operators may name another.")]
_HLC = "115712051609600001"
_QUEUES = {
    "A title is added, another one taken off": {
        "operations": [
            {"op": "watchlist.add", "operationId": "o-1", "titleId": "t-1", "hlc": _HLC},
            {
                "op": "watchlist.remove",
                "operationId": "o-2",
                "titleId": "t-2",
                "observed": ["6b0a2f8e-5c0f-5f0e-9d55-2f1d6c1c8a11"],
                "hlc": "115712051609600002",
            },
        ]
    },
    "After a flight": {
        "operations": [
            {
                "op": "progress.set",
                "operationId": "o-3",
                "titleId": "t-3",
                "positionMs": 1_800_000,
                "durationMs": 7_020_000,
                "hlc": "115712051609600003",
            },
            {"op": "watched.mark", "operationId": "o-4", "titleId": "t-4", "hlc": "115712051609600004"},
            {"op": "watchlist.move", "operationId": "o-5", "titleId": "t-1", "rank": "a1", "hlc": "115712051609600005"},
            {
                "op": "preference.set",
                "operationId": "o-6",
                "name": "subtitles.language",
                "value": "de",
                "hlc": "115712051609600006",
            },
        ]
    },
}


class MutationsController(Controller):
    path = "/v1/users/{user_id:str}/sync"
    tags = ("sync",)

    @post(
        "/mutations",
        status_code=202,
        operation_id="SyncMutations",
        operation_class=json_body(
            Mutations,
            "1 to 500 operations, all or nothing; appended in their order. The same operation of a device with the "
            "same content is accepted again with the same answer and appended once, for at least 96 hours; with "
            "another content nothing of the request is accepted (409) and `errors` points at each. An addition without "
            "a rank goes behind everything that was added by a clock before. A watchlist holds 10,000 titles "
            "(`watchlist-full`). Clocks more than five minutes ahead refuse the request (`clock-ahead`). At most "
            "4 MiB.",
            _QUEUES,
        ),
        summary="Send a device's queue: watchlist, progress, watched, preferences",
        request_max_body_size=MOST_BODY_BYTES,
        response_headers=[POSITION, *RATES],
        responses=refusals(*ID_REFUSALS, *BODY_REFUSALS, problems.WATCHLIST_FULL),
    )
    async def mutate(
        self, request: Request[Any, Any, Any], user_id: UserId, queues: Injected[Queues]
    ) -> Response[MutationsAccepted]:
        body = await bodies.json_body(request)
        answer, headers = await queues.accept(user_id, caller_of(request.scope).device_id, body)
        return Response(answer, status_code=202, headers=headers)
