import pytest

from streams.processors.normalization.countries import country_code


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("United States", "US"),
        ("us", "US"),
        ("UK", "GB"),
        ("The Bahamas", "BS"),
        ("Hong Kong", "HK"),
        ("Bosnia and Herzegovina", "BA"),
        ("Czech Republic", "CZ"),
        ("Turkey", "TR"),
        ("People's Republic of China", "CN"),
        ("People’s Republic of China", "CN"),
        ("West Germany", "DE"),
        ("Soviet Union", "SU"),
        ("SU", "SU"),
        ("XC", "CS"),
        ("St. Lucia", "LC"),
        ("EU", None),
        ("ZZ", None),
        ("Narnia", None),
        ("", None),
    ],
)
def test_country_code(text: str, code: str | None) -> None:
    assert country_code(text) == code
