"""Who is on call at Opsgenie, or JSM Operations, for a service of ours?

A mapped team is asked for its routing rule, that names an escalation or a schedule; an escalation's rules name users,
schedules and teams; a schedule's final timeline (overrides and forwarding applied) has the shifts. Contracts:
https://docs.opsgenie.com/docs/schedule-api, escalation-api, team-routing-rule-api; for JSM
https://developer.atlassian.com/cloud/jira/service-desk-ops/rest/v2/ (schedule timelines, escalations, routing rules;
2026-12-01), where people are account ids that Jira's own API tells the names of.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from tocsin.core.model import Json
from tocsin.core.oncall import Question, Roster, Rung, Shift, Told, Unknown
from tocsin.core.ports import Call
from tocsin.providers.opsgenie import alerts, answers, options
from tocsin.providers.opsgenie.desk import Desk, Named, desk_of
from tocsin.providers.opsgenie.options import Settings

DEEPEST = 6
"""A team's escalation that asks a team …: so far it is followed."""


def place(service: str, settings: Settings) -> str:
    """ "team:Payments", several joined by " + "; "" = nobody is mapped, or JSM cannot be read."""
    if options.is_jsm(settings) and not options.reads_jsm(settings):
        return ""
    services = options.table(settings, "service_mappings")
    written = services.get(service) or services.get("default")
    listed = written if isinstance(written, list | tuple) else [written]
    return " + ".join(one for one in listed if isinstance(one, str) and options.responder(one))


@dataclass(slots=True)
class _Walk:
    """One way through what was answered: what it found, and what must still be asked."""

    desk: Desk
    question: Question
    bodies: Mapping[str, Json]
    wanted: dict[str, Call] = field(default_factory=dict)
    shifts: list[Shift] = field(default_factory=list)
    rungs: dict[int, Rung] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    policy: str = ""


def ask(question: Question, told: Told, settings: Settings) -> list[Call] | Roster | Unknown:
    """The next reads, or what they say."""
    bodies: dict[str, Json] = {}
    for call, answer in told:
        if refusal := answers.not_done(answer, options.tokens(settings), act=False):
            if call.step.startswith("person"):
                bodies[call.step] = {}  # the name alone is missing
                continue
            return Unknown(f"{call.step}: {refusal.reason}")
        body = answers.json_of(answer.body)
        if not isinstance(body, dict):
            return Unknown(f"{call.step}: the answer is not Opsgenie's: check base_url and any proxy between")
        bodies[call.step] = body
    walk = _Walk(desk=desk_of(settings), question=question, bodies=bodies)
    try:
        for written in question.place.split(" + "):
            one = options.responder(written) or {}
            named = Named(one.get("type", ""), one.get("id", ""), one.get("name") or one.get("username", ""))
            _follow(walk, named, 1, timedelta(0), DEEPEST)
    except _Stuck as stuck:
        return Unknown(str(stuck))
    if walk.wanted:
        return list(walk.wanted.values())
    return Roster(
        policy=walk.policy or question.place, since=question.since, until=question.until, shifts=tuple(walk.shifts),
        rungs=tuple(walk.rungs[level] for level in sorted(walk.rungs)), notes=tuple(dict.fromkeys(walk.notes)),
    )  # fmt: skip


class _Stuck(Exception):
    """It cannot be told; the message says why."""


def _answered(walk: _Walk, call: Call) -> Mapping[str, Json] | None:
    """What the answer to this call holds; None while it was not asked, and it is asked then."""
    if call.step in walk.bodies:
        return walk.desk.data(walk.bodies[call.step])
    walk.wanted[call.step] = call
    return None


def _follow(walk: _Walk, who: Named, level: int, after: timedelta, deep: int) -> None:
    if deep == 0:
        walk.notes.append("teams and escalations name one another in a circle; it is followed no further")
        return
    if who.kind == "user":
        if person := _person(walk, who):
            walk.shifts.append(Shift(level=level, person=person[0], name=person[1]))
    elif who.kind == "schedule":
        _timeline(walk, who, level)
    elif who.kind == "escalation":
        _escalation(walk, who, level, after, deep)
    elif who.kind == "team":
        _team(walk, who, level, after, deep)
    target = who.name or who.id
    known = walk.rungs.get(level)
    if known is None:
        walk.rungs[level] = Rung(level=level, after=after, targets=(f"{who.kind} {target}",))


def _team(walk: _Walk, who: Named, level: int, after: timedelta, deep: int) -> None:
    found = walk.desk.find(who, lambda call: _answered(walk, call))
    if found is None:
        return
    if not found.id and not found.name:
        raise _Stuck(f"there is no team {who.name}: check service_mappings")
    data = _answered(walk, walk.desk.routing(found))
    if data is None:
        return
    rules = walk.desk.listed(data)
    if not rules:
        walk.notes.append(f"the team {found.name or found.id} has no routing rule: nobody is asked there")
        return
    default = next((rule for rule in rules if rule.get("isDefault") is True), rules[-1])
    if len(rules) > 1:
        walk.notes.append(
            f"the team {found.name or found.id} has {len(rules)} routing rules; its default one is shown"
        )
    notify = answers.mapping(default, "notify")
    kind = answers.text(notify.get("type"))
    if kind not in ("escalation", "schedule", "user"):
        walk.notes.append(f"the routing rule of team {found.name or found.id} notifies nobody")
        return
    name = answers.text(notify.get("name")) or answers.text(notify.get("username"))
    target = Named(kind, answers.text(notify.get("id")), name, team=found.id)
    _follow(walk, target, level, after, deep - 1)


def _escalation(walk: _Walk, who: Named, level: int, after: timedelta, deep: int) -> None:
    call = walk.desk.escalation(who)
    if call is None:
        raise _Stuck("JSM tells an escalation by its team alone: map the service to the team")
    data = _answered(walk, call)
    if data is None:
        return
    walk.policy = walk.policy or answers.text(data.get("name"))
    rules = [(_delay(rule), rule) for rule in answers.items(data.get("rules"))]
    delays = sorted({delay for delay, _ in rules})
    for delay, rule in sorted(rules, key=lambda one: one[0]):
        recipient = answers.mapping(rule, "recipient")
        name = answers.text(recipient.get("username")) or answers.text(recipient.get("name"))
        target = Named(
            answers.text(recipient.get("type")), answers.text(recipient.get("id")), name, team=who.team
        )
        _follow(walk, target, level + delays.index(delay), after + delay, deep - 1)


def _delay(rule: Mapping[str, Json]) -> timedelta:
    """Since the alert began. Opsgenie says {timeAmount, timeUnit}, JSM a number of minutes."""
    told = rule.get("delay")
    amount = told.get("timeAmount") if isinstance(told, dict) else told
    unit = told.get("timeUnit") if isinstance(told, dict) else None
    if not isinstance(amount, int) or isinstance(amount, bool) or not 0 <= amount < 100_000:
        return timedelta(0)
    return timedelta(**{unit if unit in ("hours", "days") else "minutes": amount})


def _timeline(walk: _Walk, who: Named, level: int) -> None:
    found = walk.desk.find(who, lambda call: _answered(walk, call))
    if found is None:
        return
    if not found.id and not found.name:
        raise _Stuck(f"there is no schedule {who.name}: check service_mappings")
    data = _answered(walk, walk.desk.timeline(found, walk.question.since))
    if data is None:
        return
    schedule = answers.text(answers.mapping(data, "_parent").get("name")) or found.name or found.id
    final = answers.mapping(data, "finalTimeline")
    if not final:
        raise _Stuck(f"the schedule {schedule} has no timeline: it may be disabled")
    for rotation in answers.items(final.get("rotations")):
        for period in answers.items(rotation.get("periods")):
            start, end = alerts.instant(period.get("startDate")), alerts.instant(period.get("endDate"))
            for person in _people(walk, period):
                walk.shifts.append(
                    Shift(
                        level=level, person=person[0], name=person[1], schedule=schedule, start=start, end=end
                    )
                )


def _people(walk: _Walk, period: Mapping[str, Json]) -> list[tuple[str, str]]:
    flat = answers.items(period.get("flattenedRecipients")) or answers.items(
        period.get("flattenedResponders")
    )
    one = answers.mapping(period, "recipient") or answers.mapping(period, "responder")
    found = []
    for told in flat or ([one] if one else []):
        kind, name = answers.text(told.get("type")), answers.text(told.get("name"))
        if kind in ("none", "noone", ""):
            continue
        named = Named(kind, answers.text(told.get("id")), name)
        if kind != "user":
            found.append((f"{kind} {name or named.id}", ""))
        elif person := _person(walk, named):
            found.append(person)
    return found


def _person(walk: _Walk, who: Named) -> tuple[str, str] | None:
    """(address or name, name) of a user; None while their name is asked for."""
    call = walk.desk.person(who)
    if call is None:
        return (who.name or who.id, "")
    data = _answered(walk, call)
    if data is None:
        return None
    name = answers.text(data.get("displayName"))
    return (answers.text(data.get("emailAddress")) or name or who.id, name)
