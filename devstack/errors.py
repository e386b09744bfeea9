"""The one error of the local stack, and how a server's own words become a reason in it."""


class StackError(Exception):
    """The local stack cannot do what was asked; the message is one line that says what to do about it."""


def telling(output: str) -> str:
    """The line that says most about why a program ended: a full disk, else its last error, else its last line."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    if any("No space left on device" in line for line in lines):
        return "the disk is full: free space or set MG_HOME to another one"
    errors = [line for line in lines if any(word in line for word in ("FATAL", "ERROR", "Error", "error"))]
    return (errors or lines or ["it said nothing"])[-1][:240]
