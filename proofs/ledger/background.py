"""Work beside the run, in a thread of its own."""

import threading
from abc import ABC, abstractmethod


class Background(ABC):
    """`_work` goes on until `_stop` is set; what ends it is raised where somebody asks."""

    def __init__(self, name: str, patience_seconds: float) -> None:
        self._patience = patience_seconds
        self._stop = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    @abstractmethod
    def _work(self) -> None: ...

    def start(self) -> None:
        self._thread.start()

    def check(self) -> None:
        """Raises what ended the work."""
        if self._failure is not None:
            raise self._failure

    def finish(self) -> None:
        """Asks it to stop and waits for as long as it may take."""
        self._stop.set()
        self._thread.join(self._patience)
        self.check()

    def _run(self) -> None:
        try:
            self._work()
        except BaseException as error:  # noqa: BLE001 - handed to the waiting thread
            self._failure = error
