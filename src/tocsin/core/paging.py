"""Who is to be asked now, what gives way to what, and when to look again (S27 to S29, S31, PR-4).

A plan is made when an incident is routed and kept with it; `look` is asked whenever something happened
(opened, a target answered, time passed) and says what is due. It never sends.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from tocsin.core.breaker import BreakerState
from tocsin.core.model import IncidentStatus, Line
from tocsin.core.policy import Mode, Policy, Step, Target, TargetKind
from tocsin.core.severity import Severity

LAST_RESORT_AFTER = timedelta(seconds=10)
"""In mode `all`: nobody has created it this long after the step was sent, so the last resort is asked."""


@dataclass(frozen=True, slots=True)
class Way:
    """One target as it can be asked: a connector, and an address when a person is asked by mail.

    Two targets that lead to one address (`oncall` and `lead` are both Ada) are one way.
    """

    connector: str
    recipient: str = ""
    shown: str = field(default="", compare=False)

    @property
    def name(self) -> str:
        """For people: "prod-pagerduty", or "lead Ada by ops-mail"."""
        return self.shown or self.connector


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedStep:
    """A step of the policy with its targets worked out. `sent_at` None = not yet."""

    mode: Mode
    ways: tuple[Way, ...]
    after: timedelta = timedelta(0)
    within: timedelta = timedelta(seconds=3)
    sent_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The page under way. `hold_until` = a delay rule holds it; `last_resort` are asked when a step
    reaches nobody; `services` = the parts that are paged."""

    steps: tuple[PlannedStep, ...] = ()
    started_at: datetime | None = None
    hold_until: datetime | None = None
    last_resort: tuple[Way, ...] = ()
    last_resort_at: datetime | None = None
    told_exhausted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is known of one way that was asked (all parts of the incident together, worst first)."""

    way: Way
    at: datetime
    created: bool = False
    failed: bool = False
    superseded: bool = False
    fault: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What is due: `ask` these ways (step index, way), `withdraw` these (with the way that has it),
    look again at `next_at` (None = only when something happens)."""

    plan: Plan
    ask: tuple[tuple[int, Way], ...] = ()
    withdraw: tuple[tuple[Way, str], ...] = ()
    lines: tuple[Line, ...] = ()
    next_at: datetime | None = None


def plan_for(
    steps: Sequence[Step], policy: Policy, *, team: str, now: datetime, delay: timedelta | None, mailer: str
) -> tuple[Plan, tuple[Line, ...]]:
    """Work the targets of a route out. `mailer` = name of the connector that mails people, or "".

    A target that cannot be reached (no address, no mailer) is left out and told.
    """
    lines: list[Line] = []
    planned: list[PlannedStep] = []
    for step in steps:
        ways: list[Way] = []
        for target in step.targets:
            if target.kind is TargetKind.CONNECTOR:
                ways.append(Way(target.name))
                continue
            found = _people(target.kind, target.name, team, policy)
            reachable = [policy.users[p] for p in found if p in policy.users and policy.users[p].email]
            if not reachable or not mailer:
                why = (
                    "no e-mail connector is configured"
                    if reachable
                    else "nobody with an address stands behind it"
                )
                lines.append(
                    Line(kind="page_failed", text=f"{target.shown} cannot be asked: {why}", reason="no_way")
                )
            ways += [
                Way(mailer, user.email, f"{target.shown} {user.name} by {mailer}")
                for user in reachable
                if mailer
            ]
        planned.append(PlannedStep(mode=step.mode, ways=tuple(ways), after=step.after, within=step.within))
    plan = Plan(
        steps=tuple(planned),
        started_at=now,
        hold_until=now + delay if delay else None,
        last_resort=tuple(Way(name) for name in policy.defaults.last_resort),
    )
    return plan, tuple(lines)


def with_channels(steps: Sequence[Step], channels: Sequence[Target]) -> tuple[Step, ...]:
    """The steps with `channels` asked besides the first: in it when it asks all, else next to it, since a
    failover asks its later targets only when the earlier ones fail."""
    if not channels:
        return tuple(steps)
    if steps and steps[0].mode is Mode.ALL:
        targets = tuple(dict.fromkeys([*steps[0].targets, *channels]))
        return (replace(steps[0], targets=targets), *steps[1:])
    return (*steps[:1], Step(mode=Mode.ALL, targets=tuple(channels)), *steps[1:])


def _people(kind: TargetKind, name: str, team: str, policy: Policy) -> tuple[str, ...]:
    if kind is TargetKind.USER:
        return (name,)
    of = policy.teams.get(name or team)
    if of is None:
        return ()
    if kind is TargetKind.TEAM:
        return of.members
    # who is on call comes with schedules; until then the lead answers for the team
    return (of.lead,) if of.lead else of.members[:1]


def look(
    plan: Plan,
    asked: Mapping[Way, Asked],
    *,
    status: IncidentStatus,
    severity: Severity,
    breakers: Mapping[str, BreakerState],
    now: datetime,
    awake_since: datetime | None = None,
) -> Look:
    """What is due now.

    `asked` maps each way already asked to what is known of it; `breakers` has the state of every
    connector that is not closed. An incident that is not open asks nobody new. `awake_since` = nothing was
    sent before it (the hub was down): no target is given up for time that passed without the hub (S46).
    """
    if status is not IncidentStatus.OPEN or plan.started_at is None:
        return Look(plan=plan)
    if plan.hold_until and now < plan.hold_until:
        return Look(plan=plan, next_at=plan.hold_until)
    state = _State(plan, dict(asked), breakers, now, awake_since)
    state.send_due_steps()
    for index, step in enumerate(state.plan.steps):
        if step.sent_at is not None:
            state.carry_on(index, step)
    if not state.plan.steps:
        state.stranded.append(now)
    state.last_resort(severity)
    return Look(
        plan=state.plan, ask=tuple(state.ask), withdraw=tuple(state.withdraw), lines=tuple(state.lines),
        next_at=min(state.wake, default=None),
    )  # fmt: skip


@dataclass(slots=True)
class _State:
    """The working sheet of one look; never leaves it."""

    plan: Plan
    asked: dict[Way, Asked]
    breakers: Mapping[str, BreakerState]
    now: datetime
    awake_since: datetime | None = None
    ask: list[tuple[int, Way]] = field(default_factory=list)
    withdraw: list[tuple[Way, str]] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    wake: list[datetime] = field(default_factory=list)
    stranded: list[datetime] = field(default_factory=list)
    failed_over: list[datetime] = field(default_factory=list)
    reached: bool = False

    def send_due_steps(self) -> None:
        assert self.plan.started_at is not None
        previous = self.plan.hold_until or self.plan.started_at
        steps = list(self.plan.steps)
        for index, step in enumerate(steps):
            if step.sent_at is None:
                due = previous + step.after
                if self.now < due:
                    self.wake.append(due)
                    break
                # an overdue one is sent once, and the rest counts from now (S46)
                steps[index] = step = replace(step, sent_at=self.now)
                if index and step.after:
                    text = f"Nobody acknowledged in {_told(step.after)}: step {index + 1} asks {_names(step.ways)}"
                    self.lines.append(Line(kind="escalated", text=text, reason="not_acknowledged"))
            previous = step.sent_at or previous
        self.plan = replace(self.plan, steps=tuple(steps))

    def carry_on(self, index: int, step: PlannedStep) -> None:
        if step.mode is Mode.ALL:
            self._all(index, step)
        else:
            self._failover(index, step)

    def _waiting_since(self, at: datetime) -> datetime:
        return max(at, self.awake_since) if self.awake_since else at

    def _put(self, index: int, way: Way) -> None:
        self.asked[way] = Asked(way=way, at=self.now)
        self.ask.append((index, way))

    def _all(self, index: int, step: PlannedStep) -> None:
        assert step.sent_at is not None
        for way in step.ways:
            if way not in self.asked:
                self._put(index, way)
        known = [self.asked[way] for way in step.ways]
        if any(a.created for a in known):
            self.reached = True
        elif all(a.failed for a in known):
            self.stranded.append(self.now)
        else:
            self.stranded.append(self._waiting_since(step.sent_at) + LAST_RESORT_AFTER)

    def _failover(self, index: int, step: PlannedStep) -> None:
        """Ask in order; the first that has created it keeps it, the others are withdrawn (S31)."""
        holder = next((w for w in step.ways if w in self.asked and self.asked[w].created), None)
        if holder is not None:
            self.reached = True
            for way in step.ways:
                a = self.asked.get(way)
                if a and way != holder and not (a.created or a.failed or a.superseded):
                    self.withdraw.append((way, holder.name))
            return
        for position, way in enumerate(step.ways):
            if way not in self.asked:
                self._put(index, way)
            a = self.asked[way]
            shut = self.breakers.get(way.connector) is BreakerState.OPEN
            gives_way_at = self.now if a.failed or shut else self._waiting_since(a.at) + step.within
            if self.now < gives_way_at:
                self.wake.append(gives_way_at)
                return
            following = step.ways[position + 1] if position + 1 < len(step.ways) else None
            if following is not None and following not in self.asked:
                why = (
                    a.fault or "refused"
                    if a.failed
                    else "its breaker is open"
                    if shut
                    else f"not created within {_told(step.within)}"
                )
                text = f"{way.name}: {why}; {following.name} is asked instead"
                self.lines.append(
                    Line(
                        kind="failed_over",
                        text=text,
                        reason="failed" if a.failed else "breaker_open" if shut else "not_created",
                    )
                )
        self.failed_over.append(self.now)

    def last_resort(self, severity: Severity) -> None:
        """Nobody has it: the last resort, once; without one, say so (never silently).

        A failover that reached nobody counts even when an earlier step, or a channel that is told besides,
        has it: they did not answer, or are no page. A step that asks all counts when nobody has it at all.
        """
        due = min((*self.failed_over, *(() if self.reached else self.stranded)), default=None)
        if due is None:
            return
        if self.now < due:
            self.wake.append(due)
            return
        left = [way for way in self.plan.last_resort if way not in self.asked]
        step = next((i for i, s in reversed(list(enumerate(self.plan.steps))) if s.sent_at), 0)
        if left and self.plan.last_resort_at is None:
            for way in left:
                self._put(step, way)
            text = f"No target has taken the {severity.value} page: the last resort {_names(tuple(left))} is asked"
            self.lines.append(Line(kind="last_resort", text=text, reason="nobody_reached"))
            self.plan = replace(self.plan, last_resort_at=self.now)
        elif (
            not self.plan.told_exhausted
            and all(step.sent_at for step in self.plan.steps)
            and all(a.failed for a in self.asked.values())
        ):
            text = "Every way to page has failed and none is left; work that waits goes on being tried"
            self.lines.append(Line(kind="unreachable", text=text, reason="nobody_left"))
            self.plan = replace(self.plan, told_exhausted=True)


def _names(ways: tuple[Way, ...]) -> str:
    return ", ".join(way.name for way in ways) or "nobody"


def _told(span: timedelta) -> str:
    seconds = int(span.total_seconds())
    if seconds and seconds % 3600 == 0:
        return f"{seconds // 3600} h"
    if seconds and seconds % 60 == 0:
        return f"{seconds // 60} min"
    return f"{seconds} s"
