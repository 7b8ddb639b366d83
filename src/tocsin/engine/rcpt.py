"""Would a mail server take a mail? The conversation up to its recipients, and RSET."""

from __future__ import annotations

import json
import smtplib
from typing import Any

from tocsin.core.checks import MailProbe
from tocsin.core.ports import Response

FINE = 250


def converse(server: smtplib.SMTP, probe: MailProbe, username: str, password: str) -> Response:
    """What each part was answered, as `MailProbe` says; raises what smtplib raises when the server breaks off.
    Encryption was begun already where it is wanted."""
    told: dict[str, Any] = {"login": False, "recipients": {}}
    if username:
        try:
            server.login(username, password)
        except smtplib.SMTPAuthenticationError as refused:
            return _answer(refused.smtp_code, told)
        except smtplib.SMTPNotSupportedError:
            return _answer(503, told)
        told["login"] = True
    server.ehlo_or_helo_if_needed()
    code, said = server.mail(probe.sender)
    told["sender"] = [code, said.decode("utf-8", "replace")[:200]]
    if code // 100 != 2:
        return _answer(code, told)
    worst = FINE
    for one in probe.recipients:
        code, said = server.rcpt(one)
        told["recipients"][one] = [code, said.decode("utf-8", "replace")[:200]]
        worst = max(worst, code)
    server.rset()
    return _answer(worst if worst // 100 > 2 else FINE, told)


def _answer(code: int, told: dict[str, Any]) -> Response:
    return Response(code, {}, json.dumps(told).encode())
