"""The routes every app has: health, metrics, problem documentation."""

import asyncio
from collections.abc import Mapping
from typing import Literal

import msgspec
from litestar import MediaType, Response, Router, get
from litestar.params import FromPath

from runtime import metrics
from runtime.http import problems
from runtime.http.problems import FieldError, Problem
from runtime.http.service import Check

_READY_SECONDS = 1.0


class Health(msgspec.Struct, frozen=True, rename="camel"):
    """`checks` are the backends that answered, by name."""

    status: Literal["live", "ready"]
    checks: tuple[str, ...] = ()


class ProblemDescription(msgspec.Struct, frozen=True, rename="camel"):
    """Documentation of one problem type."""

    type: str
    title: str
    status: int
    advice: str


def router(checks: Mapping[str, Check]) -> Router:
    """`checks` may be filled after this call: it is read on each request."""

    @get("/health/live", operation_id="GetLiveness", summary="Is the process alive?", sync_to_thread=False)
    def live() -> Health:
        return Health("live")

    @get(
        "/health/ready",
        operation_id="GetReadiness",
        summary="Do all backends answer?",
        responses=problems.documented(problems.NOT_READY),
    )
    async def ready() -> Health:
        names = tuple(sorted(checks))
        answers = await asyncio.gather(
            *(asyncio.wait_for(checks[name](), _READY_SECONDS) for name in names), return_exceptions=True
        )
        missing = [name for name, answer in zip(names, answers, strict=True) if isinstance(answer, BaseException)]
        if missing:
            raise Problem(
                problems.NOT_READY,
                f"no answer from {', '.join(missing)}",
                errors=[
                    FieldError(detail=f"no answer within {_READY_SECONDS:g} s", parameter=name) for name in missing
                ],
                retry_after_seconds=2,
            )
        return Health("ready", names)

    @get("/metrics", media_type=MediaType.TEXT, include_in_schema=False, sync_to_thread=False)
    def prometheus() -> Response[bytes]:
        return Response(metrics.render(), media_type="text/plain; version=0.0.4")

    @get("/problems", operation_id="ListProblems", summary="Every problem type there is", sync_to_thread=False)
    def listed() -> list[ProblemDescription]:
        return [_described(type_) for type_ in problems.PROBLEMS]

    @get(
        "/problems/{slug:str}",
        operation_id="GetProblem",
        summary="What a problem type means and what to do",
        responses=problems.documented(problems.INVALID_REQUEST, problems.NOT_FOUND),
        sync_to_thread=False,
    )
    def described(slug: FromPath[str]) -> ProblemDescription:
        for type_ in problems.PROBLEMS:
            if type_.slug == slug:
                return _described(type_)
        raise Problem(problems.NOT_FOUND, "no such problem type; GET /problems lists them")

    return Router("/", route_handlers=[live, ready, prometheus, listed, described], tags=["operations"])


def _described(type_: problems.ProblemType) -> ProblemDescription:
    return ProblemDescription(type_.uri, type_.title, type_.status, type_.advice)
