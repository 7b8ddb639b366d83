"""How does a `when`, a grouping key or a pattern become something that can be asked (S1)?

CEL by cel-expr-python 0.1.3 (its own `cel.pyi`): every name is declared with its type, so that a misspelt
one is refused here and not at 3 AM. Patterns are RE2: linear time whatever the text.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable, Mapping
from typing import Any

import re2  # type: ignore[import-untyped]
from cel_expr_python import cel  # type: ignore[import-untyped]
from cel_expr_python.ext import ext_strings  # type: ignore[import-untyped]

from tocsin.core.facts import FactSheet
from tocsin.core.policy import Condition, ConditionError, Facts
from tocsin.policy.cel_text import (
    FIELDS,
    PLAIN_NAMES,
    ExpressionFault,
    Tokens,
    check_names,
    clauses,
    contained,
    did_you_mean,
    equalities,
    rewritten,
    text_of,
    tokens_of,
    with_facts,
)

LONGEST_WRITTEN = 10_000
"""Characters of one expression or pattern as written."""

_RESERVED = frozenset({*FIELDS, *PLAIN_NAMES, "true", "false", "null", "in", "has", "size", "type", "now"})


class Always:
    """The condition of a rule without `when`."""

    __slots__ = ()
    text = "true"
    needs: tuple[tuple[str, str], ...] = ()

    @property
    def clauses(self) -> tuple[Condition, ...]:
        """Itself."""
        return (self,)

    def holds(self, facts: Facts) -> bool:
        """Always."""
        return True


class CelCondition:
    """A compiled `when`; about 3 us to ask once the facts are prepared."""

    __slots__ = ("_facts", "_literals", "_program", "_tokens", "needs", "text")

    def __init__(self, text: str, facts: Mapping[str, Tokens]) -> None:
        self.text = text.strip()
        self._facts = facts
        self._tokens = tokens_of(self.text)
        expanded, self._program = _program(self.text, self._tokens, facts)
        if self._program.return_type() not in (cel.Type.BOOL, cel.Type.DYN):
            kind = self._program.return_type().name().lower()
            raise ExpressionFault(f"must be true or false, but is of type {kind}")
        self.needs = equalities(expanded)
        self._literals = contained(expanded)

    @property
    def clauses(self) -> tuple[Condition, ...]:
        """The parts joined by `&&`, compiled anew: only for explaining."""
        parts = clauses(self._tokens)
        if len(parts) < 2:
            return (self,)
        written = (self.text[part[0].at : part[-1].at + len(part[-1].text)] for part in parts)
        return tuple(CelCondition(text, self._facts) for text in written)

    def holds(self, facts: Facts) -> bool:
        """True or False; raises ConditionError."""
        for name, text in self._literals:
            # false && anything is false in CEL too, a failing clause included; this costs a tenth of asking
            seen = facts["alert"].get(name)
            if isinstance(seen, str) and text not in seen:
                return False
        value = _evaluate(self._program, facts)
        if value is True or value is False:
            return value
        raise ConditionError(f"{self.text} is neither true nor false")


class CelKey:
    """A compiled grouping key."""

    __slots__ = ("_program", "text")

    def __init__(self, text: str, facts: Mapping[str, Tokens]) -> None:
        self.text = text.strip()
        _, self._program = _program(self.text, tokens_of(self.text), facts)

    def value(self, facts: Facts) -> str:
        """The key as text, "" when absent; raises ConditionError."""
        value = _evaluate(self._program, facts)
        if isinstance(value, bool):
            return "true" if value else "false"
        if value is None or isinstance(value, str | int | float):
            return "" if value is None else str(value)
        raise ConditionError(f"{self.text} is no text")


class TextPattern:
    """A compiled RE2 pattern, letter case ignored."""

    __slots__ = ("_compiled", "text")

    def __init__(self, text: str) -> None:
        if len(text) > LONGEST_WRITTEN:
            raise ExpressionFault(f"longer than {LONGEST_WRITTEN} characters")
        self.text = text
        self._compiled = _pattern(text, ignore_case=True)

    def found_in(self, text: str) -> bool:
        """True when it matches anywhere in `text`."""
        return self._compiled.search(text.encode("utf-8", "replace").decode("utf-8")) is not None


class Expressions:
    """Compiles the expressions of one document; knows its named facts."""

    def __init__(self) -> None:
        self._facts: dict[str, Tokens] = {}

    def define(self, name: str, text: str) -> CelCondition:
        """Compile a named fact, usable from now on; the facts it names must be defined already."""
        condition = CelCondition(text, self._facts)
        self._facts = {**self._facts, name: with_facts(tokens_of(text), self._facts)}
        return condition

    def condition(self, text: str) -> Condition:
        """A compiled `when`; raises ExpressionFault."""
        return Always() if text.strip() in ("", "true") else CelCondition(text, self._facts)

    def key(self, text: str) -> CelKey:
        """A compiled grouping key; raises ExpressionFault."""
        return CelKey(text, self._facts)


def fact_name_fault(name: str) -> str:
    """What is wrong with `name` as the name of a fact, "" for nothing."""
    if name in _RESERVED:
        return f"{name} has a meaning of its own; choose another name"
    if not (name.isascii() and name.isidentifier()):
        return f"{name} is no name: letters, digits and _ only, no digit first"
    return ""


def definition_order(facts: Mapping[str, str]) -> tuple[list[str], list[str]]:
    """(names so that each comes after those it uses, names that lie on or behind a circle)."""
    uses = {
        name: {token.text for token in tokens_of(text) if token.kind == "name" and token.text in facts}
        for name, text in facts.items()
    }
    order: list[str] = []
    left = dict(uses)
    while left:
        ready = [name for name, used in left.items() if not used & left.keys()]
        if not ready:
            return order, list(left)
        order += ready
        left = {name: used for name, used in left.items() if name not in ready}
    return order, []


# ---- CEL itself ---------------------------------------------------------------------------------------


@functools.cache
def _environment() -> Any:
    texts, words = cel.Type.Map(cel.Type.STRING, cel.Type.STRING), cel.Type.List(cel.Type.STRING)
    special = {
        "labels": texts,
        "details": cel.Type.Map(cel.Type.STRING, cel.Type.DYN),
        "count": cel.Type.INT,
        **dict.fromkeys(("services", "tags", "depends_on", "providers"), words),
    }
    variables = {
        f"{owner}.{name}": special.get(name, cel.Type.STRING)
        for owner, names in FIELDS.items()
        for name in names
    }
    variables |= dict.fromkeys(PLAIN_NAMES, cel.Type.STRING) | {"holiday": cel.Type.BOOL}
    return cel.NewEnv(variables=variables, extensions=[ext_strings.ExtStrings()])


def _program(text: str, tokens: Tokens, facts: Mapping[str, Tokens]) -> tuple[Tokens, Any]:
    """(tokens with the named facts put in, the compiled program)."""
    if len(text) > LONGEST_WRITTEN:
        raise ExpressionFault(f"longer than {LONGEST_WRITTEN} characters")
    if not tokens:
        raise ExpressionFault("is empty")
    check_names(tokens, facts)
    _check_patterns(tokens)
    expanded = with_facts(tokens, facts)
    try:
        return expanded, _environment().compile(text_of(rewritten(expanded)))
    except RuntimeError as error:
        raise ExpressionFault(_said(str(error), [*FIELDS, *PLAIN_NAMES, *facts])) from None


def _check_patterns(tokens: Tokens) -> None:
    for index, token in enumerate(tokens[:-2]):
        literal = tokens[index + 2].text
        if (
            token.text == "matches"
            and tokens[index + 1].text == "("
            and literal[0] in "\"'"
            and "\\" not in literal
        ):
            _pattern(literal.strip("\"'"), ignore_case=False)


def _pattern(text: str, *, ignore_case: bool) -> Any:
    options = re2.Options()
    options.case_sensitive = not ignore_case
    options.log_errors = False
    try:
        return re2.compile(text, options)
    except re2.error as error:
        reason = error.args[0] if error.args else error
        if isinstance(reason, bytes):
            reason = reason.decode("utf-8", "replace")
        raise ExpressionFault(f"is no RE2 pattern: {reason}") from None


def _said(message: str, known: Iterable[str]) -> str:
    """CEL's own words without its positions, which are those of the rewritten text."""
    first = message.split("\n", 1)[0].removesuffix("[INVALID_ARGUMENT]").strip()
    for mark in ("INVALID_ARGUMENT:", "ERROR:", "<input>:"):
        first = first.removeprefix(mark).strip()
    first = first.lstrip("0123456789:").strip()
    if first.startswith("undeclared reference to '"):
        name = first.split("'")[1]
        return f"there is no {name}{did_you_mean(name, list(known))}"
    return first.replace("Syntax error: ", "is no CEL: ")


def _evaluate(program: Any, facts: Facts) -> Any:
    try:
        try:
            value = program.eval(_activation(facts))
            odd = value.type() == cel.Type.ERROR and "duplicate key" in str(value.value())
        except RuntimeError:
            odd = True
        if odd:  # A value that CEL cannot hold, met only when it is read: once more with harmless ones.
            value = program.eval(_activation(facts, clean=True))
        if value.type() == cel.Type.ERROR:
            raise ConditionError(_said(str(value.value()), ()))
        return value.plain_value()
    except RuntimeError as error:
        raise ConditionError(_said(str(error), ())) from None


def _activation(facts: Facts, *, clean: bool = False) -> Any:
    """The facts as CEL takes them, made once for a FactSheet (about 10 us)."""
    prepared = facts.prepared if isinstance(facts, FactSheet) else None
    if prepared is not None and not clean:
        return prepared
    flat = _flat(facts)
    try:
        prepared = _environment().Activation(_clean(flat) if clean else flat)
    except (RuntimeError, TypeError, ValueError):
        prepared = _environment().Activation(_clean(flat))
    if isinstance(facts, FactSheet):
        facts.prepared = prepared
    return prepared


def _flat(facts: Facts) -> dict[str, Any]:
    flat: dict[str, Any] = {
        f"{owner}.{name}": facts[owner][name] for owner, names in FIELDS.items() for name in names
    }
    for name in PLAIN_NAMES:
        flat[name] = facts[name]
    return flat


def _clean(value: Any) -> Any:
    """The value with what CEL cannot hold made harmless: lone surrogates, NUL (it ends a text there and
    makes two keys one), huge numbers, odd types."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8").replace("\0", "\ufffd")
    if isinstance(value, Mapping):
        return {_clean(str(key)): _clean(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(entry) for entry in value]
    if isinstance(value, int) and not isinstance(value, bool):
        return value if -(2**63) <= value < 2**63 else float(value) if abs(value) < 10**300 else math.inf
    return value if value is None or isinstance(value, bool | float) else str(value)
