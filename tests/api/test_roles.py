"""Users with roles and teams, and tokens that can never do more than whoever made them (TR-5)."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tocsin.engine.audit import look_at_attempts

if TYPE_CHECKING:
    from conftest import Office

PEOPLE = """
teams: {payments: {}, platform: {}}
users:
  ada: {name: Ada, role: admin}
  bo: {name: Bo}
  cy: {name: Cy, teams: [payments]}
  di: {name: Di, role: viewer}
services:
  shop: {team: payments}
  dns: {team: platform}
"""


async def configured(office: Office, text: str = PEOPLE) -> None:
    answer = await office.ask("POST", "/api/v1/config?force=true", {"text": text})
    assert answer.status_code == 200, answer.text


async def signed_in(office: Office, user: str) -> Any:
    """A browser of that user."""
    link = (await office.ask("POST", "/api/v1/session/link", {"user": user})).json()["url"]
    browser = office.client(**{"x-tocsin": "1"})
    answer = await browser.post("/api/v1/session", json={"code": parse_qs(urlsplit(link).query)["code"][0]})
    assert answer.status_code == 200, answer.text
    return browser


async def test_who_is_invited_acts_under_their_own_name(office: Office) -> None:
    await configured(office)
    await office.incident()
    bo = await signed_in(office, "bo")

    who = (await bo.get("/api/v1/whoami")).json()
    acked = await bo.post("/api/v1/incidents/INC-1/acknowledge")

    assert (who["name"], who["user"], who["role"], who["via"]) == ("Bo", "bo", "responder", "session")
    assert acked.json()["acknowledged_by"] == "Bo"
    assert (await bo.post("/api/v1/config", json={"text": "{}"})).status_code == 403


async def test_a_role_holds_from_the_moment_it_is_applied(office: Office) -> None:
    await configured(office)
    bo, cy = await signed_in(office, "bo"), await signed_in(office, "cy")
    await configured(
        office, PEOPLE.replace("bo: {name: Bo}", "bo: {name: Bo, role: viewer}").replace("  cy:", "  cyd:")
    )

    assert (await bo.get("/api/v1/whoami")).json()["role"] == "viewer"
    assert (await bo.post("/api/v1/incidents", json={"title": "x", "severity": "low"})).status_code == 403
    assert (await cy.get("/api/v1/whoami")).status_code == 401, "who is no user any more is a stranger"


async def test_only_an_administrator_signs_somebody_else_in(office: Office) -> None:
    await configured(office)
    bo = await signed_in(office, "bo")

    for user, status in (("bo", 200), ("", 200), ("ada", 403), ("nobody", 404)):
        assert (await bo.post("/api/v1/session/link", json={"user": user})).status_code == status, user
    refused = await bo.post("/api/v1/session/link", json={"user": "ada"})
    assert refused.json()["detail"] == "Bo may not sign in as ada: that needs the role admin"


async def test_an_invitation_lasts_a_day_and_ones_own_link_ten_minutes(office: Office) -> None:
    await configured(office)
    links = [
        (await office.ask("POST", "/api/v1/session/link", body)).json()["url"]
        for body in ({"user": "bo"}, {})
    ]
    office.pass_time(hours=23)
    async with office.client() as browser:
        answers = [
            (await browser.post("/api/v1/session", json={"code": link.rpartition("=")[2]})).status_code
            for link in links
        ]
    assert answers == [200, 401]


# ---- teams ---------------------------------------------------------------------------------------------


async def test_who_acts_for_a_team_changes_what_is_theirs_and_reads_everything(office: Office) -> None:
    await configured(office)
    for services in (["shop"], ["dns"], [], ["dns", "shop"]):
        await office.incident(services=services)
    cy = await signed_in(office, "cy")

    acked = [(await cy.post(f"/api/v1/incidents/INC-{n}/acknowledge")).status_code for n in (1, 2, 3, 4, 9)]
    read = await cy.get("/api/v1/incidents/INC-2")

    assert acked == [200, 403, 200, 200, 404]
    assert read.status_code == 200
    await cy.post("/api/v1/incidents", json={"title": "x", "severity": "low", "services": ["dns"]})
    await look_at_attempts(office.hub)
    told = (await office.get("/api/v1/audit?outcome=refused"))["items"]
    assert {(e["actor"], e["action"]) for e in told} == {
        ("Cy", "api.acknowledge"),
        ("Cy", "api.declare_incident"),
    }
    refused = await cy.post("/api/v1/incidents/INC-2/resolve")
    assert refused.json()["detail"] == "Cy acts for payments alone, and INC-2 belongs to platform"


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        pytest.param("POST", "incidents", {"title": "x", "severity": "low", "services": ["shop"]}, 201, id="declares for the team"),
        pytest.param("POST", "incidents", {"title": "x", "severity": "low", "services": ["dns"]}, 403, id="declares for another"),
        pytest.param("POST", "incidents", {"title": "x", "severity": "low"}, 201, id="declares for nobody"),
        pytest.param("POST", "silences", {"match": {"team": "payments"}}, 201, id="silences the team"),
        pytest.param("POST", "silences", {"match": {"service": "shop"}}, 201, id="silences a service of theirs"),
        pytest.param("POST", "silences", {"match": {"service": "dns"}}, 403, id="silences another's service"),
        pytest.param("POST", "silences", {"everything": True, "except": ["critical"]}, 403, id="silences everything"),
        pytest.param("POST", "canary", {}, 403, id="sends a canary of the whole hub"),
        pytest.param("POST", "alerts", {"title": "x"}, 202, id="sends an alert"),
    ],
)  # fmt: skip
async def test_a_token_of_a_team(office: Office, method: str, path: str, body: Any, status: int) -> None:
    await configured(office)
    made = await office.ask(
        "POST", "/api/v1/tokens", {"name": "p", "role": "responder", "teams": ["payments"]}
    )
    if path == "silences":
        body = body | {
            "ends_at": (office.at + timedelta(hours=1)).isoformat(),
            "owner": "cy",
            "comment": "load test",
        }
    async with office.client(authorization=f"Bearer {made.json()['token']}") as client:
        answer = await client.request(method, f"/api/v1/{path}", json=body)

    assert answer.status_code == status, answer.text


async def test_a_silence_of_another_team_is_not_ended(office: Office) -> None:
    await configured(office)
    until = (office.at + timedelta(hours=1)).isoformat()
    asked = {"match": {"team": "platform"}, "ends_at": until, "owner": "ada", "comment": "move"}
    silence = (await office.ask("POST", "/api/v1/silences", asked)).json()
    cy = await signed_in(office, "cy")

    assert (await cy.delete(f"/api/v1/silences/{silence['id']}")).status_code == 403
    assert (await cy.patch(f"/api/v1/silences/{silence['id']}", json={"comment": "x"})).status_code == 403


# ---- tokens --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "field"),
    [
        pytest.param({}, "role", id="neither a role nor scopes"),
        pytest.param({"role": "viewer", "scopes": ["read"]}, "role", id="both"),
        pytest.param({"role": "king"}, "role", id="no role"),
        pytest.param({"role": "viewer", "teams": ["nobody"]}, "teams", id="an unknown team"),
        pytest.param({"user": "nobody"}, "user", id="an unknown user"),
        pytest.param({"user": "bo", "scopes": ["read"]}, "scopes", id="a user's with scopes"),
        pytest.param(
            {"role": "viewer", "expires_at": "2020-01-01T00:00:00Z"}, "expires_at", id="over already"
        ),
    ],
)
async def test_a_wrong_token_names_its_field(office: Office, body: dict[str, Any], field: str) -> None:
    await configured(office)
    answer = await office.ask("POST", "/api/v1/tokens", {"name": "t"} | body)

    assert answer.status_code == 422
    assert field in [fault["field"] for fault in answer.json()["faults"]]


async def test_a_token_of_a_user_may_no_more_than_they_may_now(office: Office) -> None:
    await configured(office)
    made = (await office.ask("POST", "/api/v1/tokens", {"name": "laptop", "user": "bo"})).json()
    assert (made["role"], made["user"], made["made_by"]) == ("responder", "bo", "admin")
    async with office.client(authorization=f"Bearer {made['token']}") as client:
        first = (await client.get("/api/v1/whoami")).json()
        await configured(office, PEOPLE.replace("bo: {name: Bo}", "bo: {name: Bo, role: viewer}"))
        then = (await client.get("/api/v1/whoami")).json()

    assert (first["name"], first["role"], then["role"]) == ("bo", "responder", "viewer")


async def test_an_administrator_of_a_team_makes_no_token_for_all(office: Office) -> None:
    await configured(
        office, PEOPLE.replace("{name: Cy, teams: [payments]}", "{name: Cy, role: admin, teams: [payments]}")
    )
    cy = await signed_in(office, "cy")

    wide = await cy.post("/api/v1/tokens", json={"name": "x", "role": "admin"})

    assert wide.status_code == 403


async def test_rotating_keeps_what_it_may_and_how_long(office: Office) -> None:
    ends = (office.at + timedelta(days=90)).isoformat()
    old = (
        await office.ask("POST", "/api/v1/tokens", {"name": "ci", "role": "viewer", "expires_at": ends})
    ).json()
    office.pass_time(days=80)
    new = await office.ask("POST", f"/api/v1/tokens/{old['id']}/rotate")
    async with (
        office.client(authorization=f"Bearer {old['token']}") as before,
        office.client(authorization=f"Bearer {new.json()['token']}") as after,
    ):
        assert (await before.get("/api/v1/whoami")).status_code == 401
        assert (await after.get("/api/v1/whoami")).json()["role"] == "viewer"

    assert new.status_code == 201
    assert new.json()["expires_at"].startswith("2027-05-05")
    assert (await office.ask("POST", f"/api/v1/tokens/{old['id']}/rotate")).status_code == 409
    shown = (await office.ask("GET", f"/api/v1/tokens/{old['id']}")).json()
    assert shown["revoked_at"] is not None
    assert "token" not in shown or shown["token"] is None


async def test_the_last_token_of_an_administrator_stays(office: Office) -> None:
    await office.ask("GET", "/api/v1/tokens")
    (mine,) = (await office.ask("GET", "/api/v1/tokens")).json()["items"]
    await office.ask("POST", "/api/v1/tokens", {"name": "team", "role": "responder"})

    refused = await office.ask("DELETE", f"/api/v1/tokens/{mine['id']}")
    other = (await office.ask("POST", "/api/v1/tokens", {"name": "other", "role": "admin"})).json()
    gone = await office.ask("DELETE", f"/api/v1/tokens/{mine['id']}")

    assert (refused.status_code, refused.json()["code"]) == (409, "last_admin")
    assert gone.status_code == 204
    async with office.client(authorization=f"Bearer {other['token']}") as client:
        assert (await client.delete(f"/api/v1/tokens/{other['id']}")).status_code == 409


# ---- wrong too often --------------------------------------------------------------------------------------


async def test_wrong_tokens_without_end_are_answered_429_and_a_right_one_still_passes(office: Office) -> None:
    async with office.client() as client:
        answers = [
            await client.get("/api/v1/whoami", headers={"authorization": f"Bearer tsn_guess-{n}"})
            for n in range(24)
        ]
        office.pass_time(minutes=1)
        later = await client.get("/api/v1/whoami", headers={"authorization": "Bearer tsn_guess"})
    elsewhere = await office.client(peer="198.51.100.9").get(
        "/api/v1/whoami", headers={"authorization": "Bearer x"}
    )

    assert [a.status_code for a in answers] == [401] * 20 + [429] * 4
    assert answers[-1].json()["code"] == "too_many_attempts"
    assert int(answers[-1].headers["retry-after"]) <= 12
    assert (later.status_code, elsewhere.status_code) == (401, 401)


async def test_one_time_codes_cannot_be_tried_out(office: Office) -> None:
    async with office.client() as client:
        answers = [
            (await client.post("/api/v1/session", json={"code": f"guess-{n}"})).status_code for n in range(22)
        ]

    assert answers == [401] * 20 + [429] * 2
