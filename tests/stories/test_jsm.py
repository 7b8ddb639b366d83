"""JSM Operations is Opsgenie's dialect at another address: one line moves a connector over (PR-1)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rig import Begin, Rig

ALERT = {"title": "Login is down", "source": "probe", "severity": "critical", "service_name": "user-auth"}
HUB = (Path(__file__).parents[2] / "src/tocsin/demo/hub.yaml").read_text()
MOVED = HUB.replace("    type: opsgenie\n", "    type: jsm\n")
AT_JSM = MOVED.replace("${OPSGENIE_URL}", "${JSM_URL}")
READ_BACK = AT_JSM.replace(
    "    custom:\n      priority_mapping",
    "    custom:\n      cloud_id: c1\n      email: bot@example.com\n      api_token: a-token\n      priority_mapping",
)


async def paged(rig: Rig) -> Any:
    """The alert is at both providers."""
    await rig.alert(**ALERT)
    await rig.quiet()
    (alert,) = await rig.jsm()
    return alert


async def status_is(rig: Rig, status: str) -> None:
    async def so() -> bool:
        return bool((await rig.incident())["status"] == status)

    await rig.until(so, f"the incident is {status}")


async def test_one_line_moves_a_connector_from_opsgenie_to_jsm(
    begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An alert goes to Opsgenie; the line is changed and the hub started again; the next goes to JSM, and an
    acknowledgement there reaches PagerDuty."""
    rig = await begin()
    await rig.alert(**{**ALERT, "title": "The day before"})
    await rig.quiet()
    assert len(await rig.opsgenie()) == 1
    await rig.call("POST", "/api/v1/incidents/INC-1/resolve", {}, want=200)
    await rig.quiet()

    await rig.daemon.stop()
    monkeypatch.setenv("OPSGENIE_URL", rig.sandbox.jsm_url)  # where the real ones live is known
    await rig.start_hub(config=MOVED)
    await rig.alert(**ALERT)
    await rig.quiet()
    (alert,) = await rig.jsm()
    assert len(await rig.opsgenie()) == 1
    await rig.control("POST", f"/jsm/alerts/{alert['id']}/acknowledge", {"user": "bo@example.com"})

    async def everywhere() -> bool:
        pages = await rig.pagerduty()
        return (await rig.incident("INC-2"))["status"] == "mitigated" and any(
            page["status"] == "acknowledged" for page in pages
        )

    await rig.until(everywhere, "the acknowledgement at JSM reaches PagerDuty")
    assert "bo@example.com" in (await rig.incident("INC-2"))["acknowledged_by"]


async def test_what_is_done_here_is_done_there(begin: Begin) -> None:
    """Created with an id, acknowledged, noted, closed; a new severity, for which JSM has no verb, is a note."""
    rig = await begin(config=AT_JSM)
    alert = await paged(rig)
    (side,) = [s for s in (await rig.incident())["providers"] if s["type"] == "jsm"]
    assert (side["remote_id"], side["created_at"] is not None) == (alert["id"], True)

    await rig.call("POST", "/api/v1/incidents/INC-1/acknowledge", {"note": "on it"}, want=200)
    await rig.quiet()
    (alert,) = await rig.jsm()
    assert (alert["acknowledged"], [note["note"] for note in alert["notes"]]) == (True, ["on it"])

    await rig.call("POST", "/api/v1/incidents/INC-1/resolve", {}, want=200)
    await rig.quiet()
    assert [a["status"] for a in await rig.jsm()] == ["closed"]


async def test_without_webhooks_jsm_is_read_by_its_rest_api(begin: Begin) -> None:
    """Its events API reads nothing; with cloud_id, email and api_token an acknowledgement is found all the same."""
    rig = await begin(config=READ_BACK, webhooks=False)
    alert = await paged(rig)
    await rig.control("POST", f"/jsm/alerts/{alert['id']}/acknowledge", {"user": "bo@example.com"})
    await rig.advance(seconds=11)

    await status_is(rig, "mitigated")


async def test_without_the_rest_api_the_hub_says_that_it_reads_nothing(begin: Begin) -> None:
    """Nothing is guessed: by hand it says why, and the incident stays as it is."""
    rig = await begin(config=AT_JSM, webhooks=False)
    alert = await paged(rig)
    await rig.control("POST", f"/jsm/alerts/{alert['id']}/close", {"user": "bo@example.com"})
    told = await rig.call("POST", "/api/v1/connectors/prod-opsgenie/sync", want=200)

    assert told["held_back"] == "it tells no state with these settings"
    assert (await rig.incident())["status"] == "open"


async def test_a_create_whose_answer_was_lost_is_one_alert(begin: Begin) -> None:
    """Sent again, the alias keeps it one alert: nobody is rung twice."""
    rig = await begin(config=AT_JSM)
    await rig.fault("jsm", "reset", operation="create", times=1)
    await rig.fault("jsm", "timeout_after_write", operation="create", times=1, seconds=1)
    await rig.alert(**ALERT)

    async def one() -> bool:
        await rig.advance(seconds=5)
        sides = (await rig.incident())["providers"]
        return any(s["type"] == "jsm" and s["created_at"] for s in sides)

    await rig.until(one, "it is created", seconds=30)
    (alert,) = await rig.jsm()
    assert alert["notification_count"] == 1
