"""One run: a system of its own, load, faults, rest, verdict."""

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Final

import msgspec

from bootstrap import lag
from proofs.benchmarks.load import percentile
from proofs.figures import Figure
from proofs.ledger import checker
from proofs.ledger.devices import Devices
from proofs.ledger.evidence import FIRST_HAND, UNITS, Evidence
from proofs.ledger.gathering import gather
from proofs.ledger.nemesis import CONSUMERS, FAULTS, Nemesis
from proofs.ledger.network import Network
from proofs.ledger.producers import Producers
from proofs.ledger.watching import NoticeWatch, PositionWatch
from proofs.small_disk import SmallDisk
from proofs.system import System, SystemFailed, fresh, wait_until

DISK_FULL: Final = "disk-full"
_REST_SECONDS: Final = 90.0
_DISK_MEGABYTES: Final = 1500
_DISK_MEGABYTES_A_SECOND: Final = 3
Log = Callable[[str], None]
MUTATIONS: Final = Path(__file__).with_name("mutations")
CLOCKWORK: Final = Path(__file__).with_name("clockwork")
"""Lets clocks be set wrong. It comes into processes the way mutations do, so a mutated system has right clocks."""


def mutations() -> dict[str, str]:
    """Name → what is broken: the first line of what is patched in."""
    found = sorted(MUTATIONS.glob("*/sitecustomize.py"))
    return {path.parent.name: path.read_text().splitlines()[0].strip('"') for path in found}


class Plan(msgspec.Struct, frozen=True):
    """`victims`: units that are killed; every fault is done again and again until the load is over."""

    seconds: float
    faults: tuple[str, ...]
    seed: int
    victims: tuple[str, ...] = UNITS


def run(
    home: Path, plan: Plan, mutation: str = "", log: Log = lambda _: None, *, folder: Path | None = None
) -> Evidence:
    """On a system of its own in `folder` (a folder of `home`). Raises SystemFailed when it does not start, or refuses
    what is right."""
    folder = folder or home / ("ledger-mutated" if mutation else "ledger")
    patched = MUTATIONS / mutation if mutation else CLOCKWORK
    if mutation:
        plan = msgspec.structs.replace(plan, faults=tuple(name for name in plan.faults if name != "clock"))
    network: list[Network] = []

    def around(system: System) -> Network:
        network.append(Network(system, plan.seed))
        return network[0]

    with ExitStack() as around_it:
        disk = None
        if DISK_FULL in plan.faults:
            disk = SmallDisk(folder, _DISK_MEGABYTES + int(plan.seconds * _DISK_MEGABYTES_A_SECOND))
            around_it.enter_context(disk)
        system = around_it.enter_context(fresh(folder, home, only=UNITS, python_path=patched, around=around))
        return _drive(system, network[0], plan, log, disk)


def _drive(system: System, network: Network, plan: Plan, log: Log, disk: SmallDisk | None) -> Evidence:
    evidence = Evidence(seed=plan.seed, seconds=plan.seconds)
    producers = Producers(system, plan.seed)
    devices = Devices(system, plan.seed)
    settings = system.settings
    watch = PositionWatch(settings.postgres_dsn)
    hearing = NoticeWatch(settings.postgres_dsn, settings.redis_url)
    nemesis = Nemesis(system, network, plan.seed, plan.faults, plan.victims, log, disk)
    watch.start()
    hearing.start()
    producers.start()
    devices.start()

    def check() -> None:
        producers.check()
        devices.check()

    with ExitStack() as finishing:
        finishing.callback(devices.finish)
        finishing.callback(producers.finish)
        nemesis.run(plan.seconds, check)
    evidence.behind = _rest(system)
    watch.finish()
    hearing.finish()
    evidence.told_early, evidence.notices = hearing.early, hearing.heard
    evidence.answers_lost = sum(link.lost for link in network.links.values())
    evidence.posted, evidence.went_back = [*producers.posted, *devices.posted], watch.went_back
    evidence.by_devices, evidence.device_kills = len(devices.posted), devices.kills
    evidence.faults, evidence.poisoned = nemesis.done, nemesis.poisoned
    gather(system, evidence, search=True)
    return evidence


def _rest(system: System) -> list[str]:
    """Waits until every consumer has read everything, twice in a row; who has not is returned."""
    behind: list[str] = []
    quiet = 0

    def resting() -> bool:
        nonlocal behind, quiet
        found = [each for each in lag.consumers(system.settings) if each.consumer in CONSUMERS and each.events]
        behind = [f"{each.consumer} on {each.topic}: {each.events} events" for each in found]
        quiet = 0 if behind else quiet + 1
        time.sleep(0.5)
        return quiet >= 3

    with suppress(SystemFailed):
        wait_until(resting, _REST_SECONDS, "rest")
    return behind


def figures(evidence: Evidence, findings: Sequence[checker.Finding]) -> list[Figure]:
    """What was counted, each class of violations against zero, and recovery by fault."""
    information = {
        "posted": len(evidence.posted),
        "posted by devices that were offline": evidence.by_devices,
        "kills of their process": evidence.device_kills,
        "acknowledged": sum(each.acknowledged for each in evidence.posted),
        "in the log": len({record.event_id for record in evidence.logged if record.topic in FIRST_HAND}),
        **{f"rows in {model}": len(rows) for model, rows in sorted(evidence.rows.items())},
        "redelivered": checker.redelivered(evidence),
        "fenced": evidence.fenced,
        "answers lost by the network": evidence.answers_lost,
        "notices heard": evidence.notices,
        "dead letters": len(evidence.letters),
    }
    found = [Figure.information(name, float(value), "", 1) for name, value in information.items()]
    found += [
        Figure.against(name, float(count), "", "≤", 0, len(evidence.posted))
        for name, count in checker.counts(findings).items()
    ]
    for name in FAULTS:
        seconds = [each.seconds for each in evidence.faults if each.name == name and each.seconds is not None]
        if seconds:
            found.append(Figure.information(f"recovery after {name}, p50", percentile(seconds, 0.5), "s", len(seconds)))
            found.append(Figure.information(f"recovery after {name}, max", max(seconds), "s", len(seconds)))
    return found


def save(path: Path, evidence: Evidence) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgspec.json.encode(evidence))


def load(path: Path) -> Evidence:
    """Raises SystemFailed for a file that is no history."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Evidence)
    except (OSError, msgspec.DecodeError) as error:
        raise SystemFailed(f"{path} is no history of the ledger: {error}") from None
