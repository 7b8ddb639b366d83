"""What can be typed next? Names that the server knows, from a cache of some seconds, so that Tab answers at once.

A server that cannot be asked within a second completes nothing, or what was known before: Tab never shows an error.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tocsin.client import Client

FRESH_SECONDS, ASK_SECONDS = 20.0, 1.0
Words = list[tuple[str, str]]


def incidents(incomplete: str) -> Words:
    """Open incidents, by name with their title."""
    return _fitting(
        "incidents", incomplete, lambda hub: [(one.name, one.title) for one in hub.incidents(limit=200).items]
    )


def connectors(incomplete: str) -> Words:
    """Connectors, by name with their type."""
    return _fitting(
        "connectors", incomplete, lambda hub: [(one.name, one.type) for one in hub.connectors().items]
    )


def services(incomplete: str) -> Words:
    """Services of the catalog; of a list the last one is completed."""
    done, comma, last = incomplete.rpartition(",")
    found = _fitting("services", last, _services)
    return [(f"{done}{comma}{name}", text) for name, text in found]


def contexts(incomplete: str) -> Words:
    """Servers that have a name here."""
    from tocsin.cli.contexts import read_contexts
    from tocsin.cli.failures import Failure

    try:
        return [
            (name, url)
            for name, url in read_contexts(os.environ).known.items()
            if name.startswith(incomplete)
        ]
    except Failure:
        return []


def components(incomplete: str) -> Words:
    """Parts of the hub that log lines speak of."""
    names = ("webhook", "delivery", "sync", "intake", "decision", "config", "api", "database", "hub")
    return [(name, "") for name in names if name.startswith(incomplete)]


def severities(incomplete: str) -> Words:
    """Both spellings."""
    names = ("critical", "high", "medium", "low", "SEV-1", "SEV-2", "SEV-3", "SEV-4")
    return [(name, "") for name in names if name.lower().startswith(incomplete.lower())]


OF_METAVAR: dict[str, Callable[[str], Words]] = {
    "INCIDENT": incidents,
    "INC": incidents,
    "CONTEXT": contexts,
    "SEVERITY": severities,
}
OF_OPTION: dict[str, Callable[[str], Words]] = {
    "--incident": incidents, "--connector": connectors, "--service": services, "--context": contexts, "--component": components,
    "--sev": severities, "--severity": severities,
}  # fmt: skip
OF_GROUP: dict[str, Callable[[str], Words]] = {"connector": connectors, "metrics": connectors}
"""What the argument NAME of a noun's verbs is."""


def completion_of(info: Any, group: str) -> Callable[[str], Words] | None:
    """What completes an argument or option, by how it is declared; None = nothing of ours."""
    first = getattr(info, "default", None)  # in an annotation the first name stands there
    names = [first] if isinstance(first, str) and first.startswith("-") else []
    for word in (*names, *(getattr(info, "param_decls", None) or ())):
        if word in OF_OPTION:
            return OF_OPTION[word]
    metavar = (getattr(info, "metavar", None) or "").strip("[].…")
    if metavar == "NAME" and not names:
        return OF_GROUP.get(group)
    return OF_METAVAR.get(metavar)


def _services(hub: Client) -> Words:
    found = hub.call("GET", "/api/v1/services", query={"limit": 500}).json()
    return [(str(one["name"]), str(one.get("team") or "")) for one in found["items"]]


def _fitting(kind: str, incomplete: str, ask: Callable[[Client], Words]) -> Words:
    """Those that begin with what was typed."""
    return [(name, text) for name, text in _known(kind, ask) if name.startswith(incomplete)]


def _known(kind: str, ask: Callable[[Client], Words]) -> Words:
    """From the cache while it is fresh, else from the server, else from the cache however old it is."""
    from tocsin.cli.failures import Failure
    from tocsin.cli.places import find_places

    try:
        places = find_places(os.environ, url="", token_file="", context=_context_typed())
    except Failure:
        return []
    base = (
        Path(os.environ.get("XDG_CACHE_HOME") or Path(os.environ.get("HOME") or Path.home()) / ".cache")
        / "im"
    )
    name = hashlib.sha256(f"{places.url} {places.token}".encode()).hexdigest()[:16]
    file = base / f"{kind}-{name}.json"
    kept: Words | None = None
    with contextlib.suppress(OSError, ValueError):
        kept = [(str(word), str(text)) for word, text in json.loads(file.read_text())]
        if time.time() - file.stat().st_mtime < FRESH_SECONDS:  # noqa: TID251 - the age of a file
            return kept
    from tocsin.client import Client, ClientError

    try:
        with Client(places.url, places.token or None, timeout=ASK_SECONDS, agent="im-completion") as hub:
            found = ask(hub)
    except (ClientError, KeyError, TypeError, ValueError):
        return kept or []
    with contextlib.suppress(OSError):
        base.mkdir(parents=True, exist_ok=True, mode=0o700)
        part = file.with_suffix(f".{os.getpid()}")
        part.write_text(json.dumps(found))
        part.replace(file)
    return found


def _context_typed() -> str:
    """The --context of the line that is being typed."""
    words = (os.environ.get("COMP_WORDS") or os.environ.get("_TYPER_COMPLETE_ARGS") or "").split()
    for at, word in enumerate(words):
        if word == "--context" and at + 1 < len(words):
            return words[at + 1]
        if word.startswith("--context="):
            return word.partition("=")[2]
    return ""
