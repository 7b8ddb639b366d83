"""How is one section of the document read, so that each fault names its field and its line?"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import timedelta
from enum import StrEnum
from typing import TypeVar

from tocsin.core.explain import span
from tocsin.core.model import Json
from tocsin.core.severity import Severity, severity_named
from tocsin.policy.cel_text import did_you_mean
from tocsin.policy.document import Faults, Node
from tocsin.policy.times import duration

T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)

SECRET = "$secret"  # noqa: S105 - the name of a marker, no secret


class Section:
    """A mapping of the document under its dotted `path`. Each getter notes the key as known; `done`
    refuses the others."""

    __slots__ = ("_asked", "entries", "faults", "line", "path")

    def __init__(self, node: Node | None, path: str, faults: Faults) -> None:
        self.path, self.faults = path, faults
        self.line = (node.key_line or node.line) if node else None
        self.entries: dict[str, Node] = {}
        self._asked: list[str] = []
        if node is not None and isinstance(node.value, dict):
            self.entries = node.value
        elif node is not None and not node.empty:
            self.fault("", f"must be a mapping (name: value), but is {_kind(node)}", node.line)

    # ---- telling ----------------------------------------------------------------------------------

    def at(self, key: str) -> str:
        """The dotted path of a key here."""
        return ".".join(part for part in (self.path, key) if part)

    def line_of(self, key: str) -> int | None:
        """The line of a key, else that of the section."""
        node = self.entries.get(key)
        return (node.key_line or node.line) if node else self.line

    def line_at(self, path: str) -> int | None:
        """The line of the deepest part of a dotted path below here that is there."""
        line = self.line
        value: str | list[Node] | dict[str, Node] = self.entries
        while path and not isinstance(value, str):
            key, node = _child(value, path)
            if node is None:
                return line
            line = node.key_line or node.line or line
            path = path[len(key) + 1 :]
            value = node.value
        return line

    def fault(self, key: str, message: str, line: int | None = None) -> None:
        """Note a fault at `key` ("" = the section itself)."""
        self.faults.add(self.at(key), message, line or self.line_of(key))

    def done(self) -> None:
        """Refuse every key that was not asked for."""
        for key in self.entries:
            if self.faults.full:
                return
            if key not in self._asked:
                self.fault(key, f"there is no such setting{did_you_mean(key, self._asked)}")

    # ---- reading ----------------------------------------------------------------------------------

    def __contains__(self, key: str) -> bool:
        self._asked.append(key)
        node = self.entries.get(key)
        return node is not None and not node.empty

    def node(self, key: str) -> Node | None:
        """The node of a key, None when absent or empty."""
        return self.entries[key] if key in self else None

    def text(self, key: str, default: str = "", *, required: bool = False) -> str:
        """One line or several of text."""
        node = self.node(key)
        if node is None:
            if required:
                self.fault(key, "is missing", self.line_of(key))
            return default
        if not isinstance(node.value, str):
            self.fault(key, f"must be a text, but is {_kind(node)}")
            return default
        if required and not node.value.strip():
            self.fault(key, "is empty")
        return node.value

    def flag(self, key: str, default: bool) -> bool:
        """true or false."""
        node = self.node(key)
        if node is None:
            return default
        if isinstance(node.value, str) and node.value.lower() in ("true", "false"):
            return node.value.lower() == "true"
        self.fault(key, "must be true or false")
        return default

    def integer(self, key: str, *, least: int = 0, most: int = 10**9) -> int | None:
        """A whole number in a range, None when absent."""
        text = self.text(key)
        if not text:
            return None
        if not text.lstrip("-").isdigit() or not least <= int(text[:20]) <= most:
            self.fault(key, f"must be a whole number from {least} to {most}")
            return None
        return int(text)

    def duration(
        self, key: str, *, least: timedelta = timedelta(0), most: timedelta | None = None
    ) -> timedelta | None:
        """A duration such as 30m; milliseconds when it is a bare number; None when absent or wrong."""
        text = self.text(key)
        found = self.made(key, duration, text) if text else None
        if found is not None and (found < least or (most is not None and found > most)):
            limits = f"from {span(least)} to {span(most)}" if most is not None else f"{span(least)} or more"
            self.fault(key, f"must be {limits}, but is {text}")
            return None
        return found

    def made(self, key: str, make: Callable[[str], T], text: str, line: int | None = None) -> T | None:
        """What `make` makes of a text; its ValueError becomes a fault and None."""
        try:
            return make(text)
        except ValueError as error:
            self.fault(key, str(error), line)
            return None

    def choice(self, key: str, kind: type[E], default: E) -> E:
        """One of the words of an enumeration."""
        text = self.text(key)
        if not text:
            return default
        words = [entry.value for entry in kind]
        if text not in words:
            self.fault(key, f'must be one of {", ".join(words)}, but is "{text}"{did_you_mean(text, words)}')
            return default
        return kind(text)

    def severity(self, key: str) -> Severity | None:
        """critical … low or SEV-1 … SEV-4, None when absent or wrong."""
        text = self.text(key)
        return self.severity_of(key, text) if text else None

    def severity_of(self, key: str, text: str) -> Severity | None:
        """The severity meant by `text`, which stands at `key`."""
        found = severity_named(text)
        if found is None:
            words = [entry.value for entry in Severity]
            self.fault(
                key,
                f'must be critical, high, medium, low or SEV-1 … SEV-4, not "{text}"{did_you_mean(text, words)}',
            )
        return found

    def texts(self, key: str) -> tuple[tuple[str, int | None], ...]:
        """(text, line) of each entry of a list; one bare text counts as a list of one."""
        node = self.node(key)
        if node is None:
            return ()
        parts = node.value if isinstance(node.value, list) else [node]
        found = []
        for part in parts:
            if isinstance(part.value, str) and not part.empty:
                found.append((part.value, part.line))
            else:
                self.fault(key, f"must be a list of texts, but holds {_kind(part)}", part.line)
        return tuple(found)

    def names(self, key: str, known: Collection[str] | None = None, what: str = "") -> tuple[str, ...]:
        """A list of names; each must be in `known`, where given."""
        found = self.texts(key)
        for name, line in found:
            self.known(key, name, known, what, line)
        return tuple(name for name, _ in found)

    def name(self, key: str, known: Collection[str], what: str) -> str:
        """One name that must be in `known`, "" when absent."""
        text = self.text(key)
        if text:
            self.known(key, text, known, what)
        return text

    def known(
        self, key: str, name: str, known: Collection[str] | None, what: str, line: int | None = None
    ) -> None:
        """Note a fault when there is no `what` of that name."""
        if known is not None and name not in known and not self.faults.full:
            self.fault(key, f'there is no {what} "{name}"{did_you_mean(name, _near(known))}', line)

    def section(self, key: str) -> Section:
        """The section below a key; an empty one when absent."""
        return Section(self.node(key), self.at(key), self.faults)

    def sections(self) -> Iterator[tuple[str, Section]]:
        """(name, section) of every entry: for the parts of the file where names are free."""
        for key, node in self.entries.items():
            self._asked.append(key)
            yield key, Section(node, self.at(key), self.faults)

    def items(self, key: str) -> Iterator[Section]:
        """A section for each entry of a list."""
        node = self.node(key)
        if node is None:
            return
        if not isinstance(node.value, list):
            self.fault(key, f"must be a list, but is {_kind(node)}")
            return
        for index, entry in enumerate(node.value):
            yield Section(entry, f"{self.at(key)}.{index}", self.faults)

    def mapping(self, key: str) -> Mapping[str, str]:
        """A mapping of text to text; numbers are kept as written."""
        section = self.section(key)
        return {name: section.text(name) for name in section.entries}

    def json(self, key: str) -> Json:
        """Whatever stands there, None when absent."""
        node = self.node(key)
        return node.json() if node is not None else None


def _child(value: list[Node] | dict[str, Node], path: str) -> tuple[str, Node | None]:
    """The entry that a dotted path enters first, by its key; a key may have dots itself."""
    if isinstance(value, list):
        key = path.partition(".")[0]
        return key, value[int(key)] if key.isdigit() and int(key) < len(value) else None
    words = path.split(".")
    names = (".".join(words[:count]) for count in range(1, len(words) + 1))
    return next(((name, value[name]) for name in names if name in value), (path, None))


def _near(known: Collection[str]) -> Sequence[str]:
    """Names to guess among: comparing with ten thousand would take a second for each misspelt one."""
    return list(known) if len(known) <= 2000 else []


def _kind(node: Node) -> str:
    if isinstance(node.value, dict):
        return "a mapping"
    if isinstance(node.value, list):
        return "a list"
    return "empty" if node.empty else f'"{node.value[:60]}"'
