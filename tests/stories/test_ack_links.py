"""Somebody is mailed at night, opens the link and presses the button: it is theirs. Then it is over, and the link dead (S52)."""

from __future__ import annotations

import re
from typing import Any

import aiohttp
import pytest

from away import back, lost
from plug import Plug
from rig import Begin, Rig

from .conftest import HUB

TO_LEAD = HUB.replace(
    "    - {failover: [prod-pagerduty, prod-opsgenie, ops-mail], within: 3s}\n\nrouting:",
    "    - {all: [lead]}\n    - {after: 5m, all: [\"user:bo\"]}\n\nrouting:",
)  # fmt: skip
ED, BO, OPS = "ed@example.com", "bo@example.com", "ops@example.com"
FULL = {"title": "Disk is full", "source": "probe", "severity": "medium", "service_name": "web"}
HUBS = "https://hub.example.com"


def links_in(mail: Any) -> list[str]:
    """The ack links of a mail's text, without the hub's own address."""
    return [w.removeprefix(HUBS) for w in mail["text"].split() if w.startswith(f"{HUBS}/ack/")]


async def mailed(rig: Rig, to: str, count: int = 1, *, subject: str = "") -> list[Any]:
    """The mails to them, once there are so many."""

    async def there() -> Any:
        found = [m for m in await rig.mails() if m["to"] == [to] and subject in m["subject"]]
        return found if len(found) >= count else None

    return list(await rig.until(there, f"{count} mails to {to}"))


async def opened(rig: Rig, path: str, *, press: bool = False) -> tuple[int, str]:
    """(status, what stands there) of the page, by a browser that is signed in nowhere."""
    async with aiohttp.ClientSession() as browser:
        async with browser.get(rig.daemon.url + path) as answer:
            status, page = answer.status, await answer.text()
        if press:
            form = re.search(r'name="press" value="(\w+)"', page)
            assert form is not None, page
            async with browser.post(rig.daemon.url + path, data={"press": form[1]}) as answer:
                status, page = answer.status, await answer.text()
    now = re.search(r'class="now"[^>]*>([^<]*)<', page)
    return status, now[1] if now else ""


async def test_s52_from_the_mail_to_the_acknowledgement_and_the_end(begin: Begin) -> None:
    """S52: by real SMTP; both parts of the mail lead to one page; the escalation stops; after the resolve it is dead."""
    rig = await begin(config=TO_LEAD, public=True)
    await rig.alert(**FULL)
    (mail,) = await mailed(rig, ED)
    (path,) = links_in(mail)
    assert mail["headers"]["Content-Type"].startswith("multipart/alternative")
    assert re.findall(rf'href="{HUBS}(/ack/[^"]+)"', mail["html"]) == [path]

    assert await opened(rig, path) == (200, "Nobody has it yet.")
    status, told = await opened(rig, path, press=True)
    assert (status, told[:8]) == (200, "You have")
    incident = await rig.incident()
    assert (incident["status"], incident["acknowledged_by"]) == ("mitigated", "Ed")
    await rig.quiet()
    await rig.advance(minutes=10)
    await rig.quiet()
    assert [m for m in await rig.mails() if m["to"] == [BO]] == [], "nobody else is asked"

    await rig.call("POST", "/api/v1/incidents/INC-1/resolve", {}, want=200)
    status, told = await opened(rig, path)
    assert (status, told[:11]) == (410, "Resolved by")
    replies = (await mailed(rig, ED, 3))[1:]
    assert [links_in(reply) for reply in replies] == [[], []], "what tells that it is over asks for nothing"


async def test_s52_each_person_has_their_own_link_and_the_mailbox_one(begin: Begin) -> None:
    """S52: the lead, then the user of the second step, then the last resort: three links, three names."""
    config = TO_LEAD.replace('- {after: 5m, all: ["user:bo"]}', '- {after: 5m, all: ["user:bo", ops-mail]}')
    rig = await begin(config=config, public=True)
    await rig.alert(**FULL)
    (first,) = await mailed(rig, ED)
    await rig.quiet()
    await rig.advance(minutes=6)
    (second,), (third,) = await mailed(rig, BO), await mailed(rig, OPS)
    paths = [links_in(mail)[0] for mail in (first, second, third)]
    assert len(set(paths)) == 3
    assert "do not pass this mail on" in second["text"]
    assert "It is for whoever reads this mailbox." in third["text"]
    await opened(rig, paths[2], press=True)
    assert (await rig.incident())["acknowledged_by"] == OPS
    assert (await opened(rig, paths[0]))[1].startswith(f"{OPS} has it since")


async def several(rig: Rig, count: int) -> list[str]:
    """So many incidents: one leaves at once, the others together ten seconds later."""
    names = [(await rig.alert(**FULL | {"title": "Disk 0 is full"}))["incident"]]
    await mailed(rig, ED)
    await rig.quiet()
    titles = [f"Disk {number} is full" for number in range(1, count)]
    names += [(await rig.alert(**FULL | {"title": title}))["incident"] for title in titles]

    async def held() -> bool:
        return all(["page_held" in await rig.kinds(name) for name in names[1:]])

    await rig.until(held, "they wait to leave as one")
    await rig.advance(seconds=11)
    return names


async def test_s52_each_incident_of_a_bundle_is_acknowledged_by_its_own_link(begin: Begin) -> None:
    """S22, S52."""
    rig = await begin(config=TO_LEAD, public=True)
    names = await several(rig, 3)
    mails = await mailed(rig, ED, 2)
    paths = links_in(mails[1])
    assert len(paths) == 2
    await opened(rig, paths[0], press=True)
    stand = {name: (await rig.incident(name))["status"] for name in names}
    assert sorted(stand.values()) == ["mitigated", "open", "open"]


async def test_s25_the_holder_is_warned_with_a_link_that_keeps_it(begin: Begin) -> None:
    """S25, S52: one press five minutes before the end, and the acknowledgement lasts its full time."""
    config = TO_LEAD.replace("defaults: {", "defaults: {ack_timeout: {medium: 1h}, ")
    rig = await begin(config=config, public=True)
    await rig.alert(**FULL)
    (mail,) = await mailed(rig, ED)
    await opened(rig, links_in(mail)[0], press=True)
    await rig.quiet()
    await rig.advance(minutes=56)

    async def warned() -> Any:
        return [m for m in await rig.mails() if m["to"] == [ED] and "Still on it?" in m["text"]]

    (warning,) = await rig.until(warned, "Ed is warned")
    (path,) = links_in(warning)
    await opened(rig, path, press=True)
    await rig.quiet()
    await rig.advance(minutes=30)
    await rig.quiet()
    assert (await rig.incident())["status"] == "mitigated"


async def test_s24_the_question_has_a_link_for_each_incident_and_the_api_shows_none(begin: Begin) -> None:
    """S24, S52: a press says that it is not over; whoever may read digests may not act in Ed's name."""
    rig = await begin(config=TO_LEAD, public=True)
    await several(rig, 2)
    for mail in await mailed(rig, ED, 2):
        await opened(rig, links_in(mail)[0], press=True)
    await rig.quiet()
    await rig.advance(hours=24, minutes=1)
    await rig.quiet()
    await rig.advance(hours=17)
    (question,) = await mailed(rig, ED, subject="Is it over?")
    paths = links_in(question)
    assert len(paths) == 2
    assert question["text"].count("\n  INC-") >= 2
    listed = await rig.call("GET", "/api/v1/digests?limit=50", want=200)
    assert "/ack/" not in str(listed)
    status, told = await opened(rig, paths[0], press=True)
    assert (status, told[:8]) == (200, "You have")
    timeline = "".join(line["text"] for line in await rig.timeline())
    assert "/ack/" not in timeline


async def test_s52_without_a_public_address_the_mail_says_how_to_act(begin: Begin) -> None:
    rig = await begin(config=TO_LEAD)
    await rig.alert(**FULL)
    (mail,) = await mailed(rig, ED)
    assert links_in(mail) == []
    assert mail["html"] == ""
    assert "im ack INC-1" in mail["text"]


async def test_s52_no_provider_is_given_a_link(begin: Begin) -> None:
    """S52: what leaves to outside services holds none; it is the person's alone."""
    rig = await begin(public=True)
    await rig.alert(**FULL | {"severity": "critical", "service_name": "user-auth"})
    await rig.quiet()
    sent = [*(await rig.calls("pagerduty")), *(await rig.calls("opsgenie"))]
    assert sent
    assert "/ack/" not in str(sent)


async def test_s52_what_is_told_of_calls_holds_no_link(
    begin: Begin, capsys: pytest.CaptureFixture[str]
) -> None:
    """S52: where somebody has asked for the requests of a connector, whoever reads logs cannot act in Ed's name."""
    config = TO_LEAD.replace("ops-mail: {type: email, ", "ops-mail: {type: email, log_requests: true, ")
    rig = await begin(config=config, public=True)
    await rig.alert(**FULL)
    (mail,) = await mailed(rig, ED)
    (path,) = links_in(mail)
    await rig.quiet()
    said = "".join(capsys.readouterr())
    assert "Disk is full" in said, "the mail is told"
    assert "/ack/***" in said
    assert path not in said


async def test_s52_without_the_database_nothing_is_acknowledged_and_it_says_so(
    begin: Begin, plug: Plug
) -> None:
    """S47, S52: told at once, and with what to do next; when it is back the same link works."""
    rig = await begin(config=TO_LEAD, public=True, dsn=plug.dsn)
    await rig.alert(**FULL)
    (mail,) = await mailed(rig, ED)
    (path,) = links_in(mail)
    await lost(rig, plug)
    status, told = await opened(rig, path)
    assert (status, "Try again" in told) == (503, True)
    await back(rig, plug)
    assert (await opened(rig, path, press=True))[0] == 200


async def test_s52_any_hub_on_the_database_takes_the_press(begin: Begin, database_url: str) -> None:
    """Two hubs with one secret key: whichever the browser comes to."""
    rig = await begin(config=TO_LEAD, public=True)
    await rig.alert(**FULL)
    (mail,) = await mailed(rig, ED)
    (path,) = links_in(mail)
    beside = await rig.start_beside(database_url)
    async with aiohttp.ClientSession() as browser:
        async with browser.get(beside.url + path) as answer:
            page = await answer.text()
        form = re.search(r'name="press" value="(\w+)"', page)
        assert form is not None
        async with browser.post(beside.url + path, data={"press": form[1]}) as answer:
            assert answer.status == 200
    assert (await rig.incident())["acknowledged_by"] == "Ed"
