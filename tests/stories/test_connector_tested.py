"""`im connector test`: each thing that a connector needs is asked at its provider, and each cause is named."""

from __future__ import annotations

import json

import pytest

from rig import Begin
from stories.conftest import HUB
from terminal import im

TIMERS_OFF = {"acknowledgement_timeout": None, "auto_resolve_timeout": None}


async def test_the_five_lines_of_the_document(begin: Begin) -> None:
    """With the document's own settings: a service, an e-mail address, a policy, a webhook."""
    only = HUB.replace(
        "service_mappings: {payment-service: PPAY001, database: PDAT001, web: PWEB001, default: PGEN001}",
        "escalation_policy_id: PLEAD01",
    )
    rig = await begin(config=only.replace("policy_mappings:  {database-lead: PLEAD01}", ""))  # fmt: skip
    rig.daemon.hub.public_url = rig.daemon.url
    await rig.control("POST", "/pagerduty/services/PGEN001", TIMERS_OFF)
    said = await im(rig, "connector", "test", "prod-pagerduty")
    assert said.out.splitlines() == [
        "✓ Connected to PagerDuty API",
        "✓ Service PGEN001 accessible",
        "✓ User tocsin-bot@example.com valid",
        "✓ Escalation policy PLEAD01 found",
        "✓ Webhook endpoint configured",
    ]
    assert (said.code, said.err) == (0, "")
    plain = await im(rig, "connector", "test", "prod-pagerduty", TERM="dumb")
    assert plain.out.splitlines()[0] == "ok Connected to PagerDuty API"
    shown = await im(rig, "connector", "test", "prod-pagerduty", "-o", "json")
    assert [line["state"] for line in json.loads(shown.out)["lines"]] == ["ok"] * 5
    assert await rig.pagerduty() == []  # nothing was changed there


@pytest.mark.parametrize(
    ("old", "new", "code", "line"),
    [
        pytest.param("api_key: ${PAGERDUTY_API_KEY}", "api_key: revoked", 8, "✗ PagerDuty refuses the API key (401)", id="a wrong key"),
        pytest.param("api_key: ${PAGERDUTY_API_KEY}", "api_key: read-only", 8, "✗ The API key may only read (403)", id="a key that may only read"),
        pytest.param("web: PWEB001", "web: PGONE01", 8, "✗ Service PGONE01 (web) is not at PagerDuty (404)", id="a service that is not there"),
        pytest.param("from_email: tocsin-bot@example.com", "from_email: nobody@example.com", 8, "✗ nobody@example.com is no user at PagerDuty", id="an address of no user"),
        pytest.param("PLEAD01", "PGONE02", 8, "✗ Escalation policy PGONE02 (database-lead) is not at PagerDuty (404)", id="a policy that is not there"),
        pytest.param("base_url: ${PAGERDUTY_URL}", "base_url: http://127.0.0.1:9", 6, "✗ PagerDuty API: cannot connect to 127.0.0.1:9", id="nobody there"),
    ],
)  # fmt: skip
async def test_each_cause_is_named_with_the_next_step(
    begin: Begin, old: str, new: str, code: int, line: str
) -> None:
    rig = await begin(config=HUB.replace(old, new), public=True, webhooks=False)
    said = await im(rig, "connector", "test", "prod-pagerduty")
    assert said.code == code, said
    assert line in said.out
    assert "  -> " in said.out
    assert "✗ Webhook: no subscription" in said.out or code == 6 or "401" in line


async def test_the_other_kinds(begin: Begin) -> None:
    rig = await begin()
    opsgenie = await im(rig, "connector", "test", "prod-opsgenie")
    assert opsgenie.out.splitlines()[:5] == [
        "✓ Connected to Opsgenie API",
        "✓ API key may create alerts",
        "✓ Team Ops found",
        "✓ Team Payments found",
        "✓ Escalation DB lead found",
    ]
    assert "TOCSIN_PUBLIC_URL is not set" in opsgenie.out
    mail = await im(rig, "connector", "test", "ops-mail")
    assert mail.out.splitlines()[1:] == ["✓ Sender tocsin@example.com accepted", "✓ Recipient ops@example.com accepted"]  # fmt: skip
    assert (await rig.opsgenie(), await rig.mails()) == ([], [])
    assert (await im(rig, "connector", "test", "nobody")).code == 3


async def test_settings_are_checked_before_they_are_stored(begin: Begin) -> None:
    rig = await begin()
    url = rig.sandbox.pagerduty_url
    key = {"base_url": url, "api_key": "any-key"}
    body = {"type": "pagerduty", "settings": key, "partial": True}
    alone = await rig.call("POST", "/api/v1/connectors/check", body, want=200)
    assert [(one["subject"], one["state"]) for one in alone["lines"]] == [
        ("api", "ok"),
        ("webhook", "unknown"),
    ]
    refused = await rig.call("POST", "/api/v1/connectors/check", body | {"partial": False}, want=422)
    assert {fault["field"] for fault in refused["faults"]} == {"settings.custom.service_id", "settings.custom.from_email"}  # fmt: skip
    wrong = body | {"settings": key | {"api_key": "wrong-region"}}
    told = await rig.call("POST", "/api/v1/connectors/check", wrong, want=200)
    assert (told["good"], told["lines"][0]["state"]) == (False, "failed")
    nothing = await rig.call("POST", "/api/v1/connectors/check", body | {"type": "pager"}, want=422)
    assert nothing["faults"][0]["field"] == "type"
