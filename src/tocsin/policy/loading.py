"""How does a file become a policy, and how does a stored version become the same policy again?"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tocsin.core.errors import BadInput, FieldFault
from tocsin.core.index import catalog_needs, index_of, needs_of
from tocsin.core.kinds import ProviderFacts, SourceFacts
from tocsin.core.model import Json
from tocsin.core.mute import circle_in
from tocsin.core.policy import Connector, Policy, Service
from tocsin.core.values import replace
from tocsin.policy.document import Faults, Node, node_of, read_yaml
from tocsin.policy.edges import Known, address_fault, read_connectors, read_integrations
from tocsin.policy.entries import HIDDEN, ORDER, markers, with_marks
from tocsin.policy.expressions import Expressions
from tocsin.policy.fields import Section
from tocsin.policy.keeping import Kept, Present, lay_over
from tocsin.policy.lint import reviews_for_nobody, warnings_of
from tocsin.policy.people import read_defaults, read_services, read_teams, read_users
from tocsin.policy.routing import Names, read_policies, read_routing
from tocsin.policy.rules import read_classification, read_facts, read_grouping, read_maintenance
from tocsin.policy.secrets import filled, take_out

CheckSettings = Callable[[str, Mapping[str, Json]], list[tuple[str, str]]]
"""(connector type, settings with credentials) -> (dotted field, what is wrong) for each fault."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A configuration that can be applied.

    `document` is what is stored: JSON-able, without credentials. `secrets` are the credentials by the
    name that `{"$secret": name}` in the document uses. `hash` is the lower-hex SHA-256 of the document.
    `line_of` gives the line of the deepest part of a dotted path that is there.
    """

    policy: Policy
    document: dict[str, Json]
    secrets: Mapping[str, str] = field(repr=False)
    hash: str
    warnings: tuple[str, ...] = ()
    line_of: Callable[[str], int | None] = field(default=lambda path: None, repr=False, compare=False)


def load(
    text: str,
    *,
    env: Mapping[str, str],
    known_sources: Mapping[str, SourceFacts],
    known_providers: Mapping[str, ProviderFacts],
    file_name: str,
    version: int = 0,
    check_settings: CheckSettings | None = None,
    present: Present | None = None,
) -> Loaded:
    """Compile a YAML document; `env` fills in ${NAME}. `present` = what it is laid over.

    Raises BadInput with one FieldFault for each fault found, with its line. `check_settings` asks the
    provider's own folder about a connector's settings; without it only credentials are looked for.
    """
    faults = Faults()
    try:
        root = read_yaml(text, env, faults)
    except BadInput as error:
        raise BadInput(f"{file_name}: {error.message}", faults=error.faults) from None
    kept = lay_over(take_out(root, faults, known_sources), present or Present())
    document = Section(kept.root, "", faults)
    known = Known(known_sources, known_providers)
    policy = _compile(document, known, version)
    told = _check(document, policy, kept.secrets, check_settings, known)
    if faults.found:
        raise _refusal(file_name, _explained(faults, kept))
    loaded = _loaded(
        policy, with_marks(_stored(kept.root, policy), kept.marks), kept.secrets, known_providers
    )
    warnings = (*loaded.warnings, *kept.told, *told)
    return replace(loaded, warnings=warnings, line_of=document.line_at)


def checked(
    document: Mapping[str, Json],
    secrets: Mapping[str, str],
    known_sources: Mapping[str, SourceFacts],
    known_providers: Mapping[str, ProviderFacts],
    name: str,
    check_settings: CheckSettings,
) -> Loaded:
    """A stored document under the same checks as a file; raises BadInput, without lines."""
    loaded = whole(node_of(ordered(document)), secrets, known_sources, known_providers, check_settings)
    if isinstance(loaded, Faults):
        raise _refusal(name, loaded.found)
    return replace(loaded, document=dict(document), hash=document_hash(document))


def whole(
    root: Node, secrets: Mapping[str, str], known_sources: Mapping[str, SourceFacts],
    known_providers: Mapping[str, ProviderFacts], check_settings: CheckSettings,
) -> Loaded | Faults:  # fmt: skip
    """A document without credentials, checked as a whole: what it means, or every fault, without lines."""
    faults = Faults()
    section = Section(root, "", faults)
    known = Known(known_sources, known_providers)
    policy = _compile(section, known, 0)
    told = _check(section, policy, secrets, check_settings, known)
    if faults.found:
        return faults
    loaded = _loaded(policy, _stored(root, policy), secrets, known_providers)
    return replace(loaded, warnings=(*loaded.warnings, *told))


def _loaded(
    policy: Policy,
    stored: dict[str, Json],
    secrets: Mapping[str, str],
    known_providers: Mapping[str, ProviderFacts],
) -> Loaded:
    return Loaded(
        policy=policy,
        document=stored,
        secrets=secrets,
        hash=document_hash(stored),
        warnings=(*warnings_of(policy), *reviews_for_nobody(policy, known_providers)),
    )


def compile_document(
    document: Mapping[str, Json],
    *,
    version: int,
    known_sources: Mapping[str, SourceFacts],
    known_providers: Mapping[str, ProviderFacts],
    key_hashes: Mapping[str, str] | None = None,
) -> Policy:
    """The policy of a stored document (`Loaded.document`). `key_hashes` (integration -> hash) replace
    those of the document, for keys rotated since. Sources and providers that are gone are no fault;
    anything else that no longer compiles raises BadInput."""
    faults = Faults()
    known = Known(known_sources, known_providers, complete=False)
    policy = _compile(Section(node_of(ordered(document)), "", faults), known, version)
    if faults.found:
        raise _refusal(f"stored version {version}", faults.found)
    if not key_hashes:
        return policy
    integrations = {
        name: replace(entry, key_hash=key_hashes.get(name, entry.key_hash))
        for name, entry in policy.integrations.items()
    }
    return replace(policy, integrations=integrations)


def ordered(document: Mapping[str, Json]) -> dict[str, Json]:
    """The document without its hidden entries, its keys in the order that counts."""
    entries = {key: value for key, value in document.items() if key not in HIDDEN}
    order = document.get(ORDER)
    for section, names in order.items() if isinstance(order, Mapping) else ():
        there = entries.get(section, {})
        first = {name: there[name] for name in names if name in there}
        entries[section] = {**first, **there}
    return entries


def document_hash(document: Mapping[str, Json]) -> str:
    """Lower-hex SHA-256 of the document, the same whatever the order of its keys."""
    text = json.dumps(document, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


def _compile(document: Section, known: Known, version: int) -> Policy:
    expressions = Expressions()
    schedules = document.section("schedules")
    users = read_users(document.section("users"), document.section("teams").entries)
    teams = read_teams(document.section("teams"), users)
    connectors = read_connectors(document.section("connectors"), known)
    services = read_services(document.section("services"), teams, connectors, known.providers)
    defaults = read_defaults(document.section("defaults"), connectors)
    names = Names(connectors, users, teams, schedules.entries, providers=known.providers)
    facts = read_facts(document.section("facts"), expressions)
    classification = read_classification(document, expressions, services, teams)
    maintenance = read_maintenance(document, expressions, users)
    grouping = read_grouping(document, expressions)
    read_policies(document.section("escalation_policies"), names)
    routing = read_routing(document, expressions, names, defaults.last_resort)
    integrations = read_integrations(document.section("integrations"), known, teams, services, users)
    document.done()
    return with_indexes(
        Policy(
            version=version,
            defaults=defaults,
            teams=teams,
            users=users,
            services=services,
            facts=facts,
            classification=classification,
            maintenance=maintenance,
            grouping=grouping,
            policies=names.policies,
            routing=routing,
            connectors=connectors,
            integrations=integrations,
            schedules={name: node.json() for name, node in schedules.entries.items()},
        )
    )


def with_indexes(policy: Policy) -> Policy:
    """The same policy with its indexes made anew: after rules or services were replaced."""
    catalog = tuple(service for service in policy.services.values() if service.match)
    return replace(
        policy,
        catalog=catalog,
        catalog_index=index_of(catalog_needs(catalog)),
        classification_index=index_of([needs_of(rule.when) for rule in policy.classification]),
        routing_index=index_of([needs_of(rule.when) for rule in policy.routing]),
    )


def _check(
    document: Section, policy: Policy, secrets: Mapping[str, str], check: CheckSettings | None, known: Known
) -> tuple[str, ...]:
    """Note what is wrong with the whole; what could not be looked at is told."""
    told = _check_connectors(document, policy, secrets, check, known)
    _check_heartbeat(document, policy, secrets)
    _check_circles(document, policy)
    return tuple(told)


def _check_heartbeat(document: Section, policy: Policy, secrets: Mapping[str, str]) -> None:
    heartbeat = policy.defaults.heartbeat
    if heartbeat is None or not heartbeat.url or set(markers(heartbeat.url)) - secrets.keys():
        return
    section = document.section("defaults").section("heartbeat")
    url = filled(heartbeat.url, dict(secrets))
    if fault := address_fault(
        url if isinstance(url, str) else "", allow_http=section.flag("allow_http", False)
    ):
        section.fault("url", fault)


def _check_connectors(
    document: Section, policy: Policy, secrets: Mapping[str, str], check: CheckSettings | None, known: Known
) -> list[str]:
    section = document.section("connectors")
    told = []
    for name, connector in policy.connectors.items():
        entry = section.section(name)
        if lost := sorted(set(markers(connector.settings)) - secrets.keys()):
            told.append(f"connectors.{name}: {lost[0]} cannot be opened, so its settings were not looked at")
            continue
        settings = filled({**connector.settings, "type": connector.type}, dict(secrets))
        for path, message in check(connector.type, settings) if check else _credentials(connector, known):
            entry.faults.add(entry.at(path), message, entry.line_at(path))
    return told


def _check_circles(document: Section, policy: Policy) -> None:
    """S16; a stored version that has one already still compiles, and mutes nobody by it."""
    if circle := circle_in(policy.services):
        way = " -> ".join((*circle, circle[0]))
        section = document.section("services").section(circle[0])
        section.fault("depends_on", f"goes round in a circle, {way}: nobody could say which is the cause")


def _credentials(connector: Connector, known: Known) -> list[tuple[str, str]]:
    needed = known.providers.get(connector.type, ProviderFacts()).needs_one_of
    if not needed or any(connector.settings.get(key) for key in needed):
        return []
    return [(needed[0], f"is missing: a {connector.type} connector needs {' or '.join(needed)}")]


def _stored(root: Node, policy: Policy) -> dict[str, Json]:
    """The document, with the orders that count among keys: which service matches first, and which
    connector the built-in default asks first. A store may sort keys."""
    value = root.json()
    document: dict[str, Json] = value if isinstance(value, dict) else {}
    catalog: tuple[Service, ...] = policy.catalog or ()
    order = {"services": [service.name for service in catalog], "connectors": list(policy.connectors)}
    if any(order.values()):
        document[ORDER] = order
    return document


def _explained(faults: Faults, kept: Kept) -> tuple[FieldFault, ...]:
    """The faults, with a word where they lie in what a command made: no line of the file says it."""

    def own(fault: FieldFault) -> bool:
        return any(fault.field == name or fault.field.startswith(f"{name}.") for name in kept.names)

    said = "; it was made by command and stays unless `--prune` is given"
    return tuple(replace(f, message=f.message + said) if own(f) else f for f in faults.found)


def _refusal(file_name: str, faults: tuple[FieldFault, ...]) -> BadInput:
    found = sorted(faults, key=lambda fault: fault.line or 0)
    first = found[0]
    where = f"{file_name}:{first.line}" if first.line else file_name
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    subject = f"{first.field}: " if first.field else ""
    return BadInput(f"{where}: {subject}{first.message}{more}", faults=tuple(found))
