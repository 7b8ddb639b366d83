"""What was heard of an alert since it was last decided, as lines of its timeline."""

from __future__ import annotations

from collections.abc import Sequence

from tocsin.core.alias import named
from tocsin.core.dedup import Reading
from tocsin.core.model import Alert, Json, Line
from tocsin.core.situation import Heard, Situation

_MOST_KEYS = 20
"""Keys that a line names for machines."""


def heard_lines(situation: Situation, alert: Alert) -> tuple[Line, ...]:
    """received and deduplicated, one line for the first event and one for all later ones together."""
    lines: list[Line] = []
    repeats = [h for h in situation.heard if h.reading is Reading.SAME]
    over = [h.event.dedup_key for h in situation.heard if h.reading is Reading.KEY_OVER]
    for heard in situation.heard:
        if heard.reading is Reading.NEW:
            text = f"{alert.integration}: {heard.event.title or alert.title}"
            lines.append(
                Line(kind="alert_received", text=text, reason="received", data={"key": alert.dedup_key})
            )
            lines.append(Line(kind="alert_deduplicated", text=f"New alert: {heard.reason}", reason="new"))
        elif heard.reading is Reading.ACKNOWLEDGED:
            lines.append(
                Line(kind="alert_acknowledged", text=f"{alert.integration} acknowledged it", reason="sender")
            )
        elif heard.reading is Reading.RESOLVED:
            lines.append(
                Line(kind="alert_resolved", text=f"{alert.integration}: {heard.reason}", reason="sender")
            )
        elif heard.reading is Reading.IGNORED:
            lines.append(
                Line(
                    kind="event_ignored",
                    text=f"{heard.event.action.value} ignored: {heard.reason}",
                    reason="ignored",
                )
            )
    if over:
        last = next(h.reason for h in reversed(situation.heard) if h.reading is Reading.KEY_OVER)
        text = f"Over for {named(over)}; last: {last}" if len(over) > 1 else last
        lines.append(
            Line(kind="key_over", text=text, reason="other_keys_fire", data={"keys": over[:_MOST_KEYS]})
        )
    if repeats:
        lines.append(_repeated(alert, repeats))
    return tuple(lines)


def _repeated(alert: Alert, repeats: Sequence[Heard]) -> Line:
    """One line for all repeats; those under other keys than the alert's own came by its title (S11)."""
    joined = {h.event.dedup_key for h in repeats if h.event.dedup_key != alert.dedup_key}
    text = f"Repeated, {alert.count} {'time' if alert.count == 1 else 'times'} so far"
    if joined:
        under = f" under {named(joined - {''})}" if joined - {""} else " without a key"
        text += f", also{under}: counted here because the title is the same"
    data: dict[str, Json] = {"count": alert.count}
    if joined:
        data["keys"] = sorted(joined - {""})[:_MOST_KEYS]
    return Line(
        kind="alert_repeated", text=f"{text}; text and details are those of the latest",
        reason="same_title" if joined else "same", data=data,
    )  # fmt: skip
