"""How does the simulated Opsgenie say no, and which bodies does it refuse at the door?

Shapes: docs.opsgenie.com "response" and "alert-api" (researched 2026-11-20). Opsgenie may cut over-long fields rather than
refuse them; the sandbox refuses, so that a connector that does not cut is found out.
"""

from __future__ import annotations

from typing import Any

from aiohttp import web

Json = dict[str, Any]
UNPROCESSABLE = "Request body is not processable. Please check the errors."
PRIORITIES = ("P1", "P2", "P3", "P4", "P5")
_LENGTHS = {
    "message": 130,
    "alias": 512,
    "description": 15_000,
    "entity": 512,
    "source": 100,
    "user": 100,
    "note": 25_000,
}
_LISTS = {"responders": 50, "visibleTo": 50, "actions": 10, "tags": 20}
_RESPONDERS = ("team", "user", "escalation", "schedule")


class Refusal(Exception):
    """An answer that is not a success. `took` and `requestId` are added at the door."""

    def __init__(
        self,
        status: int,
        message: str,
        errors: Json | None = None,
        code: int | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers or {}
        self.body: Json = {
            "message": message,
            "took": 0.001,
            "requestId": "00000000-0000-4000-8000-000000000000",
        }
        if code is not None:
            self.body["code"] = code
        if errors:
            self.body["errors"] = errors

    def response(self) -> web.Response:
        return web.json_response(self.body, status=self.status, headers=self.headers)


def unprocessable(**errors: str) -> Refusal:
    return Refusal(422, UNPROCESSABLE, dict(errors))


def check_create(body: Json) -> None:
    """Raise 422 naming every field of a create that cannot be taken."""
    errors = _length_errors(body)
    message = body.get("message")
    if not isinstance(message, str) or not message.strip():
        errors["message"] = "Message can not be empty."
    if body.get("priority") not in (None, *PRIORITIES):
        errors["priority"] = "should be one of [ P1, P2, P3, P4, P5 ]"
    for name, most in _LISTS.items():
        value = body.get(name)
        if value is not None and (not isinstance(value, list) or len(value) > most):
            errors[name] = f"should be a list of at most {most} entries"
    if not isinstance(body.get("details", {}) or {}, dict):
        errors["details"] = "should be a map of string to string"
    elif sum(len(str(k)) + len(str(v)) for k, v in (body.get("details") or {}).items()) > 8000:
        errors["details"] = "should be at most 8000 characters in total"
    if isinstance(body.get("tags"), list) and any(len(str(tag)) > 50 for tag in body["tags"]):
        errors["tags"] = "each tag should be at most 50 characters"
    if isinstance(body.get("responders"), list) and (problem := _responder_error(body["responders"])):
        errors["responders"] = problem
    if errors:
        raise Refusal(422, UNPROCESSABLE, errors)


def check_action(body: Json) -> None:
    """Raise 422 for over-long user, source or note of an action."""
    if errors := _length_errors({name: body.get(name) for name in ("user", "source", "note")}):
        raise Refusal(422, UNPROCESSABLE, errors)


def _length_errors(body: Json) -> Json:
    return {
        name: f"can not be longer than {most} characters."
        for name, most in _LENGTHS.items()
        if isinstance(body.get(name), str) and len(body[name]) > most
    }


def _responder_error(responders: list[Any]) -> str | None:
    for responder in responders:
        if not isinstance(responder, dict) or responder.get("type") not in _RESPONDERS:
            return "type should be one of [ team, user, escalation, schedule ]"
        if not any(responder.get(name) for name in ("id", "name", "username")):
            return "id, name or username should be provided"
    return None
