"""How are times, severities and names put into words for a terminal?"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from tocsin.cli.failures import Usage

SEVERITIES = ("critical", "high", "medium", "low")
_TIMES = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def severity_from(text: str) -> str:
    """Read what a person typed (critical, SEV-1, sev1, 1, P1) as critical, high, medium or low; else Usage."""
    word = text.strip().lower()
    digit = re.fullmatch(r"(?:sev-?|p)?([1-4])", word)
    if digit:
        return SEVERITIES[int(digit.group(1)) - 1]
    if word in SEVERITIES:
        return word
    raise Usage(f"{text!r} is not a severity", hint="use critical, high, medium, low or SEV-1 … SEV-4")


def both_severities(severity: str) -> str:
    """ "SEV-1 critical"; an unknown word stays as it is, "" becomes "-"."""
    if severity in SEVERITIES:
        return f"SEV-{SEVERITIES.index(severity) + 1} {severity}"
    return severity or "-"


def incident_name(text: str) -> str:
    """Read inc-7, #7, 7 or an id as the API's name of an incident; else Usage."""
    word = text.strip().lstrip("#")
    if re.fullmatch(r"(?i)(?:inc-)?\d+", word):
        return f"INC-{int(word.rpartition('-')[2])}"
    if re.fullmatch(r"[0-9a-fA-F-]{32,36}", word):
        return word.lower()
    raise Usage(f"{text!r} is not an incident", hint="use INC-7, 7 or the incident's id; im list shows them")


def plain(value: object) -> str:
    """One safe line of text: no control characters that could drive the reader's terminal."""
    if value is None:
        return ""
    text = str(value)
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else " " if c in "\t\n\r\x0b\x0c" else "�" for c in text)


def moment(at: datetime | None, *, utc: bool, seconds: bool = False) -> str:
    """Local (or UTC) date and time, "-" for none."""
    if at is None:
        return "-"
    return local(at, utc=utc).strftime("%Y-%m-%d %H:%M:%S" if seconds else "%Y-%m-%d %H:%M")


def clock_ms(at: datetime, *, utc: bool) -> str:
    """Local (or UTC) time of day with milliseconds."""
    return local(at, utc=utc).strftime("%H:%M:%S.%f")[:-3]


def local(at: datetime, *, utc: bool) -> datetime:
    """The same moment on this machine's clock face, or UTC's."""
    return at.astimezone(UTC) if utc else at.astimezone()


def rfc3339(at: datetime | None) -> str:
    """UTC with milliseconds and Z, "" for none: for programs."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z") if at else ""


def age(at: datetime | None, now: datetime) -> str:
    """How long ago, in one unit: "40s", "3m", "5h", "2d"; "-" for none."""
    if at is None:
        return "-"
    seconds = max(0, int((now - at).total_seconds()))
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= size * (2 if unit == "d" else 1):
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def span_ms(milliseconds: float) -> str:
    """A duration for people: "4 ms", "1.2 s", "3 min", "2.5 h", "4 d"."""
    if milliseconds < 1000:
        return f"{milliseconds:.0f} ms"
    seconds = milliseconds / 1000
    if seconds < 60:
        return f"{seconds:.1f} s"
    if seconds < 3600:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h" if seconds < 86400 * 2 else f"{seconds / 86400:.0f} d"


def duration_from(text: str) -> timedelta:
    """Read "90s", "30m", "2h", "90d", "1w"; else Usage."""
    found = re.fullmatch(r"(\d{1,6})([smhdw])", text.strip().lower())
    if not found:
        raise Usage(f"{text!r} is not a duration", hint="use a number and s, m, h, d or w: 30m, 90d")
    return timedelta(seconds=int(found.group(1)) * _TIMES[found.group(2)])


def pair_from(text: str, option: str) -> tuple[str, str]:
    """Read "key=value"; else Usage."""
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise Usage(f"{option} {text!r} must be written key=value")
    return key.strip(), value


def and_list(names: list[str]) -> str:
    """ "a", "a and b", "a, b and c"."""
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else "".join(names)
