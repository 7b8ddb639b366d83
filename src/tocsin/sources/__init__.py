"""Which sources are there? Every folder here with a manifest.toml; nothing is registered anywhere else."""

from __future__ import annotations

import importlib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import cast

from tocsin.core.kinds import SourceFacts, source_facts
from tocsin.core.model import Json
from tocsin.core.ports import Request, Source

_NEEDED = ("name", "title", "home_page", "key_format", "methods", "payload", "verify", "grade")
_TYPES: Mapping[str, type] = {"text": str, "bool": bool, "choice": str}


class BrokenSource(Exception):
    """A folder that wants to be a source cannot be used; the message names the folder and the fault."""


@dataclass(frozen=True, slots=True)
class SourceKind:
    """One source. `module` has the functions of `ports.Source`; `manifest` is its manifest.toml as read
    (docs/howto/add-a-source.md lists the keys)."""

    name: str
    module: Source
    manifest: Mapping[str, Json]
    folder: Path

    def fixtures(self) -> Mapping[str, Request]:
        """Recorded requests by situation ("firing" …), for a test event and for the tests."""
        files = sorted((self.folder / "fixtures").glob("*.http"))
        return {file.stem: read_request(file.read_bytes()) for file in files}

    @property
    def facts(self) -> SourceFacts:
        """What a configuration must know of it."""
        return source_facts(self.manifest)

    def option_faults(self, options: Mapping[str, Json]) -> list[tuple[str, str]]:
        """(option, what is wrong) for each fault in an integration's options; [] = usable."""
        known: Mapping[str, Mapping[str, Json]] = self.manifest.get("options", {})
        faults = []
        for name, value in options.items():
            if name not in known:
                faults.append((name, f"unknown option; {self.name} has: {', '.join(known) or 'none'}"))
            elif not isinstance(value, _TYPES[known[name]["type"]]):
                faults.append((name, f"must be of type {known[name]['type']}"))
            elif value not in known[name].get("choices", [value]):
                faults.append((name, f"must be one of: {', '.join(known[name]['choices'])}"))
        return faults


def discover() -> Mapping[str, SourceKind]:
    """Every source by name, in order of name. Raises BrokenSource."""
    found = {}
    for root in __path__:  # more than one when a package elsewhere extends this one
        for folder in sorted(Path(root).iterdir()):
            if (folder / "manifest.toml").is_file() or (folder / "adapter.py").is_file():
                manifest = _manifest(folder)
                if not manifest.get("later"):
                    found[folder.name] = _load(folder, manifest)
    return dict(sorted(found.items()))


@cache
def announced() -> Mapping[str, SourceFacts]:
    """Sources that come later (`later = true`, and no adapter yet): a configuration may name them already, so that
    it need not change then."""
    files = (file for root in __path__ for file in sorted(Path(root).glob("*/manifest.toml")))
    manifests = (_manifest(file.parent) for file in files)
    return {str(m["name"]): source_facts(m) for m in manifests if m.get("later")}


def _manifest(folder: Path) -> Mapping[str, Json]:
    try:
        return tomllib.loads((folder / "manifest.toml").read_text("utf-8"))
    except FileNotFoundError:
        raise BrokenSource(f"source {folder}: there is an adapter.py but no manifest.toml") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as fault:
        raise BrokenSource(f"source {folder}: manifest.toml cannot be read: {fault}") from fault


def _load(folder: Path, manifest: Mapping[str, Json]) -> SourceKind:
    if missing := [key for key in _NEEDED if key not in manifest]:
        raise BrokenSource(f"source {folder}: manifest.toml lacks {', '.join(missing)}")
    if manifest["name"] != folder.name:
        raise BrokenSource(f"source {folder}: manifest.toml names it {manifest['name']!r}, not as its folder")
    try:
        re.compile(manifest["key_format"])
    except (re.error, TypeError) as fault:
        raise BrokenSource(f"source {folder}: key_format is no pattern: {fault}") from fault
    try:
        module = importlib.import_module(f"{__name__}.{folder.name}.adapter")
    except Exception as fault:  # whatever a folder does wrong is told as its fault
        raise BrokenSource(f"source {folder}: adapter.py cannot be imported: {fault}") from fault
    if missing := [name for name in ("parse", "verify") if not callable(getattr(module, name, None))]:
        raise BrokenSource(f"source {folder}: adapter.py lacks the function {' and '.join(missing)}")
    return SourceKind(folder.name, cast(Source, module), manifest, folder)


def read_request(raw: bytes) -> Request:
    """A recorded HTTP request (request line, headers, empty line, body) as intake would hand it over."""
    head, _, body = raw.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    method, target, _ = first.split(" ", 2)
    path, _, query = target.partition("?")
    fields = (line.split(":", 1) for line in lines)
    headers = {name.strip().lower(): value.strip() for name, value in fields}
    return Request(method=method, path=path, query=query, headers=headers, body=body)
