"""How is an expression taken apart and rewritten before CEL compiles it?

CEL itself makes an absent map key an error; S1 wants "" for an absent label. So `alert.labels.x` becomes
`("x" in alert.labels ? alert.labels["x"] : "")`. Named facts are replaced by their expressions.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tocsin.core.facts import ALERT_TEXTS, INTEGRATION_TEXTS, SERVICE_TEXTS

FIELDS: Mapping[str, tuple[str, ...]] = {
    "alert": (*ALERT_TEXTS, "services", "labels", "tags", "details", "count"),
    "service": (*SERVICE_TEXTS, "labels", "depends_on", "providers"),
    "integration": INTEGRATION_TEXTS,
}
PLAIN_NAMES = ("team", "hours", "weekday", "holiday")
LONGEST = 50_000
"""Characters of an expression with its named facts put in."""

_MACROS = frozenset({"exists", "all", "exists_one", "existsOne", "filter", "map", "transformList"})
_TOKEN = re.compile(
    r"""(?P<space>\s+|//[^\n]*)
      | (?P<string>[rRbB]{0,2}(?:\"\"\"(?:[^\\]|\\.)*?\"\"\"|'''(?:[^\\]|\\.)*?'''
                   |"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'))
      | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
      | (?P<number>[0-9][0-9A-Za-z.]*)
      | (?P<sign>&&|\|\||==|!=|<=|>=|.)""",
    re.VERBOSE | re.DOTALL,
)


class ExpressionFault(ValueError):
    """An expression cannot be used; the message says why, for the person who wrote it."""


@dataclass(frozen=True, slots=True)
class Token:
    """`kind` is "string", "name", "number" or "sign"; `at` the offset in the written text."""

    kind: str
    text: str
    at: int = 0


Tokens = list[Token]


def tokens_of(text: str) -> Tokens:
    """The tokens without blanks and comments. Never fails: what is no CEL is left for CEL to refuse."""
    return [
        Token(match.lastgroup or "sign", match.group(), match.start())
        for match in _TOKEN.finditer(text)
        if match.lastgroup != "space"
    ]


def text_of(tokens: Sequence[Token]) -> str:
    """CEL text of tokens, one blank between them."""
    return " ".join(token.text for token in tokens)


def with_facts(tokens: Tokens, facts: Mapping[str, Tokens]) -> Tokens:
    """Named facts replaced by their own (already expanded) tokens in parentheses."""
    found: Tokens = []
    length = 0
    for index, token in enumerate(tokens):
        part = [token]
        if token.kind == "name" and token.text in facts and not _after_dot(tokens, index):
            if _is_variable(tokens, index):
                raise ExpressionFault(f"{token.text} is a named fact; choose another name for the variable")
            part = [Token("sign", "("), *facts[token.text], Token("sign", ")")]
        found.extend(part)
        length += sum(len(piece.text) + 1 for piece in part)
        if length > LONGEST:
            raise ExpressionFault(f"too long with its named facts put in (over {LONGEST} characters)")
    return found


def check_names(tokens: Tokens, facts: Mapping[str, object]) -> None:
    """Raise ExpressionFault for a field that `alert`, `service` or `integration` do not have."""
    for index, token in enumerate(tokens):
        if token.kind != "name" or token.text not in FIELDS or _after_dot(tokens, index):
            continue
        name = _field_after(tokens, index)
        known = FIELDS[token.text]
        if name is None:
            raise ExpressionFault(f"{token.text} is used with a field, such as {token.text}.{known[0]}")
        if name not in known:
            raise ExpressionFault(f"{token.text} has no field {name}{did_you_mean(name, known)}")
        has = index > 1 and tokens[index - 1].text == "(" and tokens[index - 2].text == "has"
        closed = index + 3 < len(tokens) and tokens[index + 3].text == ")"
        if has and closed:
            raise ExpressionFault(
                f"has({token.text}.{name}) is always true: write {token.text}.{name} != {_empty(name)}"
            )


def rewritten(tokens: Tokens) -> Tokens:
    """Labels made safe to read, `alert["title"]` made `alert.title`."""
    found: Tokens = []
    index = 0
    while index < len(tokens):
        token = tokens[index]
        if token.kind != "name" or token.text not in FIELDS or _after_dot(tokens, index):
            found.append(token)
            index += 1
            continue
        name = _field_after(tokens, index) or ""
        after = index + (3 if _text(tokens, index + 1) == "." else 4)
        path = Token("name", f"{token.text}.{name}")
        in_has = len(found) > 1 and found[-1].text == "(" and found[-2].text == "has"
        key, end = _label_key(tokens, after) if name == "labels" and not in_has else (None, after)
        if key is None:
            found.append(path)
        else:
            found.append(
                Token(
                    "name",
                    f"(({key}) in {path.text} ? {path.text}[{key}] : '')",
                )
            )
        index = end
    return found


def clauses(tokens: Tokens) -> list[Tokens]:
    """The parts joined by `&&`, parentheres around them taken off; [tokens] when there is no `&&`."""
    tokens = _bare(tokens)
    parts: list[Tokens] = [[]]
    depth = 0
    for token in tokens:
        depth += (token.text in ("(", "[", "{")) - (token.text in (")", "]", "}"))
        if depth == 0 and token.text in ("||", "?"):
            return [tokens]
        if depth == 0 and token.text == "&&":
            parts.append([])
        else:
            parts[-1].append(token)
    return parts


def equalities(tokens: Tokens) -> tuple[tuple[str, str], ...]:
    """(path, text) for each clause `path == "text"`, those inside parentheses included."""
    parts = clauses(tokens)
    if len(parts) > 1:
        return tuple(dict.fromkeys(pair for part in parts for pair in equalities(part)))
    found = _equality(parts[0])
    return (found,) if found else ()


def contained(tokens: Tokens) -> tuple[tuple[str, str], ...]:
    """(field of `alert`, text) for each clause `alert.title.contains("text")`, as `equalities` finds its own."""
    parts = clauses(tokens)
    if len(parts) > 1:
        return tuple(dict.fromkeys(pair for part in parts for pair in contained(part)))
    clause = _bare(parts[0])
    if len(clause) < 6 or [token.text for token in (*clause[-5:-2], clause[-1])] != [
        ".",
        "contains",
        "(",
        ")",
    ]:
        return ()
    path, text = _path(clause[:-5]), _plain_string(clause[-2])
    name = (path or "").removeprefix("alert.")
    return ((name, text),) if text is not None and f"alert.{name}" == path and "." not in name else ()


def did_you_mean(word: str, known: Sequence[str]) -> str:
    """'; did you mean "severity"?' or ""."""
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    return f'; did you mean "{close[0]}"?' if close else ""


# ---- small readings of tokens -------------------------------------------------------------------------


def _text(tokens: Tokens, index: int) -> str:
    return tokens[index].text if 0 <= index < len(tokens) else ""


def _after_dot(tokens: Tokens, index: int) -> bool:
    return _text(tokens, index - 1) == "."


def _is_variable(tokens: Tokens, index: int) -> bool:
    return (
        _text(tokens, index - 1) == "("
        and _text(tokens, index - 2) in _MACROS
        and _text(tokens, index + 1) == ","
    )


def _field_after(tokens: Tokens, index: int) -> str | None:
    """The field in `alert.x` or `alert["x"]`."""
    if _text(tokens, index + 1) == "." and index + 2 < len(tokens) and tokens[index + 2].kind == "name":
        return tokens[index + 2].text
    if _text(tokens, index + 1) == "[" and _text(tokens, index + 3) == "]":
        return _plain_string(tokens[index + 2])
    return None


def _label_key(tokens: Tokens, after: int) -> tuple[str | None, int]:
    """(CEL text of the key, index behind it) when a label is read at `after`: `.name` or `[key]`."""
    if _text(tokens, after) == "." and after + 1 < len(tokens) and _text(tokens, after + 2) != "(":
        return f"'{tokens[after + 1].text}'", after + 2
    if _text(tokens, after) != "[":
        return None, after
    depth = 0
    for index in range(after, len(tokens)):
        depth += (tokens[index].text in ("(", "[", "{")) - (tokens[index].text in (")", "]", "}"))
        if depth == 0:
            return text_of(rewritten(tokens[after + 1 : index])), index + 1
    return None, after


def _bare(tokens: Tokens) -> Tokens:
    while len(tokens) > 2 and tokens[0].text == "(" and tokens[-1].text == ")":
        depth = 0
        for index, token in enumerate(tokens):
            depth += (token.text in ("(", "[", "{")) - (token.text in (")", "]", "}"))
            if depth == 0 and index < len(tokens) - 1:
                return tokens
        tokens = tokens[1:-1]
    return tokens


def _equality(tokens: Tokens) -> tuple[str, str] | None:
    tokens = _bare(tokens)
    if len(tokens) < 3:
        return None
    sides = []
    if tokens[-2].text == "==":
        sides.append((tokens[:-2], tokens[-1]))
    if tokens[1].text == "==":
        sides.append((tokens[2:], tokens[0]))
    for left, right in sides:
        path, value = _path(left), _plain_string(right)
        if path is not None and value is not None:
            return path, value
    return None


def _path(tokens: Tokens) -> str | None:
    """ "alert.labels.x" for `alert.labels.x` and `alert.labels["x"]`, None for anything else."""
    if not tokens or tokens[0].kind != "name":
        return None
    first = tokens[0].text
    if len(tokens) == 1:
        return first if first in ("team", "hours", "weekday") else None
    name = _field_after(tokens, 0) if first in FIELDS else None
    if name is None:
        return None
    rest = tokens[3 if tokens[1].text == "." else 4 :]
    if not rest:
        return f"{first}.{name}" if name in ALERT_TEXTS + SERVICE_TEXTS + INTEGRATION_TEXTS else None
    if name != "labels":
        return None
    if len(rest) == 2 and rest[0].text == "." and rest[1].kind == "name":
        return f"{first}.labels.{rest[1].text}"
    if len(rest) == 3 and rest[0].text == "[" and rest[2].text == "]":
        key = _plain_string(rest[1])
        return None if key is None else f"{first}.labels.{key}"
    return None


def _plain_string(token: Token) -> str | None:
    """The value of a string without prefix and escapes, else None."""
    text = token.text
    plain = (
        token.kind == "string" and text[0] in "\"'" and "\\" not in text and text[:3] not in ('"""', "'''")
    )
    return text[1:-1] if plain else None


def _empty(name: str) -> str:
    return {"count": "0", "labels": "{}", "details": "{}"}.get(
        name, "[]" if name.endswith("s") and name not in ("status",) else '""'
    )
