"""What the operations of sync take and may answer."""

from typing import Annotated, Final

from litestar.params import PathParameter, QueryParameter

from runtime.http import problems

UserId = Annotated[str, PathParameter(description="The caller, or whom an analyst looks at.", max_length=128)]
TitleIdInPath = Annotated[str, PathParameter(description="Id of a title.", max_length=200)]
Limit = Annotated[int, QueryParameter(description="Items a page, 1 to 100.")]
PageCursor = Annotated[str | None, QueryParameter(description="`nextCursor` of the page before.", max_length=2048)]

MOST: Final = 100
PROBLEMS: Final = (
    problems.INVALID_REQUEST,
    problems.UNKNOWN_PARAMETER,
    problems.INVALID_POSITION,
    problems.UNAVAILABLE,
    problems.READ_MODEL_BEHIND,
)
PAGE_PROBLEMS: Final = (*PROBLEMS, problems.INVALID_CURSOR)
