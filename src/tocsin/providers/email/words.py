"""How does a text become one line of a message?"""

from __future__ import annotations

LONGEST_SUBJECT = 200


def one_line(value: str) -> str:
    """Without line breaks and what cannot be printed."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in value).split())
