"""Would anybody still be paged, if this configuration took the place of that one (S51, S32)?

A danger that the version in force has as well is told and not refused: it was accepted before, and whoever
is refused each time learns to force each time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from tocsin.core.policy import Direction, EscalationPolicy, Policy, RouteKind, RoutingRule, TargetKind
from tocsin.core.severity import Severity
from tocsin.core.values import replace

USED_WITHIN = timedelta(hours=24)
_SEVERITY_IN = re.compile(r'alert\.severity in \[((?:\s*"[a-z]+"\s*,?)+)\]\Z')
_SHOWN_INCIDENTS = 5


class Danger(StrEnum):
    """What would be lost."""

    UNTESTED = "untested"  # no connector that a severity is paged by has ever taken a page as it is set now
    INTEGRATION = "integration"  # senders that sent within a day would be answered 404
    TARGET = "target"  # open incidents live at a connector that goes
    SILENT = "silent"  # the default, or every critical alert, pages nobody
    NO_END = "no_end"  # a critical page may end at a provider that is down


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One danger. `subject` = what makes it the same one in two configurations; `field` a dotted path of the
    new document; `message` says what is at stake, `step` what to do."""

    danger: Danger
    subject: str
    field: str
    message: str
    step: str

    @property
    def sentence(self) -> str:
        """For people, in one line."""
        return f"{self.message}; {self.step}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """A configuration with what is known of it: `tested` connectors have taken a page as they are set in it,
    `native` ones reach people without an outside pager, `mails` = people can be mailed."""

    policy: Policy
    tested: frozenset[str] = frozenset()
    native: frozenset[str] = frozenset()
    mails: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Stakes:
    """What the installation would lose: the last use of each integration, the open incidents at each
    connector ("INC-7"), in order of their number."""

    last_used: Mapping[str, datetime] = field(default_factory=dict)
    open_at: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighed:
    """`refused` are new dangers, `told` those that are no reason to refuse."""

    refused: tuple[Finding, ...] = ()
    told: tuple[Finding, ...] = ()


def weigh(old: Side, new: Side, stakes: Stakes, now: datetime) -> Weighed:
    """The dangers of putting `new` in the place of `old`; version 0 of `old` = nothing was applied yet."""
    first = old.policy.version == 0
    had = set() if first else {(f.danger, f.subject) for f in _of(old)}
    refused = [
        *_lost_integrations(old.policy, new.policy, stakes, now),
        *_lost_targets(old.policy, new.policy, stakes),
    ]
    told: list[Finding] = []
    for finding in _of(new):
        known = (finding.danger, finding.subject) in had
        # nothing can be tested before it is there, and nothing pages without a connector
        early = first and (finding.danger is Danger.UNTESTED or not _writable(new.policy))
        (told if known or early else refused).append(finding)
    return Weighed(
        refused=tuple(_summed_up(refused, "")),
        told=tuple(_summed_up(told, "send a test alert before the night")),
    )


# ---- what goes -----------------------------------------------------------------------------------------


def _lost_integrations(old: Policy, new: Policy, stakes: Stakes, now: datetime) -> Iterator[Finding]:
    """A key that goes on under another name is not lost."""
    keys = {(i.source, i.key_hash) for i in new.integrations.values()}
    for name, integration in old.integrations.items():
        used = stakes.last_used.get(name)
        if name in new.integrations or (integration.source, integration.key_hash) in keys or used is None:
            continue
        if now - used < USED_WITHIN:
            yield Finding(
                danger=Danger.INTEGRATION, subject=name, field=f"integrations.{name}",
                message=f"is removed, but something sent to it {_ago(now - used)} ago: its alerts would be answered 404 and lost",
                step="point its senders elsewhere and wait a day",
            )  # fmt: skip


def _lost_targets(old: Policy, new: Policy, stakes: Stakes) -> Iterator[Finding]:
    """Removed, made read-only, or turned into another provider under the same name."""
    for name, connector in old.connectors.items():
        numbers = stakes.open_at.get(name, ())
        after = new.connectors.get(name)
        if not numbers or connector.direction is Direction.INBOUND:
            continue
        if after is None:
            what = "is removed"
        elif after.type != connector.type:
            what = f"becomes {after.type}"
        elif after.direction is Direction.INBOUND:
            what = "becomes inbound"
        else:
            continue
        more = f" and {len(numbers) - _SHOWN_INCIDENTS} more" if len(numbers) > _SHOWN_INCIDENTS else ""
        listed = ", ".join(numbers[:_SHOWN_INCIDENTS])
        yield Finding(
            danger=Danger.TARGET, subject=name, field=f"connectors.{name}",
            message=f"{what}, but {listed}{more} {'is' if len(numbers) == 1 else 'are'} open there: whoever answers there would not be heard",
            step="resolve them first",
        )  # fmt: skip


# ---- what a configuration is ---------------------------------------------------------------------------


def _of(side: Side) -> list[Finding]:
    """The dangers that lie in a configuration itself."""
    silent = list(_silent(side))
    return [*silent, *_untested(side, {f.subject for f in silent}), *_no_end(side)]


def _silent(side: Side) -> Iterator[Finding]:
    """The default, and what every critical alert meets first, must ask somebody."""
    for severity in (Severity.CRITICAL, None):
        position, rule = _certain(side.policy, severity)
        found = side.policy.policies.get(rule.policy)
        subject = severity.value if severity else "default"
        if rule.kind is not RouteKind.PAGE:
            whom = "every critical alert" if severity else "every alert that comes so far"
            yield Finding(
                danger=Danger.SILENT, subject=subject, field=f"routing.{position}",
                message=f'the rule "{rule.name}" takes {whom} and pages nobody ({rule.kind.value})',
                step="give it a `when`, or let it page",
            )  # fmt: skip
            return
        if found is not None and not _reaches(found, side):
            yield Finding(
                danger=Danger.SILENT, subject=subject, field=f"routing.{position}",
                message=f'the {"default" if rule.default or not severity else "critical"} page ("{found.name}") reaches nobody: none of its targets can be asked',
                step="name a connector, or people who have an address",
            )  # fmt: skip
            return


def _untested(side: Side, silent: set[str]) -> Iterator[Finding]:
    by_rule: dict[int, list[Severity]] = {}
    for severity in Severity:
        position, rule = _certain(side.policy, severity)
        ways = _connectors(side, rule)
        if rule.kind is RouteKind.PAGE and ways and not ways & side.tested:
            by_rule.setdefault(position, []).append(severity)
    for position, severities in by_rule.items():
        rule = side.policy.routing[position]
        names = ", ".join(sorted(_connectors(side, rule)))
        for severity in severities:
            if severity.value not in silent:
                yield Finding(
                    danger=Danger.UNTESTED, subject=severity.value, field=f"routing.{position}",
                    message=f"no page path of {severity.value} alerts is tested: {names} never took a page with these settings",
                    step="keep a connector that did beside it, send a test alert, then remove the old one",
                )  # fmt: skip


def _no_end(side: Side) -> Iterator[Finding]:
    """S32: critical ends in a native or last-resort step."""
    if side.policy.defaults.last_resort:
        return
    reached = [r for r in side.policy.routing if r.kind is RouteKind.PAGE and _may_take(r, Severity.CRITICAL)]
    for name in dict.fromkeys(rule.policy for rule in reached):
        found = side.policy.policies.get(name)
        if found is None or not found.steps:
            continue
        last = found.steps[-1].targets
        if not any(t.kind is not TargetKind.CONNECTOR or t.name in side.native for t in last):
            yield Finding(
                danger=Danger.NO_END, subject=name, field=f"escalation_policies.{name}",
                message=f'the escalation policy "{name}" ends at a provider: if none answers, a critical alert reaches nobody (S32)',
                step="end it with a person or an e-mail connector, or set defaults.last_resort",
            )  # fmt: skip


def _certain(policy: Policy, severity: Severity | None) -> tuple[int, RoutingRule]:
    """The first rule that takes every alert of a severity (None: every alert at all), with its position."""
    for position, rule in enumerate(policy.routing):
        if not rule.continues and rule.kind is not RouteKind.ADD and _takes_all(rule, severity):
            return position, rule
    return len(policy.routing) - 1, policy.routing[-1]


def _takes_all(rule: RoutingRule, severity: Severity | None) -> bool:
    text = rule.when.text.strip()
    if text == "true" or severity is None:
        return text == "true"
    listed = _SEVERITY_IN.match(text)
    return text == f'alert.severity == "{severity.value}"' or (
        listed is not None and f'"{severity.value}"' in listed.group(1)
    )


def _may_take(rule: RoutingRule, severity: Severity) -> bool:
    """False only where the text is sure about it."""
    text = rule.when.text.strip()
    listed = _SEVERITY_IN.match(text)
    if listed is not None:
        return f'"{severity.value}"' in listed.group(1)
    return text not in {f'alert.severity == "{other.value}"' for other in Severity if other is not severity}


def _connectors(side: Side, rule: RoutingRule) -> set[str]:
    """Every connector by which a rule may page, the last resort included; people are mailed by the native ones."""
    found = side.policy.policies.get(rule.policy)
    targets = [target for step in found.steps for target in step.targets] if found else []
    names = {t.name for t in targets if t.kind is TargetKind.CONNECTOR} | set(
        side.policy.defaults.last_resort
    )
    if any(target.kind is not TargetKind.CONNECTOR for target in targets):
        names |= side.native
    return {n for n in names if n in side.policy.connectors and not side.policy.connectors[n].paused}


def _reaches(found: EscalationPolicy, side: Side) -> bool:
    return any(
        _asks(target.kind, target.name, side) for step in found.steps for target in step.targets
    ) or any(name in _writable(side.policy) for name in side.policy.defaults.last_resort)


def _asks(kind: TargetKind, name: str, side: Side) -> bool:
    """Whether a target may be somebody. Of `lead` and `oncall`, which depend on the alert's team: whether
    any team has one."""
    policy = side.policy
    if kind is TargetKind.CONNECTOR:
        return name in _writable(policy)
    if not side.mails:
        return False
    if kind is TargetKind.USER:
        people = [name]
    elif kind is TargetKind.TEAM:
        people = list(policy.teams[name].members) if name in policy.teams else []
    elif kind is TargetKind.LEAD:
        people = [team.lead for team in policy.teams.values()]
    else:
        return True
    return any(policy.users[person].email for person in people if person in policy.users)


def _writable(policy: Policy) -> set[str]:
    return {n for n, c in policy.connectors.items() if c.direction is not Direction.INBOUND and not c.paused}


def _summed_up(findings: list[Finding], step: str) -> Iterator[Finding]:
    """The untested severities of one place as one; `step` "" = that of the finding."""
    places: dict[str, list[Finding]] = {}
    for finding in findings:
        if finding.danger is Danger.UNTESTED:
            places.setdefault(finding.message.partition(": ")[2], []).append(finding)
        else:
            yield finding
    for why, found in places.items():
        names = ", ".join(f.subject for f in found)
        message = f"no page path of {names} alerts is tested: {why}"
        yield replace(found[0], subject=names, message=message, step=step or found[0].step)


def _ago(span: timedelta) -> str:
    minutes = int(span.total_seconds()) // 60
    return f"{minutes // 60} h" if minutes >= 60 else f"{minutes} min"
