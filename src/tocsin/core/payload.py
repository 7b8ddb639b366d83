"""How does a source take storable, bounded values out of a sender's bytes?

Senders are hostile, or merely broken: every text here ends free of what PostgreSQL cannot store (NUL, lone
surrogates), free of control characters and within its limit; a cut is told in `details["tocsin_notes"]`.
"""

from __future__ import annotations

import hmac
import json
import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256

import msgspec

from tocsin.core.model import Json, Link
from tocsin.core.ports import Malformed

TITLE_LIMIT = 500
"""Characters of a title; as Grafana OnCall (grafana/oncall @3666186, read 2026-11-20)."""
DESCRIPTION_LIMIT = 50_000
LABEL_LIMIT = 256
"""Labels of one alert."""
LABEL_TEXT_LIMIT = 4_096
"""Characters of a label's name, of its value, of a tag, of a link."""
KEY_LIMIT = 512
"""Characters of a dedup key kept as they are: Opsgenie's alias, and 2,048 bytes fit a PostgreSQL index."""
LIST_LIMIT = 256
"""Tags, links or services of one alert."""
DEPTH_LIMIT = 32
"""Levels of `details` kept; deeper ones become a remark."""
NOTES = "tocsin_notes"
"""The entry of `details` where a source tells what it cut or left out."""

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_decode = msgspec.json.Decoder().decode


# ---- bytes -> JSON -----------------------------------------------------------------------------------


def read_json(body: bytes) -> Json:
    """The JSON value in `body`. Forgives a byte order mark, invalid UTF-8, lone surrogates, raw control
    characters and NaN (they become replacement characters or text), because an alert is worth more than
    its spelling. Raises Malformed for all else that is not JSON."""
    try:
        return _decode(body)
    except RecursionError:
        raise Malformed("the body is nested too deeply") from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _read_leniently(body)


def _read_leniently(body: bytes) -> Json:
    text = body.decode("utf-8-sig", "replace")
    if not text.strip():
        raise Malformed("the body is empty, expected JSON")
    try:
        return json.loads(text, strict=False, parse_constant=str, parse_float=_float, parse_int=_int)
    except RecursionError:
        raise Malformed("the body is nested too deeply") from None
    except json.JSONDecodeError as fault:
        raise Malformed(
            f"the body is not JSON: {fault.msg} (line {fault.lineno}, column {fault.colno})"
        ) from None
    except ValueError:
        raise Malformed("the body is not JSON") from None


def _float(digits: str) -> Json:
    value = float(digits)
    return value if math.isfinite(value) else digits


def _int(digits: str) -> Json:
    return int(digits) if len(digits) < 20 else digits


# ---- text --------------------------------------------------------------------------------------------


def tidy(text: str) -> str:
    """`text` without control characters other than newline and tab, lone surrogates replaced."""
    if text.isprintable():  # the usual case, decided in C
        return text
    return _SURROGATE.sub("\ufffd", _CONTROL.sub("", text))


def one_line(text: str) -> str:
    """`text` tidied, with newlines and tabs as spaces: a title, the name of a label."""
    if text.isprintable():
        return text.strip()
    return " ".join(tidy(text).split())


def cut(text: str, limit: int) -> str:
    """At most `limit` characters, the last one an ellipsis where something was cut."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def bounded(text: str, limit: int, name: str, notes: list[str]) -> str:
    """As `cut`, and tells the cut of the field `name` in `notes`."""
    if len(text) <= limit:
        return text
    notes.append(f"{name} was cut at {limit:,} of {len(text):,} characters")
    return cut(text, limit)


def plain(value: Json) -> str:
    """A scalar as people write it; "" for null, maps and lists."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return _number(value)
    return ""


def _number(value: float) -> str:
    if isinstance(value, int):
        # str() of an int beyond 4,300 digits raises (CPython's guard)
        return str(value) if value.bit_length() < 1_000 else "a number of more than 300 digits"
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)


# ---- maps, lists, links, instants --------------------------------------------------------------------


def storable(value: Json, depth: int = 0) -> Json:
    """`value` with every text tidied, numbers that JSON columns or 64 bits cannot hold as text, and
    nothing deeper than DEPTH_LIMIT."""
    if isinstance(value, str):
        return tidy(value)
    if isinstance(value, dict):
        if depth >= DEPTH_LIMIT:
            return "(nested too deeply)"
        return {tidy(name): storable(entry, depth + 1) for name, entry in value.items()}
    if isinstance(value, list):
        if depth >= DEPTH_LIMIT:
            return "(nested too deeply)"
        return [storable(entry, depth + 1) for entry in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, int):
        return value if -(2**63) <= value < 2**63 else _number(value)
    return value


def labels_of(values: Mapping[str, Json], notes: list[str]) -> dict[str, str]:
    """The scalars of a map as labels, at most LABEL_LIMIT (the first ones; told in `notes`)."""
    labels: dict[str, str] = {}
    for name, value in values.items():
        text = value if isinstance(value, str) else plain(value)
        if text == "" or name == "":
            continue  # an absent label reads as "" (S1)
        if len(labels) == LABEL_LIMIT:
            notes.append(f"only the first {LABEL_LIMIT} of {len(values):,} labels were kept")
            break
        if name.isprintable() and text.isprintable() and len(name) + len(text) <= LABEL_TEXT_LIMIT:
            labels[name] = text
        else:
            labels[cut(one_line(name), LABEL_TEXT_LIMIT)] = cut(tidy(text), LABEL_TEXT_LIMIT)
    return labels


def link_to(href: Json, text: Json = "") -> Link | None:
    """A link, or None when the address is not http, https or mailto (javascript: must not reach a page)."""
    if not isinstance(href, str):
        return None
    address = href.strip()
    if not address.lower().startswith(("http://", "https://", "mailto:")):
        return None
    if len(address) > LABEL_TEXT_LIMIT or not address.isprintable():
        return None
    return Link(address, cut(one_line(text), TITLE_LIMIT) if isinstance(text, str) else "")


def instant(value: Json) -> datetime | None:
    """An RFC 3339 text as an aware UTC instant; None when it is none, has no offset, or is the year 1
    (what Go senders write for "no time")."""
    if not isinstance(value, str) or not 19 <= len(value) <= 64:
        return None
    try:
        moment = datetime.fromisoformat(value.upper())
        if moment.tzinfo is None or moment.year <= 1:
            return None
        return moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


# ---- keys and secrets --------------------------------------------------------------------------------


def stable_key(*parts: str) -> str:
    """32 hex digits that are the same for the same parts in every version and on every machine."""
    return sha256(msgspec.json.encode(parts)).hexdigest()[:32]


def dedup_key(text: str) -> str:
    """A sender's key as it is kept: tidied, otherwise exact; one longer than KEY_LIMIT becomes its hash."""
    key = tidy(text)
    return key if len(key) <= KEY_LIMIT else "sha256:" + sha256(key.encode()).hexdigest()


def same_secret(given: str, secret: str) -> bool:
    """Equality in a time that does not tell where the texts differ."""
    return hmac.compare_digest(given.encode("utf-8", "replace"), secret.encode("utf-8", "replace"))


def with_notes(details: dict[str, Json], notes: list[str]) -> dict[str, Json]:
    """`details` with the notes of a source under NOTES, when there are any."""
    if notes:
        details[NOTES] = notes
    return details
