"""`/api/openapi.json`: the OpenAPI 3.1 document, generated from the table of operations and the response types."""

from __future__ import annotations

import re
from functools import cache
from typing import Any, Final

import msgspec
from aiohttp import web

from api.description import INTEGER, TEXT, Operation
from api.http import BODY_MAX, json_response
from api.operations import OPERATIONS
from api.roles import access_of
from base.plain_json import JsonObject

EVERYWHERE: Final = (400, 401, 403, 405, 413, 415, 429)  # the responses of the guard and of `read_body`
MEANINGS: Final = {
    101: "The connection is a WebSocket now.",
    200: "Done.",
    202: "Begun.",
    303: "Done; the page is at the new address.",
    400: "Bad input; the message names the field.",
    401: "The token is missing or wrong.",
    403: "A foreign Host or Origin, or a change by a reader.",
    404: "There is no such thing.",
    405: "The path has no such method.",
    409: "Not in this state.",
    410: "It was used, or its time is over.",
    413: f"A body of more than {BODY_MAX} bytes.",
    415: "Not application/json.",
    422: "The file cannot be edited safely.",
    429: "Too many wrong tokens from this address.",
    503: "The disk takes no writes, or a bound is reached.",
}
_PARAMETER: Final = re.compile(r"\{(\w+)\}")


class ErrorDetail(msgspec.Struct):
    """`code` is for programs, `message` for people."""

    code: str
    message: str


class ErrorResponse(msgspec.Struct):
    error: ErrorDetail


@cache
def document() -> JsonObject:
    """Return the document, which is generated once."""
    kinds = [ErrorResponse, *(kind for row in OPERATIONS for kind in (*_kinds(row.response), *_kinds(row.body)))]
    schemas, components = msgspec.json.schema_components(kinds, ref_template="#/components/schemas/{name}")
    of = {repr(kind): schema for kind, schema in zip(kinds, schemas, strict=True)}
    paths: dict[str, JsonObject] = {}
    for row in OPERATIONS:
        paths.setdefault(row.path, {})[row.method] = _operation(row, of)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Sprint Runner",
            "version": "1",
            "description": "JSON in, JSON out. Actions are sent as application/json, by a page of this server or none.",
        },
        "paths": paths,
        # Defaults of fields are Python values, such as empty tuples: as JSON has them.
        "components": {
            "schemas": msgspec.json.decode(msgspec.json.encode(components)),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{}, {"token": []}],
    }


def _operation(row: Operation, of: JsonObject) -> JsonObject:
    error = {"application/json": {"schema": of[repr(ErrorResponse)]}}
    good = {"description": MEANINGS[row.status], **_content(row.response, of)}
    bad = {str(code): {"description": MEANINGS[code], "content": error} for code in sorted({*EVERYWHERE, *row.errors})}
    made = {
        "operationId": _name(row),
        "summary": row.summary,
        "x-access": access_of(row.method.upper(), row.path).value,
        "parameters": [*_path_parameters(row), *_query_parameters(row)],
        "responses": {str(row.status): good, **bad},
    }
    if row.body is not None:
        made["requestBody"] = {"content": {"application/json": {"schema": of[repr(row.body)]}}}
    return made


def _content(kind: Any, of: JsonObject) -> JsonObject:
    if kind == "":
        return {}
    if isinstance(kind, str):
        return {"content": {kind: {"schema": TEXT}}}
    schemas = [of[repr(one)] for one in _kinds(kind)]
    return {"content": {"application/json": {"schema": schemas[0] if len(schemas) == 1 else {"anyOf": schemas}}}}


def _kinds(kind: Any) -> tuple[Any, ...]:
    """Return the JSON types of a response; none for a media type or an empty response."""
    if kind is None or isinstance(kind, str):
        return ()
    return kind if isinstance(kind, tuple) else (kind,)


def _path_parameters(row: Operation) -> list[JsonObject]:
    names = _PARAMETER.findall(row.path)
    return [
        {"name": name, "in": "path", "required": True, "schema": INTEGER if name == "id" else TEXT} for name in names
    ]


def _query_parameters(row: Operation) -> list[JsonObject]:
    return [{"name": name, "in": "query", "schema": schema} for name, schema in row.query.items()]


def _name(row: Operation) -> str:
    words = [word for word in re.split(r"\W+", row.path) if word]
    return "_".join([row.method, *words]) if words else f"{row.method}_page"


async def get_document(_request: web.Request) -> web.Response:
    return json_response(document())


ROUTES: Final = [web.get("/api/openapi.json", get_document)]
