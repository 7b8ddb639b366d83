"""Which of a provider's things is meant by which of ours? Proposals by name, each with its reason; nobody is mapped by them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from tocsin.core.checks import Thing

ALIKE = 0.8
"""Share of letters in common from which on two names are taken for the same, spelled otherwise."""

_EMPTY = frozenset(
    ("service", "services", "svc", "team", "prod", "production", "default", "escalation", "policy", "schedule", "the")
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Ours:
    """A name of our catalog that may be mapped in `setting`; `also` = another name it goes by, such as its team's."""

    setting: str
    name: str
    also: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """`name` in `setting` may mean `value` there, which is called `there`. `score` is above 0, at most 1."""

    setting: str
    name: str
    value: str
    there: str
    score: float
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposed:
    """Proposals in the order of our catalog; `doubtful` = (name, why none is made for it)."""

    proposals: tuple[Proposal, ...]
    doubtful: tuple[tuple[str, str], ...] = ()


def proposed(ours: Sequence[Ours], things: Sequence[Thing], mapped: Mapping[str, Iterable[str]]) -> Proposed:
    """One at most for each name that is not `mapped` in its setting already; none where two things fit equally."""
    found: list[Proposal] = []
    doubtful: list[tuple[str, str]] = []
    for one in ours:
        if one.name in set(mapped.get(one.setting, ())):
            continue
        fitting = sorted(
            (
                made
                for thing in things
                if thing.setting == one.setting and (made := _compared(one, thing)) is not None
            ),
            key=lambda made: -made.score,
        )
        best = [made for made in fitting if made.score == fitting[0].score]
        if len(best) == 1:
            found.append(best[0])
        elif best:
            doubtful.append((one.name, f"fits {' and '.join(made.there for made in best)} equally"))
        else:
            doubtful.append((one.name, "nothing there has a name like it"))
    return Proposed(proposals=tuple(found), doubtful=tuple(doubtful))


def _compared(one: Ours, thing: Thing) -> Proposal | None:
    verdict = _alike(one.name, thing.name)
    if verdict is None and one.also:
        verdict = _alike(one.also, thing.name)
        verdict = (verdict[0] * 0.9, f"its team {one.also}: {verdict[1]}") if verdict else None
    if verdict is None:
        return None
    return Proposal(
        setting=one.setting, name=one.name, value=thing.value, there=thing.name, score=round(verdict[0], 2),
        reason=verdict[1],
    )  # fmt: skip


def _alike(ours: str, theirs: str) -> tuple[float, str] | None:
    """How alike two names are, and why; None when they are not."""
    if ours.casefold() == theirs.casefold():
        return 1.0, "the same name"
    a, b = _words(ours), _words(theirs)
    if not a or not b:
        return None
    if a == b:
        return 0.95, "the same words"
    if a <= b or b <= a:
        shared = " ".join(sorted(a & b))
        return 0.7 + 0.2 * len(a & b) / len(a | b), f'both say "{shared}"'
    ratio = SequenceMatcher(None, "".join(sorted(a)), "".join(sorted(b))).ratio()
    return (ratio * 0.85, "spelled almost alike") if ratio >= ALIKE else None


def _words(name: str) -> frozenset[str]:
    """Its words without those that say nothing; plurals are as singulars."""
    parts = re.findall(r"[^\W_]+", name.casefold())
    meant = [part.removesuffix("s") if len(part) > 3 else part for part in parts if part not in _EMPTY]
    return frozenset(meant)
