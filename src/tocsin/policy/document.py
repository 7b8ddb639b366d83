"""What does the file say, and on which line: YAML text read into nodes, with every doubt told.

Read from parser events, not by a YAML loader: so lines, doubled keys, aliases and depth are in our hands.
Plain words follow YAML 1.2: `no` and `on` are text, and `09:00` is no number.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from tocsin.core.errors import BadInput, FieldFault
from tocsin.core.model import Json
from tocsin.core.values import replace

LARGEST_BYTES = 5 * 1024 * 1024
DEEPEST = 40
MOST_ALIASED = 20_000
"""Nodes that aliases may add, all together."""
MOST_FAULTS = 200

_ENV = re.compile(r"\$(?:\$\{|\{([^}]*)\})")
_ENV_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_INT = re.compile(r"[-+]?[0-9]{1,18}\Z")
_FLOAT = re.compile(r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+)(?:[eE][-+]?[0-9]{1,3})?\Z")
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}

try:
    _Loader: Any = yaml.CSafeLoader
except AttributeError:  # PyYAML without libyaml: slower, the same events.
    _Loader = yaml.SafeLoader


@dataclass(slots=True)
class Node:
    """One value of the document: text, list or mapping. `line` counts from 1, None in a stored document;
    `key_line` is that of the key before it. `plain` text (without quotes) may mean a number or nothing.
    `size` counts the nodes in it, itself included."""

    value: str | list[Node] | dict[str, Node]
    line: int | None = None
    key_line: int | None = None
    plain: bool = False
    size: int = 1

    @property
    def empty(self) -> bool:
        """True for `key:` with nothing behind it and for null."""
        return self.plain and self.value in _NULLS

    def json(self) -> Json:
        """The value as JSON has it."""
        if isinstance(self.value, dict):
            return {key: node.json() for key, node in self.value.items()}
        if isinstance(self.value, list):
            return [node.json() for node in self.value]
        return _plain_value(self.value) if self.plain else self.value


@dataclass(slots=True)
class Faults:
    """Everything found wrong so far."""

    kept: dict[FieldFault, None] = field(default_factory=dict)
    lost: set[str] = field(default_factory=set)

    @property
    def found(self) -> tuple[FieldFault, ...]:
        """In the order they were met."""
        return tuple(self.kept)

    @property
    def full(self) -> bool:
        """True when more would help nobody: a file of another kind has a fault on every line."""
        return len(self.kept) >= MOST_FAULTS

    def add(self, path: str, message: str, line: int | None) -> None:
        """One more; the same one is kept once, and none that only follows from a lost value."""
        fault = FieldFault(path, message, line)
        if path not in self.lost and not self.full:
            self.kept[fault] = None

    def lose(self, path: str, message: str, line: int | None) -> None:
        """A fault that leaves no value at `path`: what is said of that place later is not worth telling."""
        self.add(path, message, line)
        self.lost.add(path)


def read_yaml(text: str, env: Mapping[str, str], faults: Faults) -> Node:
    """The document's top node; an empty file is an empty mapping.

    Faults that leave a readable document are collected; a text that cannot be read at all raises
    BadInput with one FieldFault.
    """
    if len(text) > LARGEST_BYTES:
        raise _unreadable(f"larger than {LARGEST_BYTES // 1024 // 1024} MiB", None)
    try:
        return _Reader(env, faults).read(text)
    except yaml.MarkedYAMLError as error:
        raise _unreadable(*_in_words(error, text)) from None
    except yaml.YAMLError as error:
        raise _unreadable(str(error).split("\n")[0], None) from None
    except UnicodeEncodeError:
        raise _unreadable("holds characters that are no Unicode text", None) from None


def node_of(value: Json) -> Node:
    """The node of a stored JSON value, without lines."""
    if isinstance(value, Mapping):
        return Node({str(key): node_of(entry) for key, entry in value.items()})
    if isinstance(value, list | tuple):
        return Node([node_of(entry) for entry in value])
    if isinstance(value, str):
        return Node(value)
    if value is None or isinstance(value, bool):
        return Node({None: "null", True: "true", False: "false"}[value], plain=True)
    return Node(str(value), plain=True)


# ---- from events to nodes -----------------------------------------------------------------------------


@dataclass(slots=True)
class _Open:
    """A list or mapping not yet closed."""

    node: Node
    anchor: str | None
    key: str | None = None
    key_line: int | None = None
    merged: list[Node] = field(default_factory=list)
    wants_key: bool = True


class _Reader:
    def __init__(self, env: Mapping[str, str], faults: Faults) -> None:
        self.env, self.faults = env, faults
        self.anchors: dict[str, Node | None] = {}
        self.stack: list[_Open] = []
        self.top: Node | None = None
        self.aliased = 0

    def read(self, text: str) -> Node:
        documents = 0
        for event in yaml.parse(text, Loader=_Loader):
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise _unreadable("holds a second document: one file, one document", _line(event))
            elif isinstance(event, yaml.ScalarEvent):
                self.scalar(event)
            elif isinstance(event, yaml.AliasEvent):
                self.alias(event)
            elif isinstance(event, yaml.CollectionStartEvent):
                self.start(event)
            elif isinstance(event, yaml.CollectionEndEvent):
                self.end()
        return self.top or Node("", plain=True)

    def scalar(self, event: yaml.ScalarEvent) -> None:
        line = _line(event)
        if event.tag and not event.implicit[0] and not event.tag.startswith("tag:yaml.org,2002:str"):
            self.faults.add("", f"the tag {event.tag} is not understood: leave it out", line)
        value, expanded = self.expand(event.value, line)
        plain = bool(event.implicit[0]) and not expanded
        self.keep(Node(value, line, plain=plain), event.anchor)

    def alias(self, event: yaml.AliasEvent) -> None:
        name = event.anchor or ""
        if name not in self.anchors:
            raise _unreadable(f"*{name} stands before its &{name}", _line(event))
        target = self.anchors[name]
        if target is None:
            raise _unreadable(f"*{name} holds itself", _line(event))
        self.aliased += target.size
        if self.aliased > MOST_ALIASED:
            raise _unreadable(
                f"its aliases (*{name} and others) unfold to more than {MOST_ALIASED} entries",
                _line(event),
            )
        self.keep(replace(target, line=_line(event)), None)

    def start(self, event: yaml.CollectionStartEvent) -> None:
        if len(self.stack) >= DEEPEST:
            raise _unreadable(f"nested deeper than {DEEPEST}", _line(event))
        top = self.stack[-1] if self.stack else None
        if top and isinstance(top.node.value, dict) and top.wants_key:
            raise _unreadable("a key must be one word or a text in quotes", _line(event))
        if event.anchor:
            self.anchors[event.anchor] = None
        mapping = isinstance(event, yaml.MappingStartEvent)
        self.stack.append(_Open(Node({} if mapping else [], _line(event)), event.anchor))

    def end(self) -> None:
        done = self.stack.pop()
        if isinstance(done.node.value, dict):
            for source in done.merged:
                self.merge(done.node, source)
        self.keep(done.node, done.anchor)

    def keep(self, node: Node, anchor: str | None) -> None:
        if anchor:
            self.anchors[anchor] = node
        if not self.stack:
            self.top = node
            return
        top = self.stack[-1]
        if isinstance(top.node.value, list):
            node.key_line = node.line
            top.node.value.append(node)
            top.node.size += node.size
        elif isinstance(top.node.value, dict):
            self.keep_entry(top, top.node.value, node)

    def keep_entry(self, top: _Open, entries: dict[str, Node], node: Node) -> None:
        if top.wants_key:
            if not isinstance(node.value, str):
                raise _unreadable("a key must be one word or a text in quotes", node.line)
            top.key, top.key_line, top.wants_key = node.value, node.line, False
            return
        key = top.key or ""
        node.key_line = top.key_line
        if key == "<<":
            top.merged.append(node)
        elif key in entries:
            first = entries[key].key_line
            self.faults.add(self.path(), f"{key} stands here twice, first on line {first}", top.key_line)
        else:
            entries[key] = node
            top.node.size += node.size
        top.wants_key = True

    def merge(self, into: Node, source: Node) -> None:
        parts = source.value if isinstance(source.value, list) else [source]
        for part in parts:
            if not isinstance(part.value, dict) or not isinstance(into.value, dict):
                self.faults.add("<<", "merges a mapping or a list of mappings", source.key_line)
                return
            for key, node in part.value.items():
                if key not in into.value:
                    into.value[key] = node
                    into.size += node.size

    def path(self, coming: str = "") -> str:
        """The dotted path of what stands here; `coming` is the text read, which may be a key itself."""
        parts = [
            (top.key or "") if isinstance(top.node.value, dict) else str(len(top.node.value))
            for top in self.stack
        ]
        if self.stack and isinstance(self.stack[-1].node.value, dict) and self.stack[-1].wants_key:
            parts[-1] = coming
        return ".".join(parts)

    def expand(self, text: str, line: int) -> tuple[str, bool]:
        """The text with ${NAME} filled in, and whether there was any. `$${` stands for `${`."""
        if "${" not in text:
            return text, False

        def fill(match: re.Match[str]) -> str:
            name = match.group(1)
            if name is None:
                return "${"
            if not _ENV_NAME.match(name):
                self.faults.lose(
                    self.path(text),
                    f"${{{name}}} names no environment variable; a text ${{ is written $${{",
                    line,
                )
                return ""
            if name not in self.env:
                self.faults.lose(self.path(text), f"the environment variable {name} is not set", line)
                return ""
            return self.env[name]

        return _ENV.sub(fill, text), True


def _line(event: yaml.Event) -> int:
    return int(getattr(event.start_mark, "line", 0)) + 1


def _unreadable(message: str, line: int | None) -> BadInput:
    where = f"line {line}: " if line else ""
    return BadInput(f"{where}{message}", faults=(FieldFault("", message, line),))


def _in_words(error: yaml.MarkedYAMLError, text: str) -> tuple[str, int | None]:
    mark = error.problem_mark or error.context_mark
    problem = error.problem or "is no YAML"
    line = int(getattr(mark, "line", -1)) + 1 or None
    written = text.splitlines()[line - 1 : line] if line else []
    if written and re.match(r"\s*\t", written[0]):
        problem += "; indent with spaces, not with tabs"
    elif written and re.search(r"\{.*[:,]\s*\$\{", written[0]):
        problem += '; inside { } a variable stands in quotes: "${NAME}"'
    return f"{error.context}: {problem}" if error.context else problem, line


def _plain_value(text: str) -> Json:
    if text in _NULLS:
        return None
    if text in _BOOLS:
        return _BOOLS[text]
    if _INT.match(text):
        return int(text)
    return float(text) if _FLOAT.match(text) else text
