"""Spotify, Apple Music, YouTube and the Streaming Availability API, by items made up after their documentation."""

from typing import Any

import pytest

from schemas.types.catalog import ExternalId, Person
from streams.engine.outcome import InvalidEvent
from tests.support.deliveries import canonical

TRACK: dict[str, Any] = {
    "id": "4uLU6hMCjMI75M1A2tKUQC",
    "type": "track",
    "name": "Quiet Harbour",
    "artists": [{"name": "Bea Noor", "type": "artist"}, {"name": "Cy Oram"}],
    "album": {
        "name": "Boats", "release_date": "2014-03-01", "images": [{"url": "https://i.example/a.jpg", "width": 640}],
    },
    "duration_ms": 212_000,
    "external_ids": {"isrc": "US-RC1-76-07839", "label_code": "x"},
    "popularity": 40,
    "available_markets": ["DE", "US", "??"],
}  # fmt: skip
SONG: dict[str, Any] = {
    "id": "1440841450",
    "type": "songs",
    "attributes": {
        "name": "Quiet Harbour", "artistName": "Bea Noor", "albumName": "Boats", "composerName": "Di Penn",
        "durationInMillis": 212_000, "isrc": "USRC17607839", "releaseDate": "2014-03-01",
        "genreNames": ["Pop", "Music"], "url": "https://music.apple.com/de/album/boats/1?i=2", "artwork": {"url": "https://a.example/{w}x{h}.jpg"},
    },
}  # fmt: skip
VIDEO: dict[str, Any] = {
    "kind": "youtube#video",
    "id": "dQw4w9WgXcQ",
    "snippet": {
        "title": "The Harbour (2019)", "description": "Boats.", "publishedAt": "2021-05-01T10:00:00Z",
        "channelTitle": "Pier Films", "categoryId": "35", "defaultAudioLanguage": "en-GB",
        "thumbnails": {"default": {"url": "https://i.example/s.jpg"}, "high": {"url": "https://i.example/h.jpg"}},
    },
    "contentDetails": {"duration": "PT1H31M10S", "definition": "hd", "regionRestriction": {"allowed": ["DE", "AT"]}},
    "statistics": {"viewCount": "1000"},
}  # fmt: skip
SHOW: dict[str, Any] = {
    "itemType": "show",
    "showType": "series",
    "id": "42",
    "imdbId": "tt7654321",
    "tmdbId": "tv/1399",
    "title": "Quiet Harbour",
    "originalTitle": "Hafen",
    "firstAirYear": 2019,
    "genres": [{"id": "drama", "name": "Drama"}],
    "creators": ["Ada Quill"],
    "cast": ["Al Moss"],
    "rating": 70,
    "imageSet": {"verticalPoster": {"w240": "https://i.example/240.jpg", "w720": "https://i.example/720.jpg"}},
    "streamingOptions": {
        "de": [
            {"service": {"id": "prime"}, "type": "rent", "link": "https://p.example/1", "quality": "uhd",
             "price": {"amount": "3.99", "currency": "EUR"}},
            {"service": {"id": "netflix"}, "type": "subscription", "expiresOn": 1_800_000_000, "availableSince": 1},
            {"service": {"id": "x y"}, "type": "subscription"},
            {"service": {"id": "hulu"}, "type": "barter"},
        ],
        "us": [{"service": {"id": "apple"}, "type": "subscription", "quality": "hd"}],
        "nowhere": [{"service": {"id": "apple"}, "type": "subscription"}],
    },
}  # fmt: skip


def test_a_track_of_spotify() -> None:
    found = canonical("spotify", TRACK, TRACK["id"])
    assert (found.kind, found.name, found.series_name, found.year, found.runtime_minutes) == (
        "track", "Quiet Harbour", "Boats", 2014, 4,
    )  # fmt: skip
    assert found.people == (Person(name="Bea Noor", role="artist"), Person(name="Cy Oram", role="artist"))
    assert set(found.external_ids) == {
        ExternalId(source="spotify", value=TRACK["id"]),
        ExternalId(source="isrc", value="USRC17607839"),
    }
    assert [(offer.region, offer.link) for offer in found.offers] == [
        (region, f"https://open.spotify.com/track/{TRACK['id']}") for region in ("DE", "US")
    ]
    assert found.popularity == 0.4


def test_an_album_of_spotify_of_which_only_the_year_is_known() -> None:
    album = {"id": TRACK["id"], "type": "album", "name": "Boats", "artists": TRACK["artists"], "release_date": "1974"}
    found = canonical("spotify", album, TRACK["id"])
    assert (found.kind, found.year, found.release_date, found.series_name) == ("album", 1974, None, None)


def test_a_song_of_apple_music() -> None:
    found = canonical("apple_music", SONG, SONG["id"])
    assert (found.kind, found.series_name, found.release_date, found.runtime_minutes) == (
        "track",
        "Boats",
        "2014-03-01",
        4,
    )
    assert [(one.name, one.role) for one in found.people] == [("Bea Noor", "artist"), ("Di Penn", "composer")]
    assert ExternalId(source="isrc", value="USRC17607839") in found.external_ids
    assert [(offer.provider, offer.region) for offer in found.offers] == [("apple_music", "DE")]
    assert found.images[0].url == "https://a.example/600x600.jpg"
    assert "Music" not in found.unknown_genres


def test_one_song_of_two_shops_shares_its_isrc() -> None:
    one, other = canonical("spotify", TRACK, TRACK["id"]), canonical("apple_music", SONG, SONG["id"])
    assert set(one.external_ids) & set(other.external_ids)


def test_a_film_of_youtube() -> None:
    found = canonical("youtube", VIDEO, VIDEO["id"])
    assert (found.kind, found.name, found.runtime_minutes, found.genres) == (
        "movie",
        "The Harbour",
        91,
        ("documentary",),
    )
    assert [(offer.region, offer.type, offer.quality) for offer in found.offers] == [
        ("DE", "ads", "hd"),
        ("AT", "ads", "hd"),
    ]
    assert found.offers[0].link == "https://www.youtube.com/watch?v=dQw4w9WgXcQ"
    assert found.images[0].url == "https://i.example/h.jpg"
    assert found.languages == ("en-GB",)


def test_music_of_youtube() -> None:
    snippet = VIDEO["snippet"] | {"categoryId": "10", "channelTitle": "Bea Noor - Topic", "title": "Quiet Harbour"}
    found = canonical("youtube", VIDEO | {"snippet": snippet, "contentDetails": {"duration": "PT3M31S"}}, VIDEO["id"])
    assert (found.kind, found.runtime_minutes, found.people) == ("track", 4, (Person(name="Bea Noor", role="artist"),))


def test_a_show_of_the_aggregator() -> None:
    found = canonical("streaming_availability", SHOW, "42")
    assert (found.kind, found.year, found.original_name) == ("series", 2019, "Hafen")
    assert set(found.external_ids) == {
        ExternalId(source="imdb", value="tt7654321"),
        ExternalId(source="tmdb", value="1399"),
    }
    assert [(o.region, o.provider, o.type, o.quality, o.price, o.currency) for o in found.offers] == [
        ("DE", "prime_video", "rent", "uhd", "3.99", "EUR"),
        ("DE", "netflix", "subscription", "unknown", None, None),
        ("US", "apple_tv_plus", "subscription", "hd", None, None),
    ]
    assert found.offers[1].ends_at is not None
    assert found.offers[1].starts_at is None, "nobody streamed in 1970"
    assert found.images[0].url == "https://i.example/720.jpg"


@pytest.mark.parametrize(
    ("provider", "raw", "changes", "reason"),
    [
        ("spotify", TRACK, {"id": "short"}, "bad_native_id"),
        ("spotify", TRACK, {"type": "artist"}, "unknown_kind"),
        ("spotify", TRACK, {"artists": "Bea Noor"}, "bad_shape"),
        ("spotify", TRACK, {"name": ""}, "missing_name"),
        ("apple_music", SONG, {"id": "x"}, "bad_native_id"),
        ("apple_music", SONG, {"type": "artists"}, "unknown_kind"),
        ("youtube", VIDEO, {"id": "../../etc"}, "bad_native_id"),
        ("youtube", VIDEO, {"snippet": {"title": "x", "categoryId": "20"}}, "unknown_kind"),
        ("streaming_availability", SHOW, {"id": ""}, "bad_native_id"),
        ("streaming_availability", SHOW, {"showType": "channel"}, "unknown_kind"),
        ("streaming_availability", SHOW, {"streamingOptions": {"de": [1]}}, "bad_shape"),
    ],
)
def test_refused(provider: str, raw: dict[str, Any], changes: dict[str, Any], reason: str) -> None:
    changed = raw | changes
    with pytest.raises(InvalidEvent) as refused:
        canonical(provider, changed, changed["id"] or "n1")
    assert refused.value.reason == reason
