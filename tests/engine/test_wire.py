"""What the wire says when the other side answers, refuses, hangs, breaks off or speaks slowly."""

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP

from tocsin.core.ports import FaultKind, Mail, Request, Response, WireFault
from tocsin.engine import wire as wires
from tocsin.engine.wire import Wire

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
KEY = "key-nobody-may-see"


@pytest.fixture
async def wire() -> AsyncIterator[Wire]:
    wire = Wire()
    yield wire
    await wire.close()


@asynccontextmanager
async def server(talk: Talk) -> AsyncIterator[str]:
    """A server that does whatever `talk` does; its address."""

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await talk(reader, writer)
        finally:
            writer.close()

    listening = await asyncio.start_server(client, "127.0.0.1", 0)
    try:
        yield f"127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    finally:
        listening.close()


def request(address: str) -> Request:
    return Request(
        method="POST", url=f"http://{address}/v1/{KEY}?token={KEY}", headers={"X-Key": KEY}, body=b"{}"
    )


async def head(reader: asyncio.StreamReader) -> None:
    await reader.readuntil(b"\r\n\r\n")


async def test_a_body_that_comes_in_pieces_is_read_whole(wire: Wire) -> None:
    """Forty pieces of a chunked answer: all of it, header names in lower case."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head(reader)
        writer.write(b"HTTP/1.1 201 Created\r\nX-Thing: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(40):
            writer.write(b"3e8\r\n" + b"x" * 1000 + b"\r\n")
            await writer.drain()
            await asyncio.sleep(0.001)
        writer.write(b"0\r\n\r\n")
        await writer.drain()

    async with server(talk) as address:
        answer = await wire.send(request(address))

    assert isinstance(answer, Response)
    assert (answer.status, len(answer.body), answer.headers["x-thing"]) == (201, 40_000, "a")


async def test_an_endless_body_is_cut(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    """No provider fills our memory."""
    monkeypatch.setattr(wires, "MOST_BYTES", 5000)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head(reader)
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while not writer.is_closing():
            writer.write(b"x" * 1000)
            await writer.drain()

    async with server(talk) as address:
        answer = await wire.send(request(address))

    assert isinstance(answer, Response)
    assert len(answer.body) == 5000


async def test_a_redirect_is_an_answer(wire: Wire) -> None:
    """Credentials are never carried on to where a redirect points."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head(reader)
        writer.write(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n")

    async with server(talk) as address:
        answer = await wire.send(request(address))

    assert isinstance(answer, Response)
    assert answer.status == 302


async def _hang(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    await reader.read(-1)


async def _reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await head(reader)
    writer.transport.abort()


async def _half(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await head(reader)
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")


async def _babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await head(reader)
    writer.write(b"\x15\x03\x01 this is no HTTP\r\n\r\n")


@pytest.mark.parametrize(
    ("talk", "words"),
    [
        pytest.param(_hang, "did not answer", id="it hangs"),
        pytest.param(_reset, "broke off", id="it resets the connection"),
        pytest.param(_half, "broke off", id="it stops half-way"),
        pytest.param(_babble, "broke off", id="it speaks another language"),
    ],
)
async def test_no_answer_may_have_been_applied(
    wire: Wire, monkeypatch: pytest.MonkeyPatch, talk: Talk, words: str
) -> None:
    """Ambiguous, with host and port but neither path nor key."""
    monkeypatch.setattr(wires, "TOTAL_SECONDS", 0.3)
    async with server(talk) as address:
        fault = await wire.send(request(address))

    assert isinstance(fault, WireFault)
    assert fault.kind is FaultKind.AMBIGUOUS
    assert address in fault.message
    assert words in fault.message
    assert KEY not in fault.message


@pytest.mark.parametrize(
    "address",
    [
        pytest.param("127.0.0.1:1", id="nobody listens"),
        pytest.param("no-such-host.invalid:80", id="no such name"),
        pytest.param("127.0.0.1:99999", id="no such port"),
    ],
)
async def test_what_was_never_sent_is_not_ambiguous(wire: Wire, address: str) -> None:
    """Nothing reached anybody: sure to be repeatable."""
    fault = await wire.send(request(address))

    assert isinstance(fault, WireFault)
    assert fault.kind is FaultKind.CONNECT
    assert KEY not in fault.message


class Post:
    """A mail server's manners: refuses some recipients, keeps the rest, may take leave rudely."""

    def __init__(self, *, rude: bool = False) -> None:
        self.mails: list[Any] = []
        self._rude = rude

    async def handle_RCPT(  # noqa: N802
        self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any
    ) -> str:
        if address.startswith("gone@"):
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        self.mails.append(envelope)
        return "250 kept"

    async def handle_QUIT(self, _server: Any, _session: Any, _envelope: Any) -> str:  # noqa: N802
        return "421 too busy to say goodbye" if self._rude else "221 Bye"


@asynccontextmanager
async def mail_server(post: Post) -> AsyncIterator[str]:
    """Its address."""
    loop = asyncio.get_running_loop()
    listening = await loop.create_server(lambda: SMTP(post, hostname="mail.example.com"), "127.0.0.1", 0)
    try:
        yield f"smtp://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    finally:
        listening.close()


@pytest.fixture
async def post() -> AsyncIterator[tuple[Post, str]]:
    kept = Post()
    async with mail_server(kept) as url:
        yield kept, url


def mail(url: str, *recipients: str) -> Mail:
    return Mail(
        smtp_url=url, sender="tocsin@example.com", recipients=recipients or ("ops@example.com",),
        subject="Datenbank läuft nicht\r\nBcc: all@example.com", text="Es brennt: größer.\n.\nEnde", message_id="<1@example.com>",
        in_reply_to="<0@example.com>",
    )  # fmt: skip


async def test_a_mail_is_accepted(wire: Wire, post: tuple[Post, str]) -> None:
    """It arrives whole, in its thread, and a subject cannot smuggle in a header."""
    kept, url = post
    answer = await wire.send(mail(url))

    assert answer == Response(250)
    (envelope,) = kept.mails
    text = envelope.content.decode()
    assert envelope.rcpt_tos == ["ops@example.com"]
    assert "\r\nBcc:" not in text
    assert "In-Reply-To: <0@example.com>" in text
    assert "Message-ID: <1@example.com>" in text


async def test_a_refused_recipient_is_told(wire: Wire, post: tuple[Post, str]) -> None:
    """The server's own code and words."""
    answer = await wire.send(mail(post[1], "gone@example.com"))

    assert answer == Response(550, {}, b"no such mailbox")
    assert post[0].mails == []


async def test_one_refused_among_several_does_not_stop_the_mail(wire: Wire, post: tuple[Post, str]) -> None:
    """Who can be reached is reached."""
    answer = await wire.send(mail(post[1], "gone@example.com", "ops@example.com"))

    assert isinstance(answer, Response)
    assert answer.status == 250
    assert post[0].mails[0].rcpt_tos == ["ops@example.com"]


async def test_a_server_that_takes_leave_rudely_has_the_mail(wire: Wire) -> None:
    """Accepted is accepted: sent again, it would come twice."""
    kept = Post(rude=True)
    async with mail_server(kept) as url:
        assert await wire.send(mail(url)) == Response(250)

    assert len(kept.mails) == 1


@pytest.mark.parametrize("address", ["127.0.0.1:1", "127.0.0.1:99999", "no-such-host.invalid"])
async def test_a_mail_server_that_is_down(wire: Wire, address: str) -> None:
    """Nothing was sent; a password in the address is not told."""
    fault = await wire.send(mail(f"smtp://tocsin:pass-word-1@{address}"))

    assert isinstance(fault, WireFault)
    assert fault.kind is FaultKind.CONNECT
    assert "pass-word-1" not in fault.message


async def test_a_mail_server_that_hangs_holds_nobody_up(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    """Twenty hang at once: another goes through meanwhile, and no thread keeps a process from ending."""
    monkeypatch.setattr(wires, "MAIL_SECONDS", 0.5)
    async with server(_hang) as address, mail_server(Post()) as well:
        hanging = [asyncio.create_task(wire.send(mail(f"smtp://{address}"))) for _ in range(20)]
        await asyncio.sleep(0.05)
        answer = await asyncio.wait_for(wire.send(mail(well)), 0.4)

        assert answer == Response(250)
        assert not any(task.done() for task in hanging)
        assert all(thread.daemon for thread in threading.enumerate() if thread.name == "mail")
        faults = await asyncio.gather(*hanging)

    assert all(isinstance(fault, WireFault) for fault in faults)


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest/meta-data",
        "http://[::ffff:169.254.169.254]/",
        "http://metadata.google.internal/x",
    ],
)
async def test_where_machines_get_their_credentials_is_never_called(wire: Wire, url: str) -> None:
    """TR-5: a configuration may come from anywhere; what it names is not called from inside."""
    answer = await wire.send(Request(method="GET", url=url))

    assert isinstance(answer, WireFault)
    assert answer.kind is FaultKind.CONNECT
    assert "the hub never calls" in answer.message


async def test_a_name_that_leads_there_leads_nowhere(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever owns a name may change where it leads after the configuration was checked."""

    async def rebound(*_: Any, **__: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("169.254.169.254", 80))]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", rebound)
    answer = await wire.send(Request(method="GET", url="http://pagerduty.example/"))

    assert isinstance(answer, WireFault)
    assert answer.kind is FaultKind.CONNECT
