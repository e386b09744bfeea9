from typing import Any

import pytest

from schemas import loader
from streams.engine.spec import Decision, MaterializerSpec, ProcessorSpec, consumed_by
from streams.topology import MATERIALIZERS, PIPELINE, PROCESSORS


def nothing(*_: Any) -> Any:
    raise AssertionError("not called")


def test_a_processor_has_one_of_transform_lookup_and_state() -> None:
    ProcessorSpec("a", transform=nothing)
    ProcessorSpec("a", lookup=nothing)
    with pytest.raises(ValueError, match="processor a: give one of transform, lookup and state"):
        ProcessorSpec("a")
    with pytest.raises(ValueError, match="processor a: give one of transform, lookup and state"):
        ProcessorSpec("a", transform=nothing, lookup=nothing)


def test_topics_are_what_the_topic_files_say() -> None:
    spec = ProcessorSpec("entity_resolution", transform=nothing)
    assert spec.inputs == ("provider-items", "title-decisions")
    assert spec.outputs == ("titles",)
    assert ProcessorSpec("unknown", transform=nothing).inputs == ()
    assert consumed_by("materializer:title_search") == ("title-embeddings", "titles")


def materializer(name: str, *, dead_letters: bool) -> MaterializerSpec:
    return MaterializerSpec(name, nothing, nothing, nothing, "", "", dead_letters=dead_letters)


def test_dead_letters_are_those_of_the_processors_on_the_same_topics() -> None:
    assert materializer("provider_deliveries", dead_letters=False).dead_letter_inputs == ()
    spec = materializer("provider_deliveries", dead_letters=True)
    consumers = [unit for name in spec.inputs for unit in loader.topic(name).consumers]
    expected = {loader.dead_letter_topic(unit.split(":")[1]) for unit in consumers if unit.startswith("processor:")}
    assert set(spec.dead_letter_inputs) == expected
    assert len(spec.dead_letter_inputs) == len(expected) > 0


def test_decisions_do_not_share_their_lists() -> None:
    first, second = Decision(), Decision()
    assert first.events is not second.events
    assert first.traceparents is not second.traceparents


def test_everything_in_the_pipeline_has_inputs_and_every_output_a_producer() -> None:
    assert all(spec.inputs for spec in PIPELINE)
    assert all(spec.outputs for spec in PROCESSORS)
    assert len({spec.name for spec in PIPELINE}) == len(PIPELINE) == len(PROCESSORS) + len(MATERIALIZERS)
