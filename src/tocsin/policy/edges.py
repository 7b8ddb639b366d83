"""Where do alerts come from and where do pages go: the sections `integrations` and `connectors`.

Both are read after credentials were taken out (`secrets.py`): a credential is `{"$secret": …}` here.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import urlsplit

from tocsin.core.alarm import INTEGRATION
from tocsin.core.bucket import Rate
from tocsin.core.kinds import ProviderFacts, SourceFacts
from tocsin.core.model import Json
from tocsin.core.policy import Connector, Defaults, Destination, Direction, Integration
from tocsin.core.reach import unreachable
from tocsin.core.targets import Targets
from tocsin.policy.fields import Section
from tocsin.policy.sla import read_targets

TALK = ("debug", "log_requests", "log_responses")
_SETTINGS = (
    "base_url",
    "events_url",
    "api_key",
    "routing_key",
    "region",
    "webhook_secrets",
    "webhook_token",
    "webhook_header",
    "custom",
    "custom_field_mappings",
    "sla_mapping",
)
BUILT_IN = ("api", INTEGRATION)
"""Integrations that are always there: callers of the API, and the hub itself."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}\Z")
_TARGET_WORDS = ("lead", "oncall", "both", "default")
_WINDOW = {"least": timedelta(minutes=15), "most": timedelta(days=30)}  # IN-6, IN-7


@dataclass(frozen=True, slots=True)
class Known:
    """The folders of sources and providers, by name. `complete` False = what is not among them is no fault (a
    stored version, whose folders may be gone)."""

    sources: Mapping[str, SourceFacts] = field(default_factory=dict)
    providers: Mapping[str, ProviderFacts] = field(default_factory=dict)
    complete: bool = True

    @property
    def source_names(self) -> Collection[str] | None:
        return self.sources if self.complete else None

    @property
    def provider_names(self) -> Collection[str] | None:
        return self.providers if self.complete else None


def read_connectors(section: Section, known: Known) -> dict[str, Connector]:
    """`connectors`: an entry that holds only logging switches applies to all of the type it is named
    after."""
    own, talk = {}, {}
    for name, entry in section.sections():
        if entry.entries and entry.entries.keys() <= set(TALK):
            entry.known("", name, known.provider_names, "connector type")
            talk[name] = {key: entry.flag(key, False) for key in TALK}
        else:
            own[name] = entry
    return {name: _connector(name, entry, known, talk) for name, entry in own.items()}


def read_integrations(
    section: Section,
    known: Known,
    teams: Collection[str],
    services: Collection[str],
    users: Collection[str],
) -> dict[str, Integration]:
    """`integrations`: configured instances of sources."""
    names = {"team": teams, "service": services, "user": users, "router": ("default",)}
    found: dict[str, Integration] = {}
    keys: dict[str, str] = {}
    for name, entry in section.sections():
        integration = _integration(name, entry, known, names)
        first = keys.setdefault(integration.key_hash, name)
        if integration.key_hash and first != name:
            entry.fault("key", f"is also the key of {first}: each integration needs its own")
        found[name] = integration
    return found


def _connector(name: str, entry: Section, known: Known, talk: Mapping[str, Mapping[str, bool]]) -> Connector:
    if not _NAME.match(name) or name in _TARGET_WORDS:
        entry.fault("", f'"{name}" cannot name a connector: letters, digits, ".", "_" and "-"')
    kind = entry.text("type", required=True)
    if kind:
        entry.known("type", kind, known.provider_names, "connector type")
    allow_http = entry.flag("allow_http", False)
    for key in ("base_url", "events_url"):
        _check_address(entry, key, allow_http)
    custom = entry.section("custom")
    interval = entry.duration("sync_interval", least=timedelta(seconds=10))
    settings: dict[str, Json] = {
        key: entry.json(key) for key in _SETTINGS if key in entry and entry.entries[key].value
    }
    if rate := _rate_limit(entry.section("rate_limit")):
        settings["rate_limit"] = rate
    all_of_type = talk.get(kind, {})
    switches = {key: entry.flag(key, all_of_type.get(key, False)) for key in TALK}
    connector = Connector(
        name=name,
        type=kind,
        direction=entry.choice("sync_direction", Direction, Direction.BIDIRECTIONAL),
        sync_interval=interval or Connector(name="", type="").sync_interval,
        enable_webhook=entry.flag("enable_webhook", True),
        import_incidents=entry.flag("import_incidents", False),
        paused=entry.flag("paused", False),
        auto_resolve=custom.flag("auto_resolve", True),
        sync_notes=custom.flag("sync_notes", True),
        sla=_sla(entry, custom),
        settings={**settings, "allow_http": allow_http},
        webhook_allow=_networks(entry),
        webhook_rate=_webhook_rate(entry.section("webhook_rate")),
        **switches,
    )
    entry.done()
    return connector


def new_keys_rate(section: Section, usual: Rate) -> Rate:
    """New keys a minute and at once that may open incidents (S17); per_minute 0 lifts the limit."""
    minute, burst = (section.integer(key, most=1_000_000) for key in ("per_minute", "burst"))
    section.done()
    if minute is None and burst is None:
        return usual
    rate = usual.per_minute if minute is None else float(minute)
    return Rate(rate, float(burst) if burst is not None else max(rate / 3, 1.0))


def _rate_limit(section: Section) -> dict[str, Json]:
    """Calls a minute and at once that the connector keeps to instead of its provider's documented rate;
    per_minute 0 lifts the limit."""
    found = {key: section.integer(key, most=1_000_000) for key in ("per_minute", "burst")}
    section.done()
    return {key: value for key, value in found.items() if value is not None}


def _sla(entry: Section, custom: Section) -> Targets:
    """`sla_mapping` stands beside `custom` or, as other settings do, inside."""
    return read_targets((entry if "sla_mapping" in entry else custom).section("sla_mapping"))


def _webhook_rate(section: Section) -> Rate:
    """Webhooks a minute and at once that are taken; per_minute 0 lifts the limit."""
    usual = Connector(name="", type="").webhook_rate
    minute, burst = (section.integer(key, most=1_000_000) for key in ("per_minute", "burst"))
    section.done()
    rate = usual.per_minute if minute is None else float(minute)
    return Rate(rate, float(burst) if burst is not None else min(usual.burst, max(rate / 5, 1.0)))


def _networks(entry: Section) -> tuple[str, ...]:
    """`webhook_allow`: addresses and networks."""
    found = []
    for number, (text, _) in enumerate(entry.texts("webhook_allow")):
        try:
            found.append(str(ipaddress.ip_network(text.strip(), strict=False)))
        except ValueError:
            entry.fault(f"webhook_allow.{number}", "is no address and no network such as 203.0.113.0/24")
    return tuple(found)


def _check_address(entry: Section, key: str, allow_http: bool) -> None:
    node = entry.node(key)
    if node is None or (isinstance(node.value, dict)) or not node.value:
        return
    if fault := address_fault(entry.text(key), allow_http=allow_http):
        entry.fault(key, fault)


def address_fault(text: str, *, allow_http: bool) -> str:
    """What is wrong with an address that the hub is to call, "" when nothing; it does not repeat the address."""
    try:
        url = urlsplit(text)
        host, _ = url.hostname, url.port
    except ValueError:
        url, host = urlsplit(""), None
    if url.scheme not in ("http", "https") or not host:
        return "must be an address such as https://api.example.com"
    if url.scheme == "http" and not allow_http and not _is_loopback(host):
        return "is http: only for loopback, or with allow_http: true"
    return unreachable(host)


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _integration(
    name: str, entry: Section, known: Known, names: Mapping[str, Collection[str]]
) -> Integration:
    if not _NAME.match(name):
        entry.fault("", f'"{name}" cannot name an integration: letters, digits, ".", "_" and "-"')
    if name in BUILT_IN:
        entry.fault("", f'"{name}" is built in and cannot be configured: choose another name')
    source = entry.text("source", required=True)
    if source:
        entry.known("source", source, known.source_names, "source")
    if "key" not in entry:
        entry.fault("key", "is missing: senders need it; make one with `openssl rand -hex 16`")
    resolve, since = _auto_resolve(entry)
    scope = entry.text("key_scope", known.sources.get(source, SourceFacts()).key_scope)
    if scope not in ("integration", "account"):
        entry.fault("key_scope", "must be integration or account")
    integration = Integration(
        name=name,
        source=source,
        key_hash=entry.text("key_hash"),
        urgency=entry.severity("urgency"),
        destinations=_destinations(entry, names),
        auto_aggregate=entry.duration("auto_aggregate", **_WINDOW),
        auto_resolve=resolve,
        auto_resolve_from=since,
        rate=new_keys_rate(entry.section("rate_limit"), Defaults().rate) if "rate_limit" in entry else None,
        key_scope=scope,
        templates=entry.mapping("templates"),
        options=_options(entry),
        paused=entry.flag("paused", False),
    )
    entry.done()
    return integration


def _options(entry: Section) -> Mapping[str, Json]:
    section = entry.section("options")
    return {key: node.json() for key, node in section.entries.items()}


def _auto_resolve(entry: Section) -> tuple[timedelta | None, str]:
    node = entry.node("auto_resolve")
    if node is None or isinstance(node.value, str):
        return entry.duration("auto_resolve", **_WINDOW), "created"
    own = entry.section("auto_resolve")
    since = own.text("from", "created")
    if since not in ("created", "last_event"):
        own.fault("from", "must be created or last_event")
    if "after" not in own:
        own.fault("after", "is missing")
    after = own.duration("after", **_WINDOW)
    own.done()
    return after, since


def _destinations(entry: Section, names: Mapping[str, Collection[str]]) -> tuple[Destination, ...]:
    found = []
    for item in entry.items("destinations"):
        if len(item.entries) != 1:
            item.fault("", "must be one of router, team, service or user with a name")
        for kind, known in names.items():
            name = item.name(kind, known, kind)
            if name:
                found.append(Destination(kind, name))
        item.done()
    return tuple(found)
