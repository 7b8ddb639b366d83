"""Why does an alert page, or not, at an instant, and what would have made it otherwise? (RO-9)

Each "otherwise" is tried by deciding again with one thing changed, never guessed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from tocsin.core.classify import classify
from tocsin.core.facts import fact_sheet
from tocsin.core.flap import Life
from tocsin.core.model import Alert, Line
from tocsin.core.mute import Muting, holds_until, muting, shown
from tocsin.core.policy import (
    Condition,
    ConditionError,
    Facts,
    Integration,
    MuteKind,
    Policy,
    RouteKind,
    TimedMute,
)
from tocsin.core.route import Route, explain_clauses, route
from tocsin.core.severity import Severity
from tocsin.core.situation import Parent, Situation
from tocsin.core.values import replace

NOT_PAGED = "the sender's own word for it means: not paged"  # S54
QUIET_ROUTES = (RouteKind.DIGEST, RouteKind.SUPPRESS)
WORDS = {
    RouteKind.DIGEST: "put it into a digest",
    RouteKind.SUPPRESS: "suppressed it",
    RouteKind.PAGE: "paged",
}
_AN_HOUR, _A_WEEK = timedelta(hours=1), 7 * 24
_MOST_OTHERS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """An alert in its sender's words, and everything that is decided with. `origin` is "" but for what no sender
    sent ("declared"): that is not classified. `mutes` and `parents` as of `at`."""

    alert: Alert
    integration: Integration | None
    policy: Policy
    at: datetime
    origin: str = ""
    mutes: tuple[TimedMute, ...] = ()
    parents: tuple[Parent, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NotTaken:
    """A rule that did not speak: of which kind ("classification", "mute", "routing", "grouping") and why not."""

    kind: str
    rule: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one deciding says. `muted_by` "" = nothing keeps it from paging but its rule."""

    view: Alert
    route: Route
    reasons: tuple[Line, ...]
    held: Muting
    muted_by: str

    @property
    def pages(self) -> bool:
        return self.route.kind is RouteKind.PAGE and not self.muted_by

    @property
    def quieted(self) -> str:
        """Who keeps it quiet, as a sentence goes on after "then"; "" = it pages."""
        if self.muted_by:
            return f"{self.muted_by} would have muted it"
        return "" if self.pages else f"rule “{self.route.rule}” would have {WORDS[self.route.kind]}"


def outcome(asked: Asked, *, severity: Severity | None = None, explain: bool = False) -> Outcome:
    """Decide once. `severity` = as if this had come out of classification."""
    alert, reasons = asked.alert, tuple[Line, ...]()
    if asked.origin:
        view = replace(alert, severity=severity or alert.severity or Severity.MEDIUM)
    else:
        c = classify(alert, asked.integration, asked.policy, asked.at)
        reasons = c.reasons
        view = replace(alert, severity=severity or c.severity, services=c.services, team=c.team)
    assert view.severity is not None
    way = route(
        view, view.severity, asked.policy.services.get(view.service), view.team, asked.integration, asked.policy,
        asked.at, origin=asked.origin, explain=explain,
    )  # fmt: skip
    held = muting(_situation(asked, view), view, asked.policy, asked.at)
    word = NOT_PAGED if alert.quiet and view.severity is Severity.LOW and way.kind is RouteKind.PAGE else ""
    return Outcome(
        view=view, route=way, reasons=reasons, held=held, muted_by="; ".join(filter(None, (word, held.by)))
    )


def _situation(asked: Asked, view: Alert, lives: tuple[Life, ...] = ()) -> Situation:
    return Situation(
        alert=view,
        heard=(),
        integration=asked.integration,
        mutes=asked.mutes,
        parents=asked.parents,
        lives=lives,
    )


# ---- what would have stopped it ----------------------------------------------------------------------------


def stopped_by(asked: Asked, taken: Outcome) -> Iterator[str]:
    """Each change of one thing that keeps it from paging, nearest first; nothing for what does not page."""
    if not taken.pages:
        return
    yield from _lower(asked, taken)
    yield from _earlier_rules(asked, taken)
    yield from _without_its_rule(asked, taken)
    yield from _other_hour(asked, taken, pages=False)
    yield from _others(asked, taken, pages=False)
    yield from _silenced(asked, taken)
    yield from _parent_down(asked, taken)
    yield from _flapping(asked, taken)
    if taken.route.delay:
        yield f"a resolve within {span(taken.route.delay)}: a rule delays the page for so long"


def _lower(asked: Asked, taken: Outcome) -> Iterator[str]:
    assert taken.view.severity is not None
    for severity in (s for s in Severity if s.rank < taken.view.severity.rank):
        other = outcome(asked, severity=severity)
        if not other.pages:
            yield f"severity {severity.value} instead of {taken.view.severity}: {other.quieted}"
            return


def _earlier_rules(asked: Asked, taken: Outcome) -> Iterator[str]:
    quiet = {
        rule.name: rule for rule in asked.policy.routing if rule.kind in QUIET_ROUTES and not rule.continues
    }
    for name, why in taken.route.not_taken:
        if name in quiet:
            yield f"rule “{name}”, which comes first and would have {WORDS[quiet[name].kind]}; {why}"


def _without_its_rule(asked: Asked, taken: Outcome) -> Iterator[str]:
    rules = asked.policy.routing
    rest = tuple(rule for rule in rules if rule.name != taken.route.rule or rule.default)
    if len(rest) == len(rules):
        return
    other = outcome(replace(asked, policy=replace(asked.policy, routing=rest, routing_index=None)))
    if not other.pages:
        yield f"without rule “{taken.route.rule}”: {other.quieted}"


def _silenced(asked: Asked, taken: Outcome) -> Iterator[str]:
    """A silence made for it: of its service where it has one, else of its title."""
    name = f"service {taken.view.service}" if taken.view.service else f"title “{taken.view.title}”"
    silence = TimedMute(
        kind=MuteKind.SILENCE,
        name=name,
        when=_Always(),
        owner="",
        comment="",
        start=asked.at,
        end=asked.at + _AN_HOUR,
    )
    if not outcome(replace(asked, mutes=(*asked.mutes, silence))).pages:
        how = f"service={taken.view.service}" if taken.view.service else f"title={taken.view.title!r}"
        yield f"a silence that covers it: im silence add {how} --for 1h --comment WHY"


def _parent_down(asked: Asked, taken: Outcome) -> Iterator[str]:
    known = asked.policy.services.get(taken.view.service)
    for name in known.depends_on if known else ():
        assert taken.view.severity is not None
        down = Parent(
            service=name,
            incident_id=UUID(int=0),
            name="an incident",
            severity=taken.view.severity,
            created=True,
        )
        if not outcome(replace(asked, parents=(*asked.parents, down))).pages:
            yield f"{name}, on which {taken.view.service} depends, being down and paged at {taken.view.severity} or worse"


def _flapping(asked: Asked, taken: Outcome) -> Iterator[str]:
    settings, at = asked.policy.defaults.flap, asked.at
    step = settings.within / (2 * settings.lives)
    began = [at - step * n for n in range(settings.lives - 1, -1, -1)]
    lives = tuple(Life(began=b, ended=b, paged_at=at - step, paged_as=taken.view.severity) for b in began)
    alert = replace(taken.view, incident_id=None)
    if muting(_situation(asked, alert, lives), alert, asked.policy, at).mutes:
        yield (
            f"flapping: its {settings.lives}. beginning within {span(settings.within)}, soon after its page of before"
        )


# ---- what would have paged it ------------------------------------------------------------------------------


def would_page_if(asked: Asked, taken: Outcome) -> Iterator[str]:
    """Each change of one thing that makes a quiet alert page; nothing for what pages."""
    if taken.pages:
        return
    assert taken.view.severity is not None
    for severity in (s for s in reversed(Severity) if s.rank > taken.view.severity.rank):
        other = outcome(asked, severity=severity)
        if other.pages:
            yield f"severity {severity.value} instead of {taken.view.severity}: {_pages(other)}"
            break
    if taken.held.mutes:
        other = outcome(replace(asked, mutes=(), parents=()))
        ends = f"from {_moment(taken.held.until)}" if taken.held.until else "after its end"
        yield f"without {taken.held.by}, {ends}: " + (_pages(other) if other.pages else other.quieted)
    yield from _without_quiet_rule(asked, taken)
    yield from _other_hour(asked, taken, pages=True)
    yield from _others(asked, taken, pages=True)


def _without_quiet_rule(asked: Asked, taken: Outcome) -> Iterator[str]:
    if taken.route.kind not in QUIET_ROUTES:
        return
    rest = tuple(rule for rule in asked.policy.routing if rule.name != taken.route.rule)
    other = outcome(replace(asked, policy=replace(asked.policy, routing=rest, routing_index=None)))
    if other.pages:
        yield f"without rule “{taken.route.rule}”: {_pages(other)}"


def _pages(other: Outcome) -> str:
    way = f" through {other.route.policy_name}" if other.route.policy_name else ""
    return f"rule “{other.route.rule}” would have paged{way}"


# ---- both ------------------------------------------------------------------------------------------------


def _other_hour(asked: Asked, taken: Outcome, *, pages: bool) -> Iterator[str]:
    """The first full hour of the week to come at which it is the other way round."""
    first = asked.at.replace(minute=0, second=0, microsecond=0)
    for n in range(1, _A_WEEK):
        at = first + n * _AN_HOUR
        other = outcome(replace(asked, at=at))
        if other.pages is pages:
            yield f"another hour, such as {_moment(at)}: {_pages(other) if pages else other.quieted}"
            return


def _others(asked: Asked, taken: Outcome, *, pages: bool) -> Iterator[str]:
    """Services, then teams, with which it is the other way round: a few of each, those alike together."""
    for kind, names, now in (
        ("service", list(asked.policy.services), taken.view.service),
        ("team", list(asked.policy.teams), taken.view.team),
    ):
        found: dict[str, list[str]] = {}
        for name in names:
            if name == now:
                continue
            alert = (
                replace(asked.alert, services=(name,))
                if kind == "service"
                else replace(asked.alert, team=name)
            )
            other = outcome(replace(asked, alert=alert))
            if other.pages is pages:
                found.setdefault(_pages(other) if pages else other.quieted, []).append(name)
        for what, alike in list(found.items())[:_MOST_OTHERS]:
            more = f" or {len(alike) - _MOST_OTHERS} more" if len(alike) > _MOST_OTHERS else ""
            yield f"{kind} {', '.join(alike[:_MOST_OTHERS])}{more} instead of {now or 'none'}: {what}"


# ---- which rules did not speak ------------------------------------------------------------------------------


def not_taken(asked: Asked, taken: Outcome) -> Iterator[NotTaken]:
    """Every rule that did not speak, with the clause that held it back, in the order of asking."""
    view, policy = taken.view, asked.policy
    facts = fact_sheet(
        view, severity=view.severity, services=view.services, team=view.team, integration=asked.integration,
        policy=policy, now=asked.at, origin=asked.origin,
    )  # fmt: skip
    for rule in policy.classification if not asked.origin else ():
        why = _against(rule.when, facts)
        if not why and rule.patterns and not any(p.found_in(facts["alert"]["text"]) for p in rule.patterns):
            why = "none of its patterns is found"
        if why:
            yield NotTaken(kind="classification", rule=rule.name, why=why)
    for mute in asked.mutes:
        if why := _no_mute(mute, facts, view, asked.at):
            yield NotTaken(kind="mute", rule=shown(mute), why=why)
    for name, why in taken.route.not_taken:
        yield NotTaken(kind="routing", rule=name, why=why)
    for grouping in policy.grouping:
        why = _against(grouping.when, facts)
        if not why:
            return  # the first that holds groups
        yield NotTaken(kind="grouping", rule=grouping.name, why=why)


def _against(condition: Condition, facts: Facts) -> str:
    told = [f"{text} {said}" for text, said in explain_clauses(condition, facts) if said != "holds"]
    return "; ".join(told)


def _no_mute(mute: TimedMute, facts: Facts, view: Alert, at: datetime) -> str:
    try:
        if holds_until(mute, at) is None:
            return "it is not its time"
    except (ConditionError, ValueError) as fault:
        return f"failed: {fault}"
    if view.severity in mute.except_severities:
        return f"it leaves {view.severity} alone"
    return _against(mute.when, facts)


# ---- why now -------------------------------------------------------------------------------------------------


def timing(taken: Outcome) -> Iterator[str]:
    """When who is asked, and what makes the next be asked."""
    if not taken.pages:
        if until := taken.held.until:
            yield f"quiet until {_moment(until)}; what still fires then is routed as new"
        return
    delay = taken.route.delay
    yield f"{span(delay)} after it is decided: a rule delays it" if delay else "at once: no rule delays it"
    for number, step in enumerate(taken.route.steps, 1):
        if number > 1:
            yield f"step {number} when nobody has acknowledged {span(step.after)} after step {number - 1}"
        if len(step.targets) > 1 and step.mode.value == "failover":
            yield f"step {number}: the next target when one has not created it within {span(step.within)}"
            if step.hedge and taken.view.severity is Severity.CRITICAL:
                yield f"step {number}: the next target too when nobody was notified within {span(step.hedge)}"


def span(of: timedelta) -> str:
    """ "15m", "1h", "3s": as the configuration writes it."""
    seconds = of.total_seconds()
    for unit, length in (("d", 86_400), ("h", 3600), ("m", 60)):
        if seconds and seconds % length == 0:
            return f"{int(seconds // length)}{unit}"
    return f"{seconds:g}s"


def _moment(at: datetime | None) -> str:
    return f"{at:%a %d %b %H:%M} UTC" if at else ""


class _Always:
    """A condition that holds."""

    text = "true"

    def holds(self, facts: Facts) -> bool:
        return True
