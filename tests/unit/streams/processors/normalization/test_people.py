import pytest

from streams.processors.normalization.limits import MAX_PEOPLE
from streams.processors.normalization.people import credited, split_people


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (None, ()),
        ("", ()),
        (" , ,", ()),
        ("Ana Lima,Bo  Chen", ("Ana Lima", "Bo Chen")),
        ("Robert Grey, Jr., Ana Lima", ("Robert Grey Jr.", "Ana Lima")),
        ("Henry Stone, III", ("Henry Stone III",)),
        ("Jr., Ana Lima", ("Jr.", "Ana Lima")),
        ("Ana Lima, Ana Lima", ("Ana Lima",)),
        ("Kevin\tStone\u200b", ("Kevin Stone",)),
        ("Milo Petrov (1940-2013), Lee (IU)", ("Milo Petrov", "Lee (IU)")),
        ("list of The Young characters (2013), N/A, Various, -", ()),
        ("x" * 121 + ", Ana Lima", ("Ana Lima",)),
    ],
)
def test_split_people(text: str | None, names: tuple[str, ...]) -> None:
    assert split_people(text) == names


def test_one_person_may_have_several_roles_in_order() -> None:
    found = credited(("director", ("Ana Lima",)), ("actor", ("Ana Lima", "Bo Chen")))
    assert [(person.name, person.role) for person in found] == [
        ("Ana Lima", "director"),
        ("Ana Lima", "actor"),
        ("Bo Chen", "actor"),
    ]


def test_credits_are_limited() -> None:
    assert len(credited(("actor", [f"Person {n}" for n in range(500)]))) == MAX_PEOPLE
