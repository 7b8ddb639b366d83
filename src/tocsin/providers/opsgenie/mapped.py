"""Is whom the settings name at Opsgenie still there?

`GET /v2/teams|users|escalations|schedules/{identifier}`, with `identifierType=name` but for users, answers 404 for
what was deleted (https://docs.opsgenie.com/docs/team-api, user-api, escalation-api, schedule-api, 2026-11-20). They
need a key with configuration access; without it the answer is 403, and nobody can tell.
"""

from __future__ import annotations

import json
from urllib.parse import quote, unquote

from tocsin.core.model import Json
from tocsin.core.ports import Call, Request, Response
from tocsin.providers.opsgenie import acts, options
from tocsin.providers.opsgenie.options import Settings

_MAPS = ("service_mappings", "policy_mappings", "escalation_mappings")


def calls(settings: Settings) -> list[Call]:
    """One read for each team, user, escalation and schedule that is named; none for JSM, whose API of events
    knows none of them."""
    if options.is_jsm(settings):
        return []
    found: dict[str, list[str]] = {}
    for mapping in _MAPS:
        for name, value in options.table(settings, mapping).items():
            for written in value if isinstance(value, list | tuple) else [value]:
                if path := _path(written):
                    found.setdefault(path, []).append(f"custom.{mapping}.{name}")
    return [
        Call(acts.request(settings, "GET", path), "|".join(dict.fromkeys(fields)), reads=True)
        for path, fields in found.items()
    ]


def _path(written: Json) -> str:
    one = options.responder(written)
    if one is None:
        return ""
    by = "?identifierType=name" if "name" in one else ""
    named = one.get("name") or one.get("username") or one["id"]
    return f"/v2/{one['type']}s/{quote(named, safe='')}{by}"


def missing(call: Call, answer: Response) -> str:
    """ "the team Payments is not at Opsgenie (404)", or "" """
    if answer.status != 404 or not hasattr(call.send, "url"):
        return ""
    return f"the {' '.join(named(call))} is not at Opsgenie (404)"


def named(call: Call) -> tuple[str, str]:
    """("team", "Payments"): what one of these calls asks for."""
    *_, kind, name = (
        call.send.url.partition("?")[0].split("/") if isinstance(call.send, Request) else ("", "")
    )
    return kind.removesuffix("s"), unquote(name)


def title_of(answer: Response) -> str:
    """ "Payments", as an answer to one of these calls has it; of a user the full name."""
    try:
        body = json.loads(answer.body)
    except ValueError:
        return ""
    found = body.get("data") if isinstance(body, dict) else None
    name = (found.get("name") or found.get("fullName")) if isinstance(found, dict) else None
    return name if isinstance(name, str) else ""
