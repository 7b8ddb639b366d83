"""The wire to one connector's provider: who is called is known, so that calls can be counted, timed and looked at.

What it tells of a call, where `debug`, `log_requests` or `log_responses` asks for it, holds no credential: known ones are
hidden in every form, and whatever stands under a name of one; bodies are hidden first and cut afterwards.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import cast
from urllib.parse import urlsplit

from tocsin.core.allowance import ABILITY, Tells
from tocsin.core.policy import Connector
from tocsin.core.ports import FaultKind, Mail, Request, Response, WireFault
from tocsin.core.redact import Redactor
from tocsin.core.values import replace
from tocsin.engine.hub import Hub, log
from tocsin.engine.wire import Wire

MOST_SHOWN = 4_000
"""Characters of a body that are told."""

OUTCOMES: Mapping[str, str] = {
    "ok": "answered 2xx, or the mail was taken",
    "refused": "answered 3xx or 4xx",
    "throttled": "answered 429",
    "failed": "answered 5xx",
    "unreachable": "no connection; nothing was sent",
    "no_answer": "sent, and no answer came: it may have been applied",
}


class Line(Wire):
    """Calls of one connector, over a wire that others use too; closing it is their affair."""

    def __init__(self, hub: Hub, wire: Wire, connector: Connector) -> None:
        super().__init__()
        self._hub, self._over, self._connector = hub, wire, connector

    async def send(self, what: Request | Mail) -> Response | WireFault:
        """As the wire does it; a refusal comes without our credentials, should the provider repeat one: its words
        stand in timelines and answers."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        answer = await self._over.send(what)
        ms = (loop.time() - began) * 1000
        note(self._hub, self._connector, what, answer, ms)
        if isinstance(answer, Response) and answer.status >= 300 and answer.body:
            text = answer.body.decode("utf-8", "surrogateescape")
            body = self._hub.redactor().known(text).encode("utf-8", "surrogateescape")
            return replace(answer, body=body)
        return answer


def outcome_of(answer: Response | WireFault) -> str:
    """One of OUTCOMES."""
    if isinstance(answer, WireFault):
        return "unreachable" if answer.kind is FaultKind.CONNECT else "no_answer"
    if answer.status == 429:
        return "throttled"
    return "ok" if answer.status < 300 else "refused" if answer.status < 500 else "failed"


def note(
    hub: Hub, connector: Connector, what: Request | Mail, answer: Response | WireFault, ms: float
) -> None:
    """Count it, look at what it says of the rate limit, and tell it where that is asked for. Raises nothing."""
    try:
        hub.counted.call(connector.name, outcome_of(answer), ms)
        if isinstance(answer, Response):
            _allowance(hub, connector, answer)
        requests, responses = shown(hub, connector)
        if requests or responses:
            _tell(hub, connector, what if requests else None, answer if responses else None, _brief(what), ms)
    except Exception as fault:  # noqa: BLE001 - nothing that only tells may cost a page
        log.error("call_not_told", connector=connector.name, fault=type(fault).__name__)


def shown(hub: Hub, connector: Connector) -> tuple[bool, bool]:
    """(whether requests are told, whether responses are)."""
    every = connector.debug or connector.type in hub.debugged
    return every or connector.log_requests, every or connector.log_responses


def _allowance(hub: Hub, connector: Connector, answer: Response) -> None:
    kind = hub.providers.get(connector.type)
    if kind is None or ABILITY not in kind.abilities:
        return
    told = cast(Tells, kind.module).allowance(answer)
    if told is not None:
        hub.counted.allowances[connector.name] = (hub.now(), told)


def _tell(
    hub: Hub, connector: Connector, what: Request | Mail | None, answer: Response | WireFault | None, brief: tuple[str, str], ms: float,
) -> None:  # fmt: skip
    redactor = hub.redactor()
    method, url = brief[0], redactor.url(brief[1])
    said: dict[str, object] = {"method": method, "url": url, "took_ms": round(ms, 1), "type": connector.type}
    end = ""
    if what is not None:
        said |= _request(redactor, what)
    if isinstance(answer, Response):
        said |= {
            "status": answer.status, "response_headers": redactor.headers(answer.headers),
            "response_body": redactor.body(answer.body, MOST_SHOWN),
        }  # fmt: skip
        end = f" answered {answer.status} in {ms:.0f} ms"
    elif answer is not None:
        said["fault"] = redactor.text(answer.message)
        end = f" got no answer: {said['fault']}"
    log.info("call", connector=connector.name, message=f"{connector.name}: {method} {url}{end}", **said)


def _request(redactor: Redactor, what: Request | Mail) -> dict[str, object]:
    if isinstance(what, Mail):
        text = f"To: {', '.join(what.recipients)}\nSubject: {what.subject}\n\n{what.text}"
        return {"request_body": redactor.body(text.encode(), MOST_SHOWN)}
    return {
        "request_headers": redactor.headers(what.headers), "request_body": redactor.body(what.body, MOST_SHOWN) if what.body else "",
    }  # fmt: skip


def _brief(what: Request | Mail) -> tuple[str, str]:
    if isinstance(what, Request):
        return what.method, what.url
    parts = urlsplit(what.smtp_url)
    return "MAIL", f"{parts.scheme}://{parts.hostname or ''}:{parts.port or ''}"
