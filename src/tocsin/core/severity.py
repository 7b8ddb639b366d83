"""How bad is it: our four severities and every foreign word for them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """critical, high, medium, low = SEV-1 … SEV-4. Compare with `rank`, never by text."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"

    @property
    def rank(self) -> int:
        """4 for critical down to 1 for low: a greater rank is worse."""
        return 4 - _ORDER.index(self)

    @property
    def sev(self) -> str:
        """The other spelling, "SEV-1" … "SEV-4"."""
        return f"SEV-{_ORDER.index(self) + 1}"


_ORDER = (Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM, Severity.LOW)


@dataclass(frozen=True, slots=True)
class SenderSeverity:
    """What a sender's word means: `severity` None = unset; `quiet` = never paged by itself (S54)."""

    severity: Severity | None
    quiet: bool = False


_UNSET = SenderSeverity(None)

_WORDS: dict[str, SenderSeverity] = {
    **{
        word: SenderSeverity(severity)
        for severity, words in {
            Severity.CRITICAL: "critical crit sev-1 sev1 p1 1 fatal emergency emerg alert disaster page",
            Severity.HIGH: "high sev-2 sev2 p2 2 error err major serious",
            Severity.MEDIUM: "medium sev-3 sev3 p3 3 warning warn moderate average minor",
            Severity.LOW: "low sev-4 sev4 p4 4 notice",
        }.items()
        for word in words.split()
    },
    **{
        word: SenderSeverity(Severity.LOW, quiet=True)
        for word in ("silent", "info", "informational", "sev-5", "sev5", "p5", "5", "none", "debug")
    },
}


def sender_severity(word: str) -> SenderSeverity:
    """Read a sender's word for severity (S54); an unknown or empty word is unset, never an error."""
    return _WORDS.get(word.strip().lower(), _UNSET)


def severity_named(word: str) -> Severity | None:
    """The severity meant by one of our own two spellings ("high", "SEV-2"), else None.

    Stricter than `sender_severity`: used where a person types, so a typo is told and not guessed.
    """
    text = word.strip().lower()
    for severity in _ORDER:
        if text in (severity.value, severity.sev.lower()):
            return severity
    return None


def worse(a: Severity | None, b: Severity | None) -> Severity | None:
    """The worse of two severities; None only when both are None."""
    if a is None or b is None:
        return a or b
    return a if a.rank >= b.rank else b
