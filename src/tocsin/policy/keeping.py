"""What of the version in force stays when a file is laid over it: what did commands do that the file does not know?

A file has the word over what it names; what a command made stays until the file names it or somebody prunes
(ADR 0029). At the start of a hub the file alone takes nothing back that it did not change itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tocsin.core.model import Json
from tocsin.policy.document import Node, node_of
from tocsin.policy.entries import Mark, Marks, entry_in, entry_of, markers, marks_of, put
from tocsin.policy.secrets import TakenOut


@dataclass(frozen=True, slots=True, kw_only=True)
class Present:
    """The version in force and its credentials, as far as they can be opened. `start` = the hub is starting with the
    file, nobody has asked for it; `prune` = what commands made and the file does not name goes."""

    document: Mapping[str, Json] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    start: bool = False
    prune: bool = False


@dataclass(frozen=True, slots=True)
class Kept:
    """The file with what stays. `marks` are those that go on; `told` says what became of each of the others;
    `names` are the dotted paths of the entries that were taken over."""

    root: Node
    secrets: dict[str, str]
    marks: Marks
    told: tuple[str, ...]
    names: tuple[str, ...]


def lay_over(taken: TakenOut, present: Present) -> Kept:
    """Lay a file over the version in force."""
    root, secrets = taken.root, dict(taken.secrets)
    marks: Marks = {}
    told: list[str] = []
    names: list[str] = []
    for (section, name), mark in sorted(marks_of(present.document).items()):
        path = f"{section}.{name}"
        now, file = entry_of(present.document, section, name), entry_in(taken.root, section, name)
        stays, sentence = _stays(path, mark, now, file, taken.secrets, present)
        if sentence:
            told.append(sentence)
        if not stays:
            continue
        marks[section, name] = mark
        names.append(path)
        root = put(root, section, name, None if now is None else node_of(now))
        given = {n for n in secrets if n.startswith(f"{path}.")}
        for secret in given & mark.credentials if now is not None else given:
            del secrets[secret]
        held = {n: present.secrets[n] for n in markers(now) if n in present.secrets and n not in secrets}
        secrets |= held
    return Kept(root, secrets, marks, tuple(told), tuple(names))


def _stays(
    path: str, mark: Mark, now: Json, file: Json, given: Mapping[str, str], present: Present
) -> tuple[bool, str]:
    """Whether what a command did stays, and a sentence for whoever applies the file."""
    if mark.made:
        if file is not None:
            return (
                False,
                f"{path}: was made by command and is in the file now: the file's entry counts from here on",
            )
        if present.prune:
            return False, f"{path}: was made by command and is not in the file: it is removed"
        stays = f"{path}: was made by command and is not in the file: it stays; --prune removes it"
        return True, "" if present.start else stays
    what = "removed" if now is None else "changed"
    if present.start and file == mark.file:
        return True, f"{path}: was {what} by command and stays so; `im apply -f` takes the file's again"
    if file is None:
        return False, ""
    if file != now:
        return False, f"{path}: was {what} by command; the file takes that back"
    other = sorted(n for n in mark.credentials if n in given and given[n] != present.secrets.get(n))
    if other:
        fields = ", ".join(n.removeprefix(f"{path}.") for n in other)
        return False, f"{path}: the file's {fields} takes the place of what was given by command"
    return False, ""
