"""Bodies that handlers read themselves, byte for byte."""

from typing import Any

from litestar import Request

from runtime.http import problems
from runtime.http.problems import Problem


async def json_body(request: Request[Any, Any, Any]) -> bytes:
    """The body of a JSON request. Raises Problem (415, and 413 when it is longer than the operation takes).

    Compressed bodies are refused: what we take is small, and a refused format has no decompression bombs.
    """
    if request.headers.get("content-encoding", "identity").strip().lower() not in ("identity", ""):
        raise Problem(
            problems.UNSUPPORTED_MEDIA_TYPE,
            "Send the body without Content-Encoding.",
            headers={"Accept-Encoding": "identity"},  # RFC 7694: what a request may be encoded with
        )
    media_type, parameters = request.content_type
    if media_type.lower() != "application/json" or parameters.get("charset", "utf-8").lower() != "utf-8":
        raise Problem(problems.UNSUPPORTED_MEDIA_TYPE, "Send application/json in UTF-8.")
    return await request.body()
