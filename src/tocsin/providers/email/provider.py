"""E-mail as a provider: what does the message say, and what did the mail server's answer mean?

The wire is the sender's; here a message is a value, and an answer is an SMTP reply code (RFC 5321 section
4.2, https://www.rfc-editor.org/rfc/rfc5321, 2026-11-20) in `Response.status`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from urllib.parse import urlsplit

from tocsin.core.checks import Heard, Here, Line
from tocsin.core.model import Json
from tocsin.core.ports import (
    Accepted,
    Call,
    ConnectorSettings,
    Effect,
    EffectKind,
    FaultKind,
    Mail,
    Outcome,
    Rejected,
    RemoteStatus,
    Response,
    Retry,
    Skipped,
    WireFault,
)
from tocsin.core.settings import custom_faults
from tocsin.providers.email import bundle, checks
from tocsin.providers.email.html import html_of
from tocsin.providers.email.words import (
    LONGEST_SUBJECT,
    facts_of,
    links_are_for,
    one_line,
    said_of,
    why_again,
)

LONGEST_TEXT = 100_000
_CUSTOM = {"smtp_url", "from", "to", "username", "password", "auto_resolve", "sync_notes"}
_REFUSED_LOGIN = (530, 534, 535, 538)
_NO_WORDS = (EffectKind.ASSIGN, EffectKind.ESCALATE, EffectKind.MERGE)
_FIRST = (EffectKind.CREATE, EffectKind.MESSAGE)
"""What opens a thread."""


def check_settings(settings: Mapping[str, Json]) -> list[tuple[str, str]]:
    """(dotted field, what is wrong) for each fault; [] = usable."""
    custom = settings.get("custom")
    if not isinstance(custom, Mapping):
        return [("custom", "missing: a map with smtp_url, from and to")]
    found = custom_faults(settings, _CUSTOM)
    if fault := _server_fault(custom.get("smtp_url")):
        found.append(("custom.smtp_url", fault))
    if not _is_address(custom.get("from")):
        found.append(("custom.from", "must be an e-mail address"))
    recipients = custom.get("to")
    listed = recipients if isinstance(recipients, list | tuple) else [recipients]
    if not listed or not all(_is_address(one) for one in listed):
        found.append(("custom.to", "must be a list of e-mail addresses, at least one"))
    if bool(custom.get("username")) != bool(custom.get("password")):
        missing = "password" if custom.get("username") else "username"
        found.append((f"custom.{missing}", "missing: username and password come together"))
    found += [
        (f"custom.{name}", "must be a text")
        for name in ("username", "password")
        if not isinstance(custom.get(name, ""), str)
    ]
    return found


def first_call(effect: Effect, connector: ConnectorSettings) -> Call | Skipped | Rejected:
    """The message to send. A page opens a thread, what follows are replies to it; a changed text alone
    sends nothing: a message once sent cannot be rewritten."""
    if effect.kind is EffectKind.SNOOZE:
        return Skipped(reason="nothing rings by e-mail that could be snoozed", status=RemoteStatus.UNKNOWN)
    if effect.kind in _NO_WORDS:
        return Skipped(reason=f"a mailbox cannot {effect.kind.value}", status=RemoteStatus.UNKNOWN)
    if effect.kind is EffectKind.UPDATE:
        return Skipped(reason="an e-mail cannot be rewritten", status=RemoteStatus.UNKNOWN)
    custom = connector.settings.get("custom")
    custom = custom if isinstance(custom, Mapping) else {}
    to = custom.get("to")
    sender = _text(custom.get("from"))
    recipients = effect.recipients or tuple(
        one for one in (to if isinstance(to, list | tuple) else [to]) if isinstance(one, str)
    )
    if not recipients or not sender:
        return Rejected(reason="no recipient or no sender: set custom.to and custom.from")
    page = effect.kind in _FIRST
    # told in one message with others, that one is where its thread begins
    first = effect.remote_id or _message_id(sender, effect.key)
    opens = page and not effect.repeat  # one asked again is a message of its own, in the same thread
    said = effect.repeat if page else said_of(effect)
    mail = Mail(
        smtp_url=_text(custom.get("smtp_url")),
        sender=sender,
        recipients=recipients,
        subject=_subject(effect),
        text=_text_of(effect)[:LONGEST_TEXT],
        html=html_of(effect),
        message_id=_message_id(sender, effect.key) if opens else _message_id(sender, effect.key, said),
        in_reply_to="" if opens else first,
        username=_text(custom.get("username")),
        password=_text(custom.get("password")),
    )
    return Call(mail, "mail")


def outcome_of(
    effect: Effect, connector: ConnectorSettings, step: str, answer: Response | WireFault
) -> Outcome:
    """2yz = the server has it; 4yz = later; 5yz = refused. The server's words are not repeated: they may
    hold what was sent."""
    if isinstance(answer, WireFault):
        return Retry(reason=answer.message, ambiguous=answer.kind is FaultKind.AMBIGUOUS)
    code = answer.status
    if code // 100 == 2:
        call = first_call(effect, connector)
        message_id = call.send.message_id if isinstance(call, Call) and isinstance(call.send, Mail) else ""
        page = effect.kind in _FIRST
        return Accepted(
            remote_id=message_id if page and not effect.remote_id else effect.remote_id, created=True
        )
    if code // 100 == 5:
        login = code in _REFUSED_LOGIN
        hint = "check custom.username and custom.password" if login else "check custom.from and custom.to"
        return Rejected(reason=f"the mail server refused with {code} ({hint})", status=code, counts=login)
    return Retry(reason=f"the mail server answered {code}: not now")


def check_calls(connector: ConnectorSettings, here: Here, heard: Heard) -> list[Call]:
    """The conversation of a mail, without one."""
    return checks.calls(connector.settings, heard)


def check_lines(connector: ConnectorSettings, here: Here, heard: Heard) -> list[Line]:
    """Server, login, sender, recipients."""
    return checks.lines(connector.settings, here, heard)


def _text_of(effect: Effect) -> str:
    if effect.kind is EffectKind.MESSAGE:
        return effect.description + (f"\n{_still_on_it(effect)}\n" if effect.acts else "")
    if effect.bundled:
        return bundle.text_of(effect)
    return _page_text(effect) if effect.kind is EffectKind.CREATE else _reply_text(effect)


def _page_text(effect: Effect) -> str:
    """What a person woken by it needs, the most important first. Links only lead to pages (S52)."""
    named = {"Severity": f"{effect.severity.sev} ({effect.severity.value})", **facts_of(effect)}
    links = [f"{link.text or 'Link'}: {link.href}" for link in effect.links]
    act = _how_to_act(effect)
    blocks = [
        why_again(effect),
        one_line(effect.title),
        act if effect.acts else "",
        "\n".join(f"{name}: {value}" for name, value in named.items() if value),
        effect.description.strip(),
        "\n".join(links),
        "" if effect.acts else act,
        "\n".join(f"{name}: {value}" for name, value in effect.details.items()),
    ]
    return "\n\n".join(block for block in blocks if block) + "\n"


def _how_to_act(effect: Effect) -> str:
    ways = [act.href for act in effect.acts]
    ways += [links_are_for(effect)] if effect.acts else []
    ways += [effect.incident_url, f"im ack {effect.incident_name}" if effect.incident_name else ""]
    lines = [f"  {way}" for way in ways if way]
    return "\n".join(["To acknowledge:", *lines]) if lines else ""


def _reply_text(effect: Effect) -> str:
    if effect.kind is EffectKind.REOPEN and effect.acts:
        return "\n\n".join([said_of(effect), _how_to_act(effect)]) + "\n"
    lines = [
        said_of(effect),
        _still_on_it(effect) if effect.acts else "",
        f"Incident: {effect.incident_url}" if effect.incident_url else "",
    ]
    return "\n\n".join(line for line in lines if line) + "\n"


def _still_on_it(effect: Effect) -> str:
    """How a holder says that it is not over (S24, S25)."""
    each = [f"  {act.text}: {act.href}" for act in effect.acts]
    return "\n".join(["Still on it? Say so:", *each, f"  {links_are_for(effect)}"])


def _subject(effect: Effect) -> str:
    if effect.kind is EffectKind.MESSAGE:
        return one_line(effect.title)[:LONGEST_SUBJECT]
    if effect.bundled:
        return bundle.subject_of(effect)
    name = f" ({effect.incident_name})" if effect.incident_name else ""
    start = "" if effect.kind is EffectKind.CREATE and not effect.repeat else "Re: "
    title = one_line(effect.title) or "Untitled incident"
    return f"{start}[{effect.severity.sev}] {title[:LONGEST_SUBJECT]}{name}"


def _message_id(sender: str, key: str, said: str = "") -> str:
    """Born from the provider key, so a message sent twice is the same one and replies find their thread."""
    host = sender.rpartition("@")[2].strip("> ") or "tocsin.invalid"
    digest = hashlib.sha256(f"{key}\n{said}".encode("utf-8", "replace")).hexdigest()
    return f"<tocsin.{digest[:40]}@{host}>"


def _server_fault(value: Json) -> str:
    try:
        parts = urlsplit(value if isinstance(value, str) else "")
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return "is not an address"
    if parts.scheme not in ("smtp", "smtps", "smtp+starttls") or not host:
        return "must be smtp://host:port, smtps://host:port or smtp+starttls://host:port"
    return "must not hold a user: use custom.username and custom.password" if parts.username else ""


def _is_address(value: Json) -> bool:
    return (
        isinstance(value, str)
        and value.isprintable()
        and " " not in value
        and 0 < value.find("@") < len(value) - 1
    )


def _text(value: Json) -> str:
    return value if isinstance(value, str) else ""
