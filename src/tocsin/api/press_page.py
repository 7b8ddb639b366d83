"""What does somebody read behind an ack link, woken, on a phone? HTML of one piece: no script, nothing fetched."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from datetime import datetime
from html import escape

from tocsin.core.ack_link import LASTS
from tocsin.core.model import Incident
from tocsin.core.press import Standing, ended, holder
from tocsin.engine.press import Seen

LONGEST_TITLE = 200
STYLE = (
    ":root{color-scheme:light dark;--text:#1b1b1f;--ground:#fff;--soft:#55555e;--line:#c9c9d1;--button:#8f1d2c;--worst:#a3142a}"
    "@media(prefers-color-scheme:dark){:root{--text:#f1f1f4;--ground:#141417;--soft:#b4b4bf;--line:#45454f;--button:#b3283c;--worst:#ff8f9c}}"
    "body{margin:0;background:var(--ground);color:var(--text);font:1.0625rem/1.5 system-ui,-apple-system,'Segoe UI',Roboto,sans-serif}"
    "main{box-sizing:border-box;max-width:34rem;margin:0 auto;padding:1.25rem 1rem 2rem}"
    "p,dl{margin:0 0 1rem}h1{margin:.25rem 0 .75rem;font-size:1.375rem;line-height:1.25;overflow-wrap:anywhere}"
    ".head{margin:0;font-weight:600}.critical,.high{color:var(--worst)}.now{font-size:1.125rem;font-weight:600}"
    ".soft{color:var(--soft);font-size:.9375rem}form{margin:1.25rem 0 .5rem}"
    "button{width:100%;min-height:3.5rem;padding:.75rem 1rem;border:0;border-radius:.5rem;background:var(--button);color:#fff;"
    "font:inherit;font-size:1.1875rem;font-weight:600;cursor:pointer}"
    "button:focus-visible,a:focus-visible{outline:3px solid var(--text);outline-offset:2px}"
    "dl{display:grid;grid-template-columns:max-content minmax(0,1fr);gap:.25rem 1rem;border-top:1px solid var(--line);padding-top:1rem}"
    "dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere}a{color:inherit;display:inline-block;padding:.625rem 0}"
    "code{font-family:ui-monospace,monospace;font-size:.9375rem}"
)
STYLE_HASH = f"sha256-{base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()}"


@dataclass(frozen=True, slots=True)
class Said:
    """A page that tells of no incident: what is so, and what to do next."""

    title: str
    text: str
    next: str = "Open the newest mail about it, sign in, or ask at a terminal: im list"


NOT_FROM_HERE = Said(
    "Nothing was acknowledged",
    "This did not come from the button of the page, so it changed nothing.",
    "Open the link of the mail again and press its button.",
)
AWAY = Said(
    "Not now: nothing is known to be acknowledged",
    "The hub cannot reach its database. What was sent to it is kept, and pages go on.",
    "Try again in a few seconds; pressing twice is harmless. Or acknowledge where you were paged besides this mail.",
)
TOO_OFTEN = Said(
    "Too often", "This was asked for many times within a minute; nothing was changed.", "Wait a minute."
)


def broken(mark: str) -> Said:
    """A fault of ours."""
    return Said(
        "It did not work",
        f"A fault of ours; it is in the log under {mark}. Nothing is known to be acknowledged.",
        "Try again, sign in, or acknowledge at a terminal: im ack",
    )


_REFUSED = {
    Standing.TOO_OLD: Said(
        "This link is too old", f"A link in a mail lasts {LASTS.days} days. It does nothing any more."
    ),
    Standing.NOBODY: Said(
        "This link is nobody's any more",
        "The address that it was sent to is not in this hub's configuration now, so it does nothing.",
    ),
    Standing.NO_INCIDENT: Said("There is no such incident", "What this link was about is not kept any more."),
    Standing.NOT_OURS: Said(
        "This is no link of this hub",
        "Perhaps your mail program has cut it off, or the hub's secret key was changed since. It does nothing.",
    ),
}


def page_of(seen: Seen, public_url: str, now: datetime) -> str:
    """The page of a link as it stands, after a press too."""
    incident = seen.incident
    if incident is None:
        return plain(_REFUSED[seen.standing], public_url)
    head, now_told, more = _words(seen, incident, now)
    severity = incident.severity
    body = [
        f'<p class="head {severity.value}">{severity.sev} {severity.value} &middot; {escape(incident.name)}</p>',
        f'<h1><bdi dir="auto">{escape(_cut(incident.title))}</bdi></h1>',
        f'<p class="now" role="status">{escape(now_told)}</p>',
        _button(seen, incident) if seen.before is None else "",
        f'<p class="soft">{escape(more)}</p>' if more else "",
        _facts(incident, now),
        _further(public_url, incident),
    ]
    return _page(head, body)


def plain(said: Said, public_url: str) -> str:
    """A page without an incident."""
    link = f'<p><a href="{escape(public_url)}/">Tocsin</a></p>' if public_url else ""
    body = [
        f"<h1>{escape(said.title)}</h1>",
        f"<p>{escape(said.text)}</p>",
        f'<p class="now">{escape(said.next)}</p>',
        link,
    ]
    return _page(said.title, body)


def _page(title: str, body: list[str]) -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f"<title>{escape(title)} - Tocsin</title>"
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark"><meta name="robots" content="noindex">'
        f'<link rel="icon" href="data:,"><style>{STYLE}</style></head><body><main>{"".join(body)}</main></body></html>\n'
    )


def _words(seen: Seen, incident: Incident, now: datetime) -> tuple[str, str, str]:
    """(title of the page, how it stands, what else to know)."""
    name, pressed = incident.name, seen.before is not None
    match seen.standing:
        case Standing.OPEN:
            return f"Acknowledge {name}", "Nobody has it yet.", _as(seen, "Pressing stops the paging.")
        case Standing.YOURS if pressed:
            return (
                f"You have {name}",
                f"{_whose(seen)} it: acknowledged {_at(incident.acknowledged_at, now)}.",
                _after(seen, incident),
            )
        case Standing.YOURS:
            return f"Still on {name}?", _held(_whose(seen), incident, now), _as(seen, _keeps(incident))
        case Standing.TAKEN:
            faster = "Somebody was faster, and your press changed nothing: " if pressed else ""
            told = _held(f"{holder(incident) or 'Somebody'} has", incident, now)
            return f"{name} is taken", f"{faster}{told}", "There is nothing for you to do."
        case Standing.OVER:
            return (
                f"{name} is over",
                _over(incident, now) + (" Your press changed nothing." if pressed else ""),
                "",
            )
        case _:
            told = "Your press changed nothing. " if pressed else ""
            return (
                f"{name} is open again",
                f"{told}It was over after this mail was sent, and is open again.",
                "This link stays dead: whoever is asked now has a newer mail, with a link of its own.",
            )  # fmt: skip


def _whose(seen: Seen) -> str:
    assert seen.presser is not None
    return f"Somebody who reads {seen.presser.name} has" if seen.presser.shared else "You have"


def _as(seen: Seen, what: str) -> str:
    assert seen.presser is not None
    who = (
        f"You act as {seen.presser.name}, the mailbox that this link was sent to."
        if seen.presser.shared
        else f"You act as {seen.presser.name}; nobody has to sign in, and the link is yours alone."
    )
    return f"{what} {who}"


def _keeps(incident: Incident) -> str:
    if incident.snoozed_until is not None:
        return "Pressing ends the snooze: it is yours from now on."
    return "Pressing says that you are still on it, and your acknowledgement lasts its full time from now."


def _after(seen: Seen, incident: Incident) -> str:
    again = "You had it already; the acknowledgement lasts its full time from now. "
    first = "Nobody else is paged for it now. "
    told = again if seen.before is Standing.YOURS else first
    return f"{told}When it is over: im resolve {incident.name}"


def _held(who_has: str, incident: Incident, now: datetime) -> str:
    since = f"{who_has} it since {_at(incident.acknowledged_at, now)}."
    if incident.snoozed_until is None:
        return since
    return f"{since} It is snoozed until {incident.snoozed_until:%Y-%m-%d %H:%M} UTC."


def _over(incident: Incident, now: datetime) -> str:
    who, at = ended(incident)
    return f"{f'Resolved by {who}' if who else 'Its last alert resolved'}, {_at(at, now)}."


def _button(seen: Seen, incident: Incident) -> str:
    if not seen.standing.acts:
        return ""
    again = "I have it now" if incident.snoozed_until is not None else "I am still on it"
    word = again if seen.standing is Standing.YOURS else f"Acknowledge {incident.name}"
    return (
        f'<form method="post"><input type="hidden" name="press" value="{escape(seen.form)}">'
        f"<button>{escape(word)}</button></form>"
    )


def _facts(incident: Incident, now: datetime) -> str:
    rows = [("Status", incident.status.shown)]
    if len(incident.parts) > 1:
        rows += [(part.service or "(no service)", part.status.shown) for part in incident.parts]
    elif incident.services:
        rows.append(("Service", incident.services[0]))
    if holder(incident) and incident.open:
        rows.append(("Who has it", holder(incident)))
    rows.append(("Open since", _at(incident.opened_at, now)))
    return "".join(
        ["<dl>", *(f'<dt>{escape(n)}</dt><dd dir="auto">{escape(_cut(v))}</dd>' for n, v in rows), "</dl>"]
    )


def _further(public_url: str, incident: Incident) -> str:
    if not public_url:
        return ""
    address = escape(f"{public_url}/i/{incident.name}")
    return f'<p><a href="{address}">{escape(incident.name)} in Tocsin</a> <span class="soft">(needs signing in)</span></p>'


def _at(at: datetime | None, now: datetime) -> str:
    """ "2026-11-16 12:04 UTC (3 min ago)"."""
    if at is None:
        return "some time ago"
    minutes = int((now - at).total_seconds()) // 60
    hours, days = minutes // 60, minutes // 1440
    ago = (
        "just now" if minutes < 1 else f"{minutes} min ago" if hours < 1 else f"{hours} h ago" if days < 2 else f"{days} days ago"
    )  # fmt: skip
    return f"{at:%Y-%m-%d %H:%M} UTC ({ago})"


def _cut(text: str) -> str:
    """One line of what can be printed, short enough that the button is in sight."""
    line = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    return (line if len(line) <= LONGEST_TITLE else f"{line[:LONGEST_TITLE]}…") or "Untitled incident"
