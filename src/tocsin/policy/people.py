"""Who is there and what do they run: the sections `defaults`, `teams`, `users`, `services`."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from datetime import date, time, timedelta

from tocsin.core.kinds import ProviderFacts
from tocsin.core.policy import (
    Connector,
    Defaults,
    Direction,
    FlapSettings,
    Service,
    Span,
    Team,
    User,
)
from tocsin.core.proving import Canary, Heartbeat
from tocsin.core.retention import Retention
from tocsin.core.roles import DEFAULT, Role, role_named
from tocsin.core.severity import Severity
from tocsin.policy import sla
from tocsin.policy.calendars import UnknownRegion, days_of
from tocsin.policy.edges import new_keys_rate
from tocsin.policy.fields import Section
from tocsin.policy.times import spans, zone_fault

MATCH_PATHS = ("source", "integration", "team", "title", "dedup_key", "labels.NAME", "details.NAME")
_MATCH = re.compile(r"(?:source|integration|team|title|dedup_key|labels\..+|details\..+)\Z", re.DOTALL)
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\Z")


def read_defaults(section: Section, connectors: Mapping[str, Connector]) -> Defaults:
    """`defaults`: times that hold where nothing nearer says otherwise."""
    built_in = Defaults()
    timeouts = dict(built_in.ack_timeout)
    ack = section.section("ack_timeout")
    for word in ack.entries:
        severity, timeout = ack.severity_of(word, word), ack.duration(word, least=timedelta(minutes=1))
        if severity and timeout:
            timeouts[severity] = timeout
    reopen, grace = section.duration("reopen"), section.duration("resolve_grace")
    found = Defaults(
        reopen=built_in.reopen if reopen is None else reopen,
        resolve_grace=built_in.resolve_grace if grace is None else grace,
        ack_timeout=timeouts,
        silent_after=section.duration("silent_after", least=timedelta(hours=1), most=timedelta(days=30))
        or built_in.silent_after,
        last_resort=_written_to(section, "last_resort", connectors),
        retention=_retention(section.section("retention")),
        rate=new_keys_rate(section.section("rate_limit"), built_in.rate),
        flap=_flap(section.section("flap")),
        sla=sla.read_settings(section.section("sla")),
        canary=_canary(section.section("canary"), connectors) if "canary" in section else None,
        heartbeat=_heartbeat(section.section("heartbeat")) if "heartbeat" in section else None,
    )
    section.done()
    return found


def _written_to(section: Section, key: str, connectors: Mapping[str, Connector]) -> tuple[str, ...]:
    """The connectors named, none of which may be inbound."""
    names = section.names(key, connectors, "connector")
    for name in names:
        if name in connectors and connectors[name].direction is Direction.INBOUND:
            section.fault(key, f"{name} is inbound: it is never written to (S36)")
    return names


def _heartbeat(section: Section) -> Heartbeat | None:
    """Its address is checked where credentials are at hand (`loading.py`)."""
    every = section.duration("every", least=timedelta(seconds=10), most=timedelta(hours=1))
    method, headers = section.text("method", "get").upper(), section.json("headers") or {}
    if method not in ("GET", "POST"):
        section.fault("method", "must be get or post")
    if not isinstance(headers, dict):
        section.fault("headers", "must be a mapping of names to texts")
        headers = {}
    if "url" not in section:
        section.fault("url", "is missing: the address to call")
    section.flag("allow_http", False)
    url = section.json("url")
    section.done()
    return Heartbeat(url=url, every=every or Heartbeat(url="").every, method=method, headers=headers)


def _canary(section: Section, connectors: Mapping[str, Connector]) -> Canary:
    """`connectors: all`, or a list of names; without it all."""
    built_in, day = Canary(connectors=()), timedelta(days=1)
    every = section.duration("every", least=day, most=timedelta(days=31)) or built_in.every
    if every % day:
        section.fault("every", "must be whole days: a canary goes out at one time of the day")
    zone, at = section.text("timezone", "UTC"), section.made("at", _time_of_day, section.text("at", "10:00"))
    if fault := zone_fault(zone):
        section.fault("timezone", fault)
    if section.severity("severity") not in (None, Severity.LOW):
        section.fault("severity", "must be low: a canary wakes nobody")
    node = section.node("connectors")
    names = () if node is None or node.value == "all" else _written_to(section, "connectors", connectors)
    found = Canary(
        connectors=names,
        every=every,
        at=at or built_in.at,
        timezone="UTC" if fault else zone,
        service=section.text("service"),
    )
    section.done()
    return found


def _time_of_day(text: str) -> time:
    try:
        return time.fromisoformat(text)
    except ValueError:
        raise ValueError(f'"{text}" is no time of day: write 10:00') from None


def _flap(section: Section) -> FlapSettings:
    built_in, least = FlapSettings(), timedelta(minutes=1)
    lives, within = (
        section.integer("lives", least=2, most=20),
        section.duration("within", least=least, most=_FLAP_MOST),
    )
    quiet, every = section.duration("quiet", least=least, most=_FLAP_MOST), section.section("page_every")
    spans: dict[Severity, timedelta] = {}
    for word in every.entries:
        severity, span = every.severity_of(word, word), every.duration(word, least=least, most=_FLAP_MOST)
        if severity and span:
            spans[severity] = span
    section.done()
    return FlapSettings(
        lives=lives or built_in.lives, within=within or built_in.within, quiet=quiet or built_in.quiet,
        page_every={**built_in.page_every, **spans},
    )  # fmt: skip


_FLAP_MOST = timedelta(hours=24)

KEPT_LEAST = {
    "requests": timedelta(days=2),  # what `apply` looks at is a day old at most (S51)
    "timeline": timedelta(days=30),
    "deliveries": timedelta(days=7),
    "webhooks": timedelta(days=7),  # providers deliver again for two days
    "audit": timedelta(days=30),
    "logs": timedelta(days=1),
}
_KEPT_MOST = timedelta(days=3650)


def _retention(section: Section) -> Retention:
    found = {key: section.duration(key, least=least, most=_KEPT_MOST) for key, least in KEPT_LEAST.items()}
    section.done()
    return Retention(**{key: span for key, span in found.items() if span is not None})


def read_users(section: Section, teams: Collection[str]) -> dict[str, User]:
    """`users`: people by their id. `teams` are the names there are."""
    users = {}
    for name, entry in section.sections():
        email = entry.text("email")
        if email and not _EMAIL.match(email):
            entry.fault("email", f'"{email}" is no e-mail address')
        word = entry.text("role", DEFAULT.value)
        role = role_named(word)
        if role is None:
            entry.fault("role", f"{word} is none of {', '.join(Role)}")
        users[name] = User(
            id=name,
            name=entry.text("name", name),
            email=email,
            role=role or DEFAULT,
            teams=entry.names("teams", teams, "team"),
        )
        entry.done()
    return users


def read_teams(section: Section, users: Collection[str]) -> dict[str, Team]:
    """`teams`: who, in which zone, with which hours and holidays."""
    teams = {}
    for name, entry in section.sections():
        zone = entry.text("timezone", "UTC")
        fault = zone_fault(zone)
        if fault:
            entry.fault("timezone", fault)
        region, days = _holidays(entry)
        teams[name] = Team(
            name=name,
            timezone="UTC" if fault else zone,
            business_hours=_hours(entry),
            holidays=days,
            holiday_region=region,
            members=entry.names("members", users, "user"),
            lead=entry.name("lead", users, "user"),
        )
        entry.done()
    return teams


def read_services(
    section: Section,
    teams: Collection[str],
    connectors: Mapping[str, Connector],
    kinds: Mapping[str, ProviderFacts],
) -> dict[str, Service]:
    """`services`: the catalog. `kinds` are the types of connectors."""
    services = {}
    names = section.entries.keys()
    for name, entry in section.sections():
        if not name.strip() or len(name) > 200:
            entry.fault("", "a service's name has 1 to 200 characters")
        match = entry.section("match")
        for path in match.entries:
            if not _MATCH.match(path):
                match.fault(path, f"is nothing an alert is matched by; there are {', '.join(MATCH_PATHS)}")
        services[name] = Service(
            name=name,
            team=entry.name("team", teams, "team"),
            criticality=entry.severity("criticality") or Severity.MEDIUM,
            depends_on=entry.names("depends_on", names, "service"),
            ack_timeout=entry.duration("ack_timeout", least=timedelta(minutes=1)),
            runbook=entry.text("runbook"),
            match={path: match.text(path) for path in match.entries},
            providers=_providers(entry, connectors, kinds),
            labels=entry.mapping("labels"),
            sla=sla.read_targets(entry.section("sla")),
        )
        if name in services[name].depends_on:
            entry.fault("depends_on", "a service cannot depend on itself")
        entry.done()
    _refuse_cycles(section, services)
    return services


def _refuse_cycles(section: Section, services: Mapping[str, Service]) -> None:
    """S16: who waits for whom must have an end, or two services would keep each other quiet."""
    done: set[str] = set()
    for start in services:
        path = [start] if start not in done else []
        while path:
            parents = services[path[-1]].depends_on
            following = next((p for p in parents if p in services and p not in done and p != path[-1]), None)
            if following in path:
                circle = " -> ".join([*path[path.index(following) :], following])
                section.fault(
                    f"{path[-1]}.depends_on",
                    f"is a circle: {circle}",
                    section.line_at(f"{path[-1]}.depends_on"),
                )
                following = None
            if following is None:
                done.add(path.pop())
            else:
                path.append(following)


def _hours(entry: Section) -> tuple[Span, ...]:
    found: list[Span] = []
    for text, line in entry.texts("business_hours"):
        found.extend(entry.made("business_hours", spans, text, line) or ())
    return tuple(found)


def _holidays(entry: Section) -> tuple[str, frozenset[date]]:
    node = entry.node("holidays")
    if node is None:
        return "", frozenset()
    if isinstance(node.value, str):
        return node.value, _region(entry, "holidays", node.value)
    own = entry.section("holidays")
    region = own.text("calendar")
    days = _region(own, "calendar", region) if region else frozenset()
    days = (days | _dates(own, "add")) - _dates(own, "remove")
    own.done()
    return region, days


def _region(section: Section, key: str, region: str) -> frozenset[date]:
    try:
        return days_of(region)
    except UnknownRegion as error:
        section.fault(key, str(error))
        return frozenset()


def _dates(section: Section, key: str) -> frozenset[date]:
    found = set()
    for text, line in section.texts(key):
        try:
            found.add(date.fromisoformat(text))
        except ValueError:
            section.fault(key, f'"{text}" is no date: write 2026-12-24', line)
    return frozenset(found)


def _providers(
    entry: Section, connectors: Mapping[str, Connector], kinds: Mapping[str, ProviderFacts]
) -> tuple[str, ...]:
    """Connector names; `both` is every connector of a provider that pages and may be written to (S4),
    a provider's type every connector of that type."""
    found: list[str] = []
    for word, line in entry.texts("providers"):
        types = [name for name, facts in kinds.items() if facts.pages] if word == "both" else [word]
        of_type = [
            name
            for name, connector in connectors.items()
            if connector.type in types and connector.direction is not Direction.INBOUND
        ]
        if word in connectors:
            if connectors[word].direction is Direction.INBOUND:
                entry.fault("providers", f"{word} is inbound: it is never written to (S36)", line)
            of_type = [word]
        if not of_type:
            entry.known("providers", word, [*connectors, "both"], "connector", line)
        found += of_type
    return tuple(dict.fromkeys(found))
