"""What does an integration's template for a title, description or dedup key say about this request?

A small part of Handlebars, chosen so that it means what Handlebars means or says that it cannot:

    {{data.a.b}}  {{data.list.0.name}}  {{data.list.[0].name}}  {{{data.a}}}  {{integration.name}}
    {{uppercase x}}  {{lowercase x}}  {{trim x}}  {{truncate x 80}}  {{default x "text"}}
    {{#if x}}…{{else}}…{{/if}}, also one inside another

One difference on purpose: nothing is escaped for HTML, because our titles and descriptions are plain text;
`{{x}}` and `{{{x}}}` are the same. Whatever else a template holds raises TemplateError: the caller then uses
the source's own text and tells so. There are no loops, and what one rendering may produce is bounded.
Facts: https://handlebarsjs.com/guide/ and handlebars-helpers 0.10.0, read 2026-11-20.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import msgspec

from tocsin.core.model import Json
from tocsin.core.payload import DESCRIPTION_LIMIT, cut, plain, tidy

TEMPLATE_LIMIT = 50_000
"""Characters of a template."""
_IF_DEPTH = 20
_WORK_LIMIT = 1_000_000
"""Characters that maps and lists may become text in one rendering, whatever is kept of them."""

_TAG = re.compile(r"\{\{\{([^{}]*)\}\}\}|\{\{([^{}]*)\}\}")
_ALONE = re.compile(r"^[ \t]*(\{\{(?:#if\b[^{}\n]*|else|/if)\}\})[ \t]*\r?\n", re.MULTILINE)
_WORD = re.compile(r"""\s*("[^"]*"|'[^']*'|[^\s"'()=|~&>#^/!*@\\]+)(?=\s|$)""")
_PATH = re.compile(r"(?:\[[^\[\]]+\]|[\w$-]+)(?:[./](?:\[[^\[\]]+\]|[\w$-]+))*")
_PATH_WORD = re.compile(r"\s*(" + _PATH.pattern + r")(?=\s|$)")  # a segment [my key] may hold blanks
_NUMBER = re.compile(r"-?\d{1,9}")
_HELPERS = {"uppercase": 1, "lowercase": 1, "trim": 1, "truncate": 2, "default": 2}
_RESERVED = frozenset(("if", "else", "each", "unless", "with", "lookup", "log"))


class TemplateError(Exception):
    """The template cannot be rendered; the message says what in it, and is fit for a person."""


@dataclass(frozen=True, slots=True)
class _Literal:
    value: Json


@dataclass(frozen=True, slots=True)
class _Path:
    parts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Call:
    helper: str
    arguments: tuple[_Literal | _Path, ...]


@dataclass(frozen=True, slots=True)
class _If:
    condition: _Literal | _Path
    then: tuple[_Node, ...]
    otherwise: tuple[_Node, ...]


_Node = str | _Literal | _Path | _Call | _If


def render(template: str, context: Mapping[str, Json], limit: int = DESCRIPTION_LIMIT) -> str:
    """The template filled from `context` (`{"integration": {…}, "data": {…}}`), at most `limit`
    characters (TITLE_LIMIT for a title). Raises TemplateError."""
    text = _Rendering(context, limit).run(_compiled(template))
    return cut(tidy(text), limit)


def check(template: str) -> None:
    """Raises TemplateError when the template could never be rendered; for the moment it is set."""
    _compiled(template)


# ---- reading a template ------------------------------------------------------------------------------


@lru_cache(maxsize=256)
def _compiled(template: str) -> tuple[_Node, ...]:
    if len(template) > TEMPLATE_LIMIT:
        raise TemplateError(
            f"the template has {len(template):,} characters, at most {TEMPLATE_LIMIT:,} are read"
        )
    reader = _Reader(_ALONE.sub(r"\1", template))
    return reader.block(0)[0]


class _Reader:
    """Cuts a template into text and tags, and reads the tags."""

    def __init__(self, template: str) -> None:
        self._pieces: list[tuple[bool, str]] = []
        position = 0
        for tag in _TAG.finditer(template):
            self._text(template[position : tag.start()], before_tag=True)
            self._pieces.append((True, tag[1] if tag[1] is not None else tag[2]))
            position = tag.end()
        self._text(template[position:])
        self._next = 0

    def _text(self, text: str, before_tag: bool = False) -> None:
        if "{{" in text or (text[:1] == "}" and self._pieces) or (before_tag and text[-1:] in ("{", "\\")):
            raise TemplateError(f"a tag is not closed properly near {cut(text.strip(), 40)!r}")
        if text:
            self._pieces.append((False, text))

    def block(self, depth: int) -> tuple[tuple[_Node, ...], str]:
        """The nodes up to the tag that ends this block, and that tag ("" = end of the template)."""
        nodes: list[_Node] = []
        while self._next < len(self._pieces):
            is_tag, text = self._pieces[self._next]
            self._next += 1
            inner = text.strip()
            if not is_tag:
                nodes.append(text)
            elif inner in ("else", "/if"):
                if depth == 0:
                    raise TemplateError(f"{{{{{inner}}}}} stands outside of an {{{{#if}}}}")
                return tuple(nodes), inner
            elif inner.startswith("#if "):
                nodes.append(self._if(inner, depth + 1))
            else:
                nodes.append(_expression(inner))
        if depth:
            raise TemplateError("an {{#if}} lacks its {{/if}}")
        return tuple(nodes), ""

    def _if(self, inner: str, depth: int) -> _If:
        if depth > _IF_DEPTH:
            raise TemplateError(f"more than {_IF_DEPTH} {{{{#if}}}} inside one another are not supported")
        words = _words(inner[4:], inner)
        if len(words) != 1:
            raise _unsupported(inner)
        then, end = self.block(depth)
        otherwise: tuple[_Node, ...] = ()
        if end == "else":
            otherwise, end = self.block(depth)
            if end == "else":
                raise TemplateError("an {{#if}} has two {{else}}")
        return _If(_value(words[0], inner), then, otherwise)


def _expression(inner: str) -> _Node:
    words = _words(inner, inner)
    if not words or words[0] in _RESERVED:
        raise _unsupported(inner)
    if len(words) == 1 and words[0] not in _HELPERS:
        return _value(words[0], inner)
    if _HELPERS.get(words[0]) != len(words) - 1:
        raise _unsupported(inner)
    return _Call(words[0], tuple(_value(word, inner) for word in words[1:]))


def _words(text: str, inner: str) -> list[str]:
    words, position = [], 0
    text = text.rstrip()
    while position < len(text):
        word = _PATH_WORD.match(text, position) or _WORD.match(text, position)
        if word is None:
            raise _unsupported(inner)
        words.append(word[1])
        position = word.end()
    return words


def _value(word: str, inner: str) -> _Literal | _Path:
    if word[0] in "\"'":
        return _Literal(word[1:-1])
    if _NUMBER.fullmatch(word):
        return _Literal(int(word))
    if word in ("true", "false", "null", "undefined"):
        return _Literal({"true": True, "false": False}.get(word))
    word = word.removeprefix("this.")
    if not _PATH.fullmatch(word) or word == "this":
        raise _unsupported(inner)
    parts = re.findall(r"\[([^\[\]]+)\]|([\w$-]+)", word)
    return _Path(tuple(bracketed or bare for bracketed, bare in parts))


def _unsupported(inner: str) -> TemplateError:
    return TemplateError(f"{{{{{cut(inner, 60)}}}}} is not supported yet; see docs on templates for what is")


# ---- filling it --------------------------------------------------------------------------------------


class _Rendering:
    """One rendering: counts what it has produced and what that cost."""

    def __init__(self, context: Mapping[str, Json], limit: int) -> None:
        self._context = context
        self._limit = limit
        self._work = 0

    def run(self, nodes: tuple[_Node, ...]) -> str:
        pieces: list[str] = []
        self._fill(nodes, pieces, 0)
        return "".join(pieces)

    def _fill(self, nodes: tuple[_Node, ...], pieces: list[str], length: int) -> int:
        for node in nodes:
            if length > self._limit:  # what follows would be cut anyway
                return length
            if isinstance(node, _If):
                branch = node.then if _true(self._look(node.condition)) else node.otherwise
                length = self._fill(branch, pieces, length)
                continue
            text = node if isinstance(node, str) else self._call(node) if isinstance(node, _Call) else ""
            if isinstance(node, (_Literal, _Path)):
                text = self._shown(self._look(node))
            pieces.append(text)
            length += len(text)
        return length

    def _look(self, node: _Literal | _Path) -> Json:
        if isinstance(node, _Literal):
            return node.value
        value: Json = self._context
        for part in node.parts:
            if isinstance(value, Mapping):
                value = value.get(part)
            elif isinstance(value, list) and part.isascii() and part.isdigit() and len(part) < 10:
                value = value[int(part)] if int(part) < len(value) else None
            else:
                return None
        return value

    def _shown(self, value: Json) -> str:
        """As Handlebars writes it, except that maps and lists are JSON and not "[object Object]"."""
        if isinstance(value, str):
            return value[:DESCRIPTION_LIMIT]
        if not isinstance(value, (Mapping, list, tuple)):
            return plain(value)
        try:
            text = msgspec.json.encode(value).decode("utf-8", "replace")
        except (msgspec.MsgspecError, TypeError, ValueError, RecursionError, OverflowError):
            raise TemplateError("a value in the request cannot be written as text") from None
        self._work += len(text)
        if self._work > _WORK_LIMIT:
            raise TemplateError("the template writes out too much of the request")
        return text[:DESCRIPTION_LIMIT]

    def _call(self, call: _Call) -> str:
        first = self._look(call.arguments[0])
        text = self._shown(first)
        if call.helper == "uppercase":
            return text.upper()
        if call.helper == "lowercase":
            return text.lower()
        if call.helper == "trim":
            return text.strip()
        second = self._look(call.arguments[1])
        if call.helper == "default":
            return text if first is not None else self._shown(second)
        if isinstance(second, bool) or not isinstance(second, int) or second < 0:
            raise TemplateError("truncate needs a whole number as its second word")
        return text[:second]


def _true(value: Json) -> bool:
    """Truth as {{#if}} of Handlebars has it: false, null, "", 0 and [] are false; an empty map is true."""
    return value is not None and (isinstance(value, Mapping) or bool(value))
