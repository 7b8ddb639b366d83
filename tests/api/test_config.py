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

        assert first | listed[0] == first, "it shows all that the list says of it"
        assert paged["items"] + rest["items"] == listed
        assert missing.status_code == 404
    assert [rule["name"] for rule in (await office.get("/api/v1/routing-rules"))["items"]][-1] == "default"
    assert (await office.get("/api/v1/teams/payments"))["business_hours"] == [
        "mon,tue,wed,thu,fri 09:00-18:00"
    ]
    assert (await office.get("/api/v1/integrations/anything"))["auto_resolve"] == "1d"


async def three_versions(office: Office, example: tuple[str, dict[str, str]]) -> None:
    """The example, one with another criticality, and an incident under the second."""
    text, environment = example
    for criticality in ("high", "low"):
        changed = text.replace("criticality: medium, match", f"criticality: {criticality}, match")
        await office.ask("POST", "/api/v1/config", envelope(changed, environment))
        if criticality == "high":
            await office.incident(services=["web"])


async def test_versions_are_listed_by_page_with_their_incidents(
    office: Office, example: tuple[str, dict[str, str]]
) -> None:
    """RO-11: the newest first, which is in force, and how many incidents were opened under each."""
    await three_versions(office, example)
    first = await office.get("/api/v1/config/versions?limit=2")
    rest = await office.get(f"/api/v1/config/versions?limit=2&cursor={first['next_cursor']}")

    seen = [(v["version"], v["in_force"], v["incidents"]) for v in first["items"] + rest["items"]]
    assert seen == [(3, True, 0), (2, False, 1), (1, False, 0)]
    assert rest["next_cursor"] is None
    assert len({v["hash"] for v in first["items"] + rest["items"]}) == 3


async def test_a_version_is_shown_compared_and_put_in_force_again(
    office: Office, example: tuple[str, dict[str, str]]
) -> None:
    """RO-11: as YAML without credentials; a rollback is a new version with the old one's hash."""
    await three_versions(office, example)
    one = await office.get("/api/v1/config/versions/1")
    compared = await office.get("/api/v1/config/versions/1/diff?to=2")
    rehearsed = (await office.ask("POST", "/api/v1/config/versions/1/rollback?dry_run=true")).json()
    done = (await office.ask("POST", "/api/v1/config/versions/1/rollback")).json()
    versions = (await office.get("/api/v1/config/versions"))["items"]

    assert "\n  web:\n    criticality: medium\n" in one["text"]
    assert not [value for name, value in example[1].items() if "URL" not in name and value in one["text"]]
    assert "$secret: connectors.prod-pagerduty.api_key" in one["text"]
    assert (compared["from_version"], compared["to_version"], compared["changed"]) == (1, 2, True)
    assert "+    criticality: high" in compared["diff"]
    assert (rehearsed["version"], done["version"], done["diff"]) == (3, 4, rehearsed["diff"])
    assert [v["version"] for v in versions if v["hash"] == one["hash"]] == [4, 1]
    assert (versions[0]["author"], versions[0]["origin"]) == ("admin", "rollback to version 1 (token)")


async def test_what_is_wrong_with_a_version_is_said(office: Office) -> None:
    """A number that is none, a version that never was, a scope that may not."""
    for path, status in (
        ("/api/v1/config/versions/99", 404),
        ("/api/v1/config/versions/1/diff?to=99", 404),
        ("/api/v1/config/versions/zero", 422),
        ("/api/v1/config/versions/0", 422),
        ("/api/v1/config/versions/1/diff?to=-1", 422),
        ("/api/v1/config/versions?cursor=bm8", 422),
    ):
        answer = await office.ask("GET", path)
        assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), (
            path
        )
    missing = await office.ask("POST", "/api/v1/config/versions/99/rollback")
    assert (missing.status_code, "im config list" in missing.json()["hint"]) == (404, True)
    assert (await office.ask("POST", "/api/v1/config/versions/1/rollback", scope="write")).status_code == 403
