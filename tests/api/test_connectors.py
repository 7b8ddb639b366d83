"""Connectors as things that people manage: each change is checked as a whole, and no credential ever comes back."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tocsin import providers
from tocsin.core.model import Json

if TYPE_CHECKING:
    from conftest import Office

CONNECTORS = "/api/v1/connectors"
ONE = f"{CONNECTORS}/prod-pagerduty"
KEY = "a-key-that-nobody-is-told"


def new(**more: Any) -> dict[str, Any]:
    custom = {"service_id": "PGEN001", "from_email": "ops@example.com"}
    return {
        "name": "west",
        "type": "pagerduty",
        "base_url": "http://127.0.0.1:1",
        "api_key": KEY,
        "custom": custom,
    } | more


async def version(office: Office) -> Any:
    return (await office.get("/api/v1/config"))["version"]


async def test_a_connector_is_added_in_force_and_says_nothing_of_its_key(office: Office) -> None:
    """Without a direction it is outbound, as the connector document has it."""
    answer = await office.ask("POST", CONNECTORS, new())

    assert (answer.status_code, answer.headers["location"]) == (201, f"{CONNECTORS}/west")
    assert (answer.json()["version"], answer.json()["changed"]) == (2, True)
    assert office.hub.policy.connectors["west"].direction.value == "outbound"
    shown = await office.get(f"{CONNECTORS}/west/settings")
    assert shown["settings"]["api_key"] is None
    assert [(c["field"], c["usable"]) for c in shown["credentials"]] == [("api_key", True)]
    assert shown["by_command"] == "made"
    for path in (
        f"{CONNECTORS}/west",
        f"{CONNECTORS}/west/settings",
        "/api/v1/config",
        "/api/v1/config/versions/2",
    ):
        assert KEY not in json.dumps(await office.get(path))
    assert KEY not in answer.text


BAD = [
    pytest.param(new(sync_intervall="5m"), "sync_intervall", "did you mean", id="a misspelt key"),
    pytest.param(new(custom={"servce_id": "P1", "from_email": "a@example.com"}), "custom.servce_id", "did you mean", id="a misspelt key of the provider"),
    pytest.param(new(api_key=5), "api_key", "string", id="a number for a key"),
    pytest.param(new(enable_webhook="maybe"), "enable_webhook", "boolean", id="no flag"),
    pytest.param(new(custom=[]), "custom", "", id="a list for a mapping"),
    pytest.param(new(sync_interval="soon"), "sync_interval", "", id="no duration"),
    pytest.param(new(sync_direction="both"), "sync_direction", "", id="no direction"),
    pytest.param(new(type="pagerdut"), "type", "did you mean", id="an unknown type"),
    pytest.param(new(name="a/b"), "name", "cannot name a connector", id="a name with a slash"),
    pytest.param(new(name=""), "name", "at least 1", id="an empty name"),
    pytest.param(new(api_key=None), "api_key", "missing", id="no key"),
    pytest.param(new(base_url="http://pager.example.com"), "base_url", "http", id="plain http"),
    pytest.param(new(base_url="ftp://x"), "base_url", "", id="no web address"),
    pytest.param(new(custom={"service_id": "P1", "from_email": "nobody"}), "custom.from_email", "e-mail", id="no address"),
    pytest.param(new(custom={"service_id": "P1", "from_email": "a@example.com", "urgency_mapping": {"SEV-9": "high"}}), "custom.urgency_mapping.SEV-9", "severity", id="no severity"),
    pytest.param(new(api_key={"$secret": "connectors.prod-pagerduty.api_key"}), "api_key", "string", id="the credential of another"),
    pytest.param({"name": "west"}, "type", "", id="no type"),
]  # fmt: skip


@pytest.mark.parametrize(("body", "field", "words"), BAD)
async def test_what_is_wrong_is_named_as_it_was_written(
    office: Office, body: dict[str, Any], field: str, words: str
) -> None:
    answer = await office.ask("POST", CONNECTORS, body)

    assert answer.status_code == 422, answer.text
    found = {fault["field"]: fault["message"] for fault in answer.json()["faults"]}
    assert field in found, found
    assert words in found[field]
    assert KEY not in answer.text
    assert await version(office) == 1


async def test_a_name_in_use_and_a_rehearsal(office: Office) -> None:
    """Neither changes anything."""
    taken = await office.ask("POST", CONNECTORS, new(name="prod-pagerduty"))
    tried = await office.ask("POST", f"{CONNECTORS}?dry_run=true", new())

    assert (taken.status_code, taken.json()["faults"][0]["field"]) == (409, "name")
    assert (tried.status_code, tried.json()["dry_run"]) == (200, True)
    assert "+  west:" in tried.json()["diff"]
    assert (await version(office), "west" in office.hub.policy.connectors) == (1, False)


async def test_a_patch_changes_what_it_names(office: Office) -> None:
    """Mappings one by one; null takes one away; the key stays."""
    patch: dict[str, Any] = {
        "custom": {"service_mappings": {"web": None, "api": "PAPI001"}},
        "sync_interval": "7m",
    }
    answer = await office.ask("PATCH", f"{ONE}?force=true", patch)

    assert answer.status_code == 200, answer.text
    settings = (await office.get(f"{ONE}/settings"))["settings"]
    assert settings["custom"]["service_mappings"] == {
        "payment-service": "PPAY001", "database": "PDAT001", "default": "PGEN001", "api": "PAPI001",
    }  # fmt: skip
    assert settings["custom"]["from_email"] == "tocsin-bot@example.com"
    connector = office.hub.policy.connectors["prod-pagerduty"]
    assert connector.sync_interval.total_seconds() == 420
    assert office.hub.active.settings_of(connector).settings["api_key"] == "pd-secret-of-the-tests"
    assert (await office.get(f"{ONE}/settings"))["by_command"] == "changed"


@pytest.mark.parametrize(
    ("patch", "field"),
    [
        pytest.param({}, "body", id="nothing"),
        pytest.param({"name": "other"}, "name", id="another name"),
        pytest.param(
            {"custom": {"service_mappings": {"api": 5}}}, "custom.service_mappings.api", id="a number"
        ),
        pytest.param({"api_key": None}, "api_key", id="its only key taken away"),
    ],
)
async def test_a_patch_that_cannot_be_meant(office: Office, patch: dict[str, Any], field: str) -> None:
    answer = await office.ask("PATCH", ONE, patch)

    assert answer.status_code == 422, answer.text
    assert any(fault["field"].startswith(field) for fault in answer.json()["faults"]), answer.text
    assert await version(office) == 1


async def test_one_that_is_needed_is_not_removed(office: Office) -> None:
    """What names it is named; force does not help there."""
    answer = await office.ask("DELETE", f"{ONE}?force=true")

    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    assert "escalation_policies.everywhere" in answer.json()["detail"]
    assert "pause" in answer.json()["hint"]
    assert "prod-pagerduty" in office.hub.policy.connectors


async def test_one_that_nothing_names_goes(office: Office) -> None:
    await office.ask("POST", CONNECTORS, new())
    answer = await office.ask("DELETE", f"{CONNECTORS}/west")

    assert answer.status_code == 200, answer.text
    assert "west" not in office.hub.policy.connectors
    assert (await office.ask("DELETE", f"{CONNECTORS}/west")).status_code == 404
    assert (await office.ask("PATCH", f"{CONNECTORS}/west", {"paused": True})).status_code == 404


async def test_a_pause_is_shown_and_ends(office: Office) -> None:
    paused = await office.ask("POST", f"{ONE}/pause?force=true", {})
    assert (paused.status_code, (await office.get(ONE))["enabled"]) == (200, False)
    resumed = await office.ask("POST", f"{ONE}/resume", {})

    assert (resumed.status_code, (await office.get(ONE))["enabled"]) == (200, True)
    assert "by command" not in str((await office.get("/api/v1/config/versions/3"))["text"])


async def test_mappings_say_when_nobody_could_be_asked(office: Office) -> None:
    """The default comes last, whichever setting it is from."""
    found = await office.get(f"{ONE}/mappings")

    services = [(m["here"], m["remote"], m["there"]) for m in found["items"] if m["kind"] == "service"]
    assert services == [("database", "PDAT001", None), ("payment-service", "PPAY001", None), ("web", "PWEB001", None), ("default", "PGEN001", None)]  # fmt: skip
    assert "cannot connect" in found["fault"]


async def test_every_kind_says_what_it_is_asked_for(office: Office) -> None:
    """And a connector with an answer to each prompt is one that its folder takes."""
    kinds = providers.discover()
    listed = (await office.get("/api/v1/connector-types"))["items"]
    assert [kind["name"] for kind in listed] == list(kinds)
    for kind in listed:
        settings: dict[str, Json] = {"type": kind["name"]}
        for prompt in kind["prompts"]:
            first, _, rest = prompt["field"].partition(".")
            value = _answer(prompt["field"], prompt["default"])
            if rest.startswith("service_mappings."):
                rest, value = "service_mappings", {"default": value}
            settings[first] = {**(settings.get(first) or {}), rest: value} if rest else value  # type: ignore[dict-item]
        assert kind["prompts"]
        assert kinds[kind["name"]].module.check_settings(settings) == [], kind["name"]


def _answer(field: str, default: str) -> Any:
    if "mail" in field or field == "custom.from":
        return "ops@example.com"
    if field == "custom.to":
        return ["ops@example.com"]
    return default or {
        "custom.smtp_url": "smtp://127.0.0.1:2525",
        "custom.service_mappings.default": "team:Ops",
    }.get(field, "P123456")
