"""Where does an alert go: to whom, when, and by which rule (S2, S4, RO-1 to RO-6)?

The first page, digest or suppress that holds wins; `continue` rules before it may only add. Whatever goes
wrong here, somebody is paged: the default route is the answer to every doubt.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import msgspec

from tocsin.core.facts import FactSheet, fact_sheet
from tocsin.core.index import candidates
from tocsin.core.model import Alert, Json, Line
from tocsin.core.policy import (
    Condition,
    ConditionError,
    Conjunction,
    Connector,
    Direction,
    Facts,
    Integration,
    Mode,
    Policy,
    Promotion,
    RouteKind,
    RoutingRule,
    Service,
    Step,
    Target,
    TargetKind,
)
from tocsin.core.severity import Severity
from tocsin.core.values import replace

KIND = "routed"
DEFAULT = "default"


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """The way of one alert.

    `kind` is PAGE, DIGEST or SUPPRESS. `policy_name` names the escalation policy `steps` come from, ""
    for none. `delay` = wait before the first page. `channels` are asked besides the steps: connectors
    that `continue` rules add and people that the integration names (S4). `failed` are (rule, error)
    pairs. `not_taken` are (rule, why) pairs of the rules before the winner, filled only on demand.
    """

    kind: RouteKind
    rule: str
    policy_name: str = ""
    steps: tuple[Step, ...] = ()
    delay: timedelta | None = None
    repeat: timedelta | None = None
    channels: tuple[Target, ...] = ()
    fields: Mapping[str, str] = {}
    digest_to: tuple[str, ...] = ()
    digest_every: timedelta | None = None
    promote: Promotion | None = None
    review: timedelta | None = None
    reasons: tuple[Line, ...] = ()
    failed: tuple[tuple[str, str], ...] = ()
    not_taken: tuple[tuple[str, str], ...] = ()


def route(
    alert: Alert,
    severity: Severity,
    service: Service | None,
    team: str,
    integration: Integration | None,
    policy: Policy,
    now: datetime,
    *,
    origin: str = "",
    explain: bool = False,
    pages_only: bool = False,
    waits: bool = True,
) -> Route:
    """The way of a classified alert at the aware instant `now`. Where a rule delays its page, the hours, weekday and
    holiday are those of the moment in which it is sent (S34); not when it `waits` for nothing (a rise, a person's word).

    `service` is the leading one from the catalog; a service the catalog does not know is taken from
    `alert.services` by its name alone. `explain` fills `not_taken`; `pages_only` passes over the rules that
    keep quiet. Never raises.
    """
    try:
        names = [service.name] if service else list(alert.services[:1])
        services = [*names, *(name for name in alert.services if name not in names)]

        def known(at: datetime) -> FactSheet:
            return fact_sheet(
                alert, severity=severity, services=services, team=team, integration=integration, policy=policy,
                now=at, origin=origin,
            )  # fmt: skip

        facts = known(now)
        found = _decide(facts, service, policy, pages_only=pages_only)
        if waits and found.delay and found.kind is RouteKind.PAGE:
            facts = known(now + found.delay)
            found = _as_sent(found, _decide(facts, service, policy, pages_only=pages_only), now + found.delay)
        if explain:
            found = replace(found, not_taken=tuple(_not_taken(policy, found.rule, facts)))
        return _with_people(found, integration)
    except Exception as error:  # noqa: BLE001 - fail open: a bug here must page, not lose the alert.
        line = Line(
            kind=KIND,
            reason="fail_open",
            text=f"The routing rules could not be read ({type(error).__name__}): the default route pages.",
        )
        return _with_people(_default(policy, service, (line,)), integration)


def default_route(alert: Alert, integration: Integration | None, policy: Policy) -> Route:
    """Where an alert goes when no rule can be asked."""
    return _with_people(_default(policy, policy.services.get(alert.service), ()), integration)


def explain_clauses(condition: Condition, facts: Facts) -> tuple[tuple[str, str], ...]:
    """(clause, "holds" | "does not hold" | "failed: why") for each part joined by `&&`."""
    clauses = condition.clauses if isinstance(condition, Conjunction) else (condition,)
    return tuple((clause.text, _verdict(clause, facts)) for clause in clauses)


def built_in_steps(connectors: Iterable[Connector], last_resort: tuple[str, ...]) -> tuple[Step, ...]:
    """What the default route pages when no file says so: every connector that may be written to, one
    after the other, the last resort at the end. () when there is nothing to page."""
    names = [connector.name for connector in connectors if connector.direction is not Direction.INBOUND]
    ordered = [name for name in names if name not in last_resort]
    ordered += [name for name in last_resort if name in names]
    if not ordered:
        return ()
    return (Step(mode=Mode.FAILOVER, targets=tuple(Target(TargetKind.CONNECTOR, name) for name in ordered)),)


# ---- deciding ----------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Added:
    """What `continue` rules have added so far."""

    delay: timedelta | None = None
    channels: list[Target] = field(default_factory=list)
    fields: dict[str, str] = field(default_factory=dict)
    reasons: list[Line] = field(default_factory=list)
    failed: list[tuple[str, str]] = field(default_factory=list)

    def add(self, rule: RoutingRule) -> None:
        parts = []
        if rule.delay is not None:
            self.delay = max(rule.delay, self.delay or timedelta(0))
            parts.append(f"a delay of {rule.delay}")
        for name in rule.channels:
            target = Target(TargetKind.CONNECTOR, name)
            if target not in self.channels:
                self.channels.append(target)
            parts.append(name)
        for key, value in rule.fields.items():
            self.fields[key] = value
            parts.append(f"{key} = {value}")
        self.tell("rule_added", f"Rule “{rule.name}” adds {', '.join(parts)}.", rule=rule.name)

    def fail(self, rule: RoutingRule, problem: str) -> None:
        self.failed.append((rule.name, problem))
        self.tell("rule_failed", f"Rule “{rule.name}” was skipped: {problem}.", rule=rule.name)

    def tell(self, reason: str, text: str, **data: Json) -> None:
        self.reasons.append(Line(kind=KIND, reason=reason, text=text, data=data))


def _decide(facts: FactSheet, service: Service | None, policy: Policy, *, pages_only: bool) -> Route:
    added = _Added()
    page_failed = False
    for position in candidates(policy.routing_index, len(policy.routing), facts):
        rule = policy.routing[position]
        if pages_only and rule.kind in (RouteKind.DIGEST, RouteKind.SUPPRESS):
            continue
        try:
            if not rule.when.holds(facts):
                continue
        except ConditionError as error:
            added.fail(rule, str(error))
        except Exception as error:  # noqa: BLE001 - a fault of ours in one rule must not cost the others.
            added.fail(rule, f"{type(error).__name__}: {error}")
        else:
            if rule.continues or rule.kind is RouteKind.ADD:
                added.add(rule)
                continue
            if page_failed and rule.kind is not RouteKind.PAGE:
                # S2: a page rule that failed might have won; silence must not profit from it.
                text = f"Rule “{rule.name}” holds, but a page rule before it failed: it may not mute."
                added.tell("may_not_mute", text, rule=rule.name)
                continue
            if rule.policy in policy.policies or rule.kind is not RouteKind.PAGE:
                return _taken(rule, added, service, policy, facts)
            added.fail(rule, f"its escalation policy {rule.policy} is gone")
        page_failed = page_failed or (rule.kind is RouteKind.PAGE and not rule.continues)
    added.tell("nothing_matched", "No rule took the alert: the default route pages.")
    return _complete(_default(policy, service, ()), added)


def _as_sent(first: Route, later: Route, at: datetime) -> Route:
    """`first` is the way at the decision, `later` that of the moment `at` which its page leaves. A rule that by then
    pages nobody needs no waiting."""
    delay = first.delay if later.kind is RouteKind.PAGE else None
    if (later.kind, later.rule) == (first.kind, first.rule):
        return replace(later, delay=delay, reasons=first.reasons)
    text = f"It would leave at {at:%H:%M:%S} UTC, when its delay is over: the hours of that moment decide."
    line = Line(kind=KIND, reason="when_sent", text=text, data={"at": at.isoformat()})
    return replace(later, delay=delay, reasons=(*first.reasons, line, *later.reasons))


def _taken(
    rule: RoutingRule, added: _Added, service: Service | None, policy: Policy, facts: FactSheet
) -> Route:
    hours = f"{facts['hours']} hours" if facts["hours"] == "business" else "after hours"
    day = f"{facts['weekday']}{', a holiday' if facts['holiday'] else ''}"
    added.tell(
        "rule",
        f"Rule “{rule.name}” takes the alert ({day}, {hours}).",
        rule=rule.name,
        line=rule.line,
        when=rule.when.text,
        hours=facts["hours"],
        weekday=facts["weekday"],
        holiday=facts["holiday"],
    )
    if rule.review:
        text = f"What the rule “{rule.name}” keeps quiet is told for its review, every {_days(rule.review)}."
        added.tell("review", text, rule=rule.name)
    steps = policy.policies[rule.policy].steps if rule.kind is RouteKind.PAGE else ()
    found = Route(
        kind=rule.kind,
        rule=rule.name,
        policy_name=rule.policy,
        steps=_provider_steps(steps, service, added) if rule.default else steps,
        delay=rule.delay,
        repeat=rule.repeat,
        channels=tuple(Target(TargetKind.CONNECTOR, name) for name in rule.channels),
        fields=rule.fields,
        digest_to=rule.digest_to,
        digest_every=rule.digest_every,
        promote=rule.promote,
        review=rule.review,
    )
    return _complete(found, added)


def _days(span: timedelta) -> str:
    return f"{span.days} d" if span == timedelta(days=span.days) else str(span)


def _complete(found: Route, added: _Added) -> Route:
    """The winner with what `continue` rules added; the longest delay counts, the winner's fields win."""
    delays = [delay for delay in (found.delay, added.delay) if delay is not None]
    return replace(
        found,
        delay=max(delays) if delays else None,
        channels=tuple(dict.fromkeys([*found.channels, *added.channels])),
        fields={**added.fields, **found.fields},
        reasons=(*found.reasons, *added.reasons),
        failed=tuple(added.failed),
    )


def _default(policy: Policy, service: Service | None, reasons: tuple[Line, ...]) -> Route:
    rule = next((rule for rule in reversed(policy.routing) if rule.default), None)
    written = policy.policies.get(rule.policy) if rule else None
    steps = (
        written.steps if written else built_in_steps(policy.connectors.values(), policy.defaults.last_resort)
    )
    added = _Added()
    steps = _provider_steps(steps, service, added)
    return Route(
        kind=RouteKind.PAGE,
        rule=rule.name if rule else DEFAULT,
        policy_name=written.name if written else "",
        steps=steps,
        repeat=rule.repeat if rule else None,
        reasons=(*reasons, *added.reasons),
    )


def _provider_steps(steps: tuple[Step, ...], service: Service | None, added: _Added) -> tuple[Step, ...]:
    """S4: the service's own providers are the targets of the default route, all of them; the later
    steps stay as they are."""
    if service is None or not service.providers:
        return steps
    text = f"Service {service.name} names its own providers: {', '.join(service.providers)}."
    added.tell("service_providers", text, service=service.name)
    targets = tuple(Target(TargetKind.CONNECTOR, name) for name in service.providers)
    first = replace(steps[0], mode=Mode.ALL, targets=targets) if steps else None
    return (first or Step(mode=Mode.ALL, targets=targets), *steps[1:])


def _with_people(found: Route, integration: Integration | None) -> Route:
    if integration is None or found.kind is not RouteKind.PAGE:
        return found
    people = [
        Target(TargetKind.USER, entry.name) for entry in integration.destinations if entry.kind == "user"
    ]
    if not people:
        return found
    names = ", ".join(person.name for person in people)
    line = Line(
        kind=KIND,
        reason="destination_user",
        text=f"Integration {integration.name} asks {names} besides.",
        data={"integration": integration.name},
    )
    return replace(
        found,
        channels=tuple(dict.fromkeys([*found.channels, *people])),
        reasons=(*found.reasons, line),
    )


# ---- explaining --------------------------------------------------------------------------------------


def _not_taken(policy: Policy, winner: str, facts: Facts) -> Iterable[tuple[str, str]]:
    for rule in policy.routing:
        if rule.name == winner:
            return
        verdicts = explain_clauses(rule.when, facts)
        against = [(text, verdict) for text, verdict in verdicts if verdict != "holds"]
        if against:
            yield rule.name, "; ".join(f"{text} {verdict}" for text, verdict in against)
        elif not rule.continues:
            yield rule.name, "it holds, but a page rule before it failed: it may not mute"


def _verdict(clause: Condition, facts: Facts) -> str:
    try:
        return "holds" if clause.holds(facts) else "does not hold"
    except ConditionError as error:
        return f"failed: {error}"
