"""Which rules and services can hold at all for these facts, without asking each of them?

A rule `alert.source == "x" && …` can only hold where the source is "x". One such equality per rule, the
rarest, decides where it is kept. The answer is a superset: each candidate is still asked as usual.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from tocsin.core.facts import LABEL_MAPS, read
from tocsin.core.model import Json
from tocsin.core.policy import Condition, Conjunction, RuleIndex, Service

Needs = Sequence[tuple[str, str]]


def index_of(all_needs: Sequence[Needs]) -> RuleIndex:
    """An index over rules with these needs; positions are those of the sequence."""
    usable = [[need for need in needs if _usable(need)] for needs in all_needs]
    shared = Counter(need for needs in usable for need in needs)
    always: list[int] = []
    by_path: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    by_label: dict[str, dict[tuple[str, str], list[int]]] = defaultdict(lambda: defaultdict(list))
    for position, needs in enumerate(usable):
        if not needs:
            always.append(position)
            continue
        path, value = min(needs, key=lambda need: shared[need])
        prefix = _label_map(path)
        if prefix:
            by_label[prefix][path[len(prefix) + 1 :], value].append(position)
        else:
            by_path[path][value].append(position)
    return RuleIndex(
        always=tuple(always),
        by_path={path: {text: tuple(at) for text, at in values.items()} for path, values in by_path.items()},
        by_label={name: {pair: tuple(at) for pair, at in pairs.items()} for name, pairs in by_label.items()},
    )


def candidates(index: RuleIndex | None, count: int, facts: Mapping[str, Json]) -> Sequence[int]:
    """Positions, ascending, of the rules out of `count` that can hold; all of them without an index."""
    if index is None:
        return range(count)
    found = list(index.always)
    for path, values in index.by_path.items():
        found.extend(values.get(read(facts, path), ()))
    for name, pairs in index.by_label.items():
        owner, labels = name.split(".")
        for pair in facts[owner][labels].items():
            found.extend(pairs.get(pair, ()))
    found.sort()
    return found


def needs_of(condition: Condition) -> Needs:
    """What a condition needs, () when it cannot tell."""
    return condition.needs if isinstance(condition, Conjunction) else ()


def catalog_needs(services: Iterable[Service]) -> list[Needs]:
    """What each service's `match` needs, with full paths ("source" is "alert.source")."""
    return [[(f"alert.{path}", text) for path, text in service.match.items()] for service in services]


def _usable(need: tuple[str, str]) -> bool:
    # A label that is absent reads as "", so a wish for "" cannot be found among the labels there are.
    return bool(need[1]) or not _label_map(need[0])


def _label_map(path: str) -> str:
    return next((name for name in LABEL_MAPS if path.startswith(name + ".")), "")
