"""The configuration by the API: shown, compared, applied; credentials never come back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from conftest import Office

LISTS = ("integrations", "connectors", "services", "teams", "users", "routing-rules", "escalation-policies")


def envelope(text: str, environment: dict[str, str]) -> dict[str, Any]:
    return {"text": text, "environment": environment, "file": "hub.yaml"}


async def test_compare_then_apply_then_again(office: Office, example: tuple[str, dict[str, str]]) -> None:
    text, environment = example
    changed = text.replace("criticality: medium, match", "criticality: high, match")
    compared = (await office.ask("POST", "/api/v1/config/diff", envelope(changed, environment))).json()
    before = await office.get("/api/v1/config")
    applied = (await office.ask("POST", "/api/v1/config", envelope(changed, environment))).json()
    again = (await office.ask("POST", "/api/v1/config", envelope(changed, environment))).json()
    after = await office.get("/api/v1/config")

    assert "+    criticality: high" in compared["diff"]
    assert (compared["changed"], before["version"]) == (True, 1)
    assert (applied["version"], applied["changed"], applied["diff"]) == (2, True, compared["diff"])
    assert (again["version"], again["changed"], again["diff"]) == (2, False, "")
    assert (after["version"], after["author"]) == (2, "admin")
    assert (await office.get("/api/v1/services/web"))["criticality"] == "high"
    versions = (await office.get("/api/v1/config/versions"))["items"]
    assert [(one["version"], one["author"]) for one in versions] == [(2, "admin"), (1, "the tests")]


async def test_plain_yaml_is_taken_too(office: Office) -> None:
    answer = await office.ask(
        "POST", "/api/v1/config/diff", content=b"teams: {}\n", headers={"Content-Type": "application/yaml; charset=utf-8"}
    )  # fmt: skip

    assert (answer.status_code, answer.json()["changed"]) == (200, True)


async def test_a_fault_is_told_with_its_line_and_changes_nothing(office: Office) -> None:
    text = "teams:\n  ops: {timezone: Nowhere/Land}\nrouting:\n  - {name: x, when: 'alert.nothing ==', page: y}\n"
    answer = await office.ask("POST", "/api/v1/config", envelope(text, {}))

    assert answer.status_code == 422
    assert {fault["line"] for fault in answer.json()["faults"]} >= {2, 4}
    assert (await office.get("/api/v1/config"))["version"] == 1


async def test_no_credential_key_or_hash_ever_comes_back(
    office: Office, example: tuple[str, dict[str, str]]
) -> None:
    await office.incident(services=["web"])
    secrets = [value for name, value in example[1].items() if "URL" not in name]
    hashes = [i.key_hash for i in office.hub.policy.integrations.values()]
    pages = [f"/api/v1/{name}" for name in LISTS]
    pages += [
        "/api/v1/config",
        "/api/v1/config/versions",
        "/api/v1/health",
        "/api/v1/incidents/INC-1",
        "/metrics",
    ]
    for path in pages:
        answer = await office.ask("GET", path)

        assert answer.status_code == 200
        assert not [secret for secret in secrets if secret in answer.text], path
        if path != "/api/v1/config":
            assert not [digest for digest in hashes if digest in answer.text], path


async def test_each_thing_of_the_configuration_is_listed_and_shown(office: Office) -> None:
    for name in LISTS:
        listed = (await office.get(f"/api/v1/{name}"))["items"]
        first = await office.get(f"/api/v1/{name}/{listed[0]['name']}")
        paged = await office.get(f"/api/v1/{name}?limit=1")
        rest = await office.get(f"/api/v1/{name}?limit=500&cursor={paged['next_cursor']}")
        missing = await office.ask("GET", f"/api/v1/{name}/nothing")

        assert first == listed[0]
        assert paged["items"] + rest["items"] == listed
        assert missing.status_code == 404
    assert [rule["name"] for rule in (await office.get("/api/v1/routing-rules"))["items"]][-1] == "default"
    assert (await office.get("/api/v1/teams/payments"))["business_hours"] == [
        "mon,tue,wed,thu,fri 09:00-18:00"
    ]
    assert (await office.get("/api/v1/integrations/anything"))["auto_resolve"] == "1d"
