"""How does a route become a page: its steps, the ways to ask each target, and what is known of one asked?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from tocsin.core.model import Line
from tocsin.core.policy import Mode, Policy, Step, Target, TargetKind
from tocsin.core.values import replace


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


class PlannedStep(msgspec.Struct, frozen=True, kw_only=True):
    """A step of the policy with its targets worked out. `sent_at` None = not yet. `hedge`: created, but nobody
    notified so long after the asking, the next is asked too (S30; None = never). `repeat`: asked again every
    so often; `repeated_at` = when last. `each` = every side must acknowledge."""

    mode: Mode
    ways: tuple[Way, ...]
    after: timedelta = timedelta(0)
    within: timedelta = timedelta(seconds=3)
    hedge: timedelta | None = None
    repeat: timedelta | None = None
    each: bool = False
    sent_at: datetime | None = None
    repeated_at: datetime | None = None


class Join(msgspec.Struct, frozen=True):
    """An alert that joined, about which the holder is still to be asked (S21). `muted_by` = what kept that from being
    done when its time had come, "" = nothing."""

    alert: UUID
    title: str
    muted_by: str = ""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """The page under way. `hold_until` = a delay rule holds it; `last_resort` are asked when a step
    reaches nobody; `services` = the parts that are paged. `held_until` = when the acknowledgement ends (S25), of
    which the holder was `warned`. `asked_again_at` = when it was last begun again, and `joins` what joined too soon
    after that to ask again at once (S21). `began_in` = the incident's life when it began; None = a version that
    noted none began it. `asks_at` = it is silent, and its holder is asked by digest then, unless muted by
    `asks_muted_by` (S24)."""

    steps: tuple[PlannedStep, ...] = ()
    started_at: datetime | None = None
    hold_until: datetime | None = None
    last_resort: tuple[Way, ...] = ()
    last_resort_at: datetime | None = None
    told_exhausted: bool = False
    held_until: datetime | None = None
    warned: bool = False
    asked_again_at: datetime | None = None
    joins: tuple[Join, ...] = ()
    began_in: int | None = None
    asks_at: datetime | None = None
    asks_muted_by: str = ""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one way that was asked (all parts of the incident together, worst first): the rungs of
    S27. `failed` also when it was created and can reach nobody there (S28). `exhausted_at` = its provider has
    nobody left to ask since (S32). `held_until` = until then it waited to leave with others (S22)."""

    way: Way
    at: datetime
    created: bool = False
    failed: bool = False
    superseded: bool = False
    fault: str = ""
    notified_at: datetime | None = None
    exhausted_at: datetime | None = None
    held_until: datetime | None = None


def plan_for(
    steps: Sequence[Step],
    policy: Policy,
    *,
    team: str,
    now: datetime,
    delay: timedelta | None,
    mailer: str,
    repeat: timedelta | None = None,
) -> tuple[Plan, tuple[Line, ...]]:
    """Work the targets of a route out. `mailer` = name of the connector that mails people, or "".
    `repeat` = for the steps that have none of their own.

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
        hedge = step.hedge if step.mode is Mode.FAILOVER and len(ways) > 1 else None
        planned.append(
            PlannedStep(
                mode=step.mode, ways=tuple(ways), after=step.after, within=step.within, hedge=hedge,
                repeat=step.repeat or repeat, each=step.ack == "each",
            )
        )  # fmt: skip
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
