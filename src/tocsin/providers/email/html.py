"""The HTML part of a mail that carries ack links: what its text says, with something to tap (S52).

Only such mails have one. Its links only lead to pages; nothing in it is fetched, so that opening it tells nobody.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from tocsin.core.ports import Effect, EffectKind
from tocsin.providers.email.words import (
    LONGEST_SUBJECT,
    MOST_LISTED,
    by_incident,
    facts_of,
    links_are_for,
    one_line,
    said_of,
    why_again,
)

MOST_DESCRIPTION, MOST_DETAILS, LONGEST_DETAIL = 10_000, 50, 1_000
_HEAD = (
    '<!doctype html><html lang="en"><head><meta charset="utf-8">'
    '<meta name="viewport" content="width=device-width, initial-scale=1">'
    '<meta name="color-scheme" content="light dark"><meta name="supported-color-schemes" content="light dark"></head>'
    '<body style="font:16px/1.5 system-ui,-apple-system,Segoe UI,Roboto,sans-serif;margin:0;padding:16px">'
    '<div style="max-width:600px">'
)
_BUTTON = (
    "display:block;box-sizing:border-box;width:100%;max-width:400px;margin:16px 0 8px;padding:14px 16px;background:#8f1d2c;"
    "color:#ffffff;font-size:18px;font-weight:600;text-align:center;text-decoration:none;border-radius:8px"
)
_SMALL = "margin:0 0 16px;font-size:14px"


def html_of(effect: Effect) -> str:
    """The HTML part; "" for a mail without ack links, which is plain text alone."""
    if effect.kind is EffectKind.MESSAGE:
        parts = _message(effect) if effect.acts else []
    elif effect.bundled:
        parts = _several(effect) if any(page.acts for page in effect.bundled) else []
    else:
        parts = _one(effect) if effect.acts else []
    return f"{_HEAD}{''.join(parts)}</div></body></html>\n" if parts else ""


def _one(effect: Effect) -> list[str]:
    page = effect.kind is EffectKind.CREATE
    described = effect.description.strip()[:MOST_DESCRIPTION]
    details = [
        (name, str(value)[:LONGEST_DETAIL]) for name, value in list(effect.details.items())[:MOST_DETAILS]
    ]
    return [
        _paragraph(f"{effect.severity.sev} {effect.severity.value}", "margin:0;font-weight:600"),
        f'<h1 dir="auto" style="margin:4px 0 8px;font-size:22px;line-height:1.25">{_title(effect)}</h1>',
        _paragraph(why_again(effect) if page else said_of(effect), "margin:0 0 8px"),
        _button(effect),
        _paragraph(links_are_for(effect), _SMALL),
        _table(facts_of(effect).items()),
        _pre(described) if page else "",
        _links(effect),
        _table(details) if page else "",
        _signed_in(effect),
    ]


def _several(effect: Effect) -> list[str]:
    incidents = by_incident(effect.bundled)
    left = len(incidents) - MOST_LISTED
    parts = [
        _paragraph(
            f"{len(incidents)} incidents, the worst first. Each is acknowledged by itself.", "margin:0"
        )
        if len(incidents) > 1
        else ""
    ]
    for pages in incidents[:MOST_LISTED]:
        first = pages[0]
        parts += [
            '<div style="margin:16px 0;padding:0 0 8px;border-bottom:1px solid #888888">',
            _paragraph(
                f"{first.severity.sev} {first.severity.value} {first.incident_name}",
                "margin:0;font-weight:600",
            ),
            f'<h2 dir="auto" style="margin:4px 0 8px;font-size:18px;line-height:1.25">{_title(first)}</h2>',
            _paragraph(why_again(first), "margin:0 0 8px"),
            _table(facts_of(first, pages).items()),
            _button(first),
            _signed_in(first),
            "</div>",
        ]
    more = f"… and {left} more: im list --status open" if left > 0 else ""
    return [*parts, _paragraph(more, "margin:0 0 16px"), _paragraph(links_are_for(effect), _SMALL)]


def _message(effect: Effect) -> list[str]:
    buttons = [_link_button(act.href, f"Still on {act.text}") for act in effect.acts]
    return [
        _pre(effect.description.strip()[:100_000]),
        *buttons,
        _paragraph(links_are_for(effect), _SMALL),
    ]


def _title(effect: Effect) -> str:
    return escape(one_line(effect.title)[:LONGEST_SUBJECT]) or "Untitled incident"


def _button(effect: Effect) -> str:
    word = "Still on" if effect.kind is EffectKind.NOTE else "Acknowledge"
    return "".join(_link_button(act.href, f"{word} {act.text}") for act in effect.acts)


def _link_button(href: str, text: str) -> str:
    return f'<a href="{escape(href)}" style="{_BUTTON}">{escape(text)} &hellip;</a>'


def _signed_in(effect: Effect) -> str:
    url, name = effect.incident_url, effect.incident_name
    return f'<p><a href="{escape(url)}">{escape(name or url)} in Tocsin</a></p>' if url else ""


def _links(effect: Effect) -> str:
    listed = "".join(
        f'<li><a href="{escape(link.href)}">{escape(link.text or link.href)}</a></li>'
        for link in effect.links
        if link.href.startswith(("https://", "http://"))
    )
    return f"<ul>{listed}</ul>" if listed else ""


def _paragraph(text: str, style: str) -> str:
    return f'<p dir="auto" style="{style}">{_lines(text)}</p>' if text else ""


def _lines(text: str) -> str:
    return escape(text).replace("\n", "<br>")


def _pre(text: str) -> str:
    style = "white-space:pre-wrap;overflow-wrap:anywhere"
    return f'<div dir="auto" style="{style}">{escape(text)}</div>' if text else ""


def _table(rows: Iterable[tuple[str, str]]) -> str:
    cell = 'style="padding:2px 12px 2px 0;vertical-align:top;text-align:left;overflow-wrap:anywhere"'
    made = "".join(
        f'<tr><th scope="row" {cell}>{escape(name)}</th><td dir="auto" {cell}>{escape(value)}</td></tr>'
        for name, value in rows
        if value
    )
    return f'<table style="border-collapse:collapse">{made}</table>' if made else ""
