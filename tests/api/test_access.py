"""Nothing is reachable without the scope it needs, whatever the address."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tocsin.api.description import document_of, operations

if TYPE_CHECKING:
    from conftest import Office

SERVER = "http://hub.example"
OPEN = {"/healthz", "/readyz", "/api/v1/session"}
BY_KEY = ("/integrations/", "/connectors/", "/v2/")


def addresses(office: Office) -> Iterator[tuple[str, str, str]]:
    """(method, address with names filled in, the scope it needs) of everything that is described."""
    for path, method, _ in operations(document_of(office.rest)):
        keyed = path.startswith(BY_KEY)
        if keyed or (path in OPEN and method in ("get", "post")):
            continue
        filled = path.replace("{alert_id}", "0190c0de-0000-7000-8000-000000000000")
        filled = filled.replace("{token_id}", "0190c0de-0000-7000-8000-000000000000").replace(
            "{name}", "nothing"
        )
        yield method.upper(), filled, needed(method, path)


def needed(method: str, path: str) -> str:
    changes_all = method == "post" and path.startswith("/api/v1/config") and not path.endswith("/diff")
    if path.startswith("/api/v1/tokens") or changes_all:
        return "admin"
    if path == "/api/v1/connectors/check" or (path.endswith(("/webhook", "/discover")) and method == "post"):
        return "admin"  # credentials and addresses that an apply alone could bring in
    if path in ("/api/v1/connectors", "/api/v1/connectors/{name}") and method != "get":
        return "admin"  # what an apply may do, one entry of it
    if path.startswith("/api/v1/connectors/") and path.endswith(("/pause", "/resume")):
        return "admin"
    if path in ("/api/v1/whoami", "/api/v1/session", "/api/v1/session/link"):
        return ""
    if path.startswith("/api/v1/alerts") and method == "post":
        return "intake"
    if method == "get" or path in ("/api/v1/explain", "/api/v1/config/diff", "/api/v1/oncall/refresh"):
        return "read"
    if path.endswith("/preview"):
        return "read"
    return "write"


async def test_the_walk_meets_every_address(office: Office) -> None:
    met = list(addresses(office))

    assert len(met) > 35
    assert {scope for *_, scope in met} == {"", "read", "write", "intake", "admin"}


async def test_without_a_token_every_address_answers_401(office: Office) -> None:
    async with office.client() as client:
        for method, path, _ in addresses(office):
            answer = await client.request(method, path, json={})

            assert answer.status_code == 401, f"{method} {path}: {answer.status_code}"
            assert answer.headers["www-authenticate"].startswith("Bearer")
            assert answer.json()["code"] == "not_allowed"


@pytest.mark.parametrize("scope", ["read", "write", "intake"])
async def test_a_token_opens_what_its_scope_allows_and_nothing_else(office: Office, scope: str) -> None:
    for method, path, need in addresses(office):
        if path == "/api/v1/stream" and scope == "read":
            continue  # it has no end: test_stream.py
        answer = await office.ask(method, path, {}, scope=scope)

        allowed = need in ("", scope) or (need == "intake" and scope == "write")
        assert (answer.status_code == 403) is not allowed, f"{method} {path} with {scope}: {answer.text}"
        if not allowed:
            assert answer.json()["code"] == "forbidden"
            assert need in answer.json()["detail"]


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
        assert answer.json()["scopes"] == ["read", "write", "intake", "admin"]


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
