"""Nothing is reachable without the scope it needs, whatever the address."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tocsin.api.app import bare_app
from tocsin.api.roles import ANY, KEY, OPEN, PROOF, Rule, rules, table

if TYPE_CHECKING:
    from conftest import Office

SERVER = "http://hub.example"
ROLES_PAGE = Path(__file__).parents[2] / "docs/roles.md"
ROLES = ("viewer", "responder", "manager", "admin")
ENDLESS = "/api/v1/stream"  # test_stream.py asks it


def addresses(office: Office) -> Iterator[tuple[Rule, str]]:
    """Each address that asks who calls, with its names filled in."""
    for rule in rules(office.rest):
        if rule.needs not in (OPEN, KEY, PROOF) and (rule.path, rule.method) != (ENDLESS, "GET"):
            filled = re.sub(r"\{(alert_id|token_id)\}", "0190c0de-0000-7000-8000-000000000000", rule.path)
            yield (
                rule,
                re.sub(
                    r"\{version\}", "99", re.sub(r"\{\w+\}", "nothing", filled.replace("{version}", "99"))
                ),
            )


def test_the_table_is_what_the_routes_ask_for() -> None:
    """docs/roles.md is written anew by `python -m tocsin.api.roles docs/roles.md`; its difference is what somebody
    may now, or may not any more."""
    assert ROLES_PAGE.read_text() == table(bare_app())


def test_an_address_that_asks_for_nobody_fails() -> None:
    app = bare_app()
    app.add_api_route("/api/v1/forgotten", lambda: None)

    with pytest.raises(LookupError, match="GET /api/v1/forgotten asks for nothing"):
        rules(app)


def test_only_these_answer_everybody() -> None:
    assert sorted(f"{r.method} {r.path}" for r in rules(bare_app()) if r.needs == OPEN) == [
        "GET /api/v1/openapi.json", "GET /docs", "GET /docs/style.css", "GET /healthz", "GET /readyz", "HEAD /healthz",
        "HEAD /readyz", "POST /api/v1/session",
    ]  # fmt: skip


async def test_the_walk_meets_every_address(office: Office) -> None:
    met = list(addresses(office))

    assert len(met) > 60
    assert {rule.needs for rule, _ in met} == {ANY, "read", "write", "manage", "intake", "admin"}


async def test_without_a_token_every_address_answers_401(office: Office) -> None:
    async with office.client() as client:
        for rule, path in addresses(office):
            answer = await client.request(rule.method, path, json={})

            assert answer.status_code == 401, f"{rule.method} {path}: {answer.status_code}"
            assert answer.headers["www-authenticate"].startswith("Bearer")
            assert answer.json()["code"] == "not_allowed"


@pytest.mark.parametrize("role", ROLES[:-1])
async def test_a_role_opens_what_the_table_says_and_nothing_else(office: Office, role: str) -> None:
    for rule, path in addresses(office):
        answer = await office.ask(rule.method, path, {}, scope=f"role:{role}")

        allowed = rule.least is None or ROLES.index(rule.least) <= ROLES.index(role)
        assert (answer.status_code == 403) is not allowed, f"{rule.method} {path} as {role}: {answer.text}"
        if not allowed:
            assert answer.json()["code"] == "forbidden"
            assert f"needs the role {rule.least}" in answer.json()["detail"]
            assert "can give it" in answer.json()["hint"]


@pytest.mark.parametrize("scope", ["read", "write", "intake"])
async def test_a_token_with_scopes_keeps_what_it_could_do(office: Office, scope: str) -> None:
    opened = {"read": {ANY, "read"}, "write": {ANY, "write", "manage", "intake"}, "intake": {ANY, "intake"}}[
        scope
    ]
    for rule, path in addresses(office):
        answer = await office.ask(rule.method, path, {}, scope=scope)

        assert (answer.status_code == 403) is (rule.needs not in opened), (
            f"{rule.method} {path}: {answer.text}"
        )


@pytest.mark.parametrize(
    "header",
    [
        pytest.param("Bearer tsn_nobody", id="an unknown token"),
        pytest.param("Bearer ", id="an empty token"),
        pytest.param("Bearer \udcff", id="bytes that are no text"),
        pytest.param("Basic dXNlcjpwYXNz", id="another scheme"),
        pytest.param("tsn_nobody", id="no scheme at all"),
    ],
)
async def test_a_wrong_token_is_a_stranger_even_where_none_is_needed(office: Office, header: str) -> None:
    office.hub.demo = True
    async with office.client(peer="127.0.0.1", base="http://127.0.0.1") as client:
        answer = await client.get(
            "/api/v1/whoami", headers={b"authorization": header.encode("latin-1", "replace")}
        )

    assert answer.status_code == 401


async def test_a_token_ends_when_its_time_is_over(office: Office) -> None:
    text = await office.token("read", expires_at=office.at + timedelta(minutes=5))
    async with office.client(authorization=f"Bearer {text}") as client:
        assert (await client.get("/api/v1/whoami")).status_code == 200
        office.pass_time(minutes=5)

        assert (await client.get("/api/v1/whoami")).status_code == 401


async def test_a_revoked_token_is_a_stranger_at_once(office: Office) -> None:
    made = (await office.ask("POST", "/api/v1/tokens", {"name": "cron", "scopes": ["read"]})).json()
    async with office.client(authorization=f"Bearer {made['token']}") as client:
        assert (await client.get("/api/v1/whoami")).json()["name"] == "cron"
        assert (await office.ask("DELETE", f"/api/v1/tokens/{made['id']}")).status_code == 204

        assert (await client.get("/api/v1/whoami")).status_code == 401
    assert (await office.ask("DELETE", f"/api/v1/tokens/{made['id']}")).status_code == 404


async def test_a_token_is_shown_once_and_listed_without_its_text(office: Office) -> None:
    made = (await office.ask("POST", "/api/v1/tokens", {"name": "cron", "scopes": ["read", "read"]})).json()
    listed = await office.ask("GET", "/api/v1/tokens")

    assert made["token"].startswith("tsn_")
    assert made["scopes"] == ["read"]
    assert made["token"] not in listed.text
    assert {"cron", "admin"} == {one["name"] for one in listed.json()["items"]}


# ---- demo ----------------------------------------------------------------------------------------------

LOCAL = "http://127.0.0.1:8000"


@pytest.mark.parametrize(
    ("demo", "peer", "base", "headers", "status"),
    [
        pytest.param(True, "127.0.0.1", LOCAL, {}, 200, id="from this machine"),
        pytest.param(True, "::1", "http://localhost:8000", {}, 200, id="from this machine by IPv6"),
        pytest.param(True, "::ffff:127.0.0.1", LOCAL, {}, 200, id="from this machine, IPv4 in IPv6"),
        pytest.param(False, "127.0.0.1", LOCAL, {}, 401, id="not in demo mode"),
        pytest.param(True, "203.0.113.9", LOCAL, {}, 401, id="from elsewhere"),
        pytest.param(True, "127.0.0.1", LOCAL, {"x-forwarded-for": "203.0.113.9"}, 401, id="a proxy here speaks for elsewhere"),
        pytest.param(True, "127.0.0.1", LOCAL, {"forwarded": "for=203.0.113.9"}, 401, id="the same in the newer header"),
        pytest.param(True, "127.0.0.1", "http://evil.example", {}, 401, id="a foreign name that points here"),
    ],
)  # fmt: skip
async def test_demo_mode_trusts_this_machine_alone(
    office: Office, demo: bool, peer: str, base: str, headers: dict[str, str], status: int
) -> None:
    office.hub.demo = demo
    async with office.client(peer=peer, base=base, **headers) as client:
        answer = await client.get("/api/v1/whoami")

    assert answer.status_code == status
    if status == 200:
        assert (answer.json()["role"], answer.json()["teams"]) == ("admin", [])


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param({}, 202, id="curl"),
        pytest.param({"origin": LOCAL, "sec-fetch-site": "same-origin"}, 202, id="our own page"),
        pytest.param({"origin": "https://evil.example"}, 403, id="a page of another site"),
        pytest.param({"sec-fetch-site": "cross-site"}, 403, id="a form of another site"),
    ],
)
async def test_in_demo_mode_a_foreign_page_cannot_write(
    office: Office, headers: dict[str, str], status: int
) -> None:
    office.hub.demo = True
    async with office.client(peer="127.0.0.1", base=LOCAL, **headers) as client:
        answer = await client.post("/api/v1/alerts", json={"title": "x"})

    assert answer.status_code == status


# ---- browsers ------------------------------------------------------------------------------------------


async def code_of(office: Office, scope: str = "admin") -> str:
    link = (await office.ask("POST", "/api/v1/session/link", scope=scope)).json()["url"]
    assert link.startswith(f"{SERVER}/?code=")
    return parse_qs(urlsplit(link).query)["code"][0]


async def test_a_link_signs_one_browser_in_once(office: Office) -> None:
    code = await code_of(office, "read")
    async with office.client() as browser, office.client() as thief:
        first = await browser.post("/api/v1/session", json={"code": code})
        again = await thief.post("/api/v1/session", json={"code": code})
        who = (await browser.get("/api/v1/whoami")).json()

    cookie = first.headers["set-cookie"].lower()
    assert first.status_code == 200
    assert again.status_code == 401
    assert all(word in cookie for word in ("httponly", "samesite=strict", "path=/"))
    assert (who["via"], who["scopes"]) == ("session", ["read"])


async def test_a_link_is_too_old_after_ten_minutes(office: Office) -> None:
    code = await code_of(office)
    office.pass_time(minutes=10)
    async with office.client() as browser:
        assert (await browser.post("/api/v1/session", json={"code": code})).status_code == 401


async def test_behind_https_the_cookie_is_for_https_alone(office: Office) -> None:
    code = await code_of(office)
    office.hub.public_url = "https://hub.example"
    async with office.client() as browser:
        answer = await browser.post("/api/v1/session", json={"code": code})

    assert "secure" in answer.headers["set-cookie"].lower()


async def test_a_browsers_write_needs_the_header_that_another_site_cannot_send(office: Office) -> None:
    name = (await office.incident())["name"]
    code = await code_of(office)
    async with office.client() as browser:
        await browser.post("/api/v1/session", json={"code": code})
        bare = await browser.post(f"/api/v1/incidents/{name}/acknowledge")
        with_header = await browser.post(f"/api/v1/incidents/{name}/acknowledge", headers={"X-Tocsin": "1"})

    assert (bare.status_code, bare.json()["code"]) == (403, "forbidden")
    assert with_header.status_code == 200
    assert with_header.json()["acknowledged_by"] == "admin"


async def test_signing_out_ends_the_session(office: Office) -> None:
    code = await code_of(office)
    async with office.client() as browser:
        cookies = (await browser.post("/api/v1/session", json={"code": code})).cookies
        gone = await browser.delete("/api/v1/session", headers={"X-Tocsin": "1"})
        kept = {"cookie": f"tocsin_session={cookies['tocsin_session']}"}
        after: Any = await office.client(**kept).get("/api/v1/whoami")

    assert gone.status_code == 204
    assert after.status_code == 401
