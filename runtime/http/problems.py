"""RFC 9457 problem details: a closed registry of types, one exception, and the page that each `type` resolves to.

Every error of both edges is one of `PROBLEMS`, sent as application/problem+json. A new kind of error is a new constant
here, with a sentence that tells the caller what to do.
"""

from collections.abc import Mapping, Sequence

import msgspec
from litestar.datastructures import ResponseHeader
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import Example

MEDIA_TYPE = "application/problem+json"
BASE = "/problems/"


class ProblemType(msgspec.Struct, frozen=True):
    """One kind of error. `slug` ends the `type` URI; `advice` is the documentation behind it."""

    slug: str
    title: str
    status: int
    advice: str

    @property
    def uri(self) -> str:
        return f"{BASE}{self.slug}"


INVALID_REQUEST = ProblemType(
    "invalid-request", "The request does not fit the API description", 400,
    "Parameters, headers or the body's syntax are wrong. `errors` names each one; correct them before trying again.",
)  # fmt: skip
UNKNOWN_PARAMETER = ProblemType(
    "unknown-parameter", "A query parameter is not known", 400,
    "A misspelt parameter would otherwise be ignored and the answer be a wrong one. `errors` names it.",
)  # fmt: skip
INVALID_CURSOR = ProblemType(
    "invalid-cursor", "The cursor is not one of this query", 400,
    "Cursors are opaque and belong to the query that issued them: keep every other parameter as it was, or start again "
    "without a cursor.",
)  # fmt: skip
INVALID_POSITION = ProblemType(
    "invalid-position", "MG-After is not a list of log positions", 400,
    "Send what a command answered in MG-Position: `topic:partition:offset`, several separated by commas, at most 16.",
)  # fmt: skip
UNAUTHENTICATED = ProblemType(
    "unauthenticated", "Credentials are missing or wrong", 401,
    "Send the credentials that the operation asks for; WWW-Authenticate says which.",
)  # fmt: skip
INVALID_SIGNATURE = ProblemType(
    "invalid-signature", "The webhook signature does not verify", 401,
    "webhook-id, webhook-timestamp (within five minutes of now) and webhook-signature must be those of the Standard "
    "Webhooks specification, made with an active secret of this provider over the exact bytes of the body.",
)  # fmt: skip
FORBIDDEN = ProblemType("forbidden", "Not allowed", 403, "These credentials do not allow this operation.")
NOT_FOUND = ProblemType("not-found", "Nothing is here", 404, "There is no such resource, or no longer.")
GONE = ProblemType(
    "gone", "The resource was here and is no longer", 410,
    "It was withdrawn for good as far as anybody knows; do not ask again under this id.",
)  # fmt: skip
CURSOR_TOO_OLD = ProblemType(
    "cursor-too-old", "Nobody can tell any more what changed since this cursor", 410,
    "Fetch everything again, without `since`, and go on with the cursor that answer gives. What the device changed "
    "itself and has not sent yet stays valid.",
)  # fmt: skip
METHOD_NOT_ALLOWED = ProblemType(
    "method-not-allowed", "The resource has no such method", 405, "The Allow header lists the methods it has."
)
CONFLICT = ProblemType(
    "conflict", "The request contradicts the current state", 409, "`detail` says what it contradicts."
)
DELIVERY_CONFLICT = ProblemType(
    "delivery-conflict", "This webhook-id came with another body before", 409,
    "A webhook-id names one delivery for ever: send the other body under an id of its own. Trying again cannot help.",
)  # fmt: skip
OPERATION_CONFLICT = ProblemType(
    "operation-conflict", "An operation id came with another content before", 409,
    "Nothing of the request was accepted. An id names one operation of a device for ever: `errors` points at each that "
    "was something else before. Send those under ids of their own, and the rest again as it is.",
)  # fmt: skip
OPERATION_IN_PROGRESS = ProblemType(
    "operation-in-progress", "These operations are being accepted right now", 425,
    "Another request with the same operation ids has not finished. Try again after Retry-After seconds: the answer "
    "will then be that of the first request.",
)  # fmt: skip
DELIVERY_IN_PROGRESS = ProblemType(
    "delivery-in-progress", "This delivery is being processed right now", 425,
    "Another request with the same webhook-id and body has not finished. Try again after Retry-After seconds: the "
    "answer will then be that of the first request. (425 and not 409, which tells senders to give up.)",
)  # fmt: skip
TOO_LARGE = ProblemType(
    "too-large", "The request is too large", 413, "Send less at once; the operation's description names the limit."
)
UNSUPPORTED_MEDIA_TYPE = ProblemType(
    "unsupported-media-type", "The body's type or encoding is not supported", 415,
    "Send application/json in UTF-8, without Content-Encoding.",
)  # fmt: skip
INVALID_DELIVERY = ProblemType(
    "invalid-delivery", "The delivery has unusable items", 422,
    "Nothing of the delivery was accepted. `errors` points at each bad place (the first 100); correct them and send "
    "the delivery under a new webhook-id.",
)  # fmt: skip
INVALID_CONTENT = ProblemType(
    "invalid-content", "The body is well-formed but unusable", 422, "`errors` points at each bad place."
)
CLOCK_AHEAD = ProblemType(
    "clock-ahead", "A clock of the request is more than five minutes ahead", 422,
    "Nothing was accepted: such a stamp would win against everybody's until then. MG-Time is the server's clock; set "
    "the device's by it, stamp anew and send again.",
)  # fmt: skip
WATCHLIST_FULL = ProblemType(
    "watchlist-full", "The watchlist has no room for this", 422,
    "Nothing was accepted. `errors` points at the additions that do not fit; take titles off, or leave these out.",
)  # fmt: skip
RATE_LIMITED = ProblemType(
    "rate-limited", "Too many requests", 429, "Wait Retry-After seconds; RateLimit and RateLimit-Policy show the quota."
)
INTERNAL = ProblemType(
    "internal", "Something went wrong here", 500, "Not the caller's fault. Report `requestId`; trying again may help."
)
UNAVAILABLE = ProblemType(
    "unavailable", "A backend is away", 503,
    "Nothing was accepted or changed as far as this answer can promise; repeat the request after Retry-After seconds. "
    "Repeating a command with the same id is safe.",
)  # fmt: skip
OVERLOADED = ProblemType(
    "overloaded", "The service has all hands full", 503,
    "Nothing of the request was begun: it is one more than the service works on at once. Repeat it after Retry-After "
    "seconds, and less often when this comes again.",
)  # fmt: skip
NOT_READY = ProblemType(
    "not-ready", "The service is not ready", 503, "`errors` names the backends that did not answer in time."
)
READ_MODEL_BEHIND = ProblemType(
    "read-model-behind", "The read model has not reached the position yet", 503,
    "The position of MG-After was not reached in time. Repeat the request, or drop MG-After and accept older data.",
)  # fmt: skip

PROBLEMS: tuple[ProblemType, ...] = (
    INVALID_REQUEST, UNKNOWN_PARAMETER, INVALID_CURSOR, INVALID_POSITION, UNAUTHENTICATED, INVALID_SIGNATURE, FORBIDDEN,
    NOT_FOUND, GONE, CURSOR_TOO_OLD, METHOD_NOT_ALLOWED, CONFLICT, DELIVERY_CONFLICT, OPERATION_CONFLICT,
    OPERATION_IN_PROGRESS, DELIVERY_IN_PROGRESS, TOO_LARGE, UNSUPPORTED_MEDIA_TYPE, INVALID_DELIVERY, INVALID_CONTENT,
    CLOCK_AHEAD, WATCHLIST_FULL, RATE_LIMITED, INTERNAL, UNAVAILABLE, OVERLOADED, NOT_READY,
    READ_MODEL_BEHIND,
)  # fmt: skip


class FieldError(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """One bad place: `pointer` (JSON pointer into the body, as a URI fragment) or `parameter` (query, path, header)."""

    detail: str
    pointer: str | None = None
    parameter: str | None = None


class ProblemDetails(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """The body of every error (RFC 9457) with `errors` and `requestId` as extension members."""

    type: str
    title: str
    status: int
    detail: str = ""
    errors: tuple[FieldError, ...] = ()
    request_id: str = ""


class Problem(Exception):
    """Ends a request with a problem. `detail` is shown to the caller: no internals, no secrets."""

    def __init__(
        self,
        type_: ProblemType,
        detail: str = "",
        *,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
        retry_after_seconds: int | None = None,
    ) -> None:
        super().__init__(f"{type_.slug}: {detail}")
        self.type = type_
        self.detail = detail
        self.errors = tuple(errors)
        self.headers = dict(headers or {})
        if retry_after_seconds is not None:
            self.headers["Retry-After"] = str(retry_after_seconds)

    def body(self, request_id: str = "") -> ProblemDetails:
        return ProblemDetails(
            type=self.type.uri,
            title=self.type.title,
            status=self.type.status,
            detail=self.detail,
            errors=self.errors,
            request_id=request_id,
        )


def raw(problem: Problem, request_id: str = "") -> tuple[list[tuple[bytes, bytes]], bytes]:
    """Headers and content of its answer, for where the framework makes none."""
    headers = {"content-type": MEDIA_TYPE, "cache-control": "no-store", **problem.headers}
    encoded = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()]
    return encoded, msgspec.json.encode(problem.body(request_id))


def parameter_error(parameter: str, detail: str, type_: ProblemType = INVALID_REQUEST) -> Problem:
    """The usual 400 about one query, path or header parameter."""
    return Problem(type_, f"{parameter}: {detail}", errors=(FieldError(detail=detail, parameter=parameter),))


def documented(*types: ProblemType) -> dict[int, ResponseSpec]:
    """OpenAPI responses of an operation that may end with these: `@get(..., responses=documented(NOT_FOUND))`."""
    found: dict[int, list[ProblemType]] = {}
    for type_ in types:
        found.setdefault(type_.status, []).append(type_)
    return {
        status: ResponseSpec(
            data_container=ProblemDetails,
            generate_examples=False,
            description=" · ".join(f"{type_.title} (`{type_.slug}`)" for type_ in group) + ".",
            media_type=MEDIA_TYPE,
            examples=[
                Example(id=type_.slug, summary=type_.title, value=msgspec.to_builtins(Problem(type_).body()))
                for type_ in group
            ],
        )
        for status, group in sorted(found.items())
    }


RETRY_AFTER_HEADER = ResponseHeader(name="Retry-After", description="Seconds to wait.", documentation_only=True)
