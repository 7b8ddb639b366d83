"""Does the mail server take what this connector would send, up to its recipients and without a mail?

RFC 5321 section 3.3 (https://www.rfc-editor.org/rfc/rfc5321, 2026-11-20): MAIL and RCPT are answered one by one, and RSET
ends what was begun. A server may still refuse the text, and a recipient may be refused later, by a bounce.
"""

from __future__ import annotations

import json

from tocsin.core.checks import Heard, Here, Line, MailProbe, State
from tocsin.core.model import Json
from tocsin.core.ports import Call, Response, WireFault
from tocsin.core.settings import Settings, setting, word


def calls(settings: Settings, heard: Heard) -> list[Call]:
    """One conversation."""
    if heard:
        return []
    probe = MailProbe(
        smtp_url=word(settings, "smtp_url"), sender=word(settings, "from"), recipients=_recipients(settings), subject="",
        text="", username=word(settings, "username"), password=_text(setting(settings, "password")),
    )  # fmt: skip
    return [Call(probe, "mail", reads=True)]


def lines(settings: Settings, here: Here, heard: Heard) -> list[Line]:
    """Server, login, sender, each recipient."""
    answer = heard.get("mail")
    host = word(settings, "smtp_url").partition("://")[2]
    if answer is None or isinstance(answer, WireFault):
        why = answer.message if isinstance(answer, WireFault) else "no answer in time"
        return [
            Line(
                subject="api", state=State.FAILED, text=f"Mail server: {why}", unreachable=True,
                step="check custom.smtp_url: smtp://host:25, smtps://host:465 or smtp+starttls://host:587",
            )
        ]  # fmt: skip
    told = _told(answer)
    found = [Line(subject="api", state=State.OK, text=f"Connected to mail server {host}")]
    if user := word(settings, "username"):
        if told.get("login") is not True:
            return [*found, _refused("login", f"Mail server refuses the login of {user}", answer.status, "check custom.username and custom.password")]  # fmt: skip
        found.append(Line(subject="login", state=State.OK, text=f"Signed in as {user}"))
    sender = told.get("sender")
    if not _good(sender):
        text = f"Mail server refuses the sender {word(settings, 'from')}"
        return [*found, _refused("sender", text, answer.status, "set custom.from to an address that this server sends for")]  # fmt: skip
    found.append(Line(subject="sender", state=State.OK, text=f"Sender {word(settings, 'from')} accepted"))
    listed = told.get("recipients")
    for one in _recipients(settings):
        code = listed.get(one) if isinstance(listed, dict) else None
        if _good(code):
            found.append(Line(subject="recipient", state=State.OK, text=f"Recipient {one} accepted"))
        else:
            number = (
                code[0] if isinstance(code, list) and code and isinstance(code[0], int) else answer.status
            )
            later = number // 100 == 4
            step = "try again in a few minutes" if later else "correct custom.to"
            found.append(_refused("recipient", f"Mail server refuses the recipient {one}", number, step))
    return found


def _refused(subject: str, text: str, code: int, step: str) -> Line:
    return Line(subject=subject, state=State.FAILED, text=f"{text} ({code})", step=step)


def _told(answer: Response) -> dict[str, Json]:
    try:
        body = json.loads(answer.body)
    except (ValueError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}


def _good(said: Json) -> bool:
    return isinstance(said, list) and bool(said) and isinstance(said[0], int) and said[0] // 100 == 2


def _recipients(settings: Settings) -> tuple[str, ...]:
    to = setting(settings, "to")
    listed = to if isinstance(to, list | tuple) else [to]
    return tuple(one for one in listed if isinstance(one, str) and one)


def _text(value: Json) -> str:
    return value if isinstance(value, str) else ""
