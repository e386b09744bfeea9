import pytest

from streams.processors.normalization.ratings import _SCALES, parse_age_rating


@pytest.mark.parametrize(
    ("country", "written", "label", "age"),
    [
        ("US", "PG-13", "PG-13", 13),
        ("US", "pg13", "PG-13", 13),
        ("US", "TV-Y7-FV", "TV-Y7-FV", 7),
        ("US", "TV MA", "TV-MA", 17),
        ("US", "NR", "NR", None),
        ("US", "Not Rated", "NR", None),
        ("US", "M/PG", "M/PG", 8),
        ("GB", "12a", "12A", 12),
        ("DE", "FSK 16", "FSK 16", 16),
        ("DE", "FSK-6", "FSK 6", 6),
        ("DE", "18", "FSK 18", 18),
        ("FR", "TP", "TP", 0),
        ("NL", "AL", "AL", 0),
        ("AU", "MA 15+", "MA15+", 15),
        ("IN", "U/A", "UA", 12),
        ("BR", "L", "L", 0),
    ],
)
def test_labels_are_written_as_their_body_does(country: str, written: str, label: str, age: int | None) -> None:
    rating = parse_age_rating(country, written)
    assert rating is not None
    assert (rating.country, rating.label, rating.minimum_age) == (country, label, age)


@pytest.mark.parametrize(("country", "written"), [("US", ""), ("US", "74 min"), ("US", "FSK 12"), ("XX", "PG")])
def test_what_is_no_rating_of_that_country_is_none(country: str, written: str) -> None:
    assert parse_age_rating(country, written) is None


def test_every_label_of_every_scale_is_found_again() -> None:
    for country, scale in _SCALES.items():
        for label, age in scale.items():
            rating = parse_age_rating(country, label.lower())
            assert rating is not None, (country, label)
            assert (rating.label, rating.minimum_age) == (label, age)
            assert age is None or 0 <= age <= 21
