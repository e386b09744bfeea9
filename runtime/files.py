"""Files that are read again when they change."""

from pathlib import Path


def stamp(path: Path | None) -> tuple[int, int, int] | None:
    """Differs when the file was written or replaced; None when there is none."""
    try:
        found = path.stat() if path else None
    except OSError:
        return None
    return (found.st_mtime_ns, found.st_size, found.st_ino) if found else None
