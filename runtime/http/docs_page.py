"""The documentation page at /schema: plain HTML made here.

The usual renderers (Scalar, Swagger UI, Redoc) are scripts from a content network, which does not work offline and runs
foreign code on our origin. The document itself is at /schema/openapi.json for any tool that reads OpenAPI 3.1.
"""

import json
import re
from collections.abc import Iterator
from html import escape
from http import HTTPStatus
from typing import Any

from litestar import Request, Response, Router
from litestar.openapi.plugins import OpenAPIRenderPlugin

from runtime.http.problems import NOT_FOUND, Problem

_CODE = re.compile(r"`([^`]+)`")
_STYLE = """
:root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
code,pre{font:14px/1.4 ui-monospace,monospace}pre{overflow:auto;padding:.75rem;border:1px solid #8884;border-radius:4px}
section{border-top:1px solid #8886;margin-top:2rem}table{border-collapse:collapse;width:100%}
td,th{text-align:left;vertical-align:top;padding:.25rem .75rem .25rem 0;border-bottom:1px solid #8883}
.m{display:inline-block;min-width:4rem;font-weight:700}
"""


def schema_router() -> Router:
    """Where the framework puts its schema routes; its HTML page for an unknown path becomes the usual problem."""

    def refuse_html(response: Response[Any]) -> Response[Any]:
        if response.status_code == HTTPStatus.NOT_FOUND:
            raise Problem(NOT_FOUND, "/schema is the page for people, /schema/openapi.json the document")
        return response

    return Router("/schema", route_handlers=[], after_request=refuse_html, include_in_schema=False)


class DocsPage(OpenAPIRenderPlugin):
    """Every operation with its parameters, body, answers and examples; no script, no network."""

    def __init__(self) -> None:
        super().__init__(path="/")

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:  # noqa: ARG002 - interface
        return "".join(_page(openapi_schema)).encode()


def _page(document: dict[str, Any]) -> Iterator[str]:
    title = escape(document["info"]["title"])
    yield "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>"
    yield f"<title>{title}</title><style>{_STYLE}</style><h1>{title}</h1>"
    yield f"<p>{_prose(document['info'].get('description'))}</p>"
    yield "<p>OpenAPI 3.1: <a href='/schema/openapi.json'>/schema/openapi.json</a> · errors: "
    yield "<a href='/problems'>/problems</a></p>"
    operations = _in_reading_order(document["paths"])
    yield "<ul>"
    for path, method, operation in operations:
        yield f"<li><a href='#{escape(operation['operationId'])}'>{method.upper()} <code>{escape(path)}</code></a> "
        yield f"{_prose(operation.get('summary'))}"
    yield "</ul>"
    for path, method, operation in operations:
        yield from _operation(path, method, operation)
    yield "<section><h2>Types</h2>"
    for name, schema in document.get("components", {}).get("schemas", {}).items():
        yield f"<details id='{escape(name)}'><summary><code>{escape(name)}</code></summary>{_json(schema)}</details>"
    yield "</section></html>"


def _in_reading_order(paths: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    """What a service is for comes first, health and the like last."""
    found = [
        (path, method, operation)
        for path, item in paths.items()
        for method, operation in item.items()
        if isinstance(operation, dict) and "responses" in operation
    ]
    return sorted(found, key=lambda one: "operations" in one[2].get("tags", ()))


def _prose(text: str | None) -> str:
    """Descriptions are Markdown; of that only code is used."""
    return _CODE.sub(r"<code>\1</code>", escape(text or ""))


def _operation(path: str, method: str, operation: dict[str, Any]) -> Iterator[str]:
    yield f"<section id='{escape(operation['operationId'])}'>"
    yield f"<h2><span class=m>{method.upper()}</span> <code>{escape(path)}</code></h2>"
    yield f"<p><b>{_prose(operation.get('summary'))}</b></p><p>{_prose(operation.get('description'))}</p>"
    if operation.get("security"):
        yield "<p>Needs the caller's token: <code>Authorization: Bearer …</code></p>"
    if parameters := operation.get("parameters"):
        yield "<table><tr><th>parameter<th>in<th>type<th>meaning"
        for each in parameters:
            required = " (required)" if each.get("required") else ""
            yield f"<tr><td><code>{escape(each['name'])}</code>{required}<td>{escape(each['in'])}"
            yield f"<td><code>{escape(_type(each.get('schema', {})))}</code><td>{_prose(each.get('description'))}"
        yield "</table>"
    if body := operation.get("requestBody"):
        yield f"<h3>Body</h3><p>{_prose(body.get('description'))}</p>" + "".join(_content(body))
    yield "<h3>Answers</h3><table>"
    for status, answer in operation["responses"].items():
        yield f"<tr><td><b>{status}</b><td>{_prose(answer.get('description'))}{''.join(_content(answer))}"
    yield "</table></section>"


def _content(holder: dict[str, Any]) -> Iterator[str]:
    for media_type, content in holder.get("content", {}).items():
        yield f"<div><code>{escape(media_type)}</code> {_reference(content.get('schema', {}))}</div>"
        for name, example in content.get("examples", {}).items():
            summary = escape(example.get("summary") or name)
            yield f"<details><summary>{summary}</summary>{_json(example.get('value'))}</details>"


def _reference(schema: dict[str, Any]) -> str:
    name = _type(schema)
    linked = "$ref" in schema or "$ref" in schema.get("items", {})
    target = escape(name.removesuffix("[]"))
    return f"<a href='#{target}'>{escape(name)}</a>" if linked else f"<code>{escape(name)}</code>"


def _type(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    for key in ("oneOf", "anyOf"):
        if key in schema:
            return " | ".join(_type(each) for each in schema[key])
    if schema.get("type") == "array":
        return f"{_type(schema.get('items', {}))}[]"
    if "enum" in schema:
        return " | ".join(str(each) for each in schema["enum"])
    return str(schema.get("format") or schema.get("type") or "any")


def _json(value: object) -> str:
    return f"<pre>{escape(json.dumps(value, indent=2, ensure_ascii=False))}</pre>"
