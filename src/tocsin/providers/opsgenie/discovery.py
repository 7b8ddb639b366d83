"""Which teams, escalations and schedules does the account have?

`GET /v2/teams`, `/v2/escalations`, `/v2/schedules`, each whole and with configuration access alone
(https://docs.opsgenie.com/docs/team-api, escalation-api, schedule-api, 2026-11-20).
"""

from __future__ import annotations

from tocsin.core.checks import Found, Heard, Thing
from tocsin.core.ports import Call, Response
from tocsin.providers.opsgenie import acts, answers
from tocsin.providers.opsgenie.options import Settings

_KINDS = {
    "teams": ("team", "service_mappings"),
    "escalations": ("escalation", "policy_mappings"),
    "schedules": ("schedule", "policy_mappings"),
}


def calls(settings: Settings, heard: Heard) -> list[Call]:
    """One list of each kind."""
    return [
        Call(acts.request(settings, "GET", f"/v2/{kind}"), kind, reads=True)
        for kind in _KINDS
        if kind not in heard
    ]


def found(heard: Heard) -> Found:
    """What they list."""
    things: list[Thing] = []
    fault = "" if heard else "no answer in time"
    for kind, answer in heard.items():
        if refusal := answers.not_done(answer, (), act=False):
            status = answer.status if isinstance(answer, Response) else 0
            fault = "the API key has no configuration access (403)" if status == 403 else refusal.reason
            continue
        body = answers.mapping(answers.json_of(answer.body)) if isinstance(answer, Response) else {}
        word, setting = _KINDS[kind]
        things += [
            Thing(
                kind=word, id=answers.text(one.get("id")), name=name, value=f"{word}:{name}", setting=setting
            )
            for one in answers.items(body.get("data"))
            if (name := answers.text(one.get("name")))
        ]
    return Found(things=tuple(things), fault=fault)
