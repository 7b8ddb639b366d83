"""What is one entry of the document, and which entries did a command make or change (ADR 0029)?

An entry has a name inside a section: a key of `connectors`, or the `name` of a rule in a list such as `routing`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tocsin.core.model import Json
from tocsin.core.values import replace
from tocsin.policy.document import Node
from tocsin.policy.fields import SECRET

ORDER = "$order"
"""Entry of a stored document: the orders that count among keys, which a store may sort."""
BY_COMMAND = "$by_command"
"""Entry of a stored document: section -> name -> what commands did to it since a file had the word."""
HIDDEN = (ORDER, BY_COMMAND)
LISTS = ("classification", "maintenance", "grouping", "routing")
"""Sections whose entries stand in a list, in an order that counts, each with its `name`."""


@dataclass(frozen=True, slots=True)
class Mark:
    """What commands did to one entry. `file` = the entry as the file has it, None when the file has none: then a
    command made it. `credentials` = the names of those that were given by command since."""

    file: Json
    credentials: frozenset[str] = frozenset()

    @property
    def made(self) -> bool:
        return self.file is None

    def json(self) -> Json:
        """As it is stored."""
        kept: dict[str, Json] = {} if self.file is None else {"file": self.file}
        return kept | ({"credentials": sorted(self.credentials)} if self.credentials else {})


Marks = dict[tuple[str, str], Mark]
"""(section, name) -> mark."""


def marks_of(document: Mapping[str, Json]) -> Marks:
    """The marks of a stored document."""
    found: Marks = {}
    sections = document.get(BY_COMMAND)
    for section, entries in sections.items() if isinstance(sections, Mapping) else ():
        for name, mark in entries.items() if isinstance(entries, Mapping) else ():
            if isinstance(mark, Mapping):
                given = mark.get("credentials")
                names = frozenset(str(n) for n in given) if isinstance(given, list | tuple) else frozenset()
                found[str(section), str(name)] = Mark(mark.get("file"), names)
    return found


def with_marks(document: Mapping[str, Json], marks: Marks) -> dict[str, Json]:
    """The document with these marks and no others."""
    told: dict[str, dict[str, Json]] = {}
    for section, name in sorted(marks):
        told.setdefault(section, {})[name] = marks[section, name].json()
    plain = {key: value for key, value in document.items() if key != BY_COMMAND}
    return {**plain, BY_COMMAND: dict(told)} if told else plain


def marked_in_words(document: Mapping[str, Json]) -> list[str]:
    """A line for each mark, such as "connectors.prod-pagerduty: made by command"."""
    said = []
    for (section, name), mark in sorted(marks_of(document).items()):
        what = "made" if mark.made else "removed" if entry_of(document, section, name) is None else "changed"
        also = "" if mark.made else "; the file has it otherwise"
        said.append(f"{section}.{name}: {what} by command{also}")
    return said


def entry_of(document: Mapping[str, Json], section: str, name: str) -> Json:
    """One entry, None when there is none; an empty one is an empty mapping."""
    entries = document.get(section)
    if isinstance(entries, Mapping):
        return _or_empty(entries[name]) if name in entries else None
    for entry in entries if isinstance(entries, list | tuple) else ():
        if isinstance(entry, Mapping) and entry.get("name") == name:
            return entry
    return None


def entry_in(root: Node, section: str, name: str) -> Json:
    """The same of a document that was read."""
    part = root.value.get(section) if isinstance(root.value, dict) else None
    found = _place(part, name) if part is not None else None
    return _or_empty(found.json()) if found is not None else None


def put(root: Node, section: str, name: str, entry: Node | None) -> Node:
    """The document with this entry in the place of the one of its name, or without it (None). `root` is left alone.

    A new rule of a list comes last, but before a rule without `when`, behind which nothing is asked.
    """
    if not isinstance(root.value, dict):
        return put(replace(root, value={}, plain=False), section, name, entry)
    parts = dict(root.value)
    part = parts.get(section)
    if part is None or part.empty:
        part = Node([] if section in LISTS else {}, line=part.line if part else None)
    if isinstance(part.value, list):
        parts[section] = replace(part, value=_in_list(part.value, name, entry))
    elif isinstance(part.value, dict):
        entries = {key: node for key, node in part.value.items() if key != name or entry is not None}
        parts[section] = replace(part, value=entries if entry is None else {**entries, name: entry})
    if not parts[section].value:
        del parts[section]
    return replace(root, value=parts, plain=False)


def markers(value: Json) -> Iterator[str]:
    """The names of the credentials that stand in a stored value."""
    if isinstance(value, Mapping):
        name = value.get(SECRET)
        if isinstance(name, str) and len(value) == 1:
            yield name
            return
        for entry in value.values():
            yield from markers(entry)
    elif isinstance(value, list | tuple):
        for entry in value:
            yield from markers(entry)


def _or_empty(value: Json) -> Json:
    return {} if value is None else value


def _place(part: Node, name: str) -> Node | None:
    if isinstance(part.value, dict):
        return part.value.get(name)
    return next((n for n in part.value if _named(n) == name), None) if isinstance(part.value, list) else None


def _named(node: Node) -> str | None:
    found = node.value.get("name") if isinstance(node.value, dict) else None
    return found.value if found is not None and isinstance(found.value, str) else None


def _in_list(nodes: list[Node], name: str, entry: Node | None) -> list[Node]:
    if entry is None:
        return [node for node in nodes if _named(node) != name]
    if isinstance(entry.value, dict):
        entry = replace(entry, value={"name": Node(name), **entry.value})
    if any(_named(node) == name for node in nodes):
        return [entry if _named(node) == name else node for node in nodes]
    last = nodes[-1:] if nodes and isinstance(nodes[-1].value, dict) and "when" not in nodes[-1].value else []
    return [*nodes[: len(nodes) - len(last)], entry, *last]
