"""A mapping names what was deleted at the provider: found before the night where it can be, and told at the first page."""

from __future__ import annotations

import os
import re
from typing import Any

import pytest

from rig import Begin, Rig

from .conftest import HUB

ALERT = {"title": "Checkout is down", "source": "probe", "severity": "critical", "service_name": "web"}
GONE = [
    pytest.param("web: PWEB001", "web: PGONE01", "prod-pagerduty.custom.service_mappings.web", "service PGONE01", id="a service at PagerDuty"),
    pytest.param("database-lead: PLEAD01", "database-lead: PGONE02", "prod-pagerduty.custom.policy_mappings.database-lead", "escalation policy PGONE02", id="an escalation policy at PagerDuty"),
    pytest.param('"team:Payments"', '"team:Gone"', "prod-opsgenie.custom.service_mappings.payment-service", "team Gone", id="a team at Opsgenie"),
    pytest.param('"escalation:DB lead"', '"user:gone@example.com"', "prod-opsgenie.custom.policy_mappings.database-lead", "user gone@example.com", id="a responder at Opsgenie"),
]  # fmt: skip


async def put(rig: Rig, text: str, way: str = "", *, want: int = 200) -> Any:
    """Apply a text (or what `way` says), with the variables that the hub was started with."""
    names = re.findall(r"\$\{(\w+)\}", text)
    body = {"text": text, "environment": {name: os.environ[name] for name in names}}
    return await rig.call("POST", f"/api/v1/config{way}", body, want=want)


@pytest.mark.parametrize(("old", "new", "field", "what"), GONE)
async def test_s51_refused_with_its_line_unless_forced(
    begin: Begin, old: str, new: str, field: str, what: str
) -> None:
    """`im diff` shows it, `im apply` refuses and changes nothing; forced it is told, and from then on it is known."""
    rig = await begin()
    text = HUB.replace(old, new)
    line = next(n for n, one in enumerate(text.splitlines(), 1) if new in one)
    told = await put(rig, text, "/diff")
    assert [(one["field"], one["line"]) for one in told["refusals"]] == [(f"connectors.{field}", line)]
    refused = await put(rig, text, want=409)
    (fault,) = refused["faults"]
    assert (fault["field"], fault["line"], refused["code"]) == (f"connectors.{field}", line, "unsafe")
    assert what in fault["message"]
    assert (await rig.call("GET", "/api/v1/config", want=200))["version"] == 1

    done = await put(rig, text, "?force=true")
    assert done["version"] == 2
    assert any(what in one for one in done["warnings"])
    again = await put(rig, text + "\n# another word\n")
    assert any(what in one for one in again["warnings"]), "told, and not refused a second time"
    name = field.partition(".")[0]
    checked = await rig.call("POST", f"/api/v1/connectors/{name}/check", want=200)
    assert [what in one for one in checked["gone"]] == [True]


async def test_s51_who_cannot_be_asked_is_a_warning_and_no_block(begin: Begin) -> None:
    """PagerDuty refuses connections: it is applied, and it is said what could not be asked."""
    rig = await begin()
    await rig.fault("pagerduty", "refused")
    text = HUB.replace("web: PWEB001", "web: PGONE01")
    done = await put(rig, text)

    assert (done["version"], done["refusals"]) == (2, [])
    (told,) = [one for one in done["warnings"] if "could not be asked" in one]
    assert told.startswith("connectors.prod-pagerduty: ")


async def test_s51_a_key_that_may_not_look_is_a_warning_and_no_block(begin: Begin) -> None:
    """PagerDuty answers 401 to a key that was revoked there: it says nothing of what is mapped, and that is said."""
    rig = await begin()
    text = HUB.replace("web: PWEB001", "web: PGONE01").replace("${PAGERDUTY_API_KEY}", "revoked")
    done = await put(rig, text)

    assert (done["version"], done["refusals"]) == (2, [])
    (told,) = [one for one in done["warnings"] if "could not be asked" in one]
    assert told.endswith("it answers 401")


async def test_s28_the_first_page_to_it_fails_over_and_raises_an_alarm(begin: Begin) -> None:
    """Nobody looked before the night: PagerDuty answers that there is no such service, Opsgenie rings at once, and an
    alarm names what was refused. The hub started all the same."""
    rig = await begin(config=HUB.replace("web: PWEB001", "web: PGONE01"))
    await rig.alert(**{**ALERT, "severity": "high"})

    async def rung() -> bool:
        return [a["notification_count"] for a in await rig.opsgenie() if ALERT["title"] == a["message"]] == [
            1
        ]

    await rig.until(rung, "Opsgenie rings")

    async def alarmed() -> Any:
        listed = (await rig.call("GET", "/api/v1/alarms", want=200))["items"]
        return [one for one in listed if one["title"] == "prod-pagerduty refuses what it is asked"]

    assert await rig.until(alarmed, "an alarm of the hub's own")
    checked = await rig.call("POST", "/api/v1/connectors/prod-pagerduty/check", want=200)
    assert checked["gone"] == [
        "the service PGONE01 is not at PagerDuty (404), named by custom.service_mappings.web"
    ]
