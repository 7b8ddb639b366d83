"""The hub comes back with another secret key: nothing is lost, nothing is called, and it is loud (S50)."""

import os
from typing import Any

import pytest

from rig import Begin, Rig

from .conftest import HUB

ALERT = {"title": "Login is down", "source": "probe", "severity": "critical", "service_name": "user-auth"}
ANOTHER = "quite another secret key"


async def calls(rig: Rig) -> int:
    return len(await rig.calls("pagerduty")) + len(await rig.calls("opsgenie"))


async def paged(rig: Rig, title: str) -> bool:
    pages, alerts = await rig.pagerduty(), await rig.opsgenie()
    return any(title in p["title"] for p in pages) and any(title in str(a["message"]) for a in alerts)


async def lose_the_key(begin: Begin) -> Rig:
    """Up and configured; then restarted without its file and with another key."""
    rig = await begin(webhooks=False)
    await rig.daemon.stop()
    await rig.start_hub(config="", secret_key=ANOTHER)
    return rig


async def test_alerts_are_taken_and_nobody_is_called(
    begin: Begin, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every place where one looks says what is wrong and what to do."""
    rig = await lose_the_key(begin)
    before = await calls(rig)
    decided = await rig.alert(**ALERT)
    await rig.quiet()
    ready: Any = await rig.call("GET", "/readyz", want=200)
    health = await rig.call("GET", "/api/v1/health", want=200)

    async def alarm() -> bool:
        listed = await rig.call("GET", "/api/v1/incidents", want=200)
        return any("secret key" in incident["title"] for incident in listed["items"])

    await rig.until(alarm, "the hub raises an alarm of its own")
    await rig.advance(minutes=5)
    assert decided["incident"]
    assert await calls(rig) == before
    assert [(r["name"], "TOCSIN_SECRET_KEY" in r["next"]) for r in ready["reasons"]] == [
        ("credentials", True)
    ]
    assert health["system_status"] == "degraded"
    assert any("TOCSIN_SECRET_KEY" in reason for reason in health["reasons"])
    assert "secret_lost" in "".join(capsys.readouterr())


async def test_with_the_right_key_everything_that_waited_is_delivered(begin: Begin) -> None:
    """And the alarm is over."""
    rig = await lose_the_key(begin)
    await rig.alert(**ALERT)
    await rig.quiet()
    assert not await paged(rig, "Login is down")
    await rig.daemon.stop()
    await rig.start_hub(config="")
    await rig.advance(minutes=1)
    await rig.until(lambda: paged(rig, "Login is down"), "the page that waited is delivered on both sides")

    async def over() -> bool:
        listed = await rig.call("GET", "/api/v1/incidents", want=200)
        return not any("secret key" in incident["title"] for incident in listed["items"])

    await rig.until(over, "the alarm ends")
    assert "reasons" not in await rig.call("GET", "/readyz", want=200)


async def test_where_the_key_is_gone_for_good_the_credentials_are_given_anew(begin: Begin) -> None:
    """The same text applied with its credentials is no new version; they are sealed with the new key."""
    rig = await lose_the_key(begin)
    await rig.alert(**ALERT)
    await rig.quiet()
    environment = {name: value for name, value in os.environ.items() if f"${{{name}}}" in HUB}
    done = await rig.call("POST", "/api/v1/config", {"text": HUB, "environment": environment}, want=200)
    await rig.advance(minutes=1)
    await rig.until(lambda: paged(rig, "Login is down"), "the page that waited is delivered on both sides")

    assert (done["version"], done["changed"]) == (1, False)


async def test_no_version_holds_a_credential(begin: Begin) -> None:
    """Neither in what is stored nor in what any address of the configuration answers."""
    rig = await begin(webhooks=False)
    secrets = [
        value for name, value in os.environ.items() if f"${{{name}}}" in HUB and not name.endswith("_URL")
    ]
    told = [
        str(await rig.call("GET", path, want=200))
        for path in (
            "/api/v1/config",
            "/api/v1/config/versions",
            "/api/v1/config/versions/1",
            "/api/v1/config/versions/1/diff",
        )
    ]
    stored = await rig.daemon.hub.database.read(
        lambda c: c.fetchval("SELECT document::text FROM config_version")
    )

    assert secrets
    assert [secret for secret in secrets if secret in stored or any(secret in text for text in told)] == []
