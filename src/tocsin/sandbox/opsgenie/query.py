"""Which alerts does a search text mean? The part of Opsgenie's query language that programs use.

`alias: x`, `status: open`, `tag: (a OR b)`, `createdAt > 1700000000000`, joined by AND, OR (weaker) and NOT; values may be quoted.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from tocsin.sandbox.opsgenie.alert import Alert
from tocsin.sandbox.opsgenie.errors import unprocessable

Predicate = Callable[[Alert], bool]
_TERM = re.compile(
    r"""\s*(?P<not>NOT\s+)?(?P<field>[A-Za-z]+)\s*(?P<op><=|>=|:|=|<|>)\s*
    (?:"(?P<quoted>[^"]*)"|\((?P<list>[^)]*)\)|(?P<bare>[^\s()]+))""",
    re.VERBOSE,
)
_JOIN = re.compile(r"\s+(?P<word>AND|OR)\s+|\s+|$")
_FIELDS: dict[str, Callable[[Alert], Any]] = {
    "alias": lambda a: a.alias,
    "status": lambda a: a.status,
    "message": lambda a: a.message,
    "tag": lambda a: a.tags,
    "tags": lambda a: a.tags,
    "priority": lambda a: a.priority,
    "tinyid": lambda a: a.tiny_id,
    "alertid": lambda a: a.id,
    "entity": lambda a: a.entity,
    "source": lambda a: a.source,
    "owner": lambda a: a.owner,
    "acknowledged": lambda a: str(a.acknowledged).lower(),
    "snoozed": lambda a: str(a.snoozed_until is not None).lower(),
    "count": lambda a: a.count,
    "createdat": lambda a: int(a.created_at.timestamp() * 1000),
    "updatedat": lambda a: int(a.updated_at.timestamp() * 1000),
    "lastoccurredat": lambda a: int((a.last_occurred_at or a.created_at).timestamp() * 1000),
}


def predicate(text: str) -> Predicate:
    """A test for alerts. Raises 422 for a text it does not understand."""
    if not text.strip() or text.strip() == "*":
        return lambda _: True
    groups: list[list[Predicate]] = [[]]
    position = 0
    while position < len(text.rstrip()):
        term = _TERM.match(text, position)
        if term is None:
            raise unprocessable(query=f"can not be understood from {text[position:][:40]!r} on")
        groups[-1].append(_test(term))
        join = _JOIN.match(text, term.end())
        if join is None:
            raise unprocessable(query=f"can not be understood from {text[term.end() :][:40]!r} on")
        if join["word"] == "OR":
            groups.append([])
        position = join.end()
    return lambda alert: any(all(test(alert) for test in group) for group in groups)


def _test(term: re.Match[str]) -> Predicate:
    read = _FIELDS.get(term["field"].lower())
    if read is None:
        raise unprocessable(query=f"field {term['field']} can not be searched")
    values = _values(term)
    compare = _compare(term["op"])
    wanted = not term["not"]
    return lambda alert: any(compare(read(alert), value) for value in values) is wanted


def _values(term: re.Match[str]) -> list[str]:
    if term["list"] is not None:
        return [value.strip().strip('"') for value in re.split(r"\s+OR\s+", term["list"].strip())]
    return [term["quoted"] if term["quoted"] is not None else term["bare"]]


def _compare(op: str) -> Callable[[Any, str], bool]:
    if op in (":", "="):
        return lambda own, value: value in own if isinstance(own, list) else str(own).lower() == value.lower()
    order: dict[str, Callable[[int, int], bool]] = {
        "<": lambda a, b: a < b,
        ">": lambda a, b: a > b,
        "<=": lambda a, b: a <= b,
        ">=": lambda a, b: a >= b,
    }
    chosen = order[op]
    return lambda own, value: isinstance(own, int) and value.isdigit() and chosen(own, int(value))
