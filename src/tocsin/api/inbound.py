"""How is the hot path described? intake.py answers without the framework, so its addresses are written down here."""

from __future__ import annotations

from typing import Any

from tocsin.api.once import PARAMETER
from tocsin.api.routes.answers import open_problems, problems

_TEXT = {"type": "string"}
_TEXTS = {"type": "array", "items": _TEXT}
_JSON = "application/json"

SCHEMAS: dict[str, Any] = {
    "NewAlert": {
        "type": "object",
        "title": "NewAlert",
        "required": ["title"],
        "description": "One alert. A field not named here is kept among the details.",
        "properties": {
            "title": _TEXT,
            "source": _TEXT,
            "severity": {
                **_TEXT,
                "description": "critical, high, medium, low, SEV-1 … SEV-4, or a sender's own word.",
            },
            "service_name": {"anyOf": [_TEXT, _TEXTS]},
            "dedup_key": _TEXT,
            "description": _TEXT,
            "team": _TEXT,
            "labels": {"type": "object", "additionalProperties": _TEXT},
            "tags": _TEXTS,
            "links": {
                "type": "array",
                "items": {"type": "object", "properties": {"href": _TEXT, "text": _TEXT}},
            },
            "details": {"type": "object"},
            "action": {"enum": ["create", "acknowledge", "resolve"], "default": "create"},
            "sent_at": {**_TEXT, "format": "date-time"},
            "note": _TEXT,
        },
    },
    "Accepted": {
        "type": "object",
        "title": "Accepted",
        "description": "Stored. With `?wait=decision` also incident, severity, route and reasons.",
        "properties": {
            "alert_id": {"anyOf": [{**_TEXT, "format": "uuid"}, {"type": "null"}]},
            "correlation_id": {"anyOf": [_TEXT, {"type": "null"}]},
            "status": {"anyOf": [_TEXT, {"type": "null"}]},
            "duplicate": {"type": "boolean"},
        },
    },
    "AcceptedBatch": {
        "type": "object",
        "title": "AcceptedBatch",
        "properties": {"items": {"type": "array", "items": {"$ref": "#/components/schemas/Accepted"}}},
    },
}


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


def _answer(text: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": text, "content": {_JSON: {"schema": schema}}}


def _post(
    name: str, summary: str, text: str, body: dict[str, Any], responses: dict[Any, Any], *, token: bool
) -> dict[str, Any]:
    said: dict[str, Any] = {
        "tags": ["inbound"], "summary": summary, "description": text, "operationId": name,
        "requestBody": {"required": True, "content": body},
        "responses": {str(status): answer for status, answer in responses.items()},
    }  # fmt: skip
    return said | ({"security": [{"token": []}, {"session": []}]} if token else {})


def _parameter(name: str, text: str, where: str = "path", **schema: Any) -> dict[str, Any]:
    return {
        "name": name,
        "in": where,
        "required": where == "path",
        "description": text,
        "schema": schema or _TEXT,
    }


def paths() -> dict[str, Any]:
    """The addresses that events and webhooks come in by."""
    new: dict[str, Any] = {_JSON: {"schema": _ref("NewAlert")}}
    any_body: dict[str, Any] = {_JSON: {"schema": {}}}
    batch = {
        _JSON: {"schema": {"type": "array", "items": _ref("NewAlert")}},
        "application/x-ndjson": {"schema": _TEXT},
    }
    stored = _answer("Stored.", _ref("Accepted"))
    refused = problems("bad_input", "too_large", "busy", "unavailable")
    keyed = open_problems("not_allowed", "not_found", "too_large", "busy", "unavailable", "database_away")
    alert = _post(
        "send_alert", "Send an alert", "Answered once it is on disk.", new,
        {200: _answer("Decided (`?wait=decision`).", _ref("Accepted")), 202: stored, **refused}, token=True,
    )  # fmt: skip
    alert["parameters"] = [
        _parameter("wait", "`decision` waits for it.", "query", enum=["decision"]),
        PARAMETER,
    ]
    many = _post(
        "send_alerts", "Send many alerts", "A JSON array or NDJSON: all are stored, or none.", batch,
        {202: _answer("Stored, in their order.", _ref("AcceptedBatch")), **refused}, token=True,
    )  # fmt: skip
    many["parameters"] = [PARAMETER]
    event = _post(
        "send_event", "Send an event of an integration", "In the format of its source.", any_body,
        {202: _answer("Stored.", _ref("AcceptedBatch")), **keyed}, token=False,
    )  # fmt: skip
    event["parameters"] = [_parameter("key", "The integration's key.")]
    hook = _post(
        "receive_webhook", "A provider's webhook", "Signed or keyed as the provider does it.", any_body,
        {202: _answer("Stored.", {}), **keyed}, token=False,
    )  # fmt: skip
    hook["parameters"] = [_parameter("name", "The connector.")]
    dialect = {202: _answer("As PagerDuty answers.", {}), 400: _answer("As PagerDuty answers.", {})}
    about = "PagerDuty's Events API v2; `routing_key` is an integration's key."
    return {
        "/api/v1/alerts": {"post": alert},
        "/api/v1/alerts/batch": {"post": many},
        "/integrations/{key}": {"post": event},
        "/connectors/{name}/webhook": {"post": hook},
        "/v2/enqueue": {"post": _post("enqueue", "PagerDuty event", about, any_body, dialect, token=False)},
        "/v2/change/enqueue": {
            "post": _post("enqueue_change", "PagerDuty change event", about, any_body, dialect, token=False)
        },
    }
