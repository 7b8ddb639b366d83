"""Are the documents true to the code? What can be compared is compared here."""

import contextlib
import hashlib
import json
import re
import textwrap
import uuid
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.main import get_command

import tocsin.main
from kinds import PROVIDERS, SOURCES
from tocsin import policy, providers
from tocsin.cli.app import build_app
from tocsin.config import Settings
from tocsin.core.errors import BadInput
from tocsin.core.kinds import ProviderFacts, SourceFacts
from tocsin.policy.fields import Section

ROOT = Path(__file__).parents[1]
SRC = ROOT / "src" / "tocsin"
DOCS = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "CHANGELOG.md",
    *sorted((ROOT / "docs").rglob("*.md")),
]
FOLDER_DOCS = sorted([*SRC.glob("sources/*/doc.md"), *SRC.glob("providers/*/doc.md")])
ADRS = sorted((ROOT / "docs" / "adr").glob("[0-9]*.md"))

TOO_LONG: dict[str, int] = {}
"""Files of more than 400 lines, with the most they may have. This list only shrinks."""

NOT_COMMANDS_YET: set[str] = set()
"""Commands that the page of a provider names before they are there. This list only shrinks."""

NOT_ADDRESSES_YET = {"DELETE /api/v1/integrations/NAME"}
"""Addresses that the pages of sources name before they are there. This list only shrinks."""

VERBS = ("GET", "POST", "PUT", "DELETE")
FENCE = re.compile(r"^( *)```([a-z]*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
CODE_SPAN = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"(?<!!)\[[^\]\n]+\]\(([^)\s]+)\)")


def name_of(file: Path) -> str:
    return str(file.relative_to(ROOT))


def each(files: list[Path]) -> list[Any]:
    return [pytest.param(file, id=name_of(file)) for file in files]


def fences(file: Path) -> Iterator[tuple[str, str]]:
    """(language, text) of each fenced block."""
    for indent, language, text in FENCE.findall(file.read_text("utf-8")):
        yield language, textwrap.dedent(text) if indent else text


def code_lines(file: Path) -> Iterator[str]:
    """What stands in code: each span, and each line of each block."""
    for _, text in fences(file):
        yield from text.splitlines()
    yield from CODE_SPAN.findall(FENCE.sub("", file.read_text("utf-8")))


def section(text: str, heading: str) -> str:
    """What stands under `## heading`."""
    found = re.search(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    return found.group(1) if found else ""


# ---- settings ----------------------------------------------------------------------------------------


def test_every_setting_of_the_process_is_described() -> None:
    """And nothing is described that is no setting."""
    process = (ROOT / "docs/settings.md").read_text().partition("\n## ")[0]
    described = re.findall(r"^\| `([A-Z_]+)` \|", process, re.MULTILINE)

    assert sorted(str(field.alias) for field in Settings.model_fields.values()) == sorted(described)


def test_every_default_of_a_setting_is_the_one_described() -> None:
    process = (ROOT / "docs/settings.md").read_text()
    wrong = [
        field.alias
        for field in Settings.model_fields.values()
        if isinstance(field.default, str | int)
        and field.default
        and f"| `{field.alias}` | `{field.default}` |" not in process
    ]

    assert wrong == []


# ---- the configuration ---------------------------------------------------------------------------------

EMPTY_OF_EVERYTHING = """
defaults: {ack_timeout: {}, sla: {critical: {}}, canary: {every: 1d}, heartbeat: {allow_http: true}, retention: {}}
teams: {_: {holidays: {}}}
users: {_: {}}
services: {_: {}}
classification: [{}]
maintenance: [{}]
grouping: [{}]
escalation_policies: {_: [{all: _}]}
routing: [{}, {digest: {}}, {suppress: {}}]
connectors: {_: {sync_direction: outbound}}
integrations: {_: {auto_resolve: {}, destinations: [{}]}}
"""


@pytest.fixture(scope="module")
def asked_keys() -> dict[str, set[str]]:
    """Section -> every key that `policy` asks for in it; "" -> the sections themselves."""
    asked: dict[str, set[str]] = defaultdict(set)
    looks = Section.__contains__

    def noted(self: Section, key: str) -> bool:
        if key != "_":  # the placeholder of a free name
            asked[self.path.partition(".")[0]].add(key)
        return looks(self, key)

    with pytest.MonkeyPatch.context() as patch, contextlib.suppress(BadInput):
        patch.setattr(Section, "__contains__", noted)
        policy.load(
            EMPTY_OF_EVERYTHING,
            env={},
            known_sources={"_": SourceFacts()},
            known_providers={"_": ProviderFacts()},
            file_name="hub.yaml",
        )
    return asked


def test_every_section_of_the_configuration_is_described(asked_keys: dict[str, set[str]]) -> None:
    text = (ROOT / "docs/howto/configuration.md").read_text()
    sections = set(re.findall(r"^## (\w+)$", text, re.MULTILINE))

    assert {"routing", "connectors", "maintenance", "schedules"} <= asked_keys[""]
    assert asked_keys[""] == sections


def test_every_key_of_the_configuration_is_described_in_its_section(asked_keys: dict[str, set[str]]) -> None:
    text = (ROOT / "docs/howto/configuration.md").read_text()
    missing = {}
    for name, keys in asked_keys.items():
        words = {word for span in CODE_SPAN.findall(section(text, name)) for word in re.findall(r"\w+", span)}
        # key_hash belongs to stored versions: a file that has it is refused
        missing[name] = keys - words - {"key_hash"} if name else set()

    assert {name: keys for name, keys in missing.items() if keys} == {}
    assert len(asked_keys["connectors"]) > 15


def dummy(name: str) -> str:
    """Something that fits where a document names this variable."""
    if name.endswith("_URL"):
        return "smtp://127.0.0.1:25" if "SMTP" in name else "https://example.com"
    return (
        str(uuid.uuid5(uuid.NAMESPACE_DNS, name))
        if name == "OG_IN_KEY"
        else hashlib.md5(name.encode()).hexdigest()
    )


def configurations() -> list[Any]:
    """Each YAML block whose first key is a section of the configuration, and the example files."""
    first = re.compile(
        r"(defaults|teams|users|services|facts|classification|maintenance|grouping|schedules"
        r"|escalation_policies|routing|connectors|integrations):"
    )
    found = [
        pytest.param(text, id=f"{name_of(file)} {number}")
        for file in [*DOCS, *FOLDER_DOCS]
        for number, (language, text) in enumerate(fences(file))
        if language == "yaml" and first.match(text)
    ]
    files = [ROOT / "examples/example.yaml", SRC / "demo/hub.yaml"]
    return [*found, *(pytest.param(file.read_text(), id=name_of(file)) for file in files)]


@pytest.mark.parametrize("text", configurations())
def test_every_configuration_shown_loads(text: str) -> None:
    kinds = providers.discover()

    def check(kind: str, settings: Any) -> list[tuple[str, str]]:
        return kinds[kind].module.check_settings(settings)

    loaded = policy.load(
        text,
        env={name: dummy(name) for name in re.findall(r"\$\{(\w+)\}", text)},
        known_sources=SOURCES,
        known_providers=PROVIDERS,
        file_name="shown",
        check_settings=check,
    )

    assert loaded.policy.routing


# ---- the command -----------------------------------------------------------------------------------------


def commands() -> dict[str, set[str]]:
    """ "im ack" -> its options; a group of commands has each of them besides."""
    app = build_app()
    for name in ("serve", "demo", "sandbox"):
        app.command(name)(getattr(tocsin.main, name))
    root: Any = get_command(app)
    context = typer.Context(root)
    found: dict[str, set[str]] = {}

    def keep(path: str, command: Any) -> None:
        found[path] = {option for parameter in command.params for option in parameter.opts}
        for name, inner in getattr(command, "commands", {}).items():
            keep(f"{path} {name}", inner)

    for name in root.list_commands(context):
        keep(f"im {name}", root.get_command(context, name))
    return found


def mentioned() -> dict[str, set[str]]:
    """ "im ack --note" as it stands in a document -> the documents."""
    found: dict[str, set[str]] = defaultdict(set)
    for file in [*DOCS, *FOLDER_DOCS]:
        for line in code_lines(file):
            for call in re.findall(r"(?:^|[\s/;(=])(im [a-z][a-z-]*(?: [^|;`]*)?)", line):
                found[call.partition(" #")[0].strip()].add(name_of(file))
    return found


def test_every_command_mentioned_exists_with_its_options() -> None:
    known = commands()
    groups = {path.rpartition(" ")[0] for path in known} - {"im"}
    faults = set()
    for call, where in mentioned().items():
        words = call.split()
        path = " ".join(words[:2])
        if path in groups and len(words) > 2:
            path = " ".join(words[:3])
        if path not in known:
            faults.add((path, *sorted(where)) if path not in NOT_COMMANDS_YET else ("later",))
            continue
        options = {word.partition("=")[0] for word in words if re.match(r"--[a-z]", word)}
        faults |= {(f"{path} {option}", *sorted(where)) for option in options - known[path]}

    assert faults - {("later",)} == set()
    assert {"im send", "im connector status", "im demo"} <= known.keys()
    assert NOT_COMMANDS_YET & known.keys() == set()


def addresses() -> dict[str, re.Pattern[str]]:
    """ "GET /api/v1/incidents/{name}" -> what fits it."""
    made = json.loads((ROOT / "docs/openapi.json").read_text())
    described = [f"{method.upper()} {path}" for path, methods in made["paths"].items() for method in methods]
    besides = ["GET /api/v1/openapi.json", "GET /docs"]  # the description itself
    return {name: re.compile(re.sub(r"\{\w+\}", "[^/]+", name)) for name in [*described, *besides]}


def test_every_address_mentioned_exists_with_its_method() -> None:
    """`DELETE /api/v1/tokens/ID`; a bare path is asked for with any method."""
    known = addresses()
    ours = r"/(?:api/v1/|v2/|connectors/|integrations/|readyz|healthz|metrics|docs\b(?!/))[\w/.-]*"
    faults = set()
    for file in [*DOCS, *FOLDER_DOCS]:
        for line in code_lines(file):
            for method, path in re.findall(rf"(?<![\w./])(?:(GET|POST|PUT|DELETE) )?({ours})", line):
                tried = [f"{verb} {path}" for verb in ([method] if method else VERBS)]
                there = any(shape.fullmatch(one) for shape in known.values() for one in tried)
                if not there and not NOT_ADDRESSES_YET.intersection(tried):
                    faults.add((f"{method} {path}".strip(), name_of(file)))

    assert faults == set()
    assert [a for a in NOT_ADDRESSES_YET if any(shape.fullmatch(a) for shape in known.values())] == []


# ---- links, folders, files ---------------------------------------------------------------------------------


def anchors(file: Path) -> set[str]:
    """The anchors that GitHub makes of a document's headings."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", file.read_text("utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("file", each(DOCS))
def test_every_internal_link_leads_somewhere(file: Path) -> None:
    text = re.sub(r"`[^`\n]*`", "", FENCE.sub("", file.read_text("utf-8")))
    lost = []
    for target in LINK.findall(text):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        to = (file.parent / path).resolve() if path else file
        if not to.exists() or (anchor and anchor not in anchors(to)):
            lost.append(target)

    assert lost == []


@pytest.mark.parametrize("file", each(DOCS))
def test_every_file_of_ours_that_is_named_exists(file: Path) -> None:
    """`core/decide.py` and the like, with or without src/tocsin before it."""
    named = set(re.findall(r"(?<![\w./-])((?:[a-z_]+/)+[a-z_]+\.py)\b", file.read_text("utf-8")))
    gone = [path for path in named if not any((base / path).exists() for base in (SRC, ROOT, ROOT / "docs"))]

    assert gone == []


@pytest.mark.parametrize("room", ["sources", "providers"])
def test_every_folder_has_its_page(room: str) -> None:
    manifests = [
        file for file in (SRC / room).glob("*/manifest.toml") if "later = true" not in file.read_text()
    ]
    folders = [file.parent for file in manifests]
    headings = ("Connect", "Test", "Disconnect", "Known limits")
    faults = [
        (folder.name, heading)
        for folder in folders
        for heading in headings
        if not section((folder / "doc.md").read_text(), heading).strip()
    ]

    assert folders
    assert faults == []


def test_no_file_has_more_than_400_lines() -> None:
    """But for those of TOO_LONG, which only shrink; one that has shrunk enough leaves the list."""
    lengths = {str(f.relative_to(SRC)): len(f.read_text("utf-8").splitlines()) for f in SRC.rglob("*.py")}
    grown = {f: n for f, n in lengths.items() if n > TOO_LONG.get(f, 400)}
    done = [f for f in TOO_LONG if lengths.get(f, 0) <= 400]

    assert grown == {}
    assert done == []


# ---- architecture and decisions ------------------------------------------------------------------------------


def test_every_table_and_room_is_in_the_architecture() -> None:
    text = (ROOT / "docs/architecture.md").read_text()
    made = "".join(file.read_text() for file in sorted(SRC.glob("store/migrations/*.sql")))
    tables = {*re.findall(r"^CREATE TABLE (\w+)", made, re.MULTILINE), "schema_migration"}
    rooms = {
        entry.stem
        for entry in SRC.iterdir()
        if (entry / "__init__.py").exists() or (entry.suffix == ".py" and entry.stem != "__init__")
    }

    assert set(re.findall(r"`(\w+)`", section(text, "The tables"))) >= tables
    assert rooms - set(re.findall(r"\w+", section(text, "The rooms"))) == set()


@pytest.mark.parametrize("file", each(ADRS))
def test_every_decision_has_its_parts(file: Path) -> None:
    text = file.read_text()
    options = "".join(re.findall(r"^## Options.*?(?=^## )", text, re.MULTILINE | re.DOTALL))
    wanted = ("Context", "Choice", "Price", "How we would notice that it was wrong")

    assert [heading for heading in wanted if not section(text, heading).strip()] == []
    assert re.match(rf"# {file.name[:4]} ", text)
    assert re.search(r"^- ✓ ", options, re.MULTILINE)
    assert re.search(r"^- ✗ ", options, re.MULTILINE)
    assert len(text.splitlines()) <= 70, "one page"
    assert f"({file.name})" in (ROOT / "docs/adr/README.md").read_text()


def test_decisions_are_numbered_without_a_gap() -> None:
    assert [f"{n:04}" for n in range(1, len(ADRS) + 1)] == [file.name[:4] for file in ADRS]


def test_every_fragment_says_of_which_kind_it_is() -> None:
    kinds = "security|removed|deprecated|added|changed|fixed"
    fragments = [file for file in (ROOT / "changes").iterdir() if not file.name.startswith(".")]
    faults = [
        f.name
        for f in fragments
        if not re.fullmatch(rf"[\w-]+\.({kinds})\.md", f.name) or not f.read_text().strip()
    ]

    assert fragments
    assert faults == []
