"""The one place that sends: HTTP by aiohttp, mail by SMTP. It decides nothing and never retries."""

from __future__ import annotations

import asyncio
import smtplib
import socket
import ssl
import threading
from contextlib import suppress
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import formatdate
from urllib.parse import unquote, urlsplit

import aiohttp
from aiohttp.abc import ResolveResult

from tocsin.core.checks import MailProbe
from tocsin.core.ports import FaultKind, Mail, Request, Response, WireFault
from tocsin.core.reach import unreachable
from tocsin.engine import rcpt

CONNECT_SECONDS, TOTAL_SECONDS, MAIL_SECONDS = 4.0, 10.0, 15.0
MOST_BYTES = 4 * 1024 * 1024
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


class Wire:
    """Connections to providers, kept open between calls."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None
        self.certificates: dict[str, datetime] = {}
        """Host -> end of the certificate that it showed last; loopback left out."""

    async def send(self, what: Request | Mail) -> Response | WireFault:
        """The answer, or why there is none. Never raises for anything the other side does."""
        if isinstance(what, Mail):
            return await _in_thread(what)
        return await self._http(what)

    async def close(self) -> None:
        """Close every connection."""
        if self._session is not None:
            await self._session.close()

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            timeout = aiohttp.ClientTimeout(total=TOTAL_SECONDS, sock_connect=CONNECT_SECONDS)
            connector = aiohttp.TCPConnector(
                limit=0, limit_per_host=64, keepalive_timeout=30, resolver=_Resolver()
            )
            self._session = aiohttp.ClientSession(
                timeout=timeout, connector=connector, trust_env=True, cookie_jar=aiohttp.DummyCookieJar(),
                headers={"User-Agent": "tocsin"}, auto_decompress=True,
            )  # fmt: skip
        return self._session

    async def _http(self, request: Request) -> Response | WireFault:
        if why := unreachable(urlsplit(request.url).hostname or ""):
            return WireFault(FaultKind.CONNECT, f"{_host(request.url)} {why}")
        try:
            async with self._open().request(
                request.method,
                request.url,
                headers=dict(request.headers),
                data=request.body or None,
                allow_redirects=False,
            ) as answer:
                self._look_at_certificate(answer)
                body = await _body(answer.content)
                headers = {name.lower(): value for name, value in answer.headers.items()}
                return Response(answer.status, headers, body)
        except (aiohttp.ClientConnectorError, aiohttp.InvalidURL, aiohttp.ConnectionTimeoutError) as fault:
            return WireFault(FaultKind.CONNECT, f"cannot connect to {_host(request.url)}: {_why(fault)}")
        except TimeoutError:
            return WireFault(
                FaultKind.AMBIGUOUS, f"{_host(request.url)} did not answer within {TOTAL_SECONDS:.0f} s"
            )
        except (aiohttp.ClientError, OSError, ValueError) as fault:
            return WireFault(FaultKind.AMBIGUOUS, f"{_host(request.url)} broke off: {_why(fault)}")

    def _look_at_certificate(self, answer: aiohttp.ClientResponse) -> None:
        """Note its end; what is no https or not checked shows none."""
        transport = answer.connection.transport if answer.connection else None
        shown = transport.get_extra_info("peercert") if transport else None
        host = answer.url.host or ""
        if shown and "notAfter" in shown and host not in _LOOPBACK:
            self.certificates[host] = datetime.fromtimestamp(ssl.cert_time_to_seconds(shown["notAfter"]), UTC)


class _Resolver(aiohttp.ThreadedResolver):
    """Names that lead where the hub never calls lead nowhere, whoever answers for them."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await super().resolve(host, port, family)
        allowed = [one for one in found if not unreachable(one["host"])]
        if found and not allowed:
            raise OSError(None, "leads to an address that the hub never calls")
        return allowed


async def _body(stream: aiohttp.StreamReader) -> bytes:
    """The whole body, at most MOST_BYTES: one `read(n)` gives what has arrived so far, not n bytes."""
    body = bytearray()
    while len(body) < MOST_BYTES and (chunk := await stream.read(MOST_BYTES - len(body))):
        body += chunk
    return bytes(body)


async def _in_thread(mail: Mail) -> Response | WireFault:
    """Send on a thread that holds nobody up: the loop's own pool is small, shared with the database's
    stop, and waited for at the end of the process."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[Response | WireFault] = loop.create_future()

    def answered(answer: Response | WireFault) -> None:
        if not done.done():
            done.set_result(answer)

    def work() -> None:
        try:
            answer: Response | WireFault = _send_mail(mail)
        except Exception as fault:  # noqa: BLE001 - a thread's edge: an answer that never came would hold the effect
            answer = WireFault(FaultKind.AMBIGUOUS, f"the mail broke off: {type(fault).__name__}")
        with suppress(RuntimeError):  # the loop is gone: so is whoever waited
            loop.call_soon_threadsafe(answered, answer)

    threading.Thread(target=work, name="mail", daemon=True).start()
    return await done


def _host(url: str) -> str:
    """Host and port alone, as written: paths, queries and user names may hold keys."""
    return url.partition("://")[2].partition("/")[0].partition("?")[0].rpartition("@")[2] or "(no host)"


def _why(fault: BaseException) -> str:
    if isinstance(fault, aiohttp.ClientConnectorCertificateError):
        said = getattr(fault.certificate_error, "verify_message", "") or "it cannot be verified"
        return f"its certificate is not trusted: {said}"
    if isinstance(fault, aiohttp.ClientConnectorDNSError):
        return "there is no such host"
    inner = getattr(fault, "os_error", None)
    return (str(inner.strerror) if inner is not None and inner.strerror else type(fault).__name__).lower()


def _send_mail(mail: Mail) -> Response | WireFault:
    try:
        parts = urlsplit(mail.smtp_url)
        host, port = parts.hostname or "127.0.0.1", parts.port or (465 if parts.scheme == "smtps" else 25)
        server = _mail_server(parts.scheme, host, port)
    except (OSError, ValueError, smtplib.SMTPException) as fault:
        where = _host(mail.smtp_url)
        return WireFault(FaultKind.CONNECT, f"cannot connect to {where}: {type(fault).__name__}")
    username = mail.username or unquote(parts.username or "")
    password = mail.password or unquote(parts.password or "")
    taken = False
    try:
        with server:
            if parts.scheme == "smtp+starttls":
                server.starttls(context=ssl.create_default_context())
            if isinstance(mail, MailProbe):
                return rcpt.converse(server, mail, username, password)
            if username:
                server.login(username, password)
            server.send_message(_message(mail))
            taken = True
        return Response(250)
    except smtplib.SMTPRecipientsRefused as refused:
        code, text = next(iter(refused.recipients.values()))
        return Response(code, {}, _text(text))
    except smtplib.SMTPResponseException as refused:
        if taken:
            return Response(250)  # it only took leave rudely: sent again, the mail would come twice
        return Response(refused.smtp_code, {}, _text(refused.smtp_error))
    except (OSError, smtplib.SMTPException) as fault:
        return WireFault(FaultKind.AMBIGUOUS, f"{host}:{port} broke off: {type(fault).__name__}")


def _mail_server(scheme: str, host: str, port: int) -> smtplib.SMTP:
    if scheme == "smtps":
        return smtplib.SMTP_SSL(host, port, timeout=MAIL_SECONDS, context=ssl.create_default_context())
    return smtplib.SMTP(host, port, timeout=MAIL_SECONDS)


def _text(value: bytes | str) -> bytes:
    return value if isinstance(value, bytes) else value.encode()


def _message(mail: Mail) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"] = mail.sender, ", ".join(mail.recipients)
    message["Subject"] = " ".join(mail.subject.split())
    message["Date"] = formatdate(localtime=False)
    if mail.message_id:
        message["Message-ID"] = mail.message_id
    if mail.in_reply_to:
        message["In-Reply-To"] = message["References"] = mail.in_reply_to
    message.set_content(mail.text)
    if mail.html:
        message.add_alternative(mail.html, subtype="html")
    return message
