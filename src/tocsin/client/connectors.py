"""How are connectors managed from outside: their kinds, settings and mappings, and changes of them?"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote

import msgspec

from tocsin.client.house import House
from tocsin.client.shapes import Page, Shape, paged, shaped


class ConnectorChange(Shape):
    """What a change of a connector did, or with `dry_run` would do."""

    name: str = ""
    version: int = 0
    changed: bool = False
    dry_run: bool = False
    diff: str = ""
    warnings: list[str] = msgspec.field(default_factory=list)
    refusals: list[dict[str, Any]] = msgspec.field(default_factory=list)
    webhook_url: str = ""


class Credential(Shape):
    """A credential that is set; nobody is told its text."""

    field: str = ""
    changed_at: datetime | None = None
    usable: bool = True


class ConnectorSettings(Shape):
    """How a connector is set; a credential is null in `settings`. `by_command`: "", made or changed."""

    name: str = ""
    type: str = ""
    settings: dict[str, Any] = msgspec.field(default_factory=dict)
    credentials: list[Credential] = msgspec.field(default_factory=list)
    by_command: str = ""
    webhook_url: str = ""
    public: bool = False


class ConnectorMapping(Shape):
    """One mapping. `kind`: service, escalation or policy; `there` None = it could not be asked."""

    kind: str = ""
    here: str = ""
    remote: str = ""
    remote_name: str = ""
    there: bool | None = None
    field: str = ""


class ConnectorMappings(Shape):
    """Every mapping of a connector; `fault` = why its provider could not be asked."""

    connector: str = ""
    type: str = ""
    title: str = ""
    fault: str = ""
    items: list[ConnectorMapping] = msgspec.field(default_factory=list)


class Prompt(Shape):
    """A setting that is asked for when a connector is added by hand."""

    field: str = ""
    label: str = ""
    default: str = ""
    hint: str = ""
    secret: bool = False
    required: bool = False
    several: bool = False
    choices: list[str] = msgspec.field(default_factory=list)


class ConnectorType(Shape):
    """A kind of provider; the words are those of its mappings."""

    name: str = ""
    title: str = ""
    service_word: str = ""
    service_prefix: str = ""
    escalation_prefix: str = ""
    prompts: list[Prompt] = msgspec.field(default_factory=list)


class Managed(House):
    """Connectors, as things that people manage. Changes need the scope admin."""

    def connector_types(self) -> Page[ConnectorType]:
        """The kinds of provider of this server."""
        return paged(self.call("GET", "/api/v1/connector-types").json(), ConnectorType)

    def connector_settings(self, name: str) -> ConnectorSettings:
        """How it is set, without credentials."""
        return shaped(self.call("GET", f"{_path(name)}/settings").json(), ConnectorSettings)

    def connector_mappings(self, name: str) -> ConnectorMappings:
        """What it maps, each with the name its provider gives it now."""
        return shaped(self.call("GET", f"{_path(name)}/mappings").json(), ConnectorMappings)

    def add_connector(
        self, name: str, kind: str, settings: Mapping[str, object], *, dry_run: bool = False, force: bool = False
    ) -> ConnectorChange:  # fmt: skip
        """Conflict when there is one of this name; BadInput names each setting that is wrong."""
        body = {**settings, "name": name, "type": kind}
        return self._changed("POST", "/api/v1/connectors", body, dry_run=dry_run, force=force)

    def change_connector(
        self, name: str, patch: Mapping[str, object], *, dry_run: bool = False, force: bool = False
    ) -> ConnectorChange:
        """A JSON merge patch of its settings: None takes one away, what is not named stays."""
        return self._changed("PATCH", _path(name), dict(patch), dry_run=dry_run, force=force)

    def pause_connector(self, name: str, *, dry_run: bool = False, force: bool = False) -> ConnectorChange:
        """From now on it is asked for nothing."""
        return self._changed("POST", f"{_path(name)}/pause", {}, dry_run=dry_run, force=force)

    def resume_connector(self, name: str, *, dry_run: bool = False) -> ConnectorChange:
        """It is asked again; what waited is sent."""
        return self._changed("POST", f"{_path(name)}/resume", {}, dry_run=dry_run, force=False)

    def remove_connector(self, name: str, *, dry_run: bool = False, force: bool = False) -> ConnectorChange:
        """Conflict names what still needs it."""
        return self._changed("DELETE", _path(name), None, dry_run=dry_run, force=force)

    def _changed(
        self, method: str, path: str, body: dict[str, object] | None, *, dry_run: bool, force: bool
    ) -> ConnectorChange:
        query = {name: "true" for name, on in (("dry_run", dry_run), ("force", force)) if on}
        answer = self.call(method, path, query=query, json_body=body)
        return shaped(answer.json(), ConnectorChange)


def _path(name: str) -> str:
    return f"/api/v1/connectors/{quote(name, safe='')}"
