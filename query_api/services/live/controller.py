"""GET /v1/users/{userId}/live: WebSocket for upgrade requests, Server-Sent Events for all others."""

from typing import Annotated

from litestar import Controller, get, websocket
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import Example
from litestar.params import HeaderParameter, PathParameter, QueryParameter

from query_api.services.live.hub import Hub
from query_api.services.live.responses import LiveMessage
from query_api.services.live.sse import MEDIA_TYPE, EventStream
from query_api.services.live.stream import Encoded, Stream
from query_api.services.live.websocket import Socket, serve
from query_api.user_changes.cursor import Cursor
from runtime.http import problems
from runtime.http.authenticating import TOKEN_IN_QUERY
from runtime.http.identity import Caller, Verifier
from runtime.http.service import Injected

UserId = Annotated[str, PathParameter(description="Whose changes: the token's `sub`.", min_length=1, max_length=128)]
Since = Annotated[
    str | None,
    QueryParameter(description="`cursor` of a message or of GET …/changes. Without it only what comes is sent."),
]
LastEventId = Annotated[
    str | None,
    HeaderParameter(name="Last-Event-ID", description="`id` of the last event; goes before `since`."),
]
_EVENTS = "An endless `text/event-stream`. Each event's `data` is one JSON object as below, its `id` where to go on."
_EXAMPLE = (
    'retry: 2000\nid: gqZpc3N1\ndata: {"type":"hello","cursor":"gqZpc3N1"}\n\n'
    'id: gqZpc3N2\ndata: {"type":"ping","cursor":"gqZpc3N2"}\n\n'
)


class LiveController(Controller):
    path = "/v1/users/{user_id:str}/live"
    tags = ("live",)

    @get(
        operation_id="FollowUserChanges",
        summary="Changes as they happen (Server-Sent Events)",
        description=(
            "First what changed since the cursor, then what changes; nothing is left out in between. The same address "
            "speaks WebSocket; docs/live.md describes both."
        ),
        opt=TOKEN_IN_QUERY,
        media_type=MEDIA_TYPE,
        responses={
            200: ResponseSpec(
                data_container=LiveMessage,  # type: ignore[arg-type]  # a union is no class, but has a schema
                generate_examples=False,
                description=_EVENTS,
                media_type=MEDIA_TYPE,
                examples=[Example(id="beginning", summary="The beginning of a stream", value=_EXAMPLE)],
            ),
            **problems.documented(
                problems.INVALID_REQUEST,
                problems.UNKNOWN_PARAMETER,
                problems.INVALID_CURSOR,
                problems.RATE_LIMITED,
                problems.UNAVAILABLE,
            ),
        },
    )
    async def follow(
        self,
        user_id: UserId,
        caller: Injected[Caller],
        hub: Injected[Hub],
        encoded: Injected[Encoded],
        since: Since = None,
        last_event_id: LastEventId = None,
    ) -> EventStream:
        cursor = _cursor(user_id, last_event_id, "Last-Event-ID") or _cursor(user_id, since, "since")
        stream = Stream(hub, encoded, user_id, caller, "sse")
        try:
            await stream.open(cursor)
        except BaseException:
            stream.close()
            raise
        return EventStream(stream)

    @websocket()
    async def follow_by_socket(
        self,
        socket: Socket,
        user_id: UserId,
        caller: Injected[Caller],
        hub: Injected[Hub],
        encoded: Injected[Encoded],
        verifier: Injected[Verifier],
        since: Since = None,
    ) -> None:
        stream = Stream(hub, encoded, user_id, caller, "websocket")
        try:
            await stream.open(_cursor(user_id, since, "since"))
            await socket.accept()
            await serve(socket, stream, verifier)
        finally:
            stream.close()


def _cursor(user_id: str, text: str | None, parameter: str) -> Cursor | None:
    """Raises Problem (400)."""
    return Cursor.decode(user_id, text, parameter) if text else None
