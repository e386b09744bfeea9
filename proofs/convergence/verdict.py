"""Did everybody get what they were promised? Pure: journals, pictures and the log in, findings out."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from msgspec import Struct

from proofs.convergence.journal import Checked, Did, Fault, Placed, Played, Read, Record, Sent, Violation
from proofs.convergence.oracle import Edit, Event, Picture, expect
from proofs.convergence.plan import is_orderly
from sync_laws.tags import tag_of

Device = tuple[str, str]


class History(Struct):
    """All that the journals say."""

    did: dict[Device, list[Did]] = {}
    sent: dict[Device, dict[str, dict[str, Any]]] = {}
    """Operations by id."""
    played: list[Played] = []
    faults: dict[str, int] = {}
    positions: dict[str, dict[str, int]] = {}
    """By person: the newest offset by `topic:partition`."""
    reads: int = 0
    behind: int = 0
    violations: list[str] = []

    @property
    def operations(self) -> int:
        return sum(map(len, self.did.values())) + len(self.played)

    @property
    def coalesced(self) -> int:
        return sum(did.operation_id not in self.sent.get(key, {}) for key, calls in self.did.items() for did in calls)

    def after(self, user: str) -> str:
        """MG-After of everything that anybody did."""
        return ", ".join(f"{place}:{offset}" for place, offset in sorted(self.positions.get(user, {}).items()))

    def event_ids(self) -> set[str]:
        """Everything that the log must hold, and nothing else."""
        queues = {tag_of(*key, operation_id) for key, bodies in self.sent.items() for operation_id in bodies}
        return queues | {tag_of(each.user, each.device, f"playback:{each.body['eventId']}") for each in self.played}

    def expected(self, user: str) -> Picture:
        edits = [
            Edit(device, tag_of(owner, device, operation_id), body)
            for (owner, device), bodies in self.sent.items()
            if owner == user
            for operation_id, body in bodies.items()
        ]
        return expect(edits, [Event(each.device, each.body) for each in self.played if each.user == user])


def history(records: Iterable[Record], titles: int) -> History:
    """With what the journals show by themselves: reads that went back, an operation in two versions, lost ones."""
    found = History()
    seen: dict[tuple[str, str, str], tuple[int, int]] = {}
    for record in records:
        key = (record.user, record.device)
        match record:
            case Did():
                found.did.setdefault(key, []).append(record)
            case Sent(body=body):
                known = found.sent.setdefault(key, {}).setdefault(body["operationId"], body)
                if known != body:
                    found.violations.append(f"{key}: one operation in two versions: {known} and {body}")
            case Played():
                found.played.append(record)
            case Read(states=states):
                for title, revision, hlc in states:
                    before = seen.get((*key, title), (0, 0))
                    if revision < before[0] or (hlc < before[1] and is_orderly(title, titles)):
                        found.violations.append(f"{key}: {title} went back from {before} to {(revision, hlc)}")
                    seen[*key, title] = (revision, hlc)
            case _:
                _count(found, record)
    found.violations += _lost(found)
    return found


def _count(found: History, record: Record) -> None:
    match record:
        case Placed(positions=positions):
            newest = found.positions.setdefault(record.user, {})
            for position in positions.split(", "):
                place, _, offset = position.rpartition(":")
                newest[place] = max(int(offset), newest.get(place, -1))
        case Fault(what=what):
            found.faults[what] = found.faults.get(what, 0) + 1
        case Checked():
            found.reads += record.reads
            found.behind += record.behind
        case Violation(what=what):
            found.violations.append(f"{record.user}/{record.device}: {what}")


def _lost(found: History) -> list[str]:
    """Operations that a call has returned from, that were never sent, and that no later one made needless."""
    lost = []
    for key, calls in found.did.items():
        sent = found.sent.get(key, {})
        known = {did.operation_id for did in calls}
        # A process that died between its file and its journal: sent although no call has returned.
        unheard = [body for operation_id, body in sent.items() if operation_id not in known]
        later: dict[str, list[bool]] = defaultdict(list)
        for body in unheard:
            if body["op"] == "progress.set":
                length = body.get("durationMs")
                later[body["titleId"]].append(length is not None and body["positionMs"] * 100 >= length * 95)
        for did in reversed(calls):
            if did.operation_id not in sent:
                replaced = did.kind == "progress.set" and any(end or not did.completed for end in later[did.subject])
                if not replaced:
                    lost.append(f"{key}: {did.kind} of {did.subject} was acknowledged and never sent")
            if did.kind == "progress.set":
                later[did.subject].append(did.completed)
    return lost


def judge_devices(shown: Iterable[Mapping[str, Any]], answers: Mapping[str, Picture]) -> tuple[list[str], list[str]]:
    """Divergences from what the APIs answer, and queues that were not emptied."""
    divergences, violations = [], []
    for each in shown:
        name = f"{each['user']}/{each['device']}"
        picture = Picture(
            each["watchlist"], each["watched"], each["continue"], dict(each["progress"]), each["preferences"]
        )
        divergences += [f"{name}: {line}" for line in differences(picture, answers[each["user"]])]
        if each["unsent"] or each["unseen"] or each["rejected"]:
            violations.append(f"{name}: {each['unsent']} unsent, {each['unseen']} unseen, rejected {each['rejected']}")
    return divergences, violations


def judge_log(expected: set[str], logged: Mapping[str, set[bytes]]) -> list[str]:
    """`logged`: the contents under each event id. Nothing lost, nothing twice in effect."""
    found = [f"{len(expected - logged.keys())} operations are not in the log"] if expected - logged.keys() else []
    found += [f"the log holds {event_id}, which nobody did" for event_id in sorted(logged.keys() - expected)[:20]]
    found += [f"{event_id} has {len(each)} contents" for event_id, each in logged.items() if len(each) > 1]
    return found


def differences(one: Picture, other: Picture) -> list[str]:
    found = []
    for part in Picture.__struct_fields__:
        left, right = getattr(one, part), getattr(other, part)
        if left == right:
            continue
        if isinstance(left, dict):
            names = [name for name in sorted(left.keys() | right.keys()) if left.get(name) != right.get(name)]
            left, right = ({name: each.get(name) for name in names[:3]} for each in (left, right))
            found.append(f"{part}: {len(names)} differ: {_text(left)} against {_text(right)}")
        else:
            found.append(f"{part}: {_text(left)} against {_text(right)}")
    return found


def _text(value: Any) -> str:
    text = json.dumps(msgspec.to_builtins(value))
    return text if len(text) < 400 else f"{text[:400]}…"
