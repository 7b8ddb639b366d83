"""What can be asked of a server? One method for each thing the public API offers at this stage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from tocsin.client.access import Access
from tocsin.client.acts import Acts, acted
from tocsin.client.audit import AuditLog
from tocsin.client.catalog import Catalog
from tocsin.client.connectors import Managed
from tocsin.client.deliveries import Delivery
from tocsin.client.digests import Digest, DigestSent
from tocsin.client.figures import Figures
from tocsin.client.logs import LogWays
from tocsin.client.looks import Looks
from tocsin.client.mutes import Mute, MutePreview
from tocsin.client.reports import Reports
from tocsin.client.shapes import (
    Accepted,
    Alert,
    Config,
    ConfigChange,
    ConfigDifference,
    ConfigVersion,
    Connector,
    Explanation,
    Incident,
    Page,
    TimelineLine,
    paged,
    shaped,
)
from tocsin.client.sides import Checked, Divergence, SyncReport
from tocsin.client.stream import Stream
from tocsin.client.transport import KEY_HEADER


class Client(Acts, Reports, Looks, LogWays, Figures, Managed, AuditLog, Access, Catalog):
    """A server's public API. Every method raises ClientError; see `tocsin.client.errors`.

    `url` like http://127.0.0.1:8000 (ValueError when it is none), `timeout` in seconds. Use it as a context
    manager, or call `close`. One client serves one thread.
    """

    # --- incidents -----------------------------------------------------------------------------------

    def incidents(
        self,
        *,
        status: str = "",
        severity: str = "",
        service: str = "",
        team: str = "",
        q: str = "",
        limit: int = 100,
        cursor: str = "",
    ) -> Page[Incident]:
        """Incidents, by default those open or mitigated. `status` is a comma list, `limit` 1…500."""
        query = {"status": status, "severity": severity, "service": service, "team": team, "q": q}
        return self._page("/api/v1/incidents", Incident, query | {"limit": limit, "cursor": cursor})

    def incident(self, name: str) -> Incident:
        """One incident by "INC-7", "7" or its id."""
        return self._one(f"/api/v1/incidents/{_part(name)}", Incident)

    def timeline(self, name: str, *, cursor: str = "", limit: int = 500) -> Page[TimelineLine]:
        """The incident's steps, oldest first."""
        path = f"/api/v1/incidents/{_part(name)}/timeline"
        return self._page(path, TimelineLine, {"limit": limit, "cursor": cursor})

    def deliveries(self, name: str, *, cursor: str = "", limit: int = 500) -> Page[Delivery]:
        """Every attempt at telling a provider about the incident."""
        path = f"/api/v1/incidents/{_part(name)}/deliveries"
        return self._page(path, Delivery, {"limit": limit, "cursor": cursor})

    def incident_alerts(self, name: str) -> Page[Alert]:
        """The alerts that make up the incident."""
        return self._page(f"/api/v1/incidents/{_part(name)}/alerts", Alert, {})

    def declare(
        self,
        title: str,
        severity: str,
        services: Sequence[str],
        *,
        description: str = "",
        connectors: Sequence[str] = (),
        fields: Mapping[str, object] | None = None,
        key: str = "",
    ) -> Incident:
        """Open an incident by hand. `key` makes a call that is repeated later harmless (Idempotency-Key)."""
        given = {"description": description, "connector": list(connectors), "fields": dict(fields or {})}
        body = {"title": title, "severity": severity, "services": list(services)} | _known(given)
        answer = self.call("POST", "/api/v1/incidents", json_body=body, headers=_key(key))
        return shaped(answer.json(), Incident)

    def update(
        self,
        name: str,
        *,
        title: str | None = None,
        description: str | None = None,
        severity: str | None = None,
        fields: Mapping[str, object] | None = None,
    ) -> Incident:
        """Change what is given, None leaves as it is; a field of None or "" is taken away. A higher severity pages
        again. `changed` is False when it was so already."""
        given = {"title": title, "description": description, "severity": severity, "fields": fields}
        body = {name: value for name, value in given.items() if value is not None}
        return acted(self.call("PATCH", f"/api/v1/incidents/{_part(name)}", json_body=body))

    # --- alerts --------------------------------------------------------------------------------------

    def alerts(
        self,
        *,
        status: str = "",
        integration: str = "",
        incident: str = "",
        q: str = "",
        limit: int = 100,
        cursor: str = "",
    ) -> Page[Alert]:
        """Alerts, newest first."""
        query = {"status": status, "integration": integration, "incident": incident, "q": q}
        return self._page("/api/v1/alerts", Alert, query | {"limit": limit, "cursor": cursor})

    def alert(self, alert_id: str) -> Alert:
        """One alert by its id."""
        return self._one(f"/api/v1/alerts/{_part(alert_id)}", Alert)

    def send(self, alert: Mapping[str, object], *, wait: bool = False, key: str = "") -> Accepted:
        """Send one alert (title, source, severity, service_name, dedup_key, labels, details, action …).

        `wait` asks for the decision too; `key` makes a call that is repeated later harmless.
        """
        query = {"wait": "decision"} if wait else {}
        answer = self.call("POST", "/api/v1/alerts", query=query, json_body=dict(alert), headers=_key(key))
        return shaped(answer.json(), Accepted)

    def send_batch(self, alerts: Sequence[Mapping[str, object]], *, key: str = "") -> Page[Accepted]:
        """Send many alerts: all are stored, or none; one answer for each, in their order."""
        body = [dict(alert) for alert in alerts]
        answer = self.call("POST", "/api/v1/alerts/batch", json_body=body, headers=_key(key))
        return paged(answer.json(), Accepted)

    def digests(self, *, name: str = "", limit: int = 100, cursor: str = "") -> Page[Digest]:
        """What is collected for digests now, then those that were sent, the last first."""
        return self._page("/api/v1/digests", Digest, {"name": name, "limit": limit, "cursor": cursor})

    def send_digest(self, name: str) -> DigestSent:
        """Let a digest leave now; how many alerts it told."""
        return shaped(
            self.call("POST", f"/api/v1/digests/{_part(name)}/send", json_body={}).json(), DigestSent
        )

    def explain(self, question: Mapping[str, object]) -> Explanation:
        """Ask why: {"incident"}, {"alert_id"} or {"alert": {…imagined}, "at"?}."""
        return shaped(self.call("POST", "/api/v1/explain", json_body=dict(question)).json(), Explanation)

    # --- configuration -------------------------------------------------------------------------------

    def config(self) -> Config:
        """The configuration in force."""
        return self._one("/api/v1/config", Config)

    def config_diff(
        self, text: str, environment: Mapping[str, str], file: str, *, prune: bool = False
    ) -> ConfigChange:
        """What would change if this YAML text were applied. BadInput names lines of `text`."""
        return self._config("/api/v1/config/diff", text, environment, file, {}, prune)

    def config_apply(
        self,
        text: str,
        environment: Mapping[str, str],
        file: str,
        *,
        force: bool = False,
        prune: bool = False,
    ) -> ConfigChange:
        """Apply this YAML text; `environment` fills its ${NAMES}. Conflict (code "unsafe") names what it would
        cost now, unless `force`. `prune` = without what commands made and the text does not name."""
        query = {"force": "true"} if force else {}
        return self._config("/api/v1/config", text, environment, file, query, prune)

    def config_versions(self, *, limit: int = 100, cursor: str = "") -> Page[ConfigVersion]:
        """Every configuration that was applied, the newest first, without its text."""
        return self._page("/api/v1/config/versions", ConfigVersion, {"limit": limit, "cursor": cursor})

    def config_version(self, version: int) -> ConfigVersion:
        """One of them with its text."""
        return self._one(f"/api/v1/config/versions/{version}", ConfigVersion)

    def config_difference(self, version: int, to: int | None = None) -> ConfigDifference:
        """From `version` to another, by default the one in force."""
        path = f"/api/v1/config/versions/{version}/diff"
        query = {} if to is None else {"to": to}
        return shaped(self.call("GET", path, query=query).json(), ConfigDifference)

    def config_rollback(self, version: int, *, dry_run: bool = False, force: bool = False) -> ConfigChange:
        """Put `version` in force again, as a new version. BadInput and Conflict name what stands against it."""
        query = {name: "true" for name, on in (("dry_run", dry_run), ("force", force)) if on}
        path = f"/api/v1/config/versions/{version}/rollback"
        return shaped(self.call("POST", path, query=query).json(), ConfigChange)

    def _config(
        self, path: str, text: str, environment: Mapping[str, str], file: str, query: Mapping[str, object],
        prune: bool,
    ) -> ConfigChange:  # fmt: skip
        body: dict[str, object] = {"text": text, "environment": dict(environment), "file": file}
        body |= {"prune": True} if prune else {}
        return shaped(self.call("POST", path, query=query, json_body=body).json(), ConfigChange)

    # --- silences and maintenance windows --------------------------------------------------------------

    def mutes(self, kind: str, *, state: str = "live", limit: int = 100, cursor: str = "") -> Page[Mute]:
        """`kind` is "silences" or "maintenance"; `state` live (they mute now, or will), over or all."""
        return self._page(f"/api/v1/{kind}", Mute, {"state": state, "limit": limit, "cursor": cursor})

    def mute(self, kind: str, name: str) -> Mute:
        """One by its id, or a window of the configuration by its name."""
        return self._one(f"/api/v1/{kind}/{_part(name)}", Mute)

    def make_mute(self, kind: str, fields: Mapping[str, object], *, key: str = "") -> Mute:
        """Make one: name, match, when, except, every, timezone, starts_at, ends_at, owner, comment, everything."""
        answer = self.call("POST", f"/api/v1/{kind}", json_body=_known(fields), headers=_key(key))
        return shaped(answer.json(), Mute)

    def change_mute(self, kind: str, name: str, fields: Mapping[str, object]) -> Mute:
        """Change some of its fields; what it no longer covers is decided again at once."""
        answer = self.call("PATCH", f"/api/v1/{kind}/{_part(name)}", json_body=dict(fields))
        return shaped(answer.json(), Mute)

    def end_mute(self, kind: str, name: str) -> Mute:
        """End it now; what still fires is paged."""
        return shaped(self.call("DELETE", f"/api/v1/{kind}/{_part(name)}").json(), Mute)

    def preview_mute(self, kind: str, fields: Mapping[str, object]) -> MutePreview:
        """Which live alerts it would cover now; nothing is changed."""
        answer = self.call("POST", f"/api/v1/{kind}/preview", json_body=_known(fields))
        return shaped(answer.json(), MutePreview)

    # --- connectors, tokens, the server itself ---------------------------------------------------------

    def connectors(self) -> Page[Connector]:
        """The configured connectors."""
        return self._page("/api/v1/connectors", Connector, {})

    def connector(self, name: str) -> Connector:
        """One connector: settings, breaker, queue, last success."""
        return self._one(f"/api/v1/connectors/{_part(name)}", Connector)

    def sync(self, connector: str, *, incident: str = "") -> SyncReport:
        """Read a connector now, one incident or all live ones, and do what follows."""
        path = f"/api/v1/connectors/{_part(connector)}/sync"
        answer = self.call("POST", path, json_body={"incident": incident} if incident else {})
        return shaped(answer.json(), SyncReport)

    def check(self, connector: str) -> Checked:
        """Ask a connector's provider how it is set up, changing nothing there."""
        answer = self.call("POST", f"/api/v1/connectors/{_part(connector)}/check", json_body={})
        return shaped(answer.json(), Checked)

    def divergences(self, *, state: str = "open", **narrowed: str | int) -> Page[Divergence]:
        """Where providers and the hub differ, the newest first. `state` is open, ended or all; narrowed by
        `connector` and `incident`, in pages by `limit` and `cursor`."""
        return self._page("/api/v1/divergences", Divergence, {"state": state, **narrowed})

    def stream(self, *, last_event_id: str = "") -> Stream:
        """Open the event stream on a connection of its own; iterate over it for StreamEvent."""
        return Stream(self._transport, path="/api/v1/stream", last_event_id=last_event_id)


def _part(name: str) -> str:
    return quote(name, safe="")


def _known(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value not in ("", [], {}, None)}


def _key(key: str) -> dict[str, str]:
    return {KEY_HEADER: key} if key else {}
