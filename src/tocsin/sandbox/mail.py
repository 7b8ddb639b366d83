"""Which e-mails would have gone out? A plain SMTP sink that keeps them for reading."""

from __future__ import annotations

import asyncio
from collections import deque
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from tocsin.sandbox.clock import Clock, iso_millis

KEPT = 5000


class MailSink:
    """Takes every mail from anyone, with or without a login, and delivers none."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._mails: deque[dict[str, Any]] = deque(maxlen=KEPT)
        self._seq = 0

    def protocol(self) -> asyncio.BaseProtocol:
        return SMTP(
            self,
            hostname="tocsin-sandbox",
            enable_SMTPUTF8=True,
            authenticator=_anyone,
            auth_require_tls=False,
            loop=asyncio.get_running_loop(),
        )

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 aiosmtpd's name
        raw = envelope.content if isinstance(envelope.content, bytes) else (envelope.content or "").encode()
        message: EmailMessage = message_from_bytes(raw, policy=policy.default)
        body = message.get_body(preferencelist=("plain", "html"))
        html = message.get_body(preferencelist=("html",))
        self._seq += 1
        self._mails.append(
            {
                "seq": self._seq,
                "at": iso_millis(self._clock.now()),
                "from": envelope.mail_from,
                "to": list(envelope.rcpt_tos),
                "subject": str(message["subject"] or ""),
                "headers": {name: str(value) for name, value in message.items()},
                "text": body.get_content().replace("\r\n", "\n") if body is not None else "",
                "html": html.get_content().replace("\r\n", "\n") if html is not None else "",
            }
        )
        return "250 Message kept in the sandbox"

    def select(self, since: int) -> list[dict[str, Any]]:
        return [mail for mail in self._mails if mail["seq"] > since]

    def clear(self) -> None:
        self._mails.clear()


def _anyone(server: Any, session: Any, envelope: Any, mechanism: str, login: Any) -> AuthResult:
    return AuthResult(success=True)
