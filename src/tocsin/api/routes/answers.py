"""Which problems can an address answer? Said once, for the description of the API."""

from __future__ import annotations

from typing import Any

from tocsin.api.problems import MEDIA_TYPE, STATUS

_WHEN = {
    "not_allowed": "No token, or one that is unknown, revoked or over.",
    "forbidden": "The role is too small, or it belongs to another team.",
    "last_admin": "Nobody would be left who may.",
    "too_many_attempts": "This address was wrong too often; come again after Retry-After seconds.",
    "bad_input": "A field is missing, of the wrong type or out of range; `faults` names it.",
    "not_found": "There is no such thing.",
    "conflict": "The present state does not allow it.",
    "provider_away": "The provider did not answer; what it did is not known.",
    "too_large": "The body is over 1 MiB.",
    "unsafe": "It would cost pages now; `faults` says what is at stake, and force=true does it all the same.",
    "busy": "The queue or the disk is full, and nothing was kept; come again after Retry-After seconds.",
    "unavailable": "Not now: this hub is stopping, or what it needs is not there; come again after Retry-After seconds.",
    "database_away": "The database cannot be reached; nothing was changed.",
}


def problems(*codes: str) -> dict[int | str, dict[str, Any]]:
    """OpenAPI responses for these codes, and for those that every address may answer."""
    listed = ("not_allowed", "forbidden", *codes, "database_away")
    return {STATUS[code]: _one(code) for code in dict.fromkeys(listed)}


def open_problems(*codes: str) -> dict[int | str, dict[str, Any]]:
    """The same for an address that asks for no token."""
    return {STATUS[code]: _one(code) for code in codes}


def _one(code: str) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Problem"}
    return {"description": _WHEN[code], "content": {MEDIA_TYPE: {"schema": schema}}}
