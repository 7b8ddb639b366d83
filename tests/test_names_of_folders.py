"""Is adding a source or a provider adding a folder? Then no other room knows one by its name."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from tocsin import providers, sources

SRC = Path(__file__).parents[1] / "src" / "tocsin"

WORDS_OF_THEIR_OWN = frozenset({"api", "webhook", "email"})
"""Names of folders that are everybody's words too: they cannot be told apart by looking."""

EXCEPTIONS = {
    "api/intake.py": "the dialect's own route: an address of the hub that one source answers (IN-11)",
    "api/inbound.py": "the description of that route",
    "cli/connector_mappings.py": "connectors in the examples of --help",
    "cli/connector_settings.py": "connectors in the examples of --help",
    "cli/connectors.py": "connectors in the examples of --help",
    "cli/connector_checks.py": "the same",
    "cli/logs.py": "the same",
    "cli/metrics.py": "the same",
    "core/redact.py": "the names of credentials that vendors send",
    "cli/report.py": "the option that the connector document names",
    "cli/connector_webhook.py": "the same",
    "cli/connector_health.py": "the same",
    "cli/connector_discover.py": "the same",
}
"""Files that name a folder, with the reason. This list only shrinks."""

NOT_LOOKED_AT = ("sources", "providers", "sandbox", "demo")
"""The folders themselves; the copies of vendors to rehearse with; one example catalog."""


def names() -> set[str]:
    found = {*sources.discover(), *sources.announced(), *providers.discover(), "jsm"}
    return found - WORDS_OF_THEIR_OWN


def told(file: Path) -> Iterator[str]:
    """The texts in a file's code: what runs, and no docstring or comment."""
    tree = ast.parse(file.read_text("utf-8"))
    docs = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs:
            yield node.value


def test_no_room_names_a_folder_of_sources_or_providers() -> None:
    """What must be known of one stands in its manifest and is read from there."""
    pattern = re.compile(rf"(?i)(?<![a-z])({'|'.join(sorted(names(), key=len, reverse=True))})(?![a-z])")
    found: dict[str, set[str]] = defaultdict(set)
    for file in SRC.rglob("*.py"):
        inside = file.relative_to(SRC)
        if inside.parts[0] in NOT_LOOKED_AT:
            continue
        for text in told(file):
            found[str(inside)] |= {name.lower() for name in pattern.findall(text)}
    named = {file: sorted(by) for file, by in found.items() if by}

    assert named.keys() - EXCEPTIONS.keys() == set(), named
    assert EXCEPTIONS.keys() - named.keys() == set(), "gone: take it off the list"
