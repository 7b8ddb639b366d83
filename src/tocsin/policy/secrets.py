"""Which parts of the document are credentials, and how are they taken out (S50)?

A stored configuration holds policy, never credentials: each becomes `{"$secret": "connectors.NAME.api_key"}`
and its value goes to the store's own place. An integration's key leaves its SHA-256 behind as `key_hash`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from tocsin.core.kinds import SourceFacts
from tocsin.core.model import Json
from tocsin.core.values import replace
from tocsin.policy.document import Faults, Node
from tocsin.policy.fields import SECRET

_NAMES = re.compile(
    r"(?:api_?key|routing_key|service_key|integration_key|private_key|signing_key|access_key|secret_key"
    r"|webhook_url|authorization|proxy-authorization|x-api-key"
    r"|(?:.*[_-])?(?:token|tokens|secret|secrets|password|passwords|passphrase))\Z",
    re.IGNORECASE,
)


class _Secrets(dict[str, str]):
    """Credentials by name, and the names that are taken already."""

    def __init__(self, kept: Collection[str] = ()) -> None:
        super().__init__()
        self._kept = kept

    def keep(self, path: str, value: str) -> str:
        """Its name: the path, or one beside it when a credential that stays has that name (a list that moved up)."""
        name, count = path, 0
        while name in self._kept:
            count += 1
            name = f"{path}.{count}"
        self[name] = value
        return name


@dataclass(slots=True)
class TakenOut:
    """The document without credentials, and the credentials by name."""

    root: Node
    secrets: _Secrets = field(default_factory=_Secrets)


def take_out(
    root: Node, faults: Faults, sources: Mapping[str, SourceFacts], *, kept: Collection[str] = ()
) -> TakenOut:
    """Take the credentials out of `connectors` and `integrations`. `root` itself is left alone. `sources` say how
    the keys of their integrations look; `kept` are markers that may stand in it and stay, in an entry that is edited.
    """
    found = TakenOut(root, _Secrets(kept))
    if not isinstance(root.value, dict):
        return found
    _refuse_markers(root, "", faults, kept)
    parts = dict(root.value)
    for name in ("connectors", "integrations"):
        section = parts.get(name)
        if section is not None and isinstance(section.value, dict):
            entries: dict[str, Node] = {}
            for key, entry in section.value.items():
                entries[key] = _without(entry, f"{name}.{key}", found.secrets, faults)
                if name == "integrations":
                    entries[key] = _key_taken(entries[key], entry, key, found.secrets, faults, sources)
            parts[name] = replace(section, value=entries)
    if defaults := parts.get("defaults"):
        parts["defaults"] = _heartbeat_taken(defaults, found.secrets, faults)
    found.root = replace(root, value=parts)
    return found


def _heartbeat_taken(defaults: Node, secrets: _Secrets, faults: Faults) -> Node:
    """The address of a heartbeat is itself the key to it, as are its headers."""
    heartbeat = defaults.value.get("heartbeat") if isinstance(defaults.value, dict) else None
    if heartbeat is None or not isinstance(heartbeat.value, dict) or not isinstance(defaults.value, dict):
        return defaults
    entries = {
        key: _without(node, f"defaults.heartbeat.{key}", secrets, faults, inside=True)
        if key in ("url", "headers")
        else node
        for key, node in heartbeat.value.items()
    }
    return replace(defaults, value={**defaults.value, "heartbeat": replace(heartbeat, value=entries)})


def filled(settings: Json, secrets: dict[str, str]) -> Json:
    """Settings with their credentials put back."""
    if isinstance(settings, dict):
        if set(settings) == {SECRET}:
            return secrets.get(str(settings[SECRET]), "")
        return {key: filled(value, secrets) for key, value in settings.items()}
    return [filled(value, secrets) for value in settings] if isinstance(settings, list) else settings


def key_hash(key: str) -> str:
    """Lower-hex SHA-256 of an integration's key."""
    return hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()


def _without(node: Node, path: str, secrets: _Secrets, faults: Faults, *, inside: bool = False) -> Node:
    if _is_marker(node):
        return node
    if isinstance(node.value, dict):
        entries = {
            key: _without(entry, f"{path}.{key}", secrets, faults, inside=inside or bool(_NAMES.match(key)))
            for key, entry in node.value.items()
        }
        return replace(node, value=entries)
    if isinstance(node.value, list):
        parts = [
            _without(entry, f"{path}.{index}", secrets, faults, inside=inside)
            for index, entry in enumerate(node.value)
        ]
        return replace(node, value=parts)
    if node.empty or not (inside or _has_password(node.value)):
        return node
    if not node.value.strip():
        faults.add(path, "is empty", node.key_line or node.line)
    return _marker(secrets.keep(path, node.value), node)


def _key_taken(
    entry: Node, original: Node, name: str, secrets: _Secrets, faults: Faults,
    sources: Mapping[str, SourceFacts],
) -> Node:  # fmt: skip
    """The integration with its key replaced and `key_hash` beside it."""
    if not isinstance(original.value, dict) or not isinstance(entry.value, dict):
        return entry
    if (kept := original.value.get("key")) is not None and _is_marker(kept):
        return entry
    given = original.value.get("key_hash")
    path = f"integrations.{name}.key"
    if given is not None:
        faults.add(f"{path}_hash", "there is no such setting: give the key", given.key_line)
    node = original.value.get("key")
    if node is None or node.empty:
        return entry
    if not isinstance(node.value, str):
        faults.add(path, "must be a text", node.key_line)
        return entry
    source = original.value.get("source")
    facts = sources.get(str(source.value) if source else "", SourceFacts())
    if not re.fullmatch(facts.key_format, node.value):
        # The key itself is a credential: it is not repeated here.
        faults.add(path, f"has the wrong form: {facts.key_words}", node.key_line or node.line)
    secrets[path] = node.value
    hashed = Node(key_hash(node.value), node.line, node.key_line)
    return replace(entry, value={**entry.value, "key": _marker(path, node), "key_hash": hashed})


def _is_marker(node: Node) -> bool:
    return isinstance(node.value, dict) and SECRET in node.value


def _refuse_markers(node: Node, path: str, faults: Faults, kept: Collection[str]) -> None:
    if isinstance(node.value, dict):
        if SECRET in node.value and not (len(node.value) == 1 and node.value[SECRET].value in kept):
            faults.add(path, f"{SECRET} belongs to stored versions: write ${{ENV_NAME}} here", node.line)
        for key, entry in node.value.items():
            _refuse_markers(entry, f"{path}.{key}".lstrip("."), faults, kept)
    elif isinstance(node.value, list):
        for index, entry in enumerate(node.value):
            _refuse_markers(entry, f"{path}.{index}", faults, kept)


def _has_password(text: str) -> bool:
    if "@" not in text or "://" not in text:
        return False
    try:
        return urlsplit(text).password is not None
    except ValueError:
        return True


def _marker(path: str, node: Node) -> Node:
    return Node({SECRET: Node(path, node.line, node.line)}, node.line, node.key_line)
