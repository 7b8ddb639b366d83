"""Is a provider found by its folder alone, is a broken folder told clearly, are manifest and doc complete?"""

from __future__ import annotations

import shutil
import tomllib
from datetime import date
from importlib import import_module
from pathlib import Path

import pytest

import tocsin.providers
from tocsin.core.ports import Call, ConnectorSettings, Effect, EffectKind, Request
from tocsin.core.severity import Severity
from tocsin.providers import BrokenProvider, ProviderKind, discover

ROOM = Path(tocsin.providers.__file__).parent
FOLDERS = sorted(file.parent for file in ROOM.glob("*/manifest.toml"))
OPTIONAL = {
    "verify_webhook",
    "read_webhook",
    "read_states",
    "states_of",
    "list_open",
    "probe",
    "healthy",
    "inspect",
    "mappings",
}
CONNECTOR = ConnectorSettings(
    name="birds", settings={"base_url": "https://provider.example.com", "api_key": "k"}
)
PAGE = Effect(
    kind=EffectKind.CREATE, key="k", incident="7", title="Down", description="", severity=Severity.LOW
)


def copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> Path:
    """The template as a provider `name` in a folder of its own on the discovery path."""
    folder = tmp_path / name
    shutil.copytree(ROOM / "_template", folder, ignore=shutil.ignore_patterns("__pycache__"))
    manifest = folder / "manifest.toml"
    manifest.write_text(manifest.read_text().replace('name = "template"', f'name = "{name}"'))
    monkeypatch.setattr(tocsin.providers, "__path__", [*tocsin.providers.__path__, str(tmp_path)])
    return folder


def test_the_built_in_kinds_are_found_and_the_template_is_none() -> None:
    kinds = discover()
    assert {"email", "opsgenie", "pagerduty"} <= set(kinds)
    assert "_template" not in kinds
    assert "template" not in kinds
    assert "verify_webhook" in kinds["pagerduty"].abilities


def test_a_copied_folder_is_a_new_provider_and_nothing_else_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = set(discover())
    copied(tmp_path, monkeypatch, "carrierpigeon")
    kinds = discover()
    assert set(kinds) == before | {"carrierpigeon"}
    kind: ProviderKind = kinds["carrierpigeon"]
    call = kind.module.first_call(PAGE, CONNECTOR)
    assert isinstance(call, Call)
    assert isinstance(call.send, Request)
    assert call.send.url == "https://provider.example.com/pages"


def test_one_folder_may_offer_a_further_type(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = copied(tmp_path, monkeypatch, "twinpigeon")
    with (folder / "manifest.toml").open("a") as file:
        file.write('\n[types.seagull]\ntitle = "Seagull"\nabilities = ["create", "probe"]\n')
    kinds = discover()
    assert kinds["seagull"].module is kinds["twinpigeon"].module
    assert kinds["seagull"].manifest["title"] == "Seagull"
    assert kinds["seagull"].abilities == {"create", "probe"}
    assert kinds["seagull"].manifest["home"] == kinds["twinpigeon"].manifest["home"]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        pytest.param("abilities = [", "abilities = ", "not readable as TOML", id="no TOML"),
        pytest.param('title = "Template"', "", "missing title", id="a key is missing"),
        pytest.param('grade = "draft"', 'grade = "fine"', "grade 'fine'", id="a grade that is none"),
        pytest.param('name = "brokenpigeon"', 'name = "other"', "the folder is", id="another name"),
        pytest.param(
            'abilities = ["create"]', 'abilities = "all"', "list of words", id="abilities as a word"
        ),
    ],
)
def test_a_broken_manifest_is_a_clear_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, old: str, new: str, told: str
) -> None:
    manifest = copied(tmp_path, monkeypatch, "brokenpigeon") / "manifest.toml"
    manifest.write_text(manifest.read_text().replace(old, new))
    with pytest.raises(BrokenProvider, match=told) as caught:
        discover()
    assert "brokenpigeon" in str(caught.value)


TOGETHER = {
    "list_open": ("list_open", "further"),
    "oncall": ("on_call_place", "on_call"),
    "history": ("history",),
    "allowance": ("allowance",),
    "checks": ("check_calls", "check_lines"),
    "discover": ("discover_calls", "discovered"),
    "subscribe": (
        "subscription_calls", "subscriptions", "subscribe", "subscribed", "mend", "unsubscribe", "ping", "refused", "delivered_by",
    ),
}  # fmt: skip
"""Abilities that are several functions."""


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_the_manifest_is_complete_and_true(folder: Path) -> None:
    manifest = tomllib.loads((folder / "manifest.toml").read_text())
    module = import_module(f"tocsin.providers.{folder.name}.provider")
    assert isinstance(manifest["docs"]["checked"], date)
    assert manifest["docs"]["address"].startswith("https://")
    assert manifest["grade"] == "dependable" or manifest["grade_reasons"]
    assert manifest["limits"]
    for limit in manifest["limits"]:
        assert limit["source"].startswith("https://"), limit
        assert limit["value"] > 0
    present = {name for name in OPTIONAL if hasattr(module, name)}
    assert present == OPTIONAL & set(manifest["abilities"])
    for ability, functions in TOGETHER.items():
        offered = [name for name in functions if hasattr(module, name)]
        assert offered == (list(functions) if ability in manifest["abilities"] else [])
    words = {
        "notified", "mails_people", "again", "bundles", "ack_links", "assigning_rings", "acknowledges_as", *TOGETHER
    }  # fmt: skip
    assert set(manifest["abilities"]) - OPTIONAL - words <= {kind.value for kind in EffectKind}
    assert "create" in manifest["abilities"]


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_the_doc_has_its_four_parts(folder: Path) -> None:
    headings = [line for line in (folder / "doc.md").read_text().splitlines() if line.startswith("#")]
    assert headings[0].startswith("# ")
    assert headings[1:] == ["## Connect", "## Test", "## Disconnect", "## Known limits"]
