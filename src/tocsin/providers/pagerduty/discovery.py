"""Which services and escalation policies does the account have?

`GET /services`, `GET /escalation_policies`, paged by offset and `more`: PagerDuty/api-schema@91a06fb (2026-11-20).
"""

from __future__ import annotations

from tocsin.core.checks import Found, Heard, Thing
from tocsin.core.ports import Call, Response
from tocsin.providers.pagerduty import answers, options
from tocsin.providers.pagerduty.options import Settings
from tocsin.providers.pagerduty.rest import request

PAGE, MOST_PAGES = 100, 10
_KINDS = {
    "services": ("service", "service_mappings"),
    "escalation_policies": ("escalation policy", "policy_mappings"),
}


def calls(settings: Settings, heard: Heard) -> list[Call]:
    """The first pages, then each page after one that says there is more."""
    if options.uses_events(settings):
        return []
    return [call for kind in _KINDS for call in _of(settings, kind, heard)]


def _of(settings: Settings, kind: str, heard: Heard) -> list[Call]:
    offsets = [int(step.partition(":")[2]) for step in heard if step.startswith(f"{kind}:")]
    following = max(offsets, default=-PAGE) + PAGE
    if offsets:
        answer = heard[f"{kind}:{following - PAGE}"]
        body = answers.mapping(answers.json_of(answer.body)) if isinstance(answer, Response) else {}
        if body.get("more") is not True or len(offsets) >= MOST_PAGES:
            return []
    query = f"limit={PAGE}&offset={following}"
    return [Call(request(settings, "GET", f"/{kind}", query=query), f"{kind}:{following}", reads=True)]


def found(settings: Settings, heard: Heard) -> Found:
    """What the pages list."""
    if options.uses_events(settings):
        return Found(fault="Events v2 lists nothing: give api_key")
    things: list[Thing] = []
    fault = "" if heard else "no answer in time"
    for step, answer in heard.items():
        kind = step.partition(":")[0]
        if refusal := answers.not_done(answer, (), act=False):
            fault = refusal.reason
            continue
        body = answers.mapping(answers.json_of(answer.body)) if isinstance(answer, Response) else {}
        word, setting = _KINDS[kind]
        things += [
            Thing(
                kind=word, id=answers.text(one.get("id")), name=answers.text(one.get("name")) or answers.text(one.get("summary")),
                value=answers.text(one.get("id")), setting=setting, address=answers.text(one.get("html_url")),
            )
            for one in answers.items(body.get(kind))
            if answers.text(one.get("id"))
        ]  # fmt: skip
    return Found(things=tuple(things), fault=fault)
