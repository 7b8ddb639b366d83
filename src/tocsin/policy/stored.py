"""How does a stored version read, and what must be there before it can be in force again (RO-11, S50)?

A stored document has no lines of its own: faults name those of its YAML as `shown` writes it.
"""

from __future__ import annotations

from collections.abc import Mapping

import yaml

from tocsin.core.errors import BadInput, FieldFault
from tocsin.core.kinds import ProviderFacts, SourceFacts
from tocsin.core.model import Json
from tocsin.core.values import replace
from tocsin.policy.document import Faults, read_yaml
from tocsin.policy.entries import BY_COMMAND, HIDDEN, ORDER, marked_in_words, markers
from tocsin.policy.fields import Section
from tocsin.policy.loading import CheckSettings, Loaded, checked

SECTIONS = (
    "defaults", "teams", "users", "services", "facts", "classification", "maintenance", "grouping",
    "schedules", "escalation_policies", "routing", "connectors", "integrations",
)  # fmt: skip
"""The order of a shown document: that in which an alert travels."""


def shown(document: Mapping[str, Json]) -> str:
    """The document as YAML, the same text whatever the order of its keys; "" for an empty one.

    Credentials stand as `{$secret: name}`. Where order counts (which service matches first, which
    connector the built-in default asks first) it is the order of the file. What commands did stands in comments.
    """
    entries = {key: value for key, value in document.items() if key not in HIDDEN}
    if not entries and BY_COMMAND not in document:
        return ""
    names = [*(n for n in SECTIONS if n in entries), *sorted(n for n in entries if n not in SECTIONS)]
    order = document.get(ORDER)
    first = order if isinstance(order, Mapping) else {}
    plain = {name: _in_order(_sorted(entries[name]), first.get(name)) for name in names}
    text: str = yaml.safe_dump(plain, sort_keys=False, allow_unicode=True, width=120) if plain else ""
    return text + "".join(f"# {line}\n" for line in marked_in_words(document))


def secret_names(document: Mapping[str, Json]) -> frozenset[str]:
    """The credentials that a stored document names."""
    return frozenset(markers({key: value for key, value in document.items() if key not in HIDDEN}))


def with_keys_of(document: Mapping[str, Json], present: Mapping[str, Json]) -> dict[str, Json]:
    """The document with the keys of integrations that `present` has: a key rotated since stays rotated, for
    its senders know the new one only."""
    integrations, now = document.get("integrations"), present.get("integrations")
    if not isinstance(integrations, Mapping) or not isinstance(now, Mapping):
        return dict(document)
    entries: dict[str, Json] = {}
    for name, entry in integrations.items():
        other = now.get(name)
        hashed = other.get("key_hash") if isinstance(other, Mapping) else None
        entries[name] = {**entry, "key_hash": hashed} if hashed and isinstance(entry, Mapping) else entry
    return {**document, "integrations": entries}


def load_stored(
    document: Mapping[str, Json],
    *,
    secrets: Mapping[str, str],
    known_sources: Mapping[str, SourceFacts],
    known_providers: Mapping[str, ProviderFacts],
    name: str,
    check_settings: CheckSettings,
) -> Loaded:
    """A stored document checked as a file that is applied; raises BadInput with every fault.

    `secrets` are the credentials that are there now; one that the document names and that is gone is a
    fault. Lines are those of `shown`.
    """
    lines = _Lines(shown(document))
    gone = sorted(name for name in secret_names(document) - set(secrets) if not _is_key(name))
    if gone:
        faults = tuple(FieldFault(n, "this credential is no longer kept", lines.of(n)) for n in gone)
        more = f" and {len(gone) - 1} more" if len(gone) > 1 else ""
        raise BadInput(
            f"{name} needs credentials that are gone: {gone[0]}{more}", faults=faults,
            hint="apply a file that has them: `im config show` prints the version to start from",
        )  # fmt: skip
    try:
        loaded = checked(document, secrets, known_sources, known_providers, name, check_settings)
        return replace(loaded, line_of=lines.of)
    except BadInput as refused:
        faults = tuple(FieldFault(f.field, f.message, lines.of(f.field)) for f in refused.faults)
        raise BadInput(refused.message, faults=faults, hint=refused.hint) from None


class _Lines:
    """Where in a shown text a dotted path stands."""

    def __init__(self, text: str) -> None:
        self._root = Section(read_yaml(text, {}, Faults()), "", Faults())

    def of(self, path: str) -> int | None:
        """The line of the deepest part of it that is there."""
        return self._root.line_at(path)


def _is_key(name: str) -> bool:
    """True for an integration's own key: its hash is in the document, and intake asks for no more."""
    return name.startswith("integrations.") and name.endswith(".key")


def _sorted(value: Json) -> Json:
    if isinstance(value, Mapping):
        return {key: _sorted(value[key]) for key in sorted(value)}
    if isinstance(value, list | tuple):
        return [_sorted(entry) for entry in value]
    # what a file writes as $${ was stored as ${: shown, it must mean the same again
    return value.replace("${", "$${") if isinstance(value, str) else value


def _in_order(value: Json, names: Json) -> Json:
    if not isinstance(value, Mapping) or not isinstance(names, list | tuple):
        return value
    first = {str(name): value[str(name)] for name in names if str(name) in value}
    return {**first, **value}
