"""Which incident might this alert join: the key it groups by, or none (IN-17, S21)."""

from __future__ import annotations

import hashlib
from datetime import datetime

from tocsin.core.facts import fact_sheet
from tocsin.core.model import Alert, Line
from tocsin.core.policy import ConditionError, GroupingRule, Integration, Policy


def group_key(
    alert: Alert, integration: Integration | None, policy: Policy, now: datetime
) -> tuple[str, tuple[Line, ...]]:
    """(key, lines); "" = not grouped: no rule, no service, or an absent, empty or failing key (S21)."""
    if not alert.service or not policy.grouping:
        return "", ()
    facts = fact_sheet(
        alert, severity=alert.severity, services=alert.services, team=alert.team, integration=integration,
        policy=policy, now=now,
    )  # fmt: skip
    for grouping in policy.grouping:
        try:
            if not grouping.when.holds(facts):
                continue
            value = grouping.by.value(facts) if grouping.by else alert.service
            return (_scoped(alert, grouping, value) if value else ""), ()
        except ConditionError as fault:
            problem = str(fault)
        except Exception as fault:  # noqa: BLE001 - a fault of ours in grouping must not lose the alert
            problem = f"{type(fault).__name__}: {fault}"
        text = f'The grouping rule "{grouping.name}" failed ({problem}): not grouped by it'
        return "", (Line(kind="rule_failed", text=text, reason="grouping"),)
    return "", ()


def is_over(rule: GroupingRule | None, opened_at: datetime, joined_at: datetime, now: datetime) -> bool:
    """Does the group of an open incident take nobody any more? `joined_at` = when the last alert joined; `rule` None
    = the configuration has it no more. Both times are half-open: at their very end the group is over."""
    return rule is None or now >= joined_at + rule.within or now >= opened_at + rule.at_most


def _scoped(alert: Alert, grouping: GroupingRule, value: str) -> str:
    text = f"{alert.service}\x1f{grouping.name}\x1f{value}"
    return f"{grouping.name}:{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()[:24]}"
