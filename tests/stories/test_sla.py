"""What is promised is kept in sight: the holder is warned, a miss is told here and at the provider, once each (IM-4)."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from rig import Begin, Rig

HUB = (Path(__file__).parents[2] / "src/tocsin/demo/hub.yaml").read_text()
SLA = (
    "sla: {critical: {ack: 15m, resolve: 1h}, high: {ack: 30m, resolve: 4h}, low: {ack: 2h, hours: business}}"
)
PROMISED = HUB.replace("defaults: {", f"defaults: {{{SLA}, ", 1)
MAPPING = "    sla_mapping: {SEV-1: {ack: 15m, resolve: 1h}, SEV-2: {ack: 30m, resolve: 4h}}\n"
ALERT = {"title": "Checkout is down", "source": "probe", "severity": "critical", "service_name": "payment-service"}  # fmt: skip


async def clocks(rig: Rig, incident: str = "INC-1") -> dict[str, Any]:
    found = await rig.call("GET", f"/api/v1/sla?incident={incident}", want=200)
    return {one["clock"]: one for item in found["items"] for one in item["clocks"]}


async def until(rig: Rig, clock: str, state: str) -> Any:
    async def so() -> Any:
        found = (await clocks(rig)).get(clock)
        return found if found and found["state"] == state else None

    return await rig.until(so, f"{clock} is {state}")


async def told(rig: Rig) -> list[str]:
    return [f"{x['kind']} {x['reason']}" for x in await rig.timeline() if x["kind"].startswith("sla_")]


async def mails(rig: Rig) -> list[Any]:
    return [mail for mail in await rig.mails() if mail["subject"].startswith("SLA")]


async def notes(rig: Rig) -> list[str]:
    return [note["content"] for page in await rig.pagerduty() for note in page["notes"]]


async def test_warned_then_missed_each_once_on_both_sides(begin: Begin) -> None:
    """Nobody acknowledges: after 12 of 15 minutes a warning, after 15 a miss; it is a note at the provider, and a mail."""
    rig = await begin(config=PROMISED)
    await rig.alert(**ALERT)
    await rig.quiet()
    running = await until(rig, "ack", "running")
    assert (running["due_at"], running["left_seconds"], running["by"]) == (
        "2026-11-16T12:15:00Z",
        900,
        "defaults.sla",
    )
    await rig.advance(minutes=12)
    await until(rig, "ack", "warned")
    assert await told(rig) == ["sla_ends_soon sla_ack"]
    await rig.quiet()
    assert not [text for text in await notes(rig) if "SLA" in text], "a warning is for us"
    await rig.advance(minutes=3)
    await until(rig, "ack", "missed")
    await rig.quiet()
    await rig.advance(minutes=1)
    await rig.quiet()
    assert await told(rig) == ["sla_ends_soon sla_ack", "sla_missed sla_ack"]

    async def noted() -> bool:
        return len([text for text in await notes(rig) if "SLA missed" in text]) == 1

    await rig.until(noted, "PagerDuty has the note, once")

    async def mailed() -> Any:
        found = await mails(rig)
        return found if len(found) == 2 else None

    warning, missed = await rig.until(mailed, "both are mailed")
    assert (warning["subject"], missed["subject"]) == (
        "SLA ends soon: INC-1 Checkout is down",
        "SLA missed: INC-1 Checkout is down",
    )
    assert missed["to"] == ["ed@example.com"], "nobody has it, so the lead of its team is told"
    assert "by 2026-11-16 12:15:00 UTC" in missed["text"]
    assert (await rig.incident())["status"] == "open", "a miss is a message, not an act"


async def test_acknowledged_in_time_and_resolved_late(begin: Begin) -> None:
    """The holder is warned of the resolve, and the miss goes to the holder and the lead; figures count both clocks."""
    rig = await begin(config=PROMISED)
    await rig.alert(**ALERT)
    await rig.quiet()
    await rig.advance(minutes=5)
    await rig.call("POST", "/api/v1/incidents/INC-1/assign", {"user": "bo"})
    await rig.call("POST", "/api/v1/incidents/INC-1/acknowledge", {}, want=200)
    await until(rig, "ack", "met")
    await rig.advance(minutes=43)
    await until(rig, "resolve", "warned")
    await rig.advance(minutes=12)
    await until(rig, "resolve", "missed")
    await rig.call("POST", "/api/v1/incidents/INC-1/resolve", {}, want=200)

    async def over() -> bool:
        return (await clocks(rig))["resolve"]["met_at"] is not None

    await rig.until(over, "the clock stands")
    found = await rig.call(
        "GET", "/api/v1/sla/compliance?start=2026-11-16T00:00:00Z&end=2026-11-17T00:00:00Z", want=200
    )
    assert [(one["clock"], one["kept"], one["missed"], one["share"]) for one in found["items"]] == [
        ("ack", 1, 0, 1.0),
        ("resolve", 0, 1, 0.0),
    ]
    (breach,) = (
        await rig.call(
            "GET", "/api/v1/sla/breaches?start=2026-11-16T00:00:00Z&end=2026-11-17T00:00:00Z", want=200
        )
    )["items"]
    assert breach["incident"] == "INC-1"
    assert await told(rig) == ["sla_ends_soon sla_resolve", "sla_missed sla_resolve"]


async def test_what_was_missed_while_no_hub_ran_is_told_once(begin: Begin) -> None:
    """S46: after the night one miss a clock and no warning before it; a further start tells nothing again."""
    rig = await begin(config=PROMISED)
    await rig.alert(**ALERT)
    await rig.quiet()
    await until(rig, "ack", "running")
    await rig.daemon.stop()
    await rig.advance_without_hub(hours=2)
    await rig.start_hub()
    await until(rig, "resolve", "missed")
    assert sorted(await told(rig)) == ["sla_missed sla_ack", "sla_missed sla_resolve"]
    await rig.daemon.stop()
    await rig.start_hub()
    await rig.advance(minutes=1)
    await rig.quiet()
    assert len(await told(rig)) == 2


async def test_two_hubs_tell_it_once(begin: Begin, database_url: str) -> None:
    rig = await begin(config=PROMISED)
    await rig.start_beside(database_url)
    await rig.alert(**ALERT)
    await rig.quiet()
    await until(rig, "ack", "running")
    await rig.advance(minutes=16)
    await until(rig, "ack", "missed")
    await rig.quiet()
    assert await told(rig) == ["sla_missed sla_ack"]


async def test_called_less_bad_it_has_the_time_of_that(begin: Begin) -> None:
    """The clock is set anew from the opening; business hours are those of the service's team, in its zone."""
    friday = datetime(
        2026, 11, 20, 13, 0, tzinfo=UTC
    )  # 18:30 in Kolkata, half an hour before the team closes
    rig = await begin(at=friday, config=PROMISED)
    await rig.alert(**ALERT)
    await rig.quiet()
    assert (await until(rig, "ack", "running"))["due_at"] == "2026-11-20T13:15:00Z"
    await rig.call("PATCH", "/api/v1/incidents/INC-1", {"severity": "low"}, want=200)

    async def later() -> Any:
        found = (await clocks(rig))["ack"]
        return found if found["hours"] == "business" else None

    found = await rig.until(later, "the clock is set anew")
    assert found["due_at"] == "2026-11-21T06:00:00Z", (
        "half an hour on Friday, then from Saturday 10:00 in Kolkata"
    )
    assert (await clocks(rig))["resolve"]["state"] == "none"


@pytest.mark.parametrize("promised", [True, False], ids=["and defaults.sla", "alone"])
async def test_the_mapping_of_a_connector(begin: Begin, promised: bool) -> None:
    """Alone it is what is promised, so that the document's one command is enough; beside `defaults.sla` that holds, and
    where they disagree the one who applies is told."""
    base = PROMISED.replace("resolve: 4h", "resolve: 5h") if promised else HUB
    rig = await begin(config=base.replace("    type: pagerduty\n", f"    type: pagerduty\n{MAPPING}", 1))
    found = await rig.call("GET", "/api/v1/sla/targets", want=200)
    by = {one["by"] for one in found["items"]}
    assert by == ({"defaults.sla"} if promised else {"connectors.prod-pagerduty.sla_mapping"})
    assert len(found["disagreements"]) == (1 if promised else 0)
    assert all("SEV-2.resolve is 4h, but defaults.sla says 5h" in said for said in found["disagreements"])
    await rig.alert(**ALERT)
    assert (await until(rig, "ack", "running"))["promised_seconds"] == 900


async def test_what_is_promised_no_more_runs_no_more(begin: Begin) -> None:
    """Another configuration sets open clocks anew from the opening; one without promises stops them."""
    rig = await begin(config=PROMISED)
    await rig.alert(**ALERT)
    await rig.quiet()
    await until(rig, "ack", "running")
    await rig.daemon.stop()
    await rig.start_hub(config=PROMISED.replace("ack: 15m", "ack: 40m"))

    async def longer() -> Any:
        return (await clocks(rig)).get("ack", {}).get("promised_seconds") == 2400

    await rig.until(longer, "the clock is set anew")
    await rig.daemon.stop()
    await rig.start_hub(config=HUB)

    async def none() -> bool:
        return not await clocks(rig)

    await rig.until(none, "no clock runs")
