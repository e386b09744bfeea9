"""One run from the first operation to the verdict."""

import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from random import Random
from typing import Any, Final

import httpx
import msgspec
import psutil
from msgspec import Struct

from bootstrap.log_reader import LogReader
from devstack.tokens import Signer, signer_of
from proofs.convergence import answers, journal, verdict
from proofs.convergence.oracle import Picture
from proofs.convergence.plan import Job, Member, Phase, Scale, sittings, titles_of
from proofs.system import System, SystemFailed, wait_until
from schemas import codec

VICTIMS: Final = (
    "service:sync",
    "service:playback",
    "materializer:watch_state",
    "materializer:watchlist",
    "materializer:preferences",
)
"""Units that are killed while devices are at work."""
NEEDED: Final = (*VICTIMS, "materializer:ratings", "materializer:devices", "materializer:playback_history")
_TOPICS: Final = ("playback-events", "progress-changes", "watchlist-changes", "preference-changes")
_DEADLINE_SECONDS: Final = 3600.0
_CATCH_UP_SECONDS: Final = 180.0
_TOKEN_SECONDS: Final = 4 * 3600
_MEMORY: Final = Path("/dev/shm")  # noqa: S108 - the folder in it is ours alone
"""Files of devices survive a SIGKILL there as anywhere, and hundreds of devices do not wait for one disk."""


class Outcome(Struct, frozen=True):
    operations: int
    coalesced: int
    """Progress that a newer one replaced before it was sent."""
    appended: int
    """Events in the log, repetitions of one id included."""
    distinct: int
    faults: dict[str, int]
    unit_kills: dict[str, int]
    client_kills: int
    reads: int
    behind: int
    seconds: float
    divergences: list[str]
    violations: list[str]

    def lines(self) -> list[str]:
        faults = ", ".join(f"{count:,} {what}" for what, count in sorted(self.faults.items()))
        units = ", ".join(f"{count} × {unit}" for unit, count in sorted(self.unit_kills.items()))
        return [
            f"operations           {self.operations:,} in {self.seconds:.0f} s ({self.coalesced:,} replaced in time)",
            f"events in the log    {self.distinct:,}, and {self.appended - self.distinct:,} repetitions",
            f"requests             {faults}",
            f"kills                {self.client_kills} of client processes; {units}",
            f"reads of own writes  {self.reads:,} ({self.behind} refused: read model behind)",
            f"divergences          {len(self.divergences)}",
            *(f"  {line}" for line in self.divergences[:10]),
            f"violations           {len(self.violations)}",
            *(f"  {line}" for line in self.violations[:10]),
        ]


def converge(system: System, scale: Scale) -> Outcome:
    """Needs the units NEEDED, each in a process of its own. Raises SystemFailed when something does not come to its
    end; what devices see is in the outcome."""
    with tempfile.TemporaryDirectory(prefix="mg-convergence-", dir=_MEMORY if _MEMORY.is_dir() else None) as folder:
        return _Run(system, scale, Path(folder)).outcome()


class _Run:
    def __init__(self, system: System, scale: Scale, folder: Path) -> None:
        self._system = system
        self._scale = scale
        self._folder = folder
        self._random = Random(f"{scale.seed}/kills")
        self._signer = signer_of(system.settings.home, system.settings.identity)
        run = f"{Random().getrandbits(32):08x}"  # one system may see several runs
        self._users = [f"person-{run}-{number}" for number in range(scale.users)]
        self._newcomers = tuple(
            Member(user, "newcomer", self._signer.sign(user, "newcomer", (), seconds=_TOKEN_SECONDS), ())
            for user in self._users
        )
        """Devices that did nothing and see everything at once."""
        self._jobs = _jobs(system, scale, str(folder), self._users, self._signer)
        self._lives: Counter[str] = Counter()
        self._client_kills = 0
        self._unit_kills: Counter[str] = Counter()

    def outcome(self) -> Outcome:
        begun = time.monotonic()
        self._live()
        seconds = time.monotonic() - begun
        wait_until(self._system.is_ready, _CATCH_UP_SECONDS, "every unit back")
        self._all("flush")
        found = verdict.history(journal.read(self._folder), self._scale.titles)
        pictures = {user: self._answers(user, found.after(user)) for user in self._users}
        self._all("show")
        found = verdict.history(journal.read(self._folder), self._scale.titles)
        divergences, violations = verdict.judge_devices(self._shown(), pictures)
        for user, picture in pictures.items():
            lines = verdict.differences(picture, found.expected(user))
            divergences += [f"{user}, answers against operations: {line}" for line in lines]
        logged, appended = self._logged()
        return Outcome(
            operations=found.operations,
            coalesced=found.coalesced,
            appended=appended,
            distinct=len(logged),
            faults=found.faults,
            unit_kills=dict(self._unit_kills),
            client_kills=self._client_kills,
            reads=found.reads,
            behind=found.behind,
            seconds=seconds,
            divergences=divergences,
            violations=[*found.violations, *violations, *verdict.judge_log(found.event_ids(), logged)],
        )

    # Phases.

    def _live(self) -> None:
        running = {job.name: self._start(job, "live") for job in self._jobs}
        by_name = {job.name: job for job in self._jobs}
        deadline = time.monotonic() + _DEADLINE_SECONDS
        progress = journal.Progress(self._folder)
        whole = self._scale.quota * self._scale.users * self._scale.devices
        client_kills, unit_kills = (self._moments(n, whole) for n in (self._scale.client_kills, self._scale.unit_kills))
        try:
            while running:
                time.sleep(0.2)
                for name, process in list(running.items()):
                    if process.poll() is not None:
                        self._require_success(name, process)
                        del running[name]
                if time.monotonic() > deadline:
                    raise SystemFailed(f"{len(running)} client processes do not come to their end")
                done = progress.operations()
                at_work = [name for name in sorted(running) if self._is_at_work(name)]
                if at_work and client_kills and done >= client_kills[0]:
                    client_kills.pop(0)
                    name = self._random.choice(at_work)
                    running[name].kill()
                    running[name].wait()
                    self._client_kills += 1
                    running[name] = self._start(by_name[name], "live")
                if unit_kills and done >= unit_kills[0] and self._system.is_ready() and self._kill_unit():
                    unit_kills.pop(0)
        finally:
            _end(running.values())

    def _moments(self, count: int, whole: int) -> list[int]:
        """Numbers of operations, in the middle of the run."""
        return sorted(self._random.randrange(whole // 20, whole - whole // 20) for _ in range(count))

    def _is_at_work(self, name: str) -> bool:
        """This life of the process has written something."""
        path = journal.path_of(self._folder, name, self._lives[name] - 1)
        return path.exists() and path.stat().st_size > 0

    def _all(self, phase: Phase) -> None:
        running = {job.name: self._start(job, phase) for job in self._jobs}
        try:
            for name, process in running.items():
                process.wait(_DEADLINE_SECONDS)
                self._require_success(name, process)
        finally:
            _end(running.values())

    def _start(self, job: Job, phase: Phase) -> "subprocess.Popen[bytes]":
        newcomers = self._newcomers if phase == "show" and job is self._jobs[0] else ()
        job = msgspec.structs.replace(
            job, phase=phase, incarnation=self._lives[job.name], members=(*job.members, *newcomers)
        )
        self._lives[job.name] += 1
        path = job.write()
        with self._log(job.name).open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "proofs.convergence.fleet", str(path)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def _require_success(self, name: str, process: "subprocess.Popen[bytes]") -> None:
        if process.returncode != 0:
            lines = self._log(name).read_text().strip().splitlines()
            raise SystemFailed(
                f"client process {name} ended with {process.returncode}: {' / '.join(lines[-12:])[-2000:]}"
            )

    def _kill_unit(self) -> bool:
        """The next in turn; False when it is not back from the last time yet."""
        unit = VICTIMS[sum(self._unit_kills.values()) % len(VICTIMS)]
        try:
            self._system.kill_unit(unit)
        except (KeyError, psutil.Error):
            return False
        self._unit_kills[unit] += 1
        return True

    def _log(self, name: str) -> Path:
        return self._folder / f"{name}.log"

    # What there is to see.

    def _answers(self, user: str, after: str) -> Picture:
        headers = {"Authorization": f"Bearer {self._signer.sign(user, 'onlooker', (), seconds=_TOKEN_SECONDS)}"}
        deadline = time.monotonic() + _CATCH_UP_SECONDS
        with httpx.Client(base_url=self._system.url("sync"), headers=headers, timeout=60) as client:
            while client.get(f"/v1/users/{user}/changes", headers={"MG-After": after}).status_code == 503:
                if time.monotonic() > deadline:
                    raise SystemFailed(f"read models are not past {after} after {_CATCH_UP_SECONDS:.0f} s")
            return answers.picture(client, user, titles_of(self._scale.titles), after)

    def _shown(self) -> list[dict[str, Any]]:
        lines = (line for path in self._folder.glob("*.shown") for line in path.read_bytes().splitlines())
        return [msgspec.json.decode(line) for line in lines]

    def _logged(self) -> tuple[dict[str, set[bytes]], int]:
        """Contents by event id, of these people only, and how many records that were."""
        found: dict[str, set[bytes]] = defaultdict(set)
        users, appended = set(self._users), 0
        reader = LogReader(self._system.settings)
        try:
            for record in reader.read(_TOPICS, "earliest", follow=False):
                event: Any = codec.decode(record.value or b"")
                if event.user_id in users:
                    found[event.event_id].add(record.value or b"")
                    appended += 1
        finally:
            reader.close()
        return found, appended


def _jobs(system: System, scale: Scale, folder: str, users: Sequence[str], signer: Signer) -> list[Job]:
    """Devices of one person are spread over the processes, so that none dies with all of somebody's."""
    members = [
        Member(user, f"device-{number:03}", "", titles)
        for place, user in enumerate(users)
        for number, titles in enumerate(sittings(scale, place))
    ]
    signed = [
        msgspec.structs.replace(each, token=signer.sign(each.user, each.device, (), seconds=_TOKEN_SECONDS))
        for each in members
    ]
    return [
        Job(
            name=f"clients-{number}",
            folder=folder,
            phase="live",
            incarnation=0,
            seed=scale.seed,
            sync_url=system.url("sync"),
            playback_url=system.url("playback"),
            quota=scale.quota,
            rate=scale.rate / scale.client_processes,
            titles=scale.titles,
            members=tuple(signed[number :: scale.client_processes]),
        )
        for number in range(scale.client_processes)
    ]


def _end(processes: Iterable["subprocess.Popen[bytes]"]) -> None:
    for process in processes:
        if process.poll() is None:
            process.kill()
            process.wait()
