"""Which sign does a state have, and which word where a terminal cannot show it?"""

from __future__ import annotations

from tocsin.cli.printing import Printer

_SIGNS = {
    "ok": ("✓", "ok", "green"),
    "failed": ("✗", "FAILED", "bold red"),
    "warning": ("!", "!", "yellow"),
    "unknown": ("-", "-", "dim"),
}


def sign(printer: Printer, state: str) -> tuple[str, str]:
    """The sign of a state, or its word, and its style."""
    shown, word, style = _SIGNS.get(state, ("?", "?", ""))
    return (shown if printer.shows(shown) else word), style
