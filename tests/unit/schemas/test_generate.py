from typing import Any

import pytest

from schemas import generate, loader


@pytest.mark.parametrize(
    ("schema", "annotation"),
    [
        ("string", "str"),
        ("long", "int"),
        (["null", "double"], "float | None"),
        ({"type": "long", "logicalType": "timestamp-millis"}, "datetime"),
        (["null", {"type": "long", "logicalType": "timestamp-millis"}], "datetime | None"),
        ({"type": "array", "items": "n.v1.Seat"}, "tuple[Seat, ...]"),
        ({"type": "enum", "name": "Mood", "symbols": ["glad"]}, "Mood"),
        ({"type": "bytes"}, "bytes"),
    ],
)
def test_annotation(schema: Any, annotation: str) -> None:
    assert generate.python_type(schema) == annotation


@pytest.mark.parametrize(
    "schema",
    [["string", "null"], ["null", "string", "int"], {"type": "map", "values": "int"}, {"type": "fixed", "size": 4}],
)
def test_types_without_a_python_form_are_refused(schema: Any) -> None:
    with pytest.raises(loader.ContractError):
        generate.python_type(schema)


def test_struct_carries_docs_and_defaults() -> None:
    fields = [
        {"name": "row", "type": "int", "doc": "From the front."},
        {"name": "label", "type": "string", "doc": "Shown.", "default": "free"},
        {"name": "tags", "type": {"type": "array", "items": "string"}, "doc": "Tags.", "default": []},
        {"name": "code", "type": "bytes", "doc": "Bar code.", "default": "\u00ff"},
        {"name": "price", "type": ["null", "double"], "doc": "Euro.", "default": None},
        {"name": "aisle", "type": "boolean", "doc": "At the aisle.", "default": False},
    ]
    text = generate.render_record({"name": "Seat", "namespace": "n.v1", "doc": "A seat.", "fields": fields}, event=True)
    namespace: dict[str, Any] = {}
    exec("from typing import ClassVar\nfrom msgspec import Struct\n" + text, namespace)  # noqa: S102 - our own output
    seat = namespace["Seat"](row=3)
    assert (seat.row, seat.label, seat.tags, seat.code, seat.price, seat.aisle) == (3, "free", (), b"\xff", None, False)
    assert namespace["Seat"].RECORD == "n.v1.Seat"
    assert namespace["Seat"].__doc__ == "A seat."
    assert '"""From the front."""' in text


def test_check_names_the_stale_file_and_the_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["generate", "--check"])
    assert generate.main() == 0
    rendered = {path: text + "\n" for path, text in generate.render().items()}
    monkeypatch.setattr(generate, "render", lambda: rendered)
    assert generate.main() == 1
    assert "schemas/types/catalog.py is stale: run `make schemas`" in capsys.readouterr().err
