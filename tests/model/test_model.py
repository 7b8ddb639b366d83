"""A night of anything: senders, people here and at both providers, silences, time, faults, stray webhooks, restarts.

Hypothesis plays it against a whole hub on a real database and asks after every step whether what must hold holds
(truths.py). `TOCSIN_MODEL_NIGHTS=500 ./test tests/model` plays more and longer nights; see CONTRIBUTING.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from rig import MONDAY_NOON, Rig

from . import truths

NIGHTS, STEPS = 12, 14
HUB = (Path(__file__).parents[2] / "src/tocsin/demo/hub.yaml").read_text()
AT_JSM = (
    HUB.replace("    type: opsgenie\n", "    type: jsm\n")
    .replace("${OPSGENIE_URL}", "${JSM_URL}")
    .replace(
        "    custom:\n      priority_mapping",
        "    custom:\n      cloud_id: c1\n      email: bot@example.com\n      api_token: a-token\n      priority_mapping",
    )
)
SECRETS = {"PAGERDUTY_WEBHOOK_SECRET": "pd-webhook-secret", "OPSGENIE_WEBHOOK_TOKEN": "og-webhook-token"}
KEYS = st.sampled_from(["login", "cpu", "disk", "queue"])
SERVICES = st.sampled_from(["user-auth", "payment-service", "database", "web", ""])
SEVERITIES = st.sampled_from(["critical", "critical", "high", "medium"])
VENDORS = st.sampled_from(["pagerduty", "opsgenie"])
WHICH = st.integers(0, 3)
SPANS = st.sampled_from(
    [
        {"seconds": 2},
        {"seconds": 11},
        {"seconds": 45},
        {"minutes": 4},
        {"minutes": 16},
        {"minutes": 40},
        {"hours": 5},
    ]
)
FAULTS = st.sampled_from(
    [
        {"kind": "500"}, {"kind": "429", "retry_after": 3}, {"kind": "429_bare"}, {"kind": "hang", "seconds": 0.05},
        {"kind": "refused"}, {"kind": "reset"}, {"kind": "timeout_after_write", "seconds": 0.05},
        {"kind": "created_not_notified"}, {"kind": "invalid_json"},
    ]
)  # fmt: skip
POST = st.sampled_from(
    [
        {"kind": "webhook_drop"},
        {"kind": "webhook_double"},
        {"kind": "webhook_late"},
        {"kind": "webhook_out_of_order"},
    ]
)
TIMES = st.sampled_from([1, 2, 7, None])
Fresh = Callable[[], tuple[str, Callable[[], None]]]


class Night(RuleBasedStateMachine):
    """One hub, one sandbox, one night. Every rule is one thing that somebody does; `rest` = it is waited for."""

    fresh: Fresh
    environment: Callable[[dict[str, str]], None]

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.folder = tempfile.TemporaryDirectory(prefix="tocsin-model-")
        database, self.drop = type(self).fresh()
        self.database = database
        self.sent: Counter[str] = Counter()
        self.failed = False
        self.over: dict[int, tuple[Any, int]] = {}

    def go(self, work: Awaitable[Any]) -> Any:
        try:
            return self.loop.run_until_complete(work)
        except BaseException:
            self.failed = True
            raise

    @initialize(jsm=st.booleans())
    def begin(self, jsm: bool) -> None:
        self.jsm = jsm
        self.rig = Rig(self.database, Path(self.folder.name), AT_JSM if jsm else HUB, at=MONDAY_NOON)
        self.go(self.rig.start(type(self).environment))

    def named(self, vendor: str) -> str:
        """Of a night at JSM Operations, which speaks Opsgenie's dialect."""
        return "jsm" if self.jsm and vendor == "opsgenie" else vendor

    # ---- senders -------------------------------------------------------------------------------

    @rule(key=KEYS, service=SERVICES, severity=SEVERITIES, rest=st.booleans())
    def fires(self, key: str, service: str, severity: str, rest: bool) -> None:
        body = {"title": f"{key} is off", "source": "probe", "severity": severity, "dedup_key": key}
        self.go(
            self.rig.call(
                "POST", "/api/v1/alerts", body | ({"service_name": service} if service else {}), want=202
            )
        )
        self.sent[key] += 1
        self.go(self.after(rest))

    @rule(key=KEYS, action=st.sampled_from(["resolve", "resolve", "acknowledge"]), rest=st.booleans())
    def sender_says(self, key: str, action: str, rest: bool) -> None:
        body = {"source": "probe", "dedup_key": key, "action": action}
        self.go(self.rig.call("POST", "/api/v1/alerts", body, want=202))
        self.go(self.after(rest))

    # ---- people --------------------------------------------------------------------------------

    @rule(
        which=WHICH,
        act=st.sampled_from(["acknowledge", "resolve", "close", "reopen", "notes", "snooze"]),
        rest=st.booleans(),
    )
    def person_here(self, which: int, act: str, rest: bool) -> None:
        self.go(self._here(which, act))
        self.go(self.after(rest))

    async def _here(self, which: int, act: str) -> None:
        listed = (await self.rig.call("GET", "/api/v1/incidents?status=open,mitigated,resolved,closed"))[
            "items"
        ]
        if listed:
            name = sorted(one["number"] for one in listed)[which % len(listed)]
            body = {"notes": {"text": "looking"}, "snooze": {"for": "30m"}}.get(act, {})
            await self.rig.call("POST", f"/api/v1/incidents/INC-{name}/{act}", body)

    @rule(service=SERVICES, minutes=st.sampled_from([10, 120]), rest=st.booleans())
    def silenced(self, service: str, minutes: int, rest: bool) -> None:
        async def work() -> None:
            body = {
                "match": {"service": service} if service else {"dedup_key": "login"},
                "ends_at": (self.rig.clock.at + timedelta(minutes=minutes)).isoformat(),
                "owner": "ada", "comment": "new disks",
            }  # fmt: skip
            await self.rig.call("POST", "/api/v1/silences", body, want=201)
            await self.after(rest)

        self.go(work())

    @rule(rest=st.booleans())
    def silences_end(self, rest: bool) -> None:
        async def work() -> None:
            for one in (await self.rig.call("GET", "/api/v1/silences", want=200))["items"]:
                if one["state"] != "over":
                    await self.rig.call("DELETE", f"/api/v1/silences/{one['id']}")
            await self.after(rest)

        self.go(work())

    @rule(
        vendor=VENDORS,
        which=WHICH,
        act=st.sampled_from(["acknowledge", "resolve", "reopen", "note"]),
        rest=st.booleans(),
    )
    def person_there(self, vendor: str, which: int, act: str, rest: bool) -> None:
        self.go(self._there(vendor, which, act))
        self.go(self.after(rest))

    async def _there(self, vendor: str, which: int, act: str) -> None:
        vendor = self.named(vendor)
        found = await (self.rig.pagerduty() if vendor == "pagerduty" else truths.alerts(self.rig))
        if not found:
            return
        thing = found[which % len(found)]
        kind = "incidents" if vendor == "pagerduty" else "alerts"
        act = "unacknowledge" if vendor != "pagerduty" and act == "reopen" else act
        body = {"user": "bo@example.com", "note": "on it"}
        address = f"{self.rig.sandbox.control_url}/{vendor}/{kind}/{thing['id']}/{act}"
        async with self.rig.http.post(address, json=body) as answer:
            assert answer.status < 500, await answer.text()  # what the vendor does not allow is not done

    # ---- time, trouble, restarts -----------------------------------------------------------------

    @rule(span=SPANS, rest=st.booleans())
    def time_passes(self, span: dict[str, float], rest: bool) -> None:
        self.go(self.rig.advance(**span))
        self.go(self.after(rest))

    @rule(vendor=VENDORS, fault=FAULTS, times=TIMES)
    def provider_fails(self, vendor: str, fault: dict[str, Any], times: int | None) -> None:
        self.go(self.rig.control("POST", "/faults", {"vendor": self.named(vendor), "times": times, **fault}))

    @rule(vendor=VENDORS, fault=POST, times=TIMES)
    def webhooks_stray(self, vendor: str, fault: dict[str, Any], times: int | None) -> None:
        self.go(self.rig.control("POST", "/faults", {"vendor": self.named(vendor), "times": times, **fault}))

    @rule()
    def heals(self) -> None:
        self.go(self.rig.heal())

    @rule(killed=st.booleans(), away=st.sampled_from([0, 3, 600]), node=st.sampled_from(["", "", "-2"]))
    def restarts(self, killed: bool, away: int, node: str) -> None:
        """The same node, or another one takes over."""

        async def restart() -> None:
            await (self.rig.kill() if killed else self.rig.daemon.stop())
            await self.rig.advance_without_hub(seconds=away)
            await self.rig.start_hub(node=node)

        self.go(restart())

    # ---- what must hold ----------------------------------------------------------------------------

    async def after(self, rest: bool) -> None:
        """After each step; `rest` = the hub may finish what it can do now first."""
        if rest:
            await self.at_rest()
        await self.check(await truths.contradictions(self.rig, truths.ALWAYS))
        await self.check(await truths.lost(self.rig, self.sent))
        await self.check(await truths.doubled(self.rig))
        await self.check(await truths.rung_too_often(self.rig))

    async def at_rest(self) -> None:
        """Nothing is left to do now; then nobody has been paged for what was over."""
        try:
            await self.rig.quiet()
        except AssertionError as never:
            left = await truths.contradictions(self.rig, truths.AT_REST)
            raise AssertionError("\n".join(["it never comes to rest", *left])) from never
        calls = [c for c in self.rig.sandbox.world.ledger.select(None, 0) if c["operation"] == "create"]
        listed = await self.rig.call("GET", "/api/v1/incidents?status=open,mitigated,resolved,closed")
        for one in listed["items"]:
            asked = sum(one["id"] in str(call["body"]) for call in calls)
            number, end = one["number"], one.get("resolved_at")
            if number in self.over and self.over[number][0] == end and asked > self.over[number][1]:
                await self.check([f"{one['name']} was over since {end} and was paged all the same"])
            self.over.pop(number, None)
            if one["status"] in ("resolved", "closed"):
                self.over[number] = (end, asked)

    async def check(self, found: list[str]) -> None:
        if found:
            raise AssertionError("\n".join([*found, await self.rig.story()]))

    async def settled(self) -> None:
        """Everything is healed and there is time: both sides say the same, and nothing is under way."""
        await self.rig.heal()
        for span in (
            {"seconds": 45},
            {"seconds": 61},
            {"minutes": 5, "seconds": 1},
            {"minutes": 5, "seconds": 1},
        ):
            await self.rig.advance(**span)
            await self.at_rest()
        wrong: list[str] = []

        async def so() -> bool:
            nonlocal wrong
            wrong = [*await truths.apart(self.rig), *await truths.contradictions(self.rig, truths.AT_REST)]
            return not wrong

        try:
            await self.rig.until(so, "both sides agree")
        except AssertionError as never:
            raise AssertionError("\n".join(wrong)) from never
        await self.after(rest=True)

    @rule()
    def settles(self) -> None:
        self.go(self.settled())

    def teardown(self) -> None:
        try:
            if hasattr(self, "rig") and hasattr(self.rig, "daemon") and not self.failed:
                self.go(self.settled())
        finally:
            if hasattr(self, "rig"):
                self.go(self.rig.stop())
            self.loop.run_until_complete(self.loop.shutdown_asyncgens())
            self.loop.close()
            self.folder.cleanup()
            self.drop()


def test_any_night_ends_well(fresh_database: Fresh, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing accepted is lost, nobody is forgotten, nobody is woken for what is over, and both sides agree."""

    def environment(names: dict[str, str]) -> None:
        for name, value in {**SECRETS, **names}.items():
            monkeypatch.setenv(name, value)

    Night.fresh, Night.environment = staticmethod(fresh_database), staticmethod(environment)
    nights = int(os.environ.get("TOCSIN_MODEL_NIGHTS", "0"))
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        Night,
        settings=settings(
            max_examples=nights or NIGHTS, stateful_step_count=40 if nights else STEPS, deadline=None,
            derandomize=not nights, database=None, print_blob=True,
            suppress_health_check=list(HealthCheck), phases=[Phase.generate], report_multiple_bugs=False,
        ),
    )  # fmt: skip
