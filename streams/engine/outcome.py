"""The whole error vocabulary of the pipeline: invalid, transient, fatal. A fourth class would need an ADR."""


class InvalidEvent(Exception):
    """The event itself can never be processed: dead-letter it and go on. `reason` is a short snake_case term."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail


class TransientError(Exception):
    """A backend is away or busy: the same batch is tried again, nothing is skipped."""


class FatalError(Exception):
    """This process cannot go on: it ends without acknowledging, and its supervisor starts it again."""


class Fenced(Exception):
    """Another owner moved the stored position: roll back, read the positions again, seek and go on."""
