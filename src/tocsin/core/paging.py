"""Who is to be asked now, what gives way to what, and when to look again (S27 to S32, PR-4).

A plan is made when an incident is routed and kept with it; `look` is asked whenever something happened
(opened, a target answered, time passed) and says what is due. It never sends.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import msgspec

from tocsin.core.breaker import BreakerState
from tocsin.core.model import IncidentStatus, Line
from tocsin.core.plan import Asked, Plan, PlannedStep, Way
from tocsin.core.policy import Mode
from tocsin.core.severity import Severity
from tocsin.core.values import replace

LAST_RESORT_AFTER = timedelta(seconds=10)
"""In mode `all`: nobody has created it this long after the step was sent, so the last resort is asked."""


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """What is due: `ask` these ways (step index, way), ask `again` these that were asked before, `withdraw`
    these (with the way that has it), look again at `next_at` (None = only when something happens). `hedged`
    = connectors beside which another was asked because nobody was notified in time."""

    plan: Plan
    ask: tuple[tuple[int, Way], ...] = ()
    again: tuple[tuple[int, Way], ...] = ()
    hedged: tuple[str, ...] = ()
    withdraw: tuple[tuple[Way, str], ...] = ()
    lines: tuple[Line, ...] = ()
    next_at: datetime | None = None


def look(
    plan: Plan,
    asked: Mapping[Way, Asked],
    *,
    status: IncidentStatus,
    severity: Severity,
    breakers: Mapping[str, BreakerState],
    now: datetime,
    awake_since: datetime | None = None,
    tells_notified: Collection[str] = (),
) -> Look:
    """What is due now.

    `asked` maps each way already asked to what is known of it; `breakers` has the state of every
    connector that is not closed; `tells_notified` are those that can say whether somebody was rung. An incident
    that is not open asks nobody new. `awake_since` = nothing was
    sent before it (the hub was down): no target is given up for time that passed without the hub (S46).
    """
    if status is not IncidentStatus.OPEN or plan.started_at is None:
        return Look(plan=plan)
    if plan.hold_until and now < plan.hold_until:
        return Look(plan=plan, next_at=plan.hold_until)
    rungs = tells_notified if severity is Severity.CRITICAL else ()
    state = _State(plan, dict(asked), breakers, now, awake_since, tells_notified, rungs)
    state.send_due_steps()
    for index, step in enumerate(state.plan.steps):
        if step.sent_at is not None:
            state.carry_on(index, step)
    if not state.plan.steps:
        state.stranded.append(now)
    state.last_resort(severity)
    return Look(
        plan=state.plan, ask=tuple(state.ask), again=tuple(state.again), hedged=tuple(state.hedged),
        withdraw=tuple(state.withdraw), lines=tuple(state.lines), next_at=min(state.wake, default=None),
    )  # fmt: skip


@dataclass(slots=True)
class _State:
    """The working sheet of one look; never leaves it."""

    plan: Plan
    asked: dict[Way, Asked]
    breakers: Mapping[str, BreakerState]
    now: datetime
    awake_since: datetime | None = None
    tells_notified: Collection[str] = ()
    hedges: Collection[str] = ()
    ask: list[tuple[int, Way]] = field(default_factory=list)
    again: list[tuple[int, Way]] = field(default_factory=list)
    hedged: list[str] = field(default_factory=list)
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
                early = self._exhausted_since(steps[index - 1].ways, previous) if index else None
                due = early or previous + step.after
                if self.now < due:
                    self.wake.append(due)
                    break
                # an overdue one is sent once, and the rest counts from now (S46)
                steps[index] = step = replace(step, sent_at=self.now)
                if index and step.after:
                    self._escalated(index, step, early=early is not None)
            previous = step.sent_at or previous
        if steps != list(self.plan.steps):
            self.plan = replace(self.plan, steps=tuple(steps))

    def _exhausted_since(self, ways: tuple[Way, ...], sent: datetime) -> datetime | None:
        """S32: those of the step before (`ways`, sent at `sent`) who have the page have nobody left to ask. An
        earlier step's end, learned late, hurries nobody: the step before has taken over from it."""
        holders = [a for way, a in self.asked.items() if way in ways and a.created and not a.failed]
        holders = [a for a in holders if a.way.connector in self.tells_notified]
        ends = [a.exhausted_at for a in holders if a.exhausted_at]
        return max(ends) if ends and len(ends) == len(holders) and max(ends) > sent else None

    def _escalated(self, index: int, step: PlannedStep, *, early: bool) -> None:
        why = f"Nobody acknowledged in {_told(step.after)}"
        if early:
            why = "Nobody acknowledged, and those who were asked have nobody left to ask"
        text = f"{why}: step {index + 1} asks {_names(step.ways)}"
        reason = "path_exhausted" if early else "not_acknowledged"
        self.lines.append(Line(kind="escalated", text=text, reason=reason))

    def carry_on(self, index: int, step: PlannedStep) -> None:
        if step.mode is Mode.ALL:
            self._all(index, step)
        else:
            self._failover(index, step)
        if step.repeat is not None:
            self._repeat(index, step, step.repeat)

    def _repeat(self, index: int, step: PlannedStep, every: timedelta) -> None:
        """Without a cap, while nobody has acknowledged; one that is overdue is asked once (S46)."""
        last = step.repeated_at or step.sent_at
        assert last is not None
        if self.now >= last + every:
            before = [way for way in step.ways if way in self.asked and self.asked[way].at < self.now]
            self.again += [(index, way) for way in before]
            steps = list(self.plan.steps)
            steps[index] = replace(step, repeated_at=self.now)
            self.plan = replace(self.plan, steps=tuple(steps))
            last = self.now
        self.wake.append(last + every)

    def _waiting_since(self, at: datetime, *asked: Asked) -> datetime:
        """Time that passed without the hub counts against nobody, nor does that in which a page waited for others (S22)."""
        held = [a.held_until for a in asked if a.held_until]
        return max(at, *held, self.awake_since or at)

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
            left = [a for a in known if not a.failed]
            self.stranded.append(self._waiting_since(step.sent_at, *left) + LAST_RESORT_AFTER)

    def _failover(self, index: int, step: PlannedStep) -> None:
        """Ask in order until one has it: created, and somebody notified where that is asked for (S30)."""
        has_it = [way for way in step.ways if (a := self.asked.get(way)) and a.created and not a.failed]
        self.reached = self.reached or bool(has_it)
        self._withdraw_others(step, has_it)
        if any(self._confirmed(step, way) for way in has_it):
            return
        order = self._order(step)
        for position, way in enumerate(order):
            if way not in self.asked:
                self._put(index, way)
            gives_way_at, why, reason = self._patience(step, way)
            if self.now < gives_way_at:
                self.wake.append(gives_way_at)
                return
            following = order[position + 1] if position + 1 < len(order) else None
            if following is None or following in self.asked:
                continue
            if way in has_it and reason == "not_notified":
                self.hedged.append(way.connector)
                text = f"{way.name} has it, but {why}; {following.name} is asked too"
                self.lines.append(Line(kind="hedged", text=text, reason=reason))
            else:
                text = f"{way.name}: {why}; {following.name} is asked instead"
                self.lines.append(Line(kind="failed_over", text=text, reason=reason))
        self.failed_over.append(self.now)

    def _confirmed(self, step: PlannedStep, way: Way) -> bool:
        wanted = step.hedge is not None and way.connector in self.hedges
        return not wanted or self.asked[way].notified_at is not None

    def _withdraw_others(self, step: PlannedStep, has_it: list[Way]) -> None:
        """S31: what still waits elsewhere is not wanted any more; what was asked because nobody was notified is
        wanted until somebody was."""
        if not has_it:
            return
        holder = next((way for way in has_it if self._confirmed(step, way)), has_it[0])
        until = (
            None if self._confirmed(step, holder) else self.asked[holder].at + (step.hedge or timedelta(0))
        )
        for way in step.ways:
            a = self.asked.get(way)
            waits = a is not None and not (a.created or a.failed or a.superseded)
            if a is not None and waits and way != holder and (until is None or a.at < until):
                self.withdraw.append((way, holder.name))

    def _order(self, step: PlannedStep) -> list[Way]:
        """Who was asked before, in that order; then the others as written, those known to be slow last."""
        ways = list(dict.fromkeys(step.ways))
        before = sorted((way for way in ways if way in self.asked), key=lambda way: self.asked[way].at)
        left = [way for way in ways if way not in self.asked]
        slow = [way for way in left if self.breakers.get(way.connector) is BreakerState.SLOW]
        if slow and not before and len(slow) < len(left):
            following = next(way for way in left if way not in slow)
            names = _names(tuple(way for way in slow if left.index(way) < left.index(following)))
            if names != "nobody":
                text = f"{names}: notified nobody in time of late; {following.name} is asked instead"
                self.lines.append(Line(kind="failed_over", text=text, reason="slow"))
        return [*before, *(way for way in left if way not in slow), *slow]

    def _patience(self, step: PlannedStep, way: Way) -> tuple[datetime, str, str]:
        """Until when this one is waited for, and what is said when it gives way."""
        a = self.asked[way]
        if a.failed:
            return self.now, a.fault or "refused", "failed"
        since = self._waiting_since(a.at, a)
        if a.created:
            hedge = step.hedge or timedelta(0)
            slow = self.breakers.get(way.connector) is BreakerState.SLOW
            return (
                since + hedge,
                f"nobody was notified within {_told(hedge)}",
                "slow" if slow else "not_notified",
            )
        if self.breakers.get(way.connector) is BreakerState.OPEN:
            return self.now, "its breaker is open", "breaker_open"
        if self.breakers.get(way.connector) is BreakerState.PAUSED:
            return self.now, "it is paused", "paused"
        return since + step.within, f"not created within {_told(step.within)}", "not_created"

    def last_resort(self, severity: Severity) -> None:
        """Nobody has it: the last resort, once; without one, say so (never silently).

        A failover that reached nobody counts even when an earlier step, or a channel that is told besides,
        has it: they did not answer, or are no page. A step that asks all counts when nobody has it at all.
        """
        due = min((*self.failed_over, *(() if self.reached else self.stranded)), default=None)
        if due is None:
            return
        left = [way for way in self.plan.last_resort if way not in self.asked]
        if self.now < due:
            # without one, time alone changes nothing: a failure is looked at when it comes
            if left and self.plan.last_resort_at is None:
                self.wake.append(due)
            return
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
