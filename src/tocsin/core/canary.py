"""Where does a canary go, and what if it does not arrive? To the connectors that it is to try, whatever the rules
say, and to nobody else."""

from __future__ import annotations

from datetime import timedelta

from tocsin.core.alarm import CANARY_LABEL, Alarm, is_canary
from tocsin.core.model import Alert, Line
from tocsin.core.policy import Mode, Policy, RouteKind, Step, Target, TargetKind
from tocsin.core.proving import Sung
from tocsin.core.route import Route
from tocsin.core.severity import Severity
from tocsin.core.situation import Understood
from tocsin.core.values import replace

CANARY_ALARM = "canary/{}"


def as_canary(understood: Understood, alert: Alert, policy: Policy) -> Understood:
    """The same for any other alert. A canary stays low, joins no group, and is asked of its connectors at once."""
    if not is_canary(alert):
        return understood
    names = [name for name in alert.labels[CANARY_LABEL].split(",") if name in policy.connectors]
    step = Step(
        mode=Mode.ALL,
        targets=tuple(Target(TargetKind.CONNECTOR, name) for name in names),
        within=timedelta(minutes=2),
    )
    told = Line(
        kind="routed",
        text=f"A canary: {', '.join(names)} are tried, and nobody else is asked",
        reason="canary",
    )
    route = Route(kind=RouteKind.PAGE, rule="canary", policy_name="canary", steps=(step,), reasons=(told,))
    low = replace(understood.alert, severity=Severity.LOW)
    return replace(
        understood, alert=low, severity=Severity.LOW, rose=False, route=route, group_key="", lines=()
    )


def canary_alarm(one: Sung) -> Alarm:
    """It was not created there in time."""
    why = one.fault or (
        "it was asked and did not confirm"
        if one.asked_at
        else "it was not asked: its queue or breaker held it"
    )
    return Alarm(
        key=CANARY_ALARM.format(one.connector), connector=one.connector, title=f"The canary page was not created at {one.connector}",
        text=f"A page sent to try the whole way was not seen created there within 2 min: {why}. A real one would have fared"
        f" no better. Next: im connector status {one.connector}; when it is mended: im canary",
    )  # fmt: skip
