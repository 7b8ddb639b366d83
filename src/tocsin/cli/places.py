"""Where is the server, with which token, and where does this command keep what must wait?

The order: --url, --context, IM_URL, IM_CONTEXT, the current context (`cli/contexts.py`), the address the local server
left in <data>/url, http://127.0.0.1:8000; --token-file, that of a --context, IM_TOKEN, that of the context in force, else
<data>/admin-token. <data> is TOCSIN_DATA, else $XDG_DATA_HOME/tocsin, else
~/.local/share/tocsin (https://specifications.freedesktop.org/basedir-spec/latest/, 2026-11-20).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from tocsin.cli.contexts import Context, read_contexts
from tocsin.cli.failures import Failure, Usage

DEFAULT_URL = "http://127.0.0.1:8000"
_LOOPBACK = ("localhost", "::1")


@dataclass(frozen=True, slots=True)
class Places:
    """`token_from` says in words where the token came from, "" when there is none; `url_from` where the address did.
    `context` = the context that is asked, "" when none is."""

    url: str
    token: str
    token_from: str
    data: Path
    spool: Path
    url_from: str = ""
    context: str = ""


def find_places(
    environ: Mapping[str, str], *, url: str = "", token_file: str = "", context: str = ""
) -> Places:
    """Look at the flags, the environment and the data folder, in that order."""
    home = Path(environ.get("HOME") or Path.home())
    data = Path(
        environ.get("TOCSIN_DATA") or Path(environ.get("XDG_DATA_HOME") or home / ".local/share") / "tocsin"
    )
    state = Path(environ.get("XDG_STATE_HOME") or home / ".local/state") / "tocsin"
    left = _first_line(data / "url")
    chosen = _context(environ, url, context)
    given, origin = _where(environ, url, chosen, left, asked=bool(context))
    address = address_of(given)
    meant = chosen if chosen is not None and given == chosen.url else None
    token, by = _token(environ, address, token_file, data, left, meant, asked=bool(context))
    return Places(
        url=address, token=token, token_from=by, data=data, spool=state / "spool", url_from=origin,
        context=meant.name if meant else "",
    )  # fmt: skip


def _context(environ: Mapping[str, str], url: str, asked: str) -> Context | None:
    """The context that is asked for, else the current one; None when an address is given or there is none."""
    if url or (environ.get("IM_URL") and not asked):
        return None
    known = read_contexts(environ)
    name = asked or environ.get("IM_CONTEXT", "") or known.current
    return known.named(name) if name else None


def _where(
    environ: Mapping[str, str], url: str, chosen: Context | None, left: str, *, asked: bool
) -> tuple[str, str]:
    """(the address, where it came from)."""
    if url:
        return url, "--url"
    if chosen is not None:
        return chosen.url, f"context {chosen.name}"
    if given := environ.get("IM_URL"):
        return given, "IM_URL"
    return (left, "the local server") if left else (DEFAULT_URL, "the default")


def is_loopback(url: str) -> bool:
    """Whether the address is this machine's own."""
    host = urlsplit(url).hostname or ""
    return host in _LOOPBACK or host.startswith("127.")


def address_of(given: str) -> str:
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
    environ: Mapping[str, str],
    address: str,
    token_file: str,
    data: Path,
    left: str,
    context: Context | None,
    *,
    asked: bool,
) -> tuple[str, str]:
    if token_file:
        found = _first_line(Path(token_file))
        if not found:
            raise Failure(
                f"the token file {token_file} is empty or cannot be read", hint="im token create makes one"
            )
        return sendable(found, token_file), token_file
    # a context's token goes to that context's server alone
    kept = context.token if context is not None else ""
    if context is not None and kept and asked:
        return sendable(kept, str(context.token_file)), f"context {context.name}"
    if given := environ.get("IM_TOKEN", "").strip():
        return sendable(given, "IM_TOKEN"), "IM_TOKEN"
    if context is not None and kept:
        return sendable(kept, str(context.token_file)), f"context {context.name}"
    # The local administrator's token must never be sent to somebody else's server.
    if is_loopback(address) or (left and address == left.rstrip("/")):
        return _first_line(data / "admin-token"), str(data / "admin-token")
    return "", ""


def sendable(token: str, origin: str) -> str:
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
