"""The connector document, walked: every command of it about connectors, in its order, against the sandbox."""

from __future__ import annotations

import json
import re

import pytest

from rig import Begin, Rig
from stories.conftest import HUB
from terminal import Said, im

KEY = "u+the-key-of-the-document"
NO_CONNECTORS = """
services: {api: {}, db: {}, web: {}}
connectors:
  ops-mail: {type: email, custom: {smtp_url: "${SMTP_URL}", from: tocsin@example.com, to: [ops@example.com]}}
defaults: {last_resort: [ops-mail]}
"""
TIMERS_OFF = {"acknowledgement_timeout": None, "auto_resolve_timeout": None}


def settings(rig: Rig, **more: object) -> str:
    custom = {
        "service_id": "PGEN001",
        "from_email": "tocsin-bot@example.com",
        "escalation_policy_id": "PGENEP1",
    }
    given = {
        "base_url": rig.sandbox.pagerduty_url, "api_key": KEY, "sync_direction": "bidirectional", "sync_interval": "5m",
        "enable_webhook": True, "custom": custom,
    }  # fmt: skip
    return json.dumps(given | more)


def table(said: Said) -> list[list[str]]:
    """The cells of a printed table; columns are at least two blanks apart."""
    assert said.code == 0, said
    return [re.split(r" {2,}", line.strip()) for line in said.out.splitlines()]


async def test_the_document_in_its_order(begin: Begin) -> None:
    """Added, tested, listed, mapped, configured, rotated: with the document's words, keys and defaults."""
    rig = await begin(config=NO_CONNECTORS, public=True, webhooks=False)
    added = await im(rig, "connector", "add", "pagerduty", "prod-pagerduty", "--config", settings(rig))
    assert added.code == 0, added
    assert added.out == "prod-pagerduty added (pagerduty, bidirectional): version 2 is in force.\n"
    assert "https://hub.example.com/connectors/prod-pagerduty/webhook" in added.err
    assert "Next: im connector test prod-pagerduty" in added.err

    tested = await im(rig, "connector", "test", "prod-pagerduty")
    assert tested.out.splitlines()[:4] == [
        "✓ Connected to PagerDuty API", "✓ Service PGEN001 accessible", "✓ User tocsin-bot@example.com valid",
        "✓ Escalation policy PGENEP1 found",
    ]  # fmt: skip

    assert table(await im(rig, "connector", "list"))[:2] == [
        ["NAME", "TYPE", "STATUS", "DIRECTION", "LAST SYNC", "LAST ERROR"],
        ["ops-mail", "email", "active", "bidirectional", "never", "-"],
    ]
    assert table(await im(rig, "connector", "list"))[2][:4] == [
        "prod-pagerduty",
        "pagerduty",
        "active",
        "bidirectional",
    ]

    await im(rig, "declare", "--sev", "SEV-2", "--title", "Database performance issue", "--service", "db")
    await rig.until(lambda: _known(rig), "the page there is known here")
    synced = await im(rig, "connector", "sync", "prod-pagerduty", "--incident", "INC-1")
    assert synced.code == 0, synced
    await rig.advance(minutes=2)
    shown = (await im(rig, "connector", "status", "prod-pagerduty")).out
    for line in (
        r"Connector +prod-pagerduty \(pagerduty\)", "Status +Active", "Direction +Bidirectional",
        r"Last Sync +2026-11-16 \d\d:00:\d\d", r"Incidents Synced +1 \(last 24h\)", "Sync Errors +0", "Webhook +Enabled",
    ):  # fmt: skip
        assert re.search(rf"(?m)^{line}", shown), (line, shown)

    for here, there in (
        ("api", "PPAY001"),
        ("database", "PDAT001"),
        ("web", "PWEB001"),
        ("default", "PGEN001"),
    ):
        mapped = await im(
            rig, "connector", "map-service", "prod-pagerduty", "--im-service", here, "--pd-service", there
        )
        assert mapped.code == 0, mapped
    assert table(await im(rig, "connector", "list-mappings", "prod-pagerduty")) == [
        ["IM SERVICE", "PAGERDUTY SERVICE", "SERVICE NAME"],
        ["api", "PPAY001", "Payments"],
        ["database", "PDAT001", "Database"],
        ["web", "PWEB001", "Web"],
        ["default", "PGEN001", "General"],
    ]
    await im(rig, "declare", "--sev", "SEV-1", "--title", "API Gateway Down", "--service", "api")
    # the hub may page for itself meanwhile: nobody registered the webhooks that it waits for
    await rig.until(lambda: _gone_to(rig, "API Gateway Down", "PPAY001"), "a page at the mapped service")

    config = ("connector", "config", "prod-pagerduty")
    assert (await im(rig, *config, "--escalation-policy", "PLEAD01")).code == 0
    escalation = ("--service", "api", "--escalation-policy", "PLEAD01")
    assert (await im(rig, "connector", "map-escalation", "prod-pagerduty", *escalation)).code == 0
    rows = table(await im(rig, "connector", "list-escalations", "prod-pagerduty"))
    assert [row[:2] for row in rows[1:]] == [["api", "PLEAD01"], ["default", "PLEAD01"]]
    times = {"SEV-1": {"ack": "15m", "resolve": "1h"}, "SEV-4": {"ack": "8h", "resolve": "72h"}}
    assert (await im(rig, *config, "--sla-mapping", json.dumps(times))).code == 0
    assert (await im(rig, *config, "--service-id", "PWEB001")).code == 0
    updated = await im(rig, "connector", "update", "prod-pagerduty", "--api-key", "new-api-key")
    assert (updated.code, "on the command line" in updated.err) == (0, True)

    shown = (await im(rig, *config, "-o", "json")).out
    found = json.loads(shown)["settings"]
    assert (found["sla_mapping"], found["custom"]["service_id"]) == (times, "PWEB001")
    assert KEY not in shown
    assert rig.daemon.hub.active.secrets["connectors.prod-pagerduty.api_key"] == "new-api-key"


async def _paged(rig: Rig, count: int) -> bool:
    return len(await rig.pagerduty()) == count


async def _known(rig: Rig) -> bool:
    found = await rig.call("GET", "/api/v1/connectors/prod-pagerduty", want=200)
    return bool(found["incidents_synced"])


async def _gone_to(rig: Rig, title: str, service: str) -> bool:
    return any(title in one["title"] and one["service"]["id"] == service for one in await rig.pagerduty())


async def test_the_prompts_of_the_document(begin: Begin) -> None:
    """Each answer is checked before the next question; a wrong key is asked for again, and is not shown."""
    rig = await begin(config=NO_CONNECTORS, webhooks=False)
    url = rig.sandbox.pagerduty_url
    typed = f"{url}\nrevoked\nu+good\nPGEN001\nnobody\ntocsin-bot@example.com\n\nbi\n"
    said = await im(rig, "connector", "add", "pagerduty", "prod-pagerduty", typed=typed)
    assert said.code == 0, said
    for label in ("API Key: ", "API Base URL [https://api.pagerduty.com]: ", "Default Service ID: ", "From Email: ", "Escalation Policy ID: ", "Sync Direction: "):  # fmt: skip
        assert label in said.err, label
    assert (said.err.count("API Key: "), said.err.count("From Email: ")) == (2, 2)
    assert "prod-pagerduty added (pagerduty, bidirectional)" in said.out
    left = await im(rig, "connector", "add", "pagerduty", "other", typed=f"{url}\n")
    assert (left.code, "nothing was changed" in left.err) == (1, True)
    assert set(rig.daemon.hub.policy.connectors) == {"ops-mail", "prod-pagerduty"}


@pytest.mark.parametrize(
    ("kind", "where", "team"),
    [
        pytest.param("opsgenie", "opsgenie_url", ("--og-team", "Payments"), id="Opsgenie"),
        pytest.param("jsm", "jsm_url", ("--team", "Payments"), id="JSM"),
    ],
)
async def test_the_same_for_the_other_kinds(
    begin: Begin, kind: str, where: str, team: tuple[str, str]
) -> None:
    rig = await begin(config=NO_CONNECTORS, webhooks=False)
    given = {"base_url": getattr(rig.sandbox, where), "api_key": "og-key", "sync_direction": "bidirectional", "custom": {"service_mappings": {"default": "team:Ops"}}}  # fmt: skip
    added = await im(rig, "connector", "add", kind, "prod", "--config", json.dumps(given))
    assert added.code == 0, added
    assert (await im(rig, "connector", "map-service", "prod", "--im-service", "api", *team)).code == 0
    rows = table(await im(rig, "connector", "list-mappings", "prod"))
    asked = kind == "opsgenie"  # JSM's API of events can be asked nothing
    assert rows[1:] == [["api", "team:Payments", "Payments" if asked else "-"], ["default", "team:Ops", "Ops" if asked else "-"]]  # fmt: skip
    escalation = ("--service", "api", "--escalation-policy", "DB lead")
    assert (await im(rig, "connector", "map-escalation", "prod", *escalation)).code == 0
    mapped = rig.daemon.hub.policy.connectors["prod"].settings["custom"]["escalation_mappings"]
    assert mapped == {"api": "escalation:DB lead"}
    assert (await im(rig, "connector", "unmap-service", "prod", "--im-service", "api")).code == 0
    assert (await im(rig, "connector", "config", "prod")).code == 0
    await im(rig, "declare", "--sev", "SEV-1", "--title", "API Gateway Down", "--service", "api")
    await rig.until(lambda: _there(rig, kind), "a page there")
    assert (await im(rig, "connector", "status", "prod")).out.startswith("Connector")


async def _there(rig: Rig, kind: str) -> bool:
    return bool(await (rig.opsgenie() if kind == "opsgenie" else rig.jsm()))


BAD = [
    pytest.param(["add", "pagerdut", "x", "--config", "{}"], 1, "did you mean", id="an unknown type"),
    pytest.param(["add", "pagerduty", "x", "--config", '{"api_key" "k"}'], 2, "column", id="no JSON"),
    pytest.param(["add", "pagerduty", "x", "--config", "[]"], 2, "JSON object", id="a list"),
    pytest.param(["add", "pagerduty", "x", "--config", '{"region": "us", "region": "eu"}'], 2, "twice", id="a key twice"),
    pytest.param(["add", "pagerduty", "x", "--config", "@nowhere.json"], 1, "nowhere.json", id="no file"),
    pytest.param(["add", "pagerduty", "x", "--config", '{"type": "opsgenie"}'], 2, "another type", id="two types"),
    pytest.param(["add", "pagerduty", "x", "--config", '{"api_kee": "k"}'], 1, 'did you mean "api_key"', id="a misspelt key"),
    pytest.param(["add", "pagerduty", "a/b", "--config", '{"api_key": "k"}'], 1, "cannot name a connector", id="a slash"),
    pytest.param(["add", "pagerduty", "x"], 2, "--config", id="nobody to ask"),
    pytest.param(["add", "email", "ops-mail", "--config", "{}"], 5, "already", id="a name in use"),
    pytest.param(["config", "nobody"], 3, "no connector nobody", id="one that is not there"),
    pytest.param(["config", "ops-mail", "--set", "custom.to"], 2, "KEY=VALUE", id="no value"),
    pytest.param(["config", "ops-mail", "--sla-mapping", "{"], 2, "--sla-mapping", id="a broken mapping"),
    pytest.param(["config", "ops-mail", "--sync-interval", "soon"], 1, "sync_interval", id="no duration"),
    pytest.param(["update", "ops-mail"], 2, "nothing to change", id="nothing to change"),
    pytest.param(["map-service", "ops-mail", "--im-service", "api"], 2, "--pd-service", id="mapped to nothing"),
    pytest.param(["map-escalation", "ops-mail", "--service", "api", "--policy", "p", "--escalation-policy", "E"], 2, "--policy", id="two of one"),
    pytest.param(["remove", "ops-mail", "--yes"], 5, "defaults.last_resort", id="one that is needed"),
    pytest.param(["remove", "ops-mail"], 2, "--yes", id="nobody to type its name"),
    pytest.param(["remove", "nobody", "--yes"], 3, "no connector", id="nothing to remove"),
]  # fmt: skip


async def test_what_is_typed_wrong_is_told_with_its_exit_code(begin: Begin) -> None:
    """Nothing is changed by any of them."""
    rig = await begin(config=NO_CONNECTORS, webhooks=False)
    for case in BAD:
        words, code, told = case.values
        said = await im(rig, "connector", *words)  # type: ignore[misc]
        assert said.code == code, (words, said)
        assert str(told) in said.err + said.out, (words, said)
    assert rig.daemon.hub.policy.version == 1


async def test_a_service_that_is_not_there_is_refused_unless_forced(begin: Begin) -> None:
    rig = await begin()
    words = ("connector", "map-service", "prod-pagerduty", "--im-service", "web", "--pd-service", "PGONE01")
    refused = await im(rig, *words)
    assert (refused.code, "PGONE01 is not at PagerDuty" in refused.err) == (5, True)
    assert (await im(rig, *words, "--force")).code == 0
    rows = await im(rig, "connector", "list-mappings", "prod-pagerduty")
    assert ["web", "PGONE01", "not found there"] in table(rows)


async def test_a_paused_connector_is_asked_for_nothing_until_it_is_resumed(begin: Begin) -> None:
    """The page goes to the next target at once; what is over by the resume is never sent there."""
    rig = await begin(config=HUB)
    assert (await im(rig, "connector", "pause", "prod-pagerduty", "--force")).code == 0
    assert "paused" in (await im(rig, "connector", "list")).out
    await im(rig, "declare", "--sev", "SEV-4", "--title", "Something small", "--service", "web")
    await rig.until(lambda: _there(rig, "opsgenie"), "a page there")
    assert await rig.pagerduty() == []
    await im(rig, "resolve", "INC-1")
    assert (await im(rig, "connector", "resume", "prod-pagerduty")).code == 0
    await rig.advance(seconds=30)
    await im(rig, "declare", "--sev", "SEV-4", "--title", "Something else", "--service", "web")
    await rig.until(lambda: _paged(rig, 1), "a page there")
    assert [one["title"] for one in await rig.pagerduty()] == ["Something else"]
