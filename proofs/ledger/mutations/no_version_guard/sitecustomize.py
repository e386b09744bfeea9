"""Of two resume positions the one that arrives later wins, whatever the clocks say."""

import sys

# Python imports this first in every process that has the folder on its PYTHONPATH; only materializers are broken.
if any(word.startswith("materializer:") for word in sys.orig_argv):
    from sync_laws import watching

    def _arrived_later(_place: watching.Place, _other: watching.Place | None) -> bool:
        return True

    setattr(watching.Place, "wins_over", _arrived_later)  # noqa: B010 - replacing it is what a type checker prevents
