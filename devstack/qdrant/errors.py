"""Errors in Qdrant's own form: `{"status": {"error": "..."}, "time": 0.0}` with the status code Qdrant would use."""

import logging
from http import HTTPStatus
from typing import Any, Final

import msgspec
from litestar import MediaType, Request, Response
from litestar.exceptions import HTTPException

logger = logging.getLogger("devstack.qdrant")


class QdrantError(Exception):
    """A request that is answered with an error; `status` is the HTTP code, the message is Qdrant's wording."""

    def __init__(self, status: HTTPStatus, message: str) -> None:
        super().__init__(message)
        self.status = status


def not_found(what: str) -> QdrantError:
    return QdrantError(HTTPStatus.NOT_FOUND, f"Not found: {what}")


def collection_not_found(name: str) -> QdrantError:
    return not_found(f"Collection `{name}` doesn't exist!")


def wrong_input(message: str) -> QdrantError:
    return QdrantError(HTTPStatus.BAD_REQUEST, f"Wrong input: {message}")


def bad_request(message: str) -> QdrantError:
    return QdrantError(HTTPStatus.BAD_REQUEST, f"Bad request: {message}")


def already_exists(message: str) -> QdrantError:
    return QdrantError(HTTPStatus.CONFLICT, f"Wrong input: {message}")


def format_error(message: str) -> QdrantError:
    """The body is not the JSON that the operation takes."""
    return QdrantError(HTTPStatus.BAD_REQUEST, f"Format error in JSON body: {message}")


def validation_error(field: str, message: str) -> QdrantError:
    """The body is well formed, a value in it is out of its range."""
    return QdrantError(HTTPStatus.UNPROCESSABLE_ENTITY, f"Validation error in JSON body: [{field}: {message}]")


def unsupported(what: str) -> QdrantError:
    return QdrantError(HTTPStatus.NOT_IMPLEMENTED, f"Not implemented: {what} is not available in the embedded server")


def no_space(least: int) -> QdrantError:
    message = f"Service internal error: No space left on device: less than {least >> 20} MB free for the data folder"
    return QdrantError(HTTPStatus.INTERNAL_SERVER_ERROR, message)


def from_engine(error: BaseException) -> QdrantError:
    """Translate what the engine raised; it knows no classes of its own, so the text decides.

    A Rust panic arrives as pyo3's PanicException, a BaseException: it and the engine's service errors are the only
    ones that are not the caller's fault.
    """
    message = str(error).split("\n", 1)[0]
    if type(error).__name__ == "PanicException" or message.startswith("Service runtime error"):
        if "Shard is not initialized" in message:  # closed under the reader: its collection was just deleted
            return not_found("Collection doesn't exist any more!")
        logger.error("engine_failed", exc_info=error)
        return QdrantError(HTTPStatus.INTERNAL_SERVER_ERROR, f"Service internal error: {message}")
    if message.startswith("No point with id"):
        return not_found(f"{message} found")
    if message.startswith(("No range index for", "No appropriate index")):
        return bad_request(message)
    return wrong_input(message.removeprefix("Validation failed: "))


def respond(error: QdrantError) -> Response[bytes]:
    body = msgspec.json.encode({"status": {"error": str(error)}, "time": 0.0})
    return Response(body, status_code=error.status, media_type=MediaType.JSON)


def _on_qdrant_error(_: Request[Any, Any, Any], error: QdrantError) -> Response[bytes]:
    return respond(error)


def _on_http_exception(_: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
    status = HTTPStatus(error.status_code)
    return respond(QdrantError(status, error.detail or status.phrase))


def _on_unexpected(_: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    logger.error("request_failed", exc_info=error)
    if isinstance(error, OSError):  # a full disk, say: the reason helps and tells nothing secret
        return respond(QdrantError(HTTPStatus.INTERNAL_SERVER_ERROR, f"Service internal error: {error.strerror}"))
    return respond(QdrantError(HTTPStatus.INTERNAL_SERVER_ERROR, f"Service internal error: {type(error).__name__}"))


EXCEPTION_HANDLERS: Final[dict[int | type[Exception], Any]] = {
    QdrantError: _on_qdrant_error,
    HTTPException: _on_http_exception,
    Exception: _on_unexpected,
}
