"""What holds for the sandbox whatever is done to it, in whatever order?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin.sandbox.clock import Clock
from tocsin.sandbox.ids import Ids
from tocsin.sandbox.opsgenie import account as opsgenie_account
from tocsin.sandbox.opsgenie.alerts import AlertDesk, Failed
from tocsin.sandbox.pagerduty.account import seed_account, user_ref
from tocsin.sandbox.pagerduty.errors import Refusal
from tocsin.sandbox.pagerduty.incident import Incident
from tocsin.sandbox.pagerduty.machine import Desk

START = datetime(2026, 11, 20, 12, tzinfo=UTC)
PEOPLE = st.sampled_from(["PUADA01", "PUBO001", "PUCY001"])
STEPS = st.one_of(
    st.tuples(st.just("acknowledge"), PEOPLE),
    st.tuples(st.just("acknowledge"), PEOPLE),
    st.tuples(st.just("retrigger"), PEOPLE),
    st.tuples(st.just("resolve"), PEOPLE),
    st.tuples(st.just("snooze"), st.integers(-5, 100_000)),
    st.tuples(st.just("reassign"), PEOPLE),
    st.tuples(st.just("escalate"), st.integers(0, 3)),
    st.tuples(st.just("delegate"), st.sampled_from(["PLEAD01", "PWEBEP1"])),
    st.tuples(st.just("wait"), st.integers(0, 20_000)),
)


async def take(desk: Desk, incident: Incident, step: tuple[str, object]) -> None:
    what, with_what = step
    agent = user_ref(desk.account.users[str(with_what) if str(with_what).startswith("PU") else "PUADA01"])
    if what == "wait":
        await desk.clock.advance(float(str(with_what)))
    elif what in ("acknowledge", "retrigger", "resolve"):
        getattr(desk, what)(incident, agent)
    else:
        getattr(desk, what)(incident, [with_what] if what == "reassign" else with_what, agent)


def check(incident: Incident) -> None:
    waiting = {kind for kind, timer in incident.timers.items() if not timer.cancelled}
    if incident.status == "resolved":
        assert (waiting, incident.assignees, incident.acknowledgers) == (set(), {}, {})
        assert incident.resolved_at is not None
        assert incident.snoozed_until is None
    elif incident.status == "acknowledged":
        assert incident.acknowledgers
        assert "escalate" not in waiting
        assert "unacknowledge" in waiting
    else:
        assert incident.assignees
        assert (incident.acknowledgers, incident.snoozed_until) == ({}, None)
        assert incident.assigned_via == "escalation_policy" or "escalate" not in waiting


@settings(max_examples=400, deadline=None)
@given(st.lists(STEPS, min_size=5, max_size=25))
async def test_an_incident_is_never_in_an_impossible_state(steps: list[tuple[str, object]]) -> None:
    desk = Desk(seed_account(), Clock(lambda: START), Ids("x"))
    told: list[str] = []
    desk.publish = lambda event_type, *_: told.append(event_type)
    incident = desk.create(service_id="PPAY001", title="t", agent=None)
    for step in steps:
        before = (incident.status, len(told), len(incident.notifications), len(incident.log))
        try:
            await take(desk, incident, step)
        except Refusal:
            assert before == (incident.status, len(told), len(incident.notifications), len(incident.log))
        check(incident)
        assert incident.status == before[0] or (len(told) > before[1] and len(incident.log) > before[3])


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["create", "acknowledge", "unacknowledge", "close"]), st.sampled_from("ab")
        ),
        max_size=25,
    )
)
async def test_an_alias_never_has_two_open_alerts(steps: list[tuple[str, str]]) -> None:
    desk = AlertDesk(opsgenie_account.seed_account(), Clock(lambda: START), Ids("x"))
    for what, alias in steps:
        alert = desk.find(alias, "alias")
        if what == "create":
            opened, status = desk.create({"message": "m", "alias": alias})
            assert (status == "Deduplicated alert") == (alert is not None and alert.status == "open")
            assert opened.status == "open"
        elif alert is not None:
            try:
                desk.act(alert, what, {})
            except Failed:
                pass
            else:
                assert alert.acknowledged is (
                    what == "acknowledge" or (what == "close" and alert.acknowledged)
                )
    still_open = [alert.alias for alert in desk.alerts.values() if alert.status == "open"]
    assert len(still_open) == len(set(still_open))


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(0, 1000), max_size=20), st.integers(0, 1000))
async def test_the_clock_runs_what_is_due_in_order_and_at_its_time(delays: list[int], walk: int) -> None:
    clock = Clock(lambda: START)
    ran: list[timedelta] = []
    for delay in delays:
        clock.call_later(delay, lambda: ran.append(clock.now() - START))
    await clock.advance(walk)
    assert ran == [timedelta(seconds=delay) for delay in sorted(delays) if delay <= walk]
    assert clock.now() == START + timedelta(seconds=walk)
