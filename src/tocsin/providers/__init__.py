"""Which kinds of provider are there? One folder each; a folder with a manifest is a provider.

Nothing lists them: adding a provider is adding a folder (PR-2). A folder may offer further types of its
own (`[types.<name>]` in its manifest, whose keys win over the folder's), as Opsgenie's may offer jsm.
"""

from __future__ import annotations

import importlib
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from tocsin.core.kinds import ProviderFacts, provider_facts
from tocsin.core.model import Json
from tocsin.core.ports import Provider

REQUIRED = (
    "name",
    "title",
    "home",
    "docs",
    "wire",
    "abilities",
    "limits",
    "secrets",
    "grade",
    "grade_reasons",
)
GRADES = ("draft", "field-tested", "dependable")


class BrokenProvider(Exception):
    """A provider's folder cannot be used; the message names the folder and what is wrong."""


@dataclass(frozen=True, slots=True)
class ProviderKind:
    """One value of `connectors.<name>.type`. `module` answers as a `Provider`; `abilities` names the
    effects it carries out and the optional functions it has; `manifest` is the file, read."""

    name: str
    module: Provider
    manifest: Mapping[str, Json]
    abilities: frozenset[str]

    @property
    def facts(self) -> ProviderFacts:
        """What a configuration must know of it."""
        return provider_facts(self.manifest)


def discover(folders: Iterable[str] | None = None) -> Mapping[str, ProviderKind]:
    """Every kind of provider by name, in order of name. `folders` are scanned for `*/manifest.toml`
    (default: this package's own path). Raises BrokenProvider."""
    kinds: dict[str, ProviderKind] = {}
    for manifest in sorted(
        file for folder in folders or __path__ for file in Path(folder).glob("*/manifest.toml")
    ):
        if manifest.parent.name.startswith("_"):
            continue  # the template
        for kind in _kinds_of(manifest):
            if kind.name in kinds:
                raise BrokenProvider(f"{manifest}: the type {kind.name!r} is offered twice; rename one")
            kinds[kind.name] = kind
    return dict(sorted(kinds.items()))


def _kinds_of(file: Path) -> list[ProviderKind]:
    try:
        manifest = tomllib.loads(file.read_text("utf-8"))
    except (OSError, ValueError) as fault:
        raise BrokenProvider(f"{file}: not readable as TOML: {fault}") from fault
    if missing := [key for key in REQUIRED if key not in manifest]:
        raise BrokenProvider(f"{file}: missing {', '.join(missing)}")
    if manifest["name"] != file.parent.name:
        raise BrokenProvider(f"{file}: name is {manifest['name']!r}, but the folder is {file.parent.name!r}")
    if manifest["grade"] not in GRADES:
        raise BrokenProvider(f"{file}: grade {manifest['grade']!r} is none of {', '.join(GRADES)}")
    types = manifest.get("types", {})
    if not isinstance(types, dict) or not all(isinstance(own, dict) for own in types.values()):
        raise BrokenProvider(f"{file}: types must be tables, [types.<name>]")
    try:
        module = importlib.import_module(f"{__name__}.{file.parent.name}.provider")
    except ImportError as fault:
        raise BrokenProvider(f"{file.parent}: provider.py cannot be imported: {fault}") from fault
    known = {manifest["name"]: manifest} | {
        name: manifest | own | {"name": name} for name, own in types.items()
    }
    return [_kind(file, name, cast(Provider, module), own) for name, own in known.items()]


def _kind(file: Path, name: str, module: Provider, manifest: dict[str, Json]) -> ProviderKind:
    abilities = manifest["abilities"]
    if not isinstance(abilities, list) or not all(isinstance(word, str) for word in abilities):
        raise BrokenProvider(f"{file}: abilities of {name!r} must be a list of words")
    return ProviderKind(name, module, manifest, frozenset(abilities))
