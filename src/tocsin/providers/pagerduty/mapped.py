"""Is what the settings name at PagerDuty still there?

`GET /services/{id}` and `GET /escalation_policies/{id}` answer 404 for what was deleted (PagerDuty/api-schema@91a06fb,
2026-11-20). The routing keys of Events v2 can be asked nothing.
"""

from __future__ import annotations

import json
from urllib.parse import quote

from tocsin.core.ports import Call, Response
from tocsin.providers.pagerduty import options
from tocsin.providers.pagerduty.calls import request
from tocsin.providers.pagerduty.options import Settings

_KINDS = {
    "services": (("service_mappings",), "service_id"),
    "escalation_policies": (("policy_mappings", "escalation_mappings"), "escalation_policy_id"),
}
_WORDS = {"services": "service", "escalation_policies": "escalation policy"}


def calls(settings: Settings) -> list[Call]:
    """One read for each service and each escalation policy that is named, in the order of their paths."""
    if options.uses_events(settings):
        return []
    found: dict[str, list[str]] = {}
    for kind, (maps, single) in _KINDS.items():
        named = {
            f"custom.{mapping}.{name}": value
            for mapping in maps
            for name, value in options.table(settings, mapping).items()
        }
        named[f"custom.{single}"] = options.word(settings, single)
        for field, value in named.items():
            if isinstance(value, str) and value:
                found.setdefault(f"/{kind}/{quote(value, safe='')}", []).append(field)
    return [
        Call(request(settings, "GET", path), "|".join(fields), reads=True) for path, fields in found.items()
    ]


def missing(call: Call, answer: Response) -> str:
    """ "the service PGONE01 is not at PagerDuty (404)", or "" """
    if answer.status != 404 or not hasattr(call.send, "url"):
        return ""
    *_, kind, name = call.send.url.split("/")
    return f"the {_WORDS[kind]} {name} is not at PagerDuty (404)"


def title_of(answer: Response) -> str:
    """ "API Service", as an answer to one of these calls has it."""
    try:
        body = json.loads(answer.body)
    except ValueError:
        return ""
    found = next(iter(body.values()), None) if isinstance(body, dict) else None
    name = (found.get("name") or found.get("summary")) if isinstance(found, dict) else None
    return name if isinstance(name, str) else ""
