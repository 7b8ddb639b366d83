"""A bad quarter of an hour for one lead: many incidents within seconds are one mail after the first (S22)."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import urlsplit

import pytest

from rig import Begin, Rig

from .conftest import HUB

TO_LEAD = HUB.replace(
    "    - {failover: [prod-pagerduty, prod-opsgenie, ops-mail], within: 3s}\n\nrouting:",
    "    - {all: [lead]}\n  lead-first:\n    - {failover: [lead, prod-opsgenie], within: 3s}\n\nrouting:\n"
    "  - {name: the lead first, when: \"alert.labels.first == 'lead'\", page: lead-first}",
)
ED, DI = "ed@example.com", "di@example.com"
"""The leads of web and of database."""


async def alert(rig: Rig, title: str, service: str = "web", **more: Any) -> str:
    """Of medium severity: the default rule mails the lead. The name of its incident."""
    told = {"source": "probe", "severity": "medium", "service_name": service, **more}
    return str((await rig.alert(title=title, **told))["incident"])


async def burst(rig: Rig, count: int, **more: Any) -> list[str]:
    """So many incidents of web, and each page waits; their names."""
    names = [await alert(rig, f"Disk {number} is full", **more) for number in range(count)]
    await waits(rig, *names)
    return names


async def waits(rig: Rig, *names: str) -> None:
    """Until the pages of these wait for others."""

    async def all_wait() -> bool:
        return all(["page_held" in await rig.kinds(name) for name in names])

    await rig.until(all_wait, "they wait to leave as one", seconds=30)


async def mails(rig: Rig, to: str = ED) -> list[Any]:
    return [mail for mail in await rig.mails() if mail["to"] == [to]]


async def told(rig: Rig, count: int, to: str = ED) -> list[Any]:
    """So many mails to somebody, once they are there."""

    async def there() -> Any:
        found = await mails(rig, to)
        return found if len(found) >= count else None

    found = list(await rig.until(there, f"{count} mails to {to}", seconds=30))
    assert len(found) == count
    return found


async def created(rig: Rig, *names: str) -> None:
    """Until each of these is known to have got through."""

    async def all_are() -> bool:
        sides = [side for name in names for side in (await rig.incident(name))["providers"]]
        return bool(sides) and all(side["created_at"] for side in sides)

    await rig.until(all_are, f"{len(names)} pages created", seconds=30)


async def first(rig: Rig, **more: Any) -> str:
    """The first page of the night, which leaves at once."""
    name = await alert(rig, "Web answers 502", **more)
    await created(rig, name)
    return name


async def test_s22_thirty_incidents_are_two_mails(begin: Begin) -> None:
    """S22: the first is mailed at once, twenty-nine follow as one ten seconds later, and the lead of another team is
    mailed at once meanwhile. An acknowledgement of one of them is a reply to the mail that told it."""
    rig = await begin(config=TO_LEAD)
    await first(rig)
    await rig.advance(seconds=1)
    names = await burst(rig, 29)
    other = await alert(rig, "Replica lags", "database")
    await created(rig, other)
    assert (len(await mails(rig)), len(await mails(rig, DI))) == (1, 1)

    await rig.advance(seconds=9)
    await created(rig, *names)
    one, many = await told(rig, 2)
    assert one["subject"] == "[SEV-3] Web answers 502 (INC-1)"
    assert many["subject"] == f"[SEV-3] Disk 0 is full ({names[0]}) and 28 more"
    assert all(f"im ack {name}\n" in many["text"] for name in names)

    await rig.call("POST", f"/api/v1/incidents/{names[7]}/acknowledge", {}, want=200)
    reply = (await told(rig, 3))[2]
    assert reply["headers"]["In-Reply-To"] == many["headers"]["Message-ID"]
    assert reply["subject"] == f"Re: [SEV-3] Disk 7 is full ({names[7]})"


async def test_s22_it_is_seen_while_it_waits_and_after(begin: Begin) -> None:
    """S22: the incident shows until when its page waits, the attempts which of them left in one page, and the timeline
    tells both with a reason."""
    rig = await begin(config=TO_LEAD)
    await first(rig)
    await rig.advance(seconds=1)
    names = await burst(rig, 2)
    (side,) = (await rig.incident(names[0]))["providers"]
    assert (side["held_until"], side["created_at"]) == ("2026-11-16T12:00:10Z", None)

    await rig.advance(seconds=9)
    await created(rig, *names)
    attempts = [
        (await rig.call("GET", f"/api/v1/incidents/{name}/deliveries", want=200))["items"] for name in names
    ]
    assert [len(found) for found in attempts] == [1, 1]
    assert len({found[0]["bundle"] for found in attempts}) == 1
    assert attempts[0][0]["bundle"] is not None
    lines = {line["kind"]: line for line in await rig.timeline(names[0])}
    assert (lines["page_held"]["reason"], lines["page_created"]["reason"]) == ("bundled", "bundled")
    assert lines["page_created"]["text"].endswith(f"in one page with {names[1]}")


async def test_s22_what_was_resolved_or_acknowledged_meanwhile_is_not_in_it(begin: Begin) -> None:
    """S22: ten seconds are enough for a thing to mend itself."""
    rig = await begin(config=TO_LEAD)
    await first(rig)
    await rig.advance(seconds=1)
    names = await burst(rig, 4)
    await rig.call("POST", f"/api/v1/incidents/{names[0]}/resolve", {}, want=200)
    await rig.call("POST", f"/api/v1/incidents/{names[1]}/acknowledge", {}, want=200)
    await rig.advance(seconds=9)
    await created(rig, *names[2:])
    await rig.quiet()

    many = (await told(rig, 2))[1]
    assert many["subject"].endswith(f"({names[2]}) and 1 more")
    assert not any(f"im ack {name}\n" in many["text"] for name in names[:2])


async def test_s22_a_failover_waits_for_nobody_who_was_asked_in_time(begin: Begin) -> None:
    """S22: the lead is asked first, Opsgenie after three seconds: a page that waits for others does not look like one
    that is not answered, and Opsgenie is not asked."""
    rig = await begin(config=TO_LEAD)
    await first(rig, labels={"first": "lead"})
    await rig.advance(seconds=1)
    names = await burst(rig, 5, labels={"first": "lead"})
    await rig.advance(seconds=4)
    await rig.quiet()
    assert await rig.opsgenie() == []
    await rig.advance(seconds=5)
    await created(rig, *names)
    await rig.quiet()
    assert (len(await told(rig, 2)), await rig.opsgenie()) == (2, [])


async def test_s22_with_the_mail_server_down_a_failover_counts_from_the_attempt(begin: Begin) -> None:
    """S22: the mail server refuses; three seconds after the page was tried Opsgenie is asked, for each of them."""
    rig = await begin(config=TO_LEAD)
    await first(rig, labels={"first": "lead"})
    await rig.advance(seconds=1)
    names = await burst(rig, 3, labels={"first": "lead"})
    await rig.fault("smtp", "refused")
    await rig.advance(seconds=9)
    await tried(rig, *names)

    async def asked_there() -> bool:
        await rig.advance(seconds=1)
        return len(await rig.opsgenie()) == 3

    before = rig.clock.at
    await rig.until(asked_there, "Opsgenie is asked for each")
    assert (rig.clock.at - before).total_seconds() >= 3
    assert "failed_over" in await rig.kinds(names[0])


async def tried(rig: Rig, *names: str) -> None:
    """Until an attempt at each of these has failed."""

    async def all_have() -> bool:
        return all(["delivery_failed" in await rig.kinds(name) for name in names])

    await rig.until(all_have, "it was tried, and failed", seconds=30)


async def test_s22_an_outage_of_the_mail_server_is_counted_once_and_all_is_told_later(begin: Begin) -> None:
    """S22, S33: twelve incidents wait while the mail server is down: its breaker counts one failure for their one
    mail, and when it is back they are told by one, each once."""
    rig = await begin(config=TO_LEAD)
    await first(rig)
    await rig.advance(seconds=1)
    names = await burst(rig, 12)
    await rig.fault("smtp", "refused")
    await rig.advance(seconds=9)
    await tried(rig, *names)
    await rig.quiet()
    mail = await rig.call("GET", "/api/v1/connectors/ops-mail", want=200)
    assert (mail["breaker"]["state"], mail["breaker"]["failures"]) == ("closed", 1)

    await rig.heal()

    async def back() -> bool:
        await rig.advance(seconds=2)
        return len(await mails(rig)) > 1

    await rig.until(back, "it is told when the server is back")
    await created(rig, *names)
    many = (await told(rig, 2))[1]
    assert all(many["text"].count(f"im ack {name}\n") == 1 for name in names)


class Sluice:
    """Between the hub and the mail server: what the hub says comes through, or not; the answer to a mail never does."""

    def __init__(self, url: str, *, arrives: bool) -> None:
        self._there, self._arrives = urlsplit(url), arrives
        self.shut = asyncio.Event()
        self._server: asyncio.Server | None = None
        self._lines: set[asyncio.Task[None]] = set()
        self.held = asyncio.Event()

    async def open(self) -> str:
        """Its own address."""
        self._server = await asyncio.start_server(self._line, "127.0.0.1", 0)
        return f"smtp://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def close(self) -> None:
        assert self._server is not None
        self._server.close()
        for line in list(self._lines):
            line.cancel()
        await asyncio.gather(*self._lines, return_exceptions=True)

    async def _line(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._lines.add(task)
        there, back = await asyncio.open_connection(self._there.hostname, self._there.port)
        ended = asyncio.Event()
        try:
            await asyncio.gather(self._said(reader, back, ended), self._answered(there, writer, ended))
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            self._lines.discard(task)
            back.close()
            writer.close()

    async def _said(
        self, reader: asyncio.StreamReader, back: asyncio.StreamWriter, ended: asyncio.Event
    ) -> None:
        kept = b""
        while data := await reader.read(65536):
            kept = (kept + data)[-70000:]
            if self.shut.is_set() and kept.endswith(b"\r\n.\r\n"):
                ended.set()
                if not self._arrives:
                    self.held.set()
                    return
            back.write(data)
            await back.drain()
        back.close()

    async def _answered(
        self, there: asyncio.StreamReader, writer: asyncio.StreamWriter, ended: asyncio.Event
    ) -> None:
        while data := await there.read(65536):
            if ended.is_set():
                self.held.set()  # the mail is there, and nobody here will know
                return
            writer.write(data)
            await writer.drain()
        writer.close()


@pytest.mark.parametrize(
    "arrives", [pytest.param(True, id="it had arrived"), pytest.param(False, id="it had not")]
)
async def test_s22_killed_in_the_midst_it_sends_the_same_mail_again(begin: Begin, arrives: bool) -> None:
    """S22, TR-1: the hub is killed before it has heard whether the mail was taken: what is sent after the restart is
    the same mail under the same Message-ID, which a mailbox shows once."""
    rig = await begin(config=TO_LEAD)
    sluice = Sluice(rig.sandbox.smtp_url, arrives=arrives)
    address = await sluice.open()
    try:
        through = TO_LEAD.replace("${SMTP_URL}", address)
        await rig.daemon.stop()
        await rig.start_hub(config=through)
        await first(rig)
        await rig.advance(seconds=1)
        names = await burst(rig, 6)
        sluice.shut.set()
        await rig.advance(seconds=9)
        async with asyncio.timeout(10):
            await sluice.held.wait()
        before = [mail for mail in await mails(rig) if "and 5 more" in mail["subject"]]
        await rig.kill()
        sluice.shut.clear()
        await rig.advance_without_hub(seconds=10)
        await rig.start_hub()
        await created(rig, *names)
        await rig.quiet()
    finally:
        await sluice.close()

    after = [mail for mail in await mails(rig) if "and 5 more" in mail["subject"]]
    assert (len(before), len(after)) == ((1, 2) if arrives else (0, 1))
    assert len({mail["headers"]["Message-ID"] for mail in after}) == 1
    assert len({mail["text"] for mail in after}) == 1
    sides = [side for name in names for side in (await rig.incident(name))["providers"]]
    assert {side["remote_id"] for side in sides} == {after[0]["headers"]["Message-ID"]}
