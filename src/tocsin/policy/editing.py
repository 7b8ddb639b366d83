"""How does one entry of the document change, with everything else left as it is?

The credentials of other entries stay sealed; those of the entry itself that are not given again stay as their
`{"$secret": name}` markers.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

from tocsin.core.errors import BadInput, FieldFault
from tocsin.core.kinds import ProviderFacts, SourceFacts
from tocsin.core.model import Json
from tocsin.core.values import replace
from tocsin.policy.document import Faults, Node, node_of
from tocsin.policy.entries import Mark, entry_of, markers, marks_of, put, with_marks
from tocsin.policy.loading import CheckSettings, Loaded, document_hash, ordered, whole
from tocsin.policy.secrets import take_out

Entry = dict[str, Json]
Change = Callable[[Any], Any]
"""The entry as it is stored (None = there is none) -> as it shall be (None = gone); an entry is JSON, mostly a mapping.
It may raise a Refusal, and be called more than once."""


def edit(
    document: Mapping[str, Json], section: str, name: str, change: Change, *, secrets: Mapping[str, str],
    known_sources: Mapping[str, SourceFacts], known_providers: Mapping[str, ProviderFacts], check_settings: CheckSettings,
) -> Loaded:  # fmt: skip
    """The document with one entry changed, checked as a whole; raises BadInput with every fault, without lines.

    `secrets` are the credentials kept now. In what `change` returns a plain text at the place of a credential is a
    new one; a marker must be one that the entry had.
    """
    before = entry_of(document, section, name)
    after = change(copy.deepcopy(before))
    faults = Faults()
    known = dict(secrets)
    given: dict[str, str] = {}
    node: Node | None = None
    if after is not None:
        kept = frozenset(markers(before)) & frozenset(markers(after))
        new = _without_key_hash(after, section, kept)
        taken = take_out(node_of({section: {name: new}}), faults, known_sources, kept=kept)
        node, given = _entry(taken.root, section, name), taken.secrets
        lost = sorted(set(markers(node.json())) - known.keys() - given.keys())
        for credential in lost:
            faults.add(credential, "cannot be opened with the present TOCSIN_SECRET_KEY: give it again", None)
    if faults.found:
        raise refusal(faults.found)
    root = put(node_of(ordered(document)), section, name, node)
    loaded = whole(root, {**known, **given}, known_sources, known_providers, check_settings)
    if isinstance(loaded, Faults):
        raise refusal(loaded.found)
    marks = marks_of(document)
    mark = marks.pop((section, name), Mark(before))
    new_ones = mark.credentials | {n for n in given if secrets.get(n) != given[n]}
    mark = replace(mark, credentials=frozenset() if after is None or mark.made else new_ones)
    now = entry_of(loaded.document, section, name)
    if now != mark.file or mark.credentials:
        marks[section, name] = mark
    stored = with_marks(loaded.document, marks)
    return replace(loaded, document=stored, hash=document_hash(stored))


def refusal(faults: tuple[FieldFault, ...]) -> BadInput:
    """What is wrong with an edit, the first fault in its sentence."""
    first = faults[0]
    more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
    subject = f"{first.field}: " if first.field else ""
    return BadInput(f"{subject}{first.message}{more}", faults=faults, hint="nothing was changed")


def _entry(root: Node, section: str, name: str) -> Node:
    part = root.value[section] if isinstance(root.value, dict) else root
    return part.value[name] if isinstance(part.value, dict) else part


def _without_key_hash(entry: Json, section: str, kept: frozenset[str]) -> Json:
    """An integration with a new key: the hash of the old one goes with it."""
    if section != "integrations" or not isinstance(entry, dict) or set(markers(entry.get("key"))) & kept:
        return entry
    return {key: value for key, value in entry.items() if key != "key_hash"}
