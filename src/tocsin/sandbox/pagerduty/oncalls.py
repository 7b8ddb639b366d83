"""Who is on call at the simulated PagerDuty, level by level?

`GET /oncalls` (PagerDuty/api-schema@91a06fb): one entry for each shift of a level that lies between `since` and `until`
(default: now), with the shift's own start and end; a person named by the rule itself has neither. `earliest=true`
leaves the first of each level and person.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from aiohttp import web

from tocsin.sandbox.clock import iso_seconds
from tocsin.sandbox.pagerduty.account import (
    Account,
    Json,
    Level,
    Policy,
    policy_ref,
    schedule_ref,
    user_json,
    user_ref,
)
from tocsin.sandbox.pagerduty.errors import bad_input
from tocsin.sandbox.pagerduty.paging import moment

LONGEST = timedelta(days=90)
_FILTERS = (
    ("escalation_policy_ids[]", "escalation_policy"),
    ("user_ids[]", "user"),
    ("schedule_ids[]", "schedule"),
)


def entries(account: Account, request: web.Request, now: datetime) -> list[Json]:
    """Every entry that was asked for, by policy and level. Raises Refusal."""
    since = moment(request, "since") or now
    until = moment(request, "until") or since + timedelta(seconds=1)
    if until - since > LONGEST:
        raise bad_input("The time span must be at most 90 days")
    if until <= since:
        raise bad_input("until must be after since")
    full = "users" in request.query.getall("include[]", [])
    found = [
        entry
        for policy in account.policies.values()
        for entry in _of_policy(account, policy, since, until, full=full)
    ]
    for name, key in _FILTERS:
        if wanted := request.query.getall(name, []):
            found = [entry for entry in found if entry[key] and entry[key]["id"] in wanted]
    if request.query.get("earliest") == "true":
        first: dict[tuple[str, int, str], Json] = {}
        for entry in found:
            key3 = (entry["escalation_policy"]["id"], entry["escalation_level"], entry["user"]["id"])
            first.setdefault(key3, entry)
        found = list(first.values())
    return found


def _of_policy(
    account: Account, policy: Policy, since: datetime, until: datetime, *, full: bool
) -> list[Json]:
    shown = user_json if full else user_ref
    return [
        {
            "escalation_policy": policy_ref(policy),
            "escalation_level": number,
            "schedule": schedule_ref(account, level.schedule_id) if start and level.schedule_id else None,
            "user": shown(account.users[user_id]),
            "start": iso_seconds(start) if start else None,
            "end": iso_seconds(end) if end else None,
        }
        for number, level in enumerate(policy.levels, start=1)
        for user_id, start, end in _turns(account, level, since, until)
    ]


def _turns(
    account: Account, level: Level, since: datetime, until: datetime
) -> list[tuple[str, datetime | None, datetime | None]]:
    always: list[tuple[str, datetime | None, datetime | None]] = [
        (name, None, None) for name in level.user_ids
    ]
    if not level.schedule_id:
        return always
    periods = account.schedules[level.schedule_id].rotation.periods(since, until)
    return [*always, *((one.person, one.start, one.end) for one in periods)]
