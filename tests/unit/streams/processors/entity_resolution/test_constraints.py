"""Pairs that operators decided about, and what follows from several of them."""

from streams.processors.entity_resolution.constraints import Constraint, Constraints, ItemKey, Relation

A, B, C, D, E = (("p", name) for name in "abcde")


def said(one: ItemKey, other: ItemKey, relation: Relation, decision: str) -> Constraint:
    return Constraint(one, other, relation, decision)


def test_links_reach_over_items_in_between() -> None:
    found = Constraints([said(A, B, "same", "d1"), said(C, B, "same", "d2")])
    assert found.partners(A) == [B, C]
    assert found.component([A]) == {A: "", B: "d1", C: "d2"}
    assert found.partners(D) == []


def test_what_is_linked_to_either_is_kept_apart_too() -> None:
    found = Constraints([said(A, B, "same", "d1"), said(C, D, "same", "d2"), said(B, C, "different", "d3")])
    assert found.apart([A], [D]) == "d3"
    assert found.apart([D], [A]) == "d3"
    assert found.apart([A], [B]) is None
    assert found.apart([E], [A, B, C, D]) is None


def test_another_decision_that_says_the_same_holds_when_one_is_gone() -> None:
    found = Constraints([said(A, B, "different", "d1"), said(B, A, "different", "d2")])
    assert found.apart([A], [B]) == "d1"
    assert found.without("d1").apart([A], [B]) == "d2"
    assert not found.without("d1").without("d2")
    assert found.without("d2").also([said(A, C, "same", "d3")]).apart([C], [B]) == "d1"
