"""What may be told of a text that could hold credentials?

Two nets, since either alone has holes: the credentials that are known, in every form in which they travel, and the
names under which credentials are given (`authorization`, `api_key` …), whoever's they are.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Iterable, Mapping
from urllib.parse import parse_qsl, quote, quote_plus, urlencode, urlsplit, urlunsplit

MASK = "***"
PIECE = 12
"""So many characters in a row of a credential are enough of it to be hidden."""
LEAST = 4
"""Shorter ones are words; hiding them would black out the sentence."""

_NAMES = re.compile(
    r"(?:api_?key|x-api-key|routing_?key|service_?key|integration_?key|private_?key|signing_?key|access_?key|secret_?key"
    r"|webhook_?url|authorization|proxy-authorization|cookie|set-cookie|x-pagerduty-signature|genie_?key"
    r"|(?:.*[_-])?(?:token|tokens|secret|secrets|password|passwords|passphrase|signature))\Z",
    re.IGNORECASE,
)
_BEHIND_A_NAME = re.compile(
    r"(?i)\b((?:api[_-]?key|routing_key|token|secret|password|authorization)[\"']?\s*[=:]\s*)"
    r"((?:(?:bearer|basic|genie ?key|token)\s+)?[\"']?(?:token=)?)([^\s\"'&,;}]{4,})"
)


_ACK_LINK = re.compile(r"(/ack/)[A-Za-z0-9_-]{64}")
"""A link by which whoever has it acts in somebody's name (S52)."""


def is_name_of_secret(name: str) -> bool:
    """True for a header, field or parameter whose value is a credential."""
    return bool(_NAMES.match(name.strip()))


class Redactor:
    """Hides these credentials: plain, URL-encoded, JSON-escaped, hexadecimal, base64 (also behind a user name), and
    pieces of PIECE characters; `mask` stands instead. Of one that is an address, what follows the host, since the host is no secret."""

    def __init__(self, secrets: Iterable[str], *, mask: str = MASK) -> None:
        self._mask = mask
        whole: set[str] = set()
        pieces: set[str] = set()
        for secret in {part for given in secrets for part in _parts(given)}:
            for form in _forms(secret):
                if len(form) >= PIECE:
                    pieces.update(form[at : at + PIECE] for at in range(len(form) - PIECE + 1))
                elif len(form) >= LEAST:
                    whole.add(form)
        self._pieces = pieces
        self._whole = (
            re.compile("|".join(map(re.escape, sorted(whole, key=len, reverse=True)))) if whole else None
        )

    def text(self, text: str) -> str:
        """The text with every known credential, and what stands behind a name of one, as MASK."""
        return self.known(_BEHIND_A_NAME.sub(_behind, text) if _may_name(text) else text)

    def known(self, text: str) -> str:
        """The text with the known credentials alone, and ack links, as MASK."""
        if "/ack/" in text:
            text = _ACK_LINK.sub(lambda found: found[1] + self._mask, text)
        if self._whole is not None:
            text = self._whole.sub(lambda _: self._mask, text)
        pieces, last = self._pieces, len(text) - PIECE + 1
        if not pieces or last < 1:
            return text
        hits = [at for at in range(last) if text[at : at + PIECE] in pieces]
        return _masked(text, hits, self._mask) if hits else text

    def value(self, value: object, name: str = "") -> object:
        """The same of anything made of JSON; `name` = the key it stands under."""
        if (
            name
            and is_name_of_secret(name)
            and isinstance(value, str | int | float)
            and not isinstance(value, bool)
        ):
            return MASK
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {self.known(str(key)): self.value(inner, str(key)) for key, inner in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [self.value(inner, name) for inner in value]
        return value if value is None or isinstance(value, bool | int | float) else self.text(str(value))

    def headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        """Headers as they may be told."""
        return {
            name: MASK if is_name_of_secret(name) else self.known(value) for name, value in headers.items()
        }

    def url(self, url: str) -> str:
        """An address as it may be told: without user and password, parameters named like a credential masked."""
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
        query = [
            (key, MASK if is_name_of_secret(key) else value) for key, value in parse_qsl(parts.query, True)
        ]
        return self.known(urlunsplit((parts.scheme, host, parts.path, urlencode(query, safe="*/:,"), "")))

    def body(self, body: bytes, most: int) -> str:
        """A body as it may be told, cut to `most` characters after everything in it was hidden."""
        text = body.decode("utf-8", "replace")
        try:
            text = json.dumps(self.value(json.loads(text)), ensure_ascii=False)
        except (ValueError, RecursionError):
            text = self.text(text)
        return text if len(text) <= most else f"{text[:most]}… ({len(text) - most} more characters)"


def _may_name(text: str) -> bool:
    return "=" in text or ":" in text


def _behind(found: re.Match[str]) -> str:
    return f"{found.group(1)}{found.group(2)}{MASK}"


def _masked(text: str, hits: list[int], mask: str) -> str:
    """`text` with each run of pieces that overlap or touch as one mask; `hits` = where pieces begin, ascending."""
    runs: list[list[int]] = []
    for at in hits:
        if runs and at <= runs[-1][1]:
            runs[-1][1] = at + PIECE
        else:
            runs.append([at, at + PIECE])
    shown, last = [], 0
    for begins, ends in runs:
        shown += [text[last:begins], mask]
        last = ends
    return "".join([*shown, text[last:]])


def _parts(secret: str) -> list[str]:
    """Of an address its path and what stands before the @; everything else as it is."""
    if "://" not in secret:
        return [secret]
    try:
        parts = urlsplit(secret)
        user = [parts.password or ""] if parts.password else [parts.username or ""]
    except ValueError:
        return [secret]
    behind = secret.partition("://")[2].partition("/")[2]
    return [part for part in (behind, *user) if len(part) >= LEAST]


def _forms(secret: str) -> set[str]:
    raw = secret.encode("utf-8", "surrogatepass")
    ascii_ = json.dumps(secret)[1:-1]
    quoted = quote(secret, safe="", errors="replace")
    forms = {
        secret,
        quoted,
        quote(secret, errors="replace"),
        quote_plus(secret, errors="replace"),
        ascii_,
        ascii_.replace("/", "\\/"),
    }
    forms |= {
        re.sub("%[0-9A-F]{2}", lambda found: found.group().lower(), quoted),
        json.dumps(secret, ensure_ascii=False)[1:-1],
    }
    forms |= {raw.hex(), raw.hex().upper()}
    for shift in range(3):  # where in the three bytes of a base64 group the credential begins is not known
        made = b64encode(b"\0" * shift + raw).decode().rstrip("=")
        first = (0, 2, 3)[shift]
        cut = made[first:-1] if (shift + len(raw)) % 3 else made[first:]
        forms |= {cut, cut.replace("+", "-").replace("/", "_")}
    return {form for form in forms if len(form) >= LEAST}
