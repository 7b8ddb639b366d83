"""Behind a proxy: whose word about a caller is believed, and how much of it (spec section 10)?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from httpx2 import ASGITransport, AsyncClient
from hypothesis import given
from hypothesis import strategies as st

from tocsin.api.proxies import Trusting, networks
from tocsin.config import Settings
from tocsin.daemon import Daemon

if TYPE_CHECKING:
    from conftest import Office

TRUSTED = "127.0.0.1, 10.0.0.0/8, fd00::/8"
CALLER, STRANGER = "203.0.113.9", "198.51.100.7"


async def seen(peer: str, *headers: tuple[str, str]) -> tuple[str, str, str]:
    """(address, scheme, host) of a request from `peer` as the application sees it."""
    found: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        found.append(scope)

    given = [(b"host", b"hub:8000"), *((n.lower().encode(), v.encode("latin-1")) for n, v in headers)]
    scope = {"type": "http", "client": (peer, 4711), "scheme": "http", "headers": given}
    await Trusting(app, networks(TRUSTED))(scope, None, None)  # type: ignore[arg-type]
    (host,) = [value.decode() for name, value in found[0]["headers"] if name == b"host"]
    return found[0]["client"][0], found[0]["scheme"], host


FOR, PROTO, HOST, FORWARDED = "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "Forwarded"


@pytest.mark.parametrize(
    ("peer", "headers", "expected"),
    [
        pytest.param(STRANGER, [(FOR, CALLER), (PROTO, "https"), (HOST, "evil")], (STRANGER, "http", "hub:8000"),
                     id="a stranger may say what it likes"),
        pytest.param("127.0.0.1", [], ("127.0.0.1", "http", "hub:8000"), id="a proxy that says nothing"),
        pytest.param("127.0.0.1", [(FOR, CALLER), (PROTO, "https"), (HOST, "hub.example")],
                     (CALLER, "https", "hub.example"), id="as nginx and Caddy say it"),
        pytest.param("127.0.0.1", [(FOR, f"6.6.6.6, {CALLER}")], (CALLER, "http", "hub:8000"),
                     id="what the caller itself wrote before it is not believed"),
        pytest.param("127.0.0.1", [(FOR, f"{CALLER}, 10.1.2.3")], (CALLER, "http", "hub:8000"),
                     id="two proxies of ours"),
        pytest.param("127.0.0.1", [(FOR, CALLER), (FOR, "10.1.2.3")], (CALLER, "http", "hub:8000"),
                     id="in two headers"),
        pytest.param("127.0.0.1", [(FOR, "10.9.9.9, 10.1.2.3")], ("10.9.9.9", "http", "hub:8000"),
                     id="all of ours: the farthest is the caller"),
        pytest.param("127.0.0.1", [(FOR, f"{CALLER}, nonsense, 10.1.2.3")], ("10.1.2.3", "http", "hub:8000"),
                     id="nothing before what cannot be read"),
        pytest.param("127.0.0.1", [(FOR, f"{CALLER}, 10.1.2.3"), (PROTO, "https, http")],
                     (CALLER, "https", "hub:8000"), id="the scheme of the caller's own hop"),
        pytest.param("127.0.0.1", [(PROTO, "HTTPS")], ("127.0.0.1", "https", "hub:8000"), id="the scheme alone"),
        pytest.param("127.0.0.1", [(PROTO, "gopher"), (HOST, "a b/../")], ("127.0.0.1", "http", "hub:8000"),
                     id="a scheme and a host that are none"),
        pytest.param("127.0.0.1", [(FOR, "203.0.113.9:5555")], (CALLER, "http", "hub:8000"), id="with its port"),
        pytest.param("127.0.0.1", [(FOR, "[2001:db8::1]:80")], ("2001:db8::1", "http", "hub:8000"), id="IPv6 in brackets"),
        pytest.param("::ffff:127.0.0.1", [(FOR, CALLER)], (CALLER, "http", "hub:8000"), id="IPv4 in IPv6"),
        pytest.param("fd00::5", [(FORWARDED, f"for={CALLER};proto=https;host=hub.example")],
                     (CALLER, "https", "hub.example"), id="as RFC 7239 says it"),
        pytest.param("fd00::5", [(FORWARDED, 'For="[2001:db8::1]:4711"; Proto=https , for=10.0.0.1;proto=http')],
                     ("2001:db8::1", "https", "hub:8000"), id="two hops, quoted, in capitals"),
        pytest.param("fd00::5", [(FORWARDED, f"for={CALLER}, for=unknown")], ("fd00::5", "http", "hub:8000"),
                     id="a hop that hides its caller"),
        pytest.param("fd00::5", [(FORWARDED, 'for="; drop')], ("fd00::5", "http", "hub:8000"), id="not as RFC 7239 writes it"),
        pytest.param("127.0.0.1", [(FOR, CALLER), (FORWARDED, f"for={CALLER};proto=https")],
                     (CALLER, "https", "hub:8000"), id="both, and they agree"),
        pytest.param("127.0.0.1", [(FOR, CALLER), (FORWARDED, "for=6.6.6.6;proto=https")],
                     ("127.0.0.1", "http", "hub:8000"), id="both, and they differ: one is the caller's own"),
    ],
)  # fmt: skip
async def test_whose_word_is_believed(
    peer: str, headers: list[tuple[str, str]], expected: tuple[str, str, str]
) -> None:
    assert await seen(peer, *headers) == expected


@given(
    st.lists(
        st.tuples(
            st.sampled_from([FOR, PROTO, HOST, FORWARDED]),
            st.text(st.characters(max_codepoint=255, exclude_categories=["Cc"]), max_size=60),
        ),
        max_size=6,
    )
)
async def test_no_header_breaks_it_and_a_stranger_stays_one(headers: list[tuple[str, str]]) -> None:
    """Whatever is written there: an answer, and never the word of somebody who is not trusted."""
    assert await seen(STRANGER, *headers) == (STRANGER, "http", "hub:8000")
    assert (await seen("127.0.0.1", *headers))[1] in ("http", "https")


@pytest.mark.parametrize(
    ("text", "named"),
    [
        pytest.param("10.0.0.0/8, nginx", "'nginx'", id="a name"),
        pytest.param("10.0.0.1/8", "'10.0.0.1/8'", id="an address inside a network"),
        pytest.param("*", "'*'", id="everybody"),
        pytest.param("10.0.0.0/40", "'10.0.0.0/40'", id="a mask that is none"),
    ],
)
def test_a_wrong_value_is_told_at_the_start(text: str, named: str) -> None:
    """Before anything is brought up, with the variable and the word."""
    with pytest.raises(ValueError, match="TOCSIN_TRUSTED_PROXIES") as caught:
        Daemon(Settings(TOCSIN_TRUSTED_PROXIES=text))
    assert named in str(caught.value)


async def test_cookie_and_link_are_those_of_the_proxy(office: Office) -> None:
    """HTTPS at the proxy: the link leads there, and the cookie is for HTTPS alone; for others nothing changes."""
    admin = await office.token("admin")
    headers = {"authorization": f"Bearer {admin}", FOR: CALLER, PROTO: "https", HOST: "hub.example"}
    found = {}
    for peer in ("10.0.0.2", STRANGER):
        transport = ASGITransport(Trusting(office.app, networks(TRUSTED)), client=(peer, 4711))
        async with AsyncClient(transport=transport, base_url="http://10.0.0.1:8000") as client:
            link = (await client.post("/api/v1/session/link", headers=headers)).json()["url"]
            body = {"code": link.partition("code=")[2]}
            signed = await client.post(
                "/api/v1/session",
                json=body,
                headers={k: v for k, v in headers.items() if k != "authorization"},
            )
            found[peer] = (link.partition("?")[0], "secure" in signed.headers["set-cookie"].lower())

    assert found == {"10.0.0.2": ("https://hub.example/", True), STRANGER: ("http://10.0.0.1:8000/", False)}


async def test_the_callers_own_address_is_kept_with_the_request(office: Office) -> None:
    admin = await office.token("intake")
    transport = ASGITransport(Trusting(office.app, networks(TRUSTED)), client=("127.0.0.1", 4711))
    async with AsyncClient(transport=transport, base_url="http://hub") as client:
        answer = await client.post(
            "/api/v1/alerts", json={"title": "x"}, headers={"authorization": f"Bearer {admin}", FOR: CALLER}
        )
    kept = await office.hub.database.read(lambda c: c.fetch("SELECT remote_address FROM raw_request"))

    assert (answer.status_code, [row["remote_address"] for row in kept]) == (202, [CALLER])
