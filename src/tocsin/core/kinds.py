"""What must a configuration know of a kind of source or provider? Facts of their folders, handed in as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tocsin.core.model import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFacts:
    """How its keys look: `key_format` is a pattern for the whole key, `key_words` the same for people.
    `key_scope` is what its dedup keys are unique in, unless the integration says otherwise (S12)."""

    key_format: str = "[A-Za-z0-9_-]{16,64}"
    key_words: str = '16 to 64 letters, digits, "-" and "_"'
    key_scope: str = "integration"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderFacts:
    """`pages` = it rings people by schedules of its own: `both` means these (S4), and a critical page must not end
    there (S32). `needs_one_of` are credentials of which a connector has at least one. `messages` = it can tell what
    belongs to no one incident, as a digest does (S23). `mails` = it can write to a person's own address."""

    pages: bool = False
    needs_one_of: tuple[str, ...] = ()
    messages: bool = False
    mails: bool = False


def source_facts(manifest: Mapping[str, Json]) -> SourceFacts:
    """Of a manifest as read; what it does not say is as everywhere."""
    usual = SourceFacts()
    form = str(manifest.get("key_format", usual.key_format))
    words = usual.key_words if form.strip("^$") == usual.key_format else f"must match {form}"
    return SourceFacts(
        key_format=form,
        key_words=str(manifest.get("key_words", words)),
        key_scope=str(manifest.get("key_scope", usual.key_scope)),
    )


def provider_facts(manifest: Mapping[str, Json]) -> ProviderFacts:
    """Of a manifest as read."""
    return ProviderFacts(
        pages=bool(manifest.get("pages", False)), needs_one_of=tuple(manifest.get("needs_one_of", ())),
        messages="message" in manifest.get("abilities", ()), mails="mails_people" in manifest.get("abilities", ()),
    )  # fmt: skip
