"""People whose devices are offline now and then: one client process, which is killed and started again, and what its
journals say was asked for and promised."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from random import Random
from typing import Any, Final

import msgspec

from devstack.tokens import signer_of
from proofs.convergence import journal as journals
from proofs.convergence.journal import Did, Played, Record, Reported, Sent
from proofs.convergence.plan import Member
from proofs.ledger.background import Background
from proofs.ledger.evidence import Posted
from proofs.ledger.offline import FLUSH_SECONDS, NAME, Job
from proofs.system import System, SystemFailed
from sync_laws.tags import tag_of

PEOPLE: Final = 4
DEVICE: Final = "phone"
_LIFE_SECONDS: Final = (10.0, 25.0)
_TOKEN_SECONDS: Final = 4 * 3600
_MEMORY: Final = Path("/dev/shm")  # noqa: S108 - the folder in it is ours alone


class Devices(Background):
    """`posted` is complete after `finish`; `kills` are those of the client process."""

    def __init__(self, system: System, seed: int) -> None:
        super().__init__("devices", FLUSH_SECONDS + 60)
        self._system = system
        self._seed = seed
        self._random = Random(f"{seed}/devices")
        self._lives = 0
        self.kills = 0
        self.posted: list[Posted] = []

    def _work(self) -> None:
        # Not in the system's home: these are other machines, whose disks have room and whose files outlive it.
        memory = _MEMORY if _MEMORY.is_dir() else None
        with tempfile.TemporaryDirectory(prefix="mg-ledger-", dir=memory) as folder:
            self._live(Path(folder))

    def _live(self, folder: Path) -> None:
        members = tuple(self._members())
        while not self._stop.is_set():
            process = self._spawn(folder, members)
            try:
                ends = time.monotonic() + self._random.uniform(*_LIFE_SECONDS)
                while time.monotonic() < ends and not self._stop.wait(0.2):
                    if process.poll() is not None:
                        raise SystemFailed(f"the process of the devices ended: {_last_words(folder)}")
            finally:
                process.kill()
                process.wait()
                self.kills += 1
        last = self._spawn(folder, members, flush=True)
        try:
            last.wait(FLUSH_SECONDS + 30)
        except subprocess.TimeoutExpired:
            last.kill()
            last.wait()
        self.posted = posted(journals.read(folder, NAME), flushed=last.returncode == 0)

    def _members(self) -> Iterable[Member]:
        settings = self._system.settings
        signer = signer_of(settings.home, settings.identity)
        for number in range(PEOPLE):
            user = f"traveller-{self._seed}-{number:02}"
            yield Member(user, DEVICE, signer.sign(user, DEVICE, (), seconds=_TOKEN_SECONDS), ())

    def _spawn(self, folder: Path, members: tuple[Member, ...], *, flush: bool = False) -> "subprocess.Popen[bytes]":
        sync, playback = (self._system.url(name) for name in ("sync", "playback"))
        job = Job(str(folder), self._lives, self._seed, sync, playback, members, flush)
        self._lives += 1
        path = folder / "job.json"
        path.write_bytes(msgspec.json.encode(job))
        with _log(folder).open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "proofs.ledger.offline", str(path)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )


def posted(records: Iterable[Record], *, flushed: bool) -> list[Posted]:
    """What the journals say, in the order of each person's clock. Once the queues were emptied (`flushed`) everything
    that a call of the app has returned from is acknowledged; before, what a service has answered for."""
    calls: dict[tuple[str, str, str], Did] = {}
    bodies: dict[tuple[str, str, str], dict[str, Any]] = {}
    played: list[Played] = []
    reported: set[str] = set()
    for record in records:
        match record:
            case Did():
                calls[record.user, record.device, record.operation_id] = record
            case Sent():
                bodies[record.user, record.device, record.body["operationId"]] = record.body
            case Played():
                played.append(record)
            case Reported():
                reported.update(record.event_ids)
            case _:
                pass
    # A process that died between its file and its journal has sent what no call has returned from.
    found = [_edit(key, bodies.get(key), calls.get(key)) for key in {**bodies, **calls}]
    found += [_event(each) for each in played]
    for each in found:
        each.acknowledged = flushed or each.event_id in reported
    return sorted(found, key=lambda each: (each.owner, each.hlc))


def _edit(key: tuple[str, str, str], body: dict[str, Any] | None, call: Did | None) -> Posted:
    kind = body["op"] if body is not None else call.kind if call is not None else ""
    subject = (body.get("titleId") or body["name"]) if body is not None else call.subject if call is not None else ""
    topic = "preference-changes" if kind == "preference.set" else "watchlist-changes"
    # Who was never sent has no clock that we know; it is lost anyway.
    return Posted(tag_of(*key), topic, key[0], subject, int(body["hlc"]) if body is not None else 0, kind)


def _event(played: Played) -> Posted:
    body = played.body
    value = {"session": body["sessionId"], "position_ms": body["positionMs"], "last": body["kind"] == "stopped"}
    event_id = tag_of(played.user, played.device, f"playback:{body['eventId']}")
    return Posted(event_id, "playback-events", played.user, body["titleId"], int(body["hlc"]), value)


def _log(folder: Path) -> Path:
    return folder / "devices.log"


def _last_words(folder: Path) -> str:
    return " / ".join(_log(folder).read_text().strip().splitlines()[-8:])[-1500:]
