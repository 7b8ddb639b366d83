"""Which page does the route of an alert begin?"""

from __future__ import annotations

from datetime import datetime

from tocsin.core.alarm import avoiding
from tocsin.core.model import Line
from tocsin.core.plan import Plan, plan_for, with_channels
from tocsin.core.policy import Policy
from tocsin.core.situation import Situation, Understood


def planned(
    situation: Situation, u: Understood, policy: Policy, now: datetime
) -> tuple[Plan, tuple[Line, ...]]:
    """The plan, and lines about targets that cannot be asked; an alarm of the hub's own avoids what it is about."""
    steps = with_channels(u.route.steps, u.route.channels)
    plan, lines = plan_for(
        steps,
        policy,
        team=u.classified.team,
        now=now,
        delay=u.route.delay,
        mailer=situation.mailer,
        repeat=u.route.repeat,
    )
    plan, more = avoiding(plan, situation.alert)
    return plan, (*lines, *more)
