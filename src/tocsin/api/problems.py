"""What does a caller see of a refusal? A problem document (RFC 9457); status codes live here alone."""

from __future__ import annotations

import http
import json
from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from tocsin.core.errors import BadInput, FieldFault, Later, NotAllowed, NotFound, Refusal, TooLarge
from tocsin.engine.hub import Hub, log
from tocsin.engine.ids import new_id
from tocsin.store.database import DatabaseAway

MEDIA_TYPE = "application/problem+json"
_TYPES = "https://tocsin.dev/problems/"

STATUS: dict[str, int] = {
    "bad_input": 422,
    "not_found": 404,
    "conflict": 409,
    "unsafe": 409,
    "key_in_use": 409,
    "key_reused": 422,
    "not_allowed": 401,
    "forbidden": 403,
    "too_large": 413,
    "method_not_allowed": 405,
    "last_admin": 409,
    "busy": 429,
    "too_many_attempts": 429,
    "unavailable": 503,
    "quarantined": 503,
    "provider_away": 502,
    "database_away": 503,
    "refused": 500,
    "internal": 500,
}
"""Code of a refusal -> status. To a sender 429 means that the queue or the disk is full, and nothing
else (S17); who shows wrong tokens or codes without end gets it too."""

_TITLES = {
    "bad_input": "The request is not right",
    "not_found": "There is no such thing",
    "conflict": "The present state does not allow it",
    "unsafe": "Somebody would not be paged",
    "key_in_use": "The same request is under way",
    "key_reused": "This Idempotency-Key was used for something else",
    "not_allowed": "Who are you?",
    "forbidden": "You may not",
    "too_large": "Too large",
    "method_not_allowed": "Not with this method",
    "busy": "Too busy",
    "too_many_attempts": "Wrong too often",
    "last_admin": "Somebody must be left who may",
    "unavailable": "Not now",
    "quarantined": "Kept aside",
    "provider_away": "The provider does not answer",
    "database_away": "The database is away",
}

_SECRET_AFTER = ("/ack/", "/integrations/")

Raw = tuple[int, list[tuple[bytes, bytes]], bytes]


class Forbidden(NotAllowed):
    """Known, but without the role, for another team, or without the header that a browser's write needs."""

    code = "forbidden"


class _MethodNotAllowed(Refusal):
    code = "method_not_allowed"


class _Internal(Refusal):
    code = "internal"


def raw(fault: Refusal | DatabaseAway) -> Raw:
    """(status, headers, body) of a refusal, for a bare ASGI application."""
    refusal = _away() if isinstance(fault, DatabaseAway) else fault
    status = STATUS.get(refusal.code, 500)
    headers = [(b"content-type", MEDIA_TYPE.encode()), (b"cache-control", b"no-store")]
    if isinstance(refusal, Later):
        headers.append((b"retry-after", str(refusal.retry_after_seconds).encode()))
    if status == 401:
        headers.append((b"www-authenticate", b'Bearer realm="tocsin"'))
    return (
        status,
        headers,
        json.dumps(document(refusal, status), ensure_ascii=False).encode("utf-8", "replace"),
    )


def document(refusal: Refusal, status: int) -> dict[str, Any]:
    """The problem document itself."""
    return {
        "type": f"{_TYPES}{refusal.code}",
        "title": _TITLES.get(refusal.code, "It did not work"),
        "status": status,
        "detail": refusal.message,
        "code": refusal.code,
        "faults": [{"field": f.field, "message": f.message, "line": f.line} for f in refusal.faults],
        "hint": refusal.hint,
    }


class _Away(Later):
    code = "database_away"


def _away() -> Later:
    return _Away(
        "The database cannot be reached; nothing was changed",
        retry_after_seconds=5,
        hint="`im doctor` and /readyz tell when it is back",
    )


def response(fault: Refusal | DatabaseAway) -> Response:
    """The same as a response of the framework."""
    status, headers, body = raw(fault)
    return Response(body, status, {name.decode(): value.decode() for name, value in headers})


def shown_path(path: str) -> str:
    """An address as it may stand in a log: what is a secret in it left out."""
    kept = next((start for start in _SECRET_AFTER if path.startswith(start)), None)
    return f"{kept}…" if kept else path


def install(app: FastAPI, hub: Hub) -> None:
    """Every way to fail ends in a problem document."""

    async def refused(_: Request, fault: Exception) -> Response:
        assert isinstance(fault, (Refusal, DatabaseAway))
        return response(fault)

    async def invalid(_: Request, fault: Exception) -> Response:
        assert isinstance(fault, RequestValidationError)
        return response(from_validation(fault.errors()))

    async def framework(request: Request, fault: Exception) -> Response:
        assert isinstance(fault, HTTPException)
        return _of_framework(request, fault)

    async def broken(request: Request, fault: Exception) -> Response:
        mark = str(new_id(hub.now()))
        log.error(
            "request_failed",
            id=mark,
            path=shown_path(request.url.path),
            fault=type(fault).__name__,
            exc_info=fault,
        )
        text = f"A fault of ours; it is in the log under {mark}"
        return response(_Internal(text, hint="tell whoever runs this hub, with that id"))

    app.add_exception_handler(Refusal, refused)
    app.add_exception_handler(DatabaseAway, refused)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, framework)
    app.add_exception_handler(Exception, broken)


def _of_framework(request: Request, fault: HTTPException) -> Response:
    path = request.url.path
    if fault.status_code == STATUS["not_found"]:
        return response(NotFound(f"There is nothing at {path}", hint="/docs lists every address"))
    if fault.status_code == STATUS["method_not_allowed"]:
        answer = response(_MethodNotAllowed(f"{path} does not take {request.method}"))
        answer.headers.update(fault.headers or {})
        return answer
    if fault.status_code == STATUS["too_large"]:
        return response(TooLarge("The body is larger than this address takes", hint="at most 1 MiB"))
    if fault.status_code < http.HTTPStatus.INTERNAL_SERVER_ERROR:
        return response(BadInput(str(fault.detail)))
    return response(_Internal(str(fault.detail)))


def from_validation(errors: Sequence[Any]) -> BadInput:
    """A refusal that names every field, from what pydantic found."""
    faults = tuple(FieldFault(_field(e), _words(e)) for e in errors)
    names = ", ".join(dict.fromkeys(fault.field for fault in faults))
    return BadInput(f"Not right: {names}; nothing was changed", faults=faults)


def _field(error: Any) -> str:
    where = [str(part) for part in error.get("loc", ())]
    if error.get("type") == "json_invalid":
        return "body"
    if len(where) > 1 and where[0] in ("body", "query", "path", "header", "cookie"):
        where = where[1:]
    return ".".join(where) or "body"


def _words(error: Any) -> str:
    kind = error.get("type")
    if kind == "missing":
        return "is required"
    if kind == "extra_forbidden":
        return "is not known here"
    if kind == "json_invalid":
        return f"is not JSON: {error.get('ctx', {}).get('error', '')}"
    if kind == "model_attributes_type" or kind == "dict_type":
        return "must be a JSON object, with Content-Type: application/json"
    message = str(error.get("msg", "is not right"))
    return message.removeprefix("Value error, ").replace("Input should", "should")
