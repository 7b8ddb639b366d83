"""Where is the server, with which token, and where does this command keep what must wait?

The order: --url / IM_URL, else the address the local server left in <data>/url, else http://127.0.0.1:8000;
--token-file / IM_TOKEN, else <data>/admin-token. <data> is TOCSIN_DATA, else $XDG_DATA_HOME/tocsin, else
~/.local/share/tocsin (https://specifications.freedesktop.org/basedir-spec/latest/, 2026-11-20).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from tocsin.cli.failures import Failure, Usage

DEFAULT_URL = "http://127.0.0.1:8000"
_LOOPBACK = ("localhost", "::1")


@dataclass(frozen=True, slots=True)
class Places:
    """`token_from` says in words where the token came from, "" when there is none."""

    url: str
    token: str
    token_from: str
    data: Path
    spool: Path


def find_places(environ: Mapping[str, str], *, url: str = "", token_file: str = "") -> Places:
    """Look at the flags, the environment and the data folder, in that order."""
    home = Path(environ.get("HOME") or Path.home())
    data = Path(
        environ.get("TOCSIN_DATA") or Path(environ.get("XDG_DATA_HOME") or home / ".local/share") / "tocsin"
    )
    state = Path(environ.get("XDG_STATE_HOME") or home / ".local/state") / "tocsin"
    left = _first_line(data / "url")
    address = _address(url or environ.get("IM_URL") or left or DEFAULT_URL)
    token, origin = _token(environ, address, token_file, data, left)
    return Places(url=address, token=token, token_from=origin, data=data, spool=state / "spool")


def is_loopback(url: str) -> bool:
    """Whether the address is this machine's own."""
    host = urlsplit(url).hostname or ""
    return host in _LOOPBACK or host.startswith("127.")


def _address(given: str) -> str:
    address = given.strip() if "//" in given else f"http://{given.strip()}"
    parts = urlsplit(address)
    try:
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number
        usable = False
    if not usable:
        raise Usage(
            f"{given!r} is not the address of a server",
            hint="give one like http://127.0.0.1:8000 in --url or IM_URL",
        )
    return address.rstrip("/")


def _token(
    environ: Mapping[str, str], address: str, token_file: str, data: Path, left: str
) -> tuple[str, str]:
    if token_file:
        found = _first_line(Path(token_file))
        if not found:
            raise Failure(
                f"the token file {token_file} is empty or cannot be read", hint="im token create makes one"
            )
        return _sendable(found, token_file), token_file
    if given := environ.get("IM_TOKEN", "").strip():
        return _sendable(given, "IM_TOKEN"), "IM_TOKEN"
    # The local administrator's token must never be sent to somebody else's server.
    if is_loopback(address) or (left and address == left.rstrip("/")):
        return _first_line(data / "admin-token"), str(data / "admin-token")
    return "", ""


def _sendable(token: str, origin: str) -> str:
    """The token, if it can stand in a header; it is not shown when it cannot."""
    if not (token.isascii() and token.isprintable() and " " not in token):
        raise Usage(
            f"what {origin} holds is not a token",
            hint="a token is one word like tsn_…; im token create makes one",
        )
    return token


def _first_line(path: Path) -> str:
    try:
        return path.read_text().strip().partition("\n")[0].strip()
    except (OSError, UnicodeDecodeError):
        return ""
