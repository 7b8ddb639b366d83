"""Who is on call at PagerDuty for a service of ours?

Three reads: the service (its escalation policy), the policy (its rules and their delays), and `GET /oncalls` for that
policy, which resolves schedules, overrides and layers. Contract: PagerDuty/api-schema@91a06fb (2026-11-20); /oncalls has
a rate limit of its own, and gives a shift without `start` and `end` to whoever is always on call.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from urllib.parse import quote, urlencode

from tocsin.core.model import Json
from tocsin.core.oncall import Question, Roster, Rung, Shift, Told, Unknown
from tocsin.core.ports import Call
from tocsin.providers.pagerduty import answers, incidents, options
from tocsin.providers.pagerduty.options import Settings
from tocsin.providers.pagerduty.rest import request

PAGE = 100
MOST_PAGES = 5
_USERS = ("include[]", "users")
_HOLDS = {"service": "service", "policy": "escalation_policy", "oncalls": "oncalls"}


def place(service: str, settings: Settings) -> str:
    """ "service PPAY001", or "policy PLEAD01" where the connector names one for all that it creates; "" over Events v2,
    which can read nothing."""
    if options.uses_events(settings):
        return ""
    if policy := options.word(settings, "escalation_policy_id"):
        return f"policy {policy}"
    mappings = options.table(settings, "service_mappings")
    for value in (mappings.get(service), mappings.get("default"), options.word(settings, "service_id")):
        if isinstance(value, str) and value:
            return f"service {value}"
    return ""


def ask(question: Question, told: Told, settings: Settings) -> list[Call] | Roster | Unknown:
    """The next reads, or what they say."""
    for call, answer in told:
        if refusal := answers.not_done(answer, options.secrets(settings), act=False):
            return Unknown(f"{call.step}: {refusal.reason}")
        body = answers.mapping(answers.json_of(answer.body))
        if not isinstance(body.get(_HOLDS[call.step]), list if call.step == "oncalls" else dict):
            return Unknown(
                f"{call.step}: the answer is not PagerDuty's: check base_url and any proxy between"
            )
    kind, _, name = question.place.partition(" ")
    policy_id = name if kind == "policy" else ""
    if kind == "service":
        service = _of(told, "service")
        if service is None:
            path = f"/services/{quote(name, safe='')}"
            return [Call(request(settings, "GET", path), "service", reads=True)]
        policy_id = answers.text(answers.mapping(service, "escalation_policy").get("id"))
        if not policy_id:
            return Unknown(f"the service {name} names no escalation policy: give it one at PagerDuty")
    policy, pages = _of(told, "policy"), [body for step, body in _bodies(told) if step == "oncalls"]
    calls = []
    if policy is None:
        path = f"/escalation_policies/{quote(policy_id, safe='')}"
        calls.append(Call(request(settings, "GET", path), "policy", reads=True))
    if not pages or (pages[-1].get("more") is True and len(pages) < MOST_PAGES):
        calls.append(_oncalls(question, policy_id, len(pages) * PAGE, settings))
    if calls:
        return calls
    assert policy is not None
    entries = [entry for page in pages for entry in answers.items(page.get("oncalls"))]
    return Roster(
        policy=answers.text(policy.get("name")) or policy_id,
        since=question.since,
        until=question.until,
        shifts=tuple(one for entry in entries if (one := _shift(entry))),
        rungs=tuple(_rungs(policy)),
    )


def _oncalls(question: Question, policy: str, offset: int, settings: Settings) -> Call:
    query = urlencode(
        [
            ("escalation_policy_ids[]", policy),
            _USERS,
            ("since", _iso(question.since)),
            ("until", _iso(question.until)),
            ("limit", str(PAGE)),
            ("offset", str(offset)),
        ]
    )
    return Call(request(settings, "GET", "/oncalls", query=query), "oncalls", reads=True)


def _bodies(told: Told) -> list[tuple[str, Mapping[str, Json]]]:
    return [(call.step, answers.mapping(answers.json_of(answer.body))) for call, answer in told]


def _of(told: Told, step: str) -> Mapping[str, Json] | None:
    return next((answers.mapping(body, _HOLDS[step]) for name, body in _bodies(told) if name == step), None)


def _shift(entry: Mapping[str, Json]) -> Shift | None:
    user, level = answers.mapping(entry, "user"), entry.get("escalation_level")
    name = answers.text(user.get("name")) or answers.text(user.get("summary"))
    person = answers.text(user.get("email")) or name
    if not person or not isinstance(level, int) or isinstance(level, bool):
        return None
    return Shift(
        level=level,
        person=person,
        name=name,
        schedule=answers.text(answers.mapping(entry, "schedule").get("summary")),
        start=incidents.instant(entry.get("start")),
        end=incidents.instant(entry.get("end")),
    )


def _rungs(policy: Mapping[str, Json]) -> list[Rung]:
    """A rule's delay is how long its own targets have before the next rule is asked."""
    found, after = [], timedelta(0)
    for level, rule in enumerate(answers.items(policy.get("escalation_rules")), start=1):
        targets = [answers.text(one.get("summary")) for one in answers.items(rule.get("targets"))]
        found.append(Rung(level=level, after=after, targets=tuple(name for name in targets if name)))
        minutes = rule.get("escalation_delay_in_minutes")
        after += timedelta(minutes=minutes if isinstance(minutes, int) and 0 <= minutes < 100_000 else 30)
    return found


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
