"""How does one request travel? One kept-alive connection of the standard library, with honest errors.

A GET whose kept connection turns out dead is sent once more on a new one. A write that carries an Idempotency-Key
is sent again when nobody knows whether it arrived (the connection broke off, no answer came in time), and when
the server says that the first one is still under way: it is carried out once. Any other write is sent once: a
connection that has been idle for a second is replaced beforehand, so that it rarely meets a dead one.
"""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from tocsin.client.errors import TimedOut, UnexpectedAnswer, Unreachable, problem_from

MAX_ANSWER_BYTES = 64 * 1024 * 1024
KEY_HEADER = "Idempotency-Key"
_PAUSES = (0.2, 1.0)
"""Seconds before a write with a key is sent again; a time-out is waited for twice at most."""

_IDLE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer; `headers` have lower-case names."""

    status: int
    reason: str
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The parsed body; None when empty. Raises UnexpectedAnswer when it is not JSON."""
        if not self.body:
            return None
        try:
            return json.loads(self.body)
        except ValueError as error:
            raise UnexpectedAnswer(
                f"the server answered {self.status} with something that is not JSON",
                hint="is another program listening at this address?",
            ) from error


class Transport:
    """Sends requests to one server. Not for several threads at once.

    `url` is http(s)://host[:port][/prefix]; `timeout` in seconds holds for connecting and for each read.
    Raises ValueError for an address that cannot be one.
    """

    def __init__(
        self, url: str, *, token: str | None = None, timeout: float = 10.0, agent: str = "tocsin-client"
    ) -> None:
        parts = urlsplit(url if "//" in url else f"http://{url}")
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"{url!r} is no address of a server: it must look like http://127.0.0.1:8000")
        self.url = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path.rstrip('/')}"
        self.timeout = timeout
        self._secure = parts.scheme == "https"
        self._host = parts.hostname
        self._port = parts.port or (443 if self._secure else 80)
        self._prefix = parts.path.rstrip("/")
        self._token = token
        self._agent = agent
        self._kept: http.client.HTTPConnection | None = None
        self._used_at = 0.0

    def close(self) -> None:
        """Close the kept connection; the next request opens a new one."""
        if self._kept is not None:
            self._kept.close()
            self._kept = None

    def send(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, object] | None = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send one request and read the whole answer, whatever its status."""
        waited_in_vain = False
        for pause in _PAUSES if KEY_HEADER in (headers or {}) else ():
            try:
                answer = self._send_once(method, path, query, body, headers)
            except Unreachable as error:
                if not error.sent:
                    raise  # nobody listens: that does not pass in a second, and nothing happened
            except TimedOut:
                if waited_in_vain:
                    raise
                waited_in_vain = True
            else:
                if not _under_way(answer):
                    return answer
            time.sleep(pause)
        return self._send_once(method, path, query, body, headers)

    def _send_once(
        self,
        method: str,
        path: str,
        query: Mapping[str, object] | None,
        body: bytes | None,
        headers: Mapping[str, str] | None,
    ) -> Answer:
        kept = self._usable(method)
        reused = kept is not None
        connection = kept or self.connect()
        try:
            return self._exchange(connection, method, self.target(path, query), body, headers)
        except Unreachable:
            if not (reused and method == "GET"):
                raise
            return self._exchange(self.connect(), method, self.target(path, query), body, headers)

    def connect(self) -> http.client.HTTPConnection:
        """Open a connection. Raises Unreachable or TimedOut."""
        if self._secure:
            made: http.client.HTTPConnection = http.client.HTTPSConnection(
                self._host, self._port, timeout=self.timeout, context=ssl.create_default_context()
            )
        else:
            made = http.client.HTTPConnection(self._host, self._port, timeout=self.timeout)
        try:
            made.connect()
        except (OSError, UnicodeError) as error:  # UnicodeError: a host name that cannot be one
            made.close()
            unreachable = self.unreachable(error)
            unreachable.sent = False
            raise unreachable from error
        return made

    def unreachable(self, error: BaseException) -> Unreachable:
        """Say in words why the connection failed or broke off."""
        if isinstance(error, socket.gaierror | UnicodeError):
            words = f"the name {self._host} cannot be resolved"
        elif isinstance(error, ConnectionRefusedError):
            words = f"nothing listens at {self._host} port {self._port}"
        elif isinstance(error, TimeoutError):
            words = f"no answer within {self.timeout:g} s"
        elif isinstance(error, ssl.SSLCertVerificationError):
            words = f"its certificate is not trusted ({error.verify_message})"
        elif isinstance(error, http.client.RemoteDisconnected | ConnectionResetError | BrokenPipeError):
            words = "the connection broke off before an answer came"
        else:
            words = str(error) or type(error).__name__
        return Unreachable(f"cannot reach {self.url}: {words}")

    def target(self, path: str, query: Mapping[str, object] | None = None) -> str:
        """The request target: our prefix, the escaped path and the query without its empty values."""
        known = {key: value for key, value in (query or {}).items() if value not in (None, "", ())}
        target = self._prefix + quote(path, safe="/%:@?=&,+~-._!$'()*;")
        return f"{target}{'&' if '?' in target else '?'}{urlencode(known, doseq=True)}" if known else target

    def headers(self, more: Mapping[str, str] | None = None) -> dict[str, str]:
        """The headers of every request, with the token."""
        made = {"Accept": "application/json", "User-Agent": self._agent}
        if self._token:
            made["Authorization"] = f"Bearer {self._token}"
        return made | dict(more or {})

    def _usable(self, method: str) -> http.client.HTTPConnection | None:
        if self._kept is None or (method == "GET" or time.monotonic() - self._used_at < _IDLE_SECONDS):
            return self._kept
        self.close()
        return None

    def _exchange(
        self,
        connection: http.client.HTTPConnection,
        method: str,
        target: str,
        body: bytes | None,
        headers: Mapping[str, str] | None,
    ) -> Answer:
        try:
            connection.request(method, target, body=body, headers=self.headers(headers))
            response = connection.getresponse()
            content = response.read(MAX_ANSWER_BYTES + 1)
        except TimeoutError as error:
            connection.close()
            self._kept = None
            raise TimedOut(
                f"{self.url} did not answer {method} {target} within {self.timeout:g} s",
                hint="whether it acted is not known; look before you repeat, or give it longer with --timeout",
            ) from error
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            self._kept = None
            raise self.unreachable(error) from error
        if len(content) > MAX_ANSWER_BYTES:
            connection.close()
            self._kept = None
            raise UnexpectedAnswer(f"{self.url} answered more than {MAX_ANSWER_BYTES // 1024 // 1024} MB")
        self._kept = None if response.will_close else connection
        self._used_at = time.monotonic()
        return Answer(response.status, response.reason, _lower(response.getheaders()), content)


def _under_way(answer: Answer) -> bool:
    """Whether this is the refusal that says: the same request is being carried out."""
    return answer.status == 409 and b'"key_in_use"' in answer.body


def checked(answer: Answer, *, what: str) -> Answer:
    """Return the answer, or raise the Problem it is. `what` names the call for people."""
    if answer.status < 300:
        return answer
    try:
        document: object = answer.json()
    except UnexpectedAnswer:
        document = None
    raise problem_from(
        answer.status,
        answer.reason,
        document,
        what=what,
        retry_after=_seconds(answer.headers.get("retry-after")),
    )


def _lower(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers}


def _seconds(text: str | None) -> float | None:
    return float(text) if text and text.isdigit() else None
