"""The one error of the local stack."""


class StackError(Exception):
    """The local stack cannot do what was asked; the message is one line that says what to do about it."""
