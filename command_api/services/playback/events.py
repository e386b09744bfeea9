"""Reports as events. Pure: a repeated report makes the same ids."""

import hashlib
from collections.abc import Iterable

import msgspec

from command_api.intake import Proposed, digest_of
from command_api.services.playback.requests import PlaybackEvent, Rating, Reported
from schemas.types.playback import PlaybackEventRecorded, RatingGiven
from sync_laws.tags import tag_of


def playback_events(user_id: str, region: str, reported: Iterable[Reported[PlaybackEvent]]) -> list[Proposed]:
    """In the order of the request."""
    found = []
    for each in reported:
        entry = each.entry
        event = PlaybackEventRecorded(
            event_id="",
            occurred_at=each.occurred_at,
            user_id=user_id,
            device_id=each.device_id,
            session_id=entry.session_id,
            title_id=entry.title_id,
            kind=entry.kind,
            position_ms=entry.position_ms,
            duration_ms=entry.duration_ms,
            hlc=each.hlc,
        )
        # The region is the viewer's, not the event's: a token that names another one makes no other content.
        found.append(_proposed("playback", entry.event_id, each.pointer, event, region=region))
    return found


def ratings(user_id: str, reported: Iterable[Reported[Rating]]) -> list[Proposed]:
    """In the order of the request."""
    found = []
    for each in reported:
        entry = each.entry
        event = RatingGiven(
            event_id="",
            occurred_at=each.occurred_at,
            user_id=user_id,
            device_id=each.device_id,
            title_id=entry.title_id,
            rating=entry.rating,
            hlc=each.hlc,
        )
        found.append(_proposed("rating", entry.event_id, each.pointer, event))
    return found


def _proposed(
    what: str, named: str | None, pointer: str, event: PlaybackEventRecorded | RatingGiven, **more: str
) -> Proposed:
    """With the id that its device gave it, or one that follows from everything in it: then one id cannot have two
    contents, and nothing has to be remembered. Names hold no colon, so that the kinds of ids do not meet."""
    if named is not None:
        event_id = tag_of(event.user_id, event.device_id, f"{what}:{named}")
        digest = digest_of(event)
    else:
        content = hashlib.blake2b(msgspec.msgpack.encode(event), digest_size=16).hexdigest()
        event_id = tag_of(event.user_id, event.device_id, f"{what}:content:{content}")
        digest = None
    return Proposed(msgspec.structs.replace(event, event_id=event_id, **more), pointer, digest)
