"""The checked-in contract obeys every rule; the message of a failure says what mends it."""

import pytest

from schemas import loader, rules
from schemas.rules import Contract, Rule


@pytest.fixture(scope="module")
def contract() -> Contract:
    return rules.read(_units())


def _units() -> set[str]:
    """Every unit whose package is there."""
    places = {
        "processor": "streams/processors",
        "materializer": "streams/materializers",
        "service": "command_api/services",
    }
    root = loader.ROOT.parent
    found = {
        f"{kind}:{path.parent.name}" for kind, place in places.items() for path in (root / place).glob("*/__init__.py")
    }
    return found | {f"service:{path.parent.name}" for path in (root / "query_api/services").glob("*/__init__.py")}


@pytest.mark.parametrize("rule", rules.RULES, ids=lambda rule: rule.__name__)
def test_rule_holds(rule: Rule, contract: Contract) -> None:
    problems = list(rule(contract))
    assert not problems, "\n".join(["", *problems])


def test_there_is_something_to_check(contract: Contract) -> None:
    assert len(contract.events) >= 7
    assert len(contract.topics) >= 4
    assert len(contract.entries) >= len(contract.events)


def test_every_problem_of_every_rule_is_reported() -> None:
    assert rules.problems(units=set()), "no unit exists, so each topic has problems"
    assert rules.problems(units=_units()) == []
