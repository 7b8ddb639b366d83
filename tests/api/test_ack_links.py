"""The page behind an ack link: it reads by GET, acts by the POST of its button alone, and is dead after the resolve (S52)."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from httpx2 import Response

from tocsin.api import press_page
from tocsin.api.pace import Pace
from tocsin.api.press import A_MINUTE
from tocsin.core.lifecycle import Act
from tocsin.core.model import Actor, ActorKind, Incident
from tocsin.core.press import Presser, Standing
from tocsin.core.values import replace
from tocsin.engine import configure, press
from tocsin.engine.press import Seen, links_for
from tocsin.engine.respond import respond
from tocsin.engine.seal import Seal
from tocsin.store import incidents

if TYPE_CHECKING:
    from conftest import Office

CLOCK = Actor(ActorKind.TIMER, "tocsin", person=False)


async def stored(office: Office, name: str = "INC-1") -> Incident:
    async def read(connection: Any) -> Incident:
        found = await incidents.id_of(connection, name)
        assert found is not None
        return (await incidents.load(connection, [found]))[found].incident

    return await office.hub.database.read(read)


async def path_for(office: Office, recipient: str = "ada@example.com", name: str = "INC-1") -> str:
    """The link that a mail to them sent now would have; "" = to the connector's own box."""
    office.hub.public_url = "https://hub.example.com"
    (link,) = links_for(office.hub, [await stored(office, name)], "ops-mail", recipient, office.at)
    assert link.text == name
    return link.href.removeprefix("https://hub.example.com")


async def opened(office: Office, path: str, *, peer: str = "198.51.100.7", method: str = "GET") -> Response:
    """By nobody who is signed in."""
    async with office.client(peer=peer) as client:
        return await client.request(method, path)


async def pressed(office: Office, path: str, form: dict[str, str] | None = None) -> Response:
    """The page's button, pressed: its form is sent as a browser does."""
    if form is None:
        form = {"press": form_in((await opened(office, path)).text)}
    async with office.client(peer="198.51.100.7") as client:
        return await client.post(path, data=form)


def form_in(page: str) -> str:
    found = re.search(r'name="press" value="([0-9a-f]+)"', page)
    return found[1] if found else ""


def now_told(page: Response) -> str:
    found = re.search(r'class="now"[^>]*>([^<]*)<', page.text)
    assert found is not None
    return found[1]


async def lines(office: Office, kind: str) -> list[tuple[str, str]]:
    listed = (await office.get("/api/v1/incidents/INC-1/timeline?limit=100"))["items"]
    return [(line["actor"], line["text"]) for line in listed if line["kind"] == kind]


async def status(office: Office) -> str:
    return str((await office.get("/api/v1/incidents/INC-1"))["status"])


async def test_s52_one_press_acknowledges_as_the_person_and_says_so(office: Office) -> None:
    """S52: without signing in; the timeline names the person and the way."""
    await office.incident(title="Payments are down", severity="critical", services=["payment-service"])
    path = await path_for(office)
    page = await opened(office, path)
    assert page.status_code == 200
    for told in ("SEV-1 critical", "INC-1", "Payments are down", "payment-service", "You act as Ada", "Open"):
        assert told in page.text
    assert now_told(page) == "Nobody has it yet."
    assert page.text.count("<button>") == 1

    answer = await pressed(office, path)
    assert (answer.status_code, answer.text.count("<button>")) == (200, 0)
    assert now_told(answer) == "You have it: acknowledged 2026-11-16 12:00 UTC (just now)."
    shown = await office.get("/api/v1/incidents/INC-1")
    assert (shown["status"], shown["acknowledged_by"]) == ("mitigated", "Ada")
    assert await lines(office, "acknowledged") == [("Ada via mail link", "Acknowledged by Ada via mail link")]


async def test_s52_what_it_may_not(office: Office) -> None:
    """S52: nothing but acknowledge: no other address takes it, and it is no token and no session."""
    await office.incident()
    path = await path_for(office)
    for method in ("PUT", "PATCH", "DELETE"):
        assert (await opened(office, path, method=method)).status_code == 405
    text = path.rpartition("/")[2]
    async with office.client(authorization=f"Bearer {text}", cookie=f"tocsin_session={text}") as client:
        assert (await client.get("/api/v1/incidents")).status_code == 401
    answer = await pressed(office, path)
    assert "set-cookie" not in answer.headers
    assert (await opened(office, f"{path}/resolve", method="POST")).status_code in (404, 405)
    assert await status(office) == "mitigated"


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="nothing, as a mail program that unsubscribes by one click"),
        pytest.param(b"List-Unsubscribe=One-Click", id="a form of another kind"),
        pytest.param(b"press=", id="an empty form"),
        pytest.param(b"press=" + b"0" * 32, id="a guessed form"),
        pytest.param(b'{"press": "x"}', id="JSON"),
        pytest.param(b"\xff\xfe\x00", id="no text"),
        pytest.param(b"press=" + b"0" * 100_000, id="a form too large"),
        pytest.param(b"a=1&" * 900, id="too many fields"),
    ],
)
async def test_s52_a_post_that_no_page_has_sent_changes_nothing(office: Office, body: bytes) -> None:
    """S52: what scans mails may send POSTs too; only the page's own button acts."""
    await office.incident()
    path = await path_for(office)
    async with office.client() as client:
        answer = await client.post(
            path, content=body, headers={"content-type": "application/x-www-form-urlencoded"}
        )
    assert answer.status_code == 403
    assert "Nothing was acknowledged" in answer.text
    assert await status(office) == "open"


async def test_s52_a_form_of_another_link_acts_on_nothing(office: Office) -> None:
    await office.incident()
    await office.incident(title="Another")
    mine, other = await path_for(office), await path_for(office, name="INC-2")
    form = form_in((await opened(office, other)).text)
    assert (await pressed(office, mine, {"press": form})).status_code == 403
    assert await status(office) == "open"


async def test_s52_two_press_at_once_and_the_second_is_told(office: Office) -> None:
    """S52: one has it, and the other learns who."""
    await office.incident()
    paths = [await path_for(office, one) for one in ("ada@example.com", "bo@example.com")]
    forms = [{"press": form_in((await opened(office, path)).text)} for path in paths]
    both = zip(paths, forms, strict=True)
    answers = await asyncio.gather(*(pressed(office, path, form) for path, form in both))
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    beaten = next(answer for answer in answers if answer.status_code == 409)
    holder = (await office.get("/api/v1/incidents/INC-1"))["acknowledged_by"]
    told = now_told(beaten)
    assert told.startswith(f"Somebody was faster, and your press changed nothing: {holder} has it since")
    assert len(await lines(office, "acknowledged")) == 1
    for_the_other = await opened(office, paths[answers.index(beaten)])
    assert "There is nothing for you to do." in for_the_other.text
    assert "<button>" not in for_the_other.text


async def test_s25_their_own_link_keeps_an_acknowledgement_and_ends_a_snooze(office: Office) -> None:
    """S25, S26: pressing again is an act of the holder's."""
    await office.incident(severity="critical")
    path = await path_for(office)
    await pressed(office, path)
    office.pass_time(minutes=50)
    assert "I am still on it" in (await opened(office, path)).text
    kept = await pressed(office, path)
    assert "lasts its full time from now" in kept.text
    until = office.at + timedelta(minutes=30)
    await respond(office.hub, "INC-1", Act.SNOOZE, Actor(ActorKind.PERSON, "Ada", "api"), until=until)
    assert "It is snoozed until 2026-11-16 13:20 UTC." in now_told(await opened(office, path))
    await pressed(office, path)
    assert (await office.get("/api/v1/incidents/INC-1"))["snoozed_until"] is None


async def test_s52_dead_after_the_resolve_and_after_a_reopen(office: Office) -> None:
    """S52: the page says that it is over, by whom and when, and has no button; a new life has links of its own."""
    await office.incident()
    path = await path_for(office)
    page = await opened(office, path)
    form = {"press": form_in(page.text)}
    await respond(office.hub, "INC-1", Act.RESOLVE, Actor(ActorKind.PERSON, "Grace", "api"))
    office.pass_time(minutes=7)
    for answer in (await opened(office, path), await pressed(office, path, form)):
        assert answer.status_code == 410
        assert now_told(answer).startswith("Resolved by Grace, 2026-11-16 12:00 UTC (7 min ago).")
        assert "<button>" not in answer.text
    await respond(office.hub, "INC-1", Act.REOPEN, Actor(ActorKind.PERSON, "Grace", "api"))
    for answer in (await opened(office, path), await pressed(office, path, form)):
        assert answer.status_code == 410
        assert "It was over after this mail was sent, and is open again." in now_told(answer)
    assert await status(office) == "open"
    assert (await pressed(office, await path_for(office))).status_code == 200


async def test_s52_what_rings_again_after_a_lapse_takes_the_first_link_too(office: Office) -> None:
    """S25: the life rises with it, and nothing was over."""
    await office.incident()
    path = await path_for(office, "bo@example.com")
    await respond(office.hub, "INC-1", Act.ACKNOWLEDGE, Actor(ActorKind.PERSON, "Ada", "api"))
    await respond(office.hub, "INC-1", Act.UNACKNOWLEDGE, CLOCK)
    assert (await stored(office)).life == 2
    assert (await pressed(office, path)).status_code == 200
    assert (await stored(office)).acknowledged_by == "Bo"


async def test_a_mailbox_acts_under_its_address(office: Office) -> None:
    """ADR 0028: who reads a connector's own box is not known; the box acts."""
    await office.incident()
    path = await path_for(office, "")
    assert "You act as ops@example.com, the mailbox" in (await opened(office, path)).text
    answer = await pressed(office, path)
    assert now_told(answer).startswith("Somebody who reads ops@example.com has it")
    assert (await office.get("/api/v1/incidents/INC-1"))["acknowledged_by"] == "ops@example.com"
    assert "I am still on it" in (await opened(office, path)).text


async def test_a_mailbox_of_one_person_is_that_person(office: Office) -> None:
    text, variables = configured()
    await configure.apply(
        office.hub, text.replace("to: [ops@example.com]", "to: [di@example.com]"), environment=variables,
        file_name="x.yaml", author="t", origin="test",
    )  # fmt: skip
    await office.incident()
    assert "You act as Di;" in (await opened(office, await path_for(office, ""))).text


def configured() -> tuple[str, dict[str, str]]:
    from .conftest import EXAMPLE, VARIABLES

    return EXAMPLE, dict(VARIABLES)


async def changed_address(office: Office) -> None:
    text, variables = configured()
    text = text.replace("ada@example.com", "ada@new.example.com")
    await configure.apply(
        office.hub, text, environment=variables, file_name="x.yaml", author="t", origin="test"
    )


async def a_week_later(office: Office) -> None:
    office.pass_time(days=7)


async def another_key(office: Office) -> None:
    office.hub.seal = Seal("another secret key than before")


async def forgotten(office: Office) -> None:
    async def gone(connection: Any) -> None:
        await connection.execute("DELETE FROM incident")

    await office.hub.database.transact(gone)


@pytest.mark.parametrize(
    ("happens", "status_code", "title"),
    [
        pytest.param(changed_address, 410, "This link is nobody&#x27;s any more", id="the address is nobody's any more"),
        pytest.param(a_week_later, 410, "This link is too old", id="a week later"),
        pytest.param(another_key, 404, "This is no link of this hub", id="S50: the secret key is another"),
        pytest.param(forgotten, 410, "There is no such incident", id="the incident is kept no more"),
    ],
)  # fmt: skip
async def test_s52_a_link_that_does_nothing_tells_nothing(
    office: Office, happens: Any, status_code: int, title: str
) -> None:
    """S52: neither title nor name of what it was about; and what to do instead."""
    await office.incident(title="Payments are down")
    path = await path_for(office)
    form = {"press": form_in((await opened(office, path)).text)}
    await happens(office)
    for answer in (await opened(office, path), await pressed(office, path, form)):
        assert answer.status_code == status_code
        assert title in answer.text
        assert "Payments" not in answer.text
        assert "INC-1" not in answer.text
        assert "im list" in answer.text


async def test_the_page_is_kept_nowhere_framed_by_nobody_and_fetches_nothing(office: Office) -> None:
    await office.incident()
    path = await path_for(office)
    for answer in (await opened(office, path), await opened(office, "/ack/none-of-ours")):
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; style-src 'sha256-")
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert "<script" not in answer.text
        assert "src=" not in answer.text


@pytest.mark.parametrize(
    ("title", "shown"),
    [
        pytest.param("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;", id="HTML"),
        pytest.param('"><form action="https://evil.example">', "&quot;&gt;&lt;form action=&quot;https://evil.example&quot;&gt;", id="a form"),
        pytest.param("x" * 10_000, "x" * 200 + "…", id="10,000 characters leave the button in sight"),
        pytest.param("שרת מסד הנתונים נפל", '<bdi dir="auto">שרת מסד הנתונים נפל</bdi>', id="right to left"),
        pytest.param("a\u202egnp.exe\nb\x00", "a gnp.exe b", id="what would turn or break the line"),
        pytest.param("", "Untitled incident", id="none"),
    ],
)  # fmt: skip
async def test_whatever_the_title_is_it_is_text(office: Office, title: str, shown: str) -> None:
    await office.incident()
    seen = Seen(
        standing=Standing.OPEN, presser=Presser("<b>", frozenset()), form="00",
        incident=replace(await stored(office), title=title),
    )  # fmt: skip
    page = press_page.page_of(seen, "https://hub.example.com", office.at)
    assert shown in page
    assert page.count("<form") == page.count("<button>") == 1
    assert "You act as &lt;b&gt;" in page


async def test_one_link_is_opened_so_often_and_others_all_the_same(office: Office) -> None:
    await office.incident()
    one, other = await path_for(office), await path_for(office, "bo@example.com")
    for _ in range(A_MINUTE):
        assert (await opened(office, one)).status_code == 200
    refused = await opened(office, one)
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "60")
    assert (await opened(office, other)).status_code == 200


async def test_who_tries_links_is_refused_and_a_good_one_from_there_is_not(office: Office) -> None:
    """Ten people sit behind one address, and one of them is a program that tries."""
    await office.incident()
    codes = [(await opened(office, f"/ack/{n:064d}")).status_code for n in range(A_MINUTE + 1)]
    assert codes == [404] * A_MINUTE + [429]
    assert (await opened(office, await path_for(office))).status_code == 200


def test_a_pace_fills_again_and_forgets() -> None:
    at = [0.0]
    pace = Pace(2, names=3, clock=lambda: at[0])
    assert [pace.allows("a") for _ in range(3)] == [True, True, False]
    at[0] = 30.0
    assert [pace.allows("a") for _ in range(2)] == [True, False]
    for name in "bcd":
        assert pace.allows(name)
    assert pace.allows("a"), "of so many names the one longest quiet is forgotten"


async def test_without_the_database_it_says_so_and_what_to_do(office: Office) -> None:
    await office.incident()
    path = await path_for(office)
    form = {"press": form_in((await opened(office, path)).text)}
    office.hub.away = office.at
    for answer in (await opened(office, path), await pressed(office, path, form)):
        assert answer.status_code == 503
        assert answer.headers["retry-after"] == "5"
        assert "The hub cannot reach its database." in answer.text
        assert "acknowledge where you were paged besides this mail" in answer.text
    office.hub.away = None
    assert await status(office) == "open"


async def test_s52_no_log_holds_a_link(office: Office, capsys: pytest.CaptureFixture[str]) -> None:
    """S52: opened, pressed, refused, failed by a fault of ours: whoever reads logs cannot act in anybody's name."""
    await office.incident()
    path = await path_for(office)
    await pressed(office, path)
    await pressed(office, path, {"press": "guessed"})
    await opened(office, path, method="DELETE")
    await opened(office, path + "x")

    async def broken(connection: Any) -> None:
        await connection.execute("ALTER TABLE incident RENAME TO hidden")

    await office.hub.database.transact(broken)
    failed = await opened(office, path)
    assert failed.status_code == 500
    said = "".join(capsys.readouterr())
    mark = re.search(r"in the log under ([0-9a-f-]{36})", failed.text)
    assert mark is not None
    assert mark[1] in said, "and it can be found"
    assert "ack_link_pressed" in said
    assert path.rpartition("/")[2] not in said


async def test_where_no_link_stands(office: Office) -> None:
    """Without a public address nobody could open it; at other providers it would be read by outsiders."""
    await office.incident()
    incident = await stored(office)
    assert office.hub.public_url == ""
    assert links_for(office.hub, [incident], "ops-mail", "ada@example.com", office.at) == ()
    office.hub.public_url = "https://hub.example.com"
    named = [n for n in office.hub.policy.connectors if press.ABILITY in office.hub.abilities(n)]
    assert named == ["ops-mail"]
    for name in office.hub.policy.connectors:
        assert bool(links_for(office.hub, [incident], name, "", office.at)) == (name in named)
