"""The verdict: evidence in, findings out. Pure, and with rules of its own: nothing of the engines is asked for help.

What a read model must hold follows from the log (the truth) and, where an owner keeps to the order of the clocks, from
what was posted. A finding names its class first, so that they can be counted.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct

from proofs.ledger.evidence import FIRST_HAND, VECTORS, Evidence, Logged, Posted

CLASSES: Final = (
    "lost",
    "invented",
    "applied twice",
    "out of order",
    "position moved back",
    "differs",
    "told early",
    "dead letter",
    "not recovered",
)
POISONED: Final = {"playback-events": ("playback_sessions", "watch_state"), "ratings": ("ratings",)}
"""Who must refuse what the nemesis puts into these topics."""
_TOLERANCE: Final = 1e-4
_Key = tuple[str, str]


class Finding(Struct, frozen=True):
    kind: str
    what: str


def judge(evidence: Evidence) -> list[Finding]:
    """Every violation; empty when the system kept its word."""
    return [
        *_log_against_posted(evidence),
        *_order(evidence),
        *_normalized(evidence),
        *_titles(evidence),
        *_search(evidence),
        *_newest(evidence, "ratings", "ratings", "title_id", "hlc", "rating"),
        *_newest(evidence, "preference-changes", "preferences", "name", "hlc", "value"),
        *_newest(evidence, "playback-events", "watch_state", "title_id", "position_hlc", "position_ms"),
        *_watchlist(evidence),
        *_history(evidence),
        *_watched(evidence),
        *_deliveries(evidence),
        *_dead_letters(evidence),
        *(Finding("position moved back", line) for line in evidence.went_back),
        *(Finding("told early", line) for line in evidence.told_early),
        *(Finding("lost", f"never read: {line}") for line in evidence.behind),
        *(Finding("not recovered", f"{f.name} of {f.victim}") for f in evidence.faults if f.seconds is None),
    ]


def counts(findings: Iterable[Finding]) -> dict[str, int]:
    found = Counter(finding.kind for finding in findings)
    return {kind: found[kind] for kind in CLASSES}


def redelivered(evidence: Evidence) -> int:
    """Records of the producers' topics beyond the first of each id: requests that were repeated and got in twice."""
    first_hand = [each.event_id for each in evidence.logged if each.topic in FIRST_HAND]
    return len(first_hand) - len(set(first_hand))


def _log_against_posted(evidence: Evidence) -> Iterable[Finding]:
    posted = {each.event_id: each for each in evidence.posted}
    contents: dict[str, set[str]] = defaultdict(set)
    for record in evidence.logged:
        contents[record.event_id].add(record.content)
        asked = posted.get(record.event_id)
        if record.topic in FIRST_HAND and asked is None:
            yield Finding("invented", f"{record.topic}:{record.partition}:{record.offset} was never posted")
        elif asked is not None and (record.topic, record.owner, record.subject) != (
            asked.topic,
            asked.owner,
            asked.subject,
        ):
            yield Finding("differs", f"{record.event_id} is logged as another thing than was posted")
    for event_id, different in contents.items():
        if len(different) > 1:
            yield Finding("applied twice", f"{event_id} is in the log with {len(different)} contents")
    for each in evidence.posted:
        if each.acknowledged and each.event_id not in contents:
            yield Finding("lost", f"{each.event_id} was acknowledged and is not in {each.topic}")
    for position in set(evidence.undecodable) - evidence.poisoned.keys():
        yield Finding("invented", f"{position} is no event")


def _order(evidence: Evidence) -> Iterable[Finding]:
    """Of one owner in one topic: events stand first in the log in the order in which they were asked for, all in one
    partition. (An owner asks for the next only when the last was acknowledged.)"""
    first: dict[str, Logged] = {}
    for record in evidence.logged:
        seen = first.get(record.event_id)
        if seen is None or (record.partition == seen.partition and record.offset < seen.offset):
            first[record.event_id] = record
    last: dict[_Key, Logged] = {}
    for each in evidence.posted:
        standing = first.get(each.event_id)
        if standing is None:
            continue
        # Items of a provider are keyed one by one: each is an owner of its own.
        key = (each.topic, f"{each.owner}/{each.subject}" if each.topic == "catalog-deliveries" else each.owner)
        before = last.get(key)
        if before is not None and (before.partition, before.offset) >= (standing.partition, standing.offset):
            yield Finding("out of order", f"{key[0]} of {key[1]}: {each.event_id} stands before what was asked first")
        if before is not None and before.partition != standing.partition:
            yield Finding("out of order", f"{key[0]} of {key[1]} is in two partitions")
        last[key] = standing


def _newest(evidence: Evidence, topic: str, model: str, subject: str, clock: str, value: str) -> Iterable[Finding]:
    """A register: of each owner and subject the event with the highest clock counts, however late it came."""
    wanted: dict[_Key, Logged] = {}
    for record in evidence.logged:
        key = (record.owner, record.subject)
        if record.topic == topic and (key not in wanted or record.hlc > wanted[key].hlc):
            wanted[key] = record
    rows = {(row["user_id"], row[subject]): (row[clock], row[value]) for row in evidence.rows.get(model, ())}
    yield from _missing(model, wanted, rows)
    for key, (hlc, held) in rows.items():
        if key not in wanted:
            continue  # said above
        newest = (wanted[key].hlc, wanted[key].value)
        if hlc < newest[0]:
            yield Finding("lost", f"{model} {key} holds {(hlc, held)!r}, older than the log's newest {newest!r}")
        elif (hlc, held) != newest:
            yield Finding("differs", f"{model} {key} holds {(hlc, held)!r}, not {newest!r}")


def _watchlist(evidence: Evidence) -> Iterable[Finding]:
    """The last edit in the log counts: each owner is one device, which removes what it added. A repetition changes
    nothing, unless it removes whatever is there: it comes too late for what has an id that was there before."""
    wanted: dict[_Key, bool] = {}
    seen: set[str] = set()
    for record in sorted(evidence.logged, key=lambda each: (each.partition, each.offset)):
        if record.topic != "watchlist-changes" or record.kind == "WatchlistItemMoved":
            continue
        blind = record.kind == "WatchlistItemRemoved" and record.value is not False
        if record.event_id not in seen or blind:
            seen.add(record.event_id)
            wanted[record.owner, record.subject] = record.kind == "WatchlistItemAdded"
    rows = {(row["user_id"], row["title_id"]): row["present"] for row in evidence.rows.get("watchlist", ())}
    yield from _missing("watchlist", {key for key, present in wanted.items() if present}, rows, known=wanted)
    for key, present in rows.items():
        if key in wanted and present != wanted[key]:
            yield Finding("differs", f"watchlist {key}: present is {present}")


def _history(evidence: Evidence) -> Iterable[Finding]:
    """One row a session, and it is one of the session's ends in the log."""
    sessions = _ends(evidence)
    rows: dict[_Key, dict[str, Any]] = {}
    for row in evidence.rows.get("playback_history", ()):
        key = (row["user_id"], row["session_id"])
        if key in rows:
            yield Finding("applied twice", f"playback_history has two rows of {key}")
        rows[key] = row
    yield from _missing("playback_history", sessions, rows)
    for key, row in rows.items():
        ends = {(end.hlc, end.value["watched_ms"]) for end in sessions.get(key, {}).values()}
        held = (row["hlc"], row["watched_ms"])
        if ends and held not in ends:
            kind = "lost" if held < min(ends) else "differs"
            yield Finding(kind, f"playback_history {key} holds {held}, none of its ends in the log: {sorted(ends)}")


def _watched(evidence: Evidence) -> Iterable[Finding]:
    """What an orderly owner watched is what was posted: a replayed event that counted again would show here."""
    sessions = _ends(evidence)
    there = {record.event_id for record in evidence.logged}
    played: dict[_Key, list[Posted]] = defaultdict(list)
    for each in evidence.posted:
        if each.topic == "playback-events" and each.orderly and each.event_id in there:
            played[each.owner, each.value["session"]].append(each)
    for key, events in played.items():
        if not events[-1].value["last"]:
            continue  # the load was over before its end was acknowledged
        if key not in sessions:
            yield Finding("lost", f"session {key} ended and playback-sessions does not say so")
            continue
        posted = (events[-1].value["position_ms"] - events[0].value["position_ms"], len(events))
        for found in {(end.value["watched_ms"], end.value["events"]) for end in sessions[key].values()} - {posted}:
            kind = "applied twice" if found > posted else "lost"
            yield Finding(kind, f"session {key}: {found} ms and events counted, {posted} posted")


def _ends(evidence: Evidence) -> dict[_Key, dict[str, Logged]]:
    """Of each session, by event id."""
    found: dict[_Key, dict[str, Logged]] = defaultdict(dict)
    for record in evidence.logged:
        if record.topic == "playback-sessions" and record.kind == "PlaybackSessionEnded":
            found[record.owner, record.subject][record.event_id] = record
    return dict(found)


def _normalized(evidence: Evidence) -> Iterable[Finding]:
    items = {(each.owner, each.subject) for each in evidence.logged if each.topic == "catalog-deliveries"}
    made = {(each.owner, each.subject) for each in evidence.logged if each.topic == "provider-items"}
    yield from (Finding("lost", f"{key} was delivered and never normalized") for key in sorted(items - made))
    yield from (Finding("invented", f"{key} was normalized and never delivered") for key in sorted(made - items))


def _titles(evidence: Evidence) -> Iterable[Finding]:
    """Versions of a title rise in the log; what was decided about it in PostgreSQL, and what is shown of it, stands
    where the log ends. So a decision that was never published shows, and one that was published but not kept."""
    if "decided_titles" not in evidence.rows:
        return  # a history of before titles were part of it
    yield from _rising(evidence, "titles")
    versions = {title_id: record.hlc for title_id, record in _last(evidence, "titles").items()}
    for model in ("decided_titles", "title_catalog"):
        rows = {row["title_id"]: row["version"] for row in evidence.rows.get(model, ())}
        for title_id in sorted(versions.keys() | rows.keys()):
            held, logged = rows.get(title_id, 0), versions.get(title_id, 0)
            if held != logged:
                kind = "invented" if held > logged and model == "title_catalog" else "lost"
                yield Finding(kind, f"{model} has {title_id} at version {held}, the log at {logged}")
    items = {(each.owner, each.subject) for each in evidence.logged if each.topic == "provider-items"}
    resolved = {(row["provider"], row["native_id"]) for row in evidence.rows.get("resolved_items", ())}
    yield from (Finding("lost", f"{key} was normalized and never resolved") for key in sorted(items - resolved))


def _search(evidence: Evidence) -> Iterable[Finding]:
    """Each title has a point with its newest version, its words and its newest vector. Each version in this load has a
    text of its own, so a title's newest vector is that of its newest version."""
    if "title_search" not in evidence.rows:
        return  # a history of before search was part of it, or a load that is not about it
    yield from _rising(evidence, VECTORS)
    titles, vectors = _last(evidence, "titles"), _last(evidence, VECTORS)
    rows: dict[str, dict[str, Any]] = {}
    for row in evidence.rows["title_search"]:
        if row["title_id"] in rows:
            yield Finding("applied twice", f"title_search has two points of {row['title_id']}")
        rows[row["title_id"]] = row
    for title_id in sorted(titles.keys() | vectors.keys() | rows.keys()):
        newest = titles[title_id].hlc if title_id in titles else 0
        made = vectors[title_id].hlc if title_id in vectors else 0
        if made != newest:
            kind = "invented" if made > newest else "lost"
            yield Finding(kind, f"{VECTORS} has {title_id} at version {made}, titles at {newest}")
        point = rows.get(title_id)
        if point is None:
            yield Finding("lost", f"title_search has no point of {title_id}")
            continue
        for part, wanted in (("version", newest), ("embedding_version", made)):
            if point[part] != wanted:
                kind = "invented" if point[part] > wanted else "lost"
                yield Finding(kind, f"title_search has {title_id} at {part} {point[part]}, the log at {wanted}")
        if newest and not (point["live"] and point["words"]):
            yield Finding("lost", f"title_search does not find {title_id} by words")
        if made and not _same(point["vector"], vectors[title_id].value):
            yield Finding("differs", f"title_search has another vector of {title_id} than version {made} in the log")


def _same(one: Sequence[float], other: Sequence[float]) -> bool:
    """Vectors are kept with seven digits."""
    return len(one) == len(other) and all(abs(a - b) < _TOLERANCE for a, b in zip(one, other, strict=True))


def _firsts(evidence: Evidence, topic: str) -> Iterable[Logged]:
    """In the order of the log; without repetitions, which a restart may make."""
    seen: set[str] = set()
    for record in sorted(evidence.logged, key=lambda each: (each.partition, each.offset)):
        if record.topic == topic and record.event_id not in seen:
            seen.add(record.event_id)
            yield record


def _last(evidence: Evidence, topic: str) -> dict[str, Logged]:
    """By owner."""
    return {record.owner: record for record in _firsts(evidence, topic)}


def _rising(evidence: Evidence, topic: str) -> Iterable[Finding]:
    versions: dict[str, int] = {}
    for record in _firsts(evidence, topic):
        if record.hlc <= versions.get(record.owner, 0):
            yield Finding("out of order", f"{topic} of {record.owner}: {record.hlc} after {versions[record.owner]}")
        versions[record.owner] = record.hlc


def _deliveries(evidence: Evidence) -> Iterable[Finding]:
    wanted = {(each.value, each.subject) for each in evidence.logged if each.topic == "catalog-deliveries"}
    rows = {
        (row["delivery_id"], row["native_id"]): row["outcome"] for row in evidence.rows.get("provider_deliveries", ())
    }
    yield from _missing("provider_deliveries", wanted, rows)
    for key, outcome in rows.items():
        if outcome != "normalized":
            yield Finding("lost", f"provider_deliveries {key} is {outcome}")


def _dead_letters(evidence: Evidence) -> Iterable[Finding]:
    """Each is explained by what the nemesis put there, and each of those is a dead letter of every consumer."""
    found = {(letter.consumer, letter.position) for letter in evidence.letters}
    for letter in evidence.letters:
        if letter.position not in evidence.poisoned:
            yield Finding("dead letter", f"{letter.consumer} refused {letter.position}: {letter.reason}")
    for position in evidence.poisoned:
        for consumer in POISONED[position.partition(":")[0]]:
            if (consumer, position) not in found:
                yield Finding("lost", f"{consumer} has no dead letter of {position}")


def _missing(
    model: str, wanted: Iterable[_Key], rows: Mapping[_Key, Any], known: Iterable[_Key] | None = None
) -> Iterable[Finding]:
    wanted = set(wanted)
    yield from (Finding("lost", f"{model} has no row of {key}") for key in sorted(wanted - rows.keys()))
    allowed = wanted if known is None else set(known)
    yield from (Finding("invented", f"{model} has a row of {key}") for key in sorted(rows.keys() - allowed))
