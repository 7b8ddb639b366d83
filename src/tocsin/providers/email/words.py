"""Which words and facts of a page stand in each form of its mail, in the text and in the HTML alike?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tocsin.core.ports import Effect, EffectKind

LONGEST_SUBJECT = 200
MOST_LISTED = 50
"""Incidents told one by one; a longer list is read by nobody at night."""


def one_line(value: str) -> str:
    """Without line breaks and what cannot be printed."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in value).split())


def facts_of(effect: Effect, pages: Sequence[Effect] = ()) -> dict[str, str]:
    """Name -> value, "" = not known; `pages` = all pages of one incident, told together."""
    since = f"{effect.opened_at:%Y-%m-%d %H:%M:%S} UTC" if effect.opened_at else ""
    return {
        "Service": ", ".join(page.service for page in pages if page.service) if pages else effect.service,
        "Team": effect.team,
        "Since": since,
        "Correlation id": effect.correlation_id,
    }


def why_again(effect: Effect) -> str:
    """Why a page comes a further time; "" = it is the first."""
    if effect.kind is EffectKind.REOPEN:
        return "Open again."
    return "Nobody has acknowledged yet: you are asked again." if effect.repeat else ""


def said_of(effect: Effect) -> str:
    """What happened, in a sentence, with the note below."""
    by = f" by {effect.person}" if effect.person else ""
    if effect.kind is EffectKind.NOTE:
        return f"{effect.person or 'Tocsin'} wrote:\n{effect.note}"
    done = {
        EffectKind.ACKNOWLEDGE: "Acknowledged",
        EffectKind.RESOLVE: "Resolved",
        EffectKind.REOPEN: "Open again",
    }
    return f"{done[effect.kind]}{by}." + (f"\n{effect.note}" if effect.note else "")


def links_are_for(effect: Effect) -> str:
    """Whose the ack links of a mail are, and what they do: it is the person who passes a mail on that must know."""
    several = len(effect.acts) > 1 or bool(effect.bundled)
    what = "Each link opens" if several else "The link opens"
    whose = (
        "It acts in your name: do not pass this mail on."
        if effect.recipients
        else "It is for whoever reads this mailbox."
    )
    return f"{what} a page with one button, without signing in. {whose}"


def by_incident(pages: Iterable[Effect]) -> list[list[Effect]]:
    """The pages of each incident, the worst incident first, and of two alike the one that was opened first."""
    found: dict[str, list[Effect]] = {}
    for page in pages:
        found.setdefault(page.incident, []).append(page)
    return sorted(
        found.values(),
        key=lambda of: (-of[0].severity.rank, of[0].opened_at.timestamp() if of[0].opened_at else 0.0),
    )
