"""Is a source found by its folder alone, and is a broken folder told by name?"""

import shutil
from pathlib import Path

import pytest

import tocsin.sources
from tocsin.core.model import Action
from tocsin.core.ports import SourceContext
from tocsin.sources import BrokenSource, discover

TEMPLATE = Path(__file__).parents[2] / "docs" / "howto" / "new-source" / "acme"


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A second place for source folders, so that the test writes nothing into the package."""
    monkeypatch.setattr(tocsin.sources, "__path__", [*tocsin.sources.__path__, str(tmp_path)])
    return tmp_path


def new_source(place: Path, name: str) -> Path:
    folder = place / name
    shutil.copytree(TEMPLATE, folder)
    manifest = folder / "manifest.toml"
    manifest.write_text(manifest.read_text().replace('name = "acme"', f'name = "{name}"'))
    return folder


def test_a_new_source_is_one_folder_and_no_other_file_changes(elsewhere: Path) -> None:
    before = set(discover())
    new_source(elsewhere, "acme_one")
    found = discover()
    assert set(found) == before | {"acme_one"}
    kind = found["acme_one"]
    assert set(kind.fixtures()) == {"firing", "resolved"}
    for situation, action in (("firing", Action.CREATE), ("resolved", Action.RESOLVE)):
        [event] = kind.module.parse(kind.fixtures()[situation], SourceContext(integration="x"))
        assert event.action is action
        assert event.dedup_key == "4711"


def test_the_four_first_sources_are_there() -> None:
    assert {"alertmanager", "api", "pagerduty_events", "webhook"} <= set(discover())


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        pytest.param("manifest.toml", None, None, "no manifest.toml", id="no manifest"),
        pytest.param("adapter.py", None, None, "cannot be imported", id="no adapter"),
        pytest.param("manifest.toml", "title =", "title", "cannot be read", id="manifest is not TOML"),
        pytest.param("manifest.toml", "key_format", "key", "lacks key_format", id="a key is missing"),
        pytest.param("manifest.toml", 'name = "', 'name = "other_', "not as its folder", id="another name"),
        pytest.param(
            "manifest.toml", "'^[", "'^([", "key_format is no pattern", id="key format is no pattern"
        ),
        pytest.param("adapter.py", "def parse(", "def read(", "lacks the function parse", id="no parse"),
        pytest.param(
            "adapter.py", "import", "import absent_module; import", "absent_module", id="bad import"
        ),
    ],
)
def test_a_broken_folder_is_told_by_name(
    elsewhere: Path, request: pytest.FixtureRequest, file: str, old: str | None, new: str, message: str
) -> None:
    name = "broken_" + "".join(c if c.isalnum() else "_" for c in request.node.callspec.id).lower()
    path = new_source(elsewhere, name) / file
    if old is None:
        path.unlink()
    else:
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new, 1) if old == "import" else text.replace(old, new))
    with pytest.raises(BrokenSource, match=message) as caught:
        discover()
    assert name in str(caught.value)


def test_options_are_checked_against_the_manifest() -> None:
    kind = discover()["alertmanager"]
    assert kind.option_faults({"per": "group", "token": "t"}) == []
    assert kind.option_faults({"per": "day"}) == [("per", "must be one of: alert, group")]
    assert kind.option_faults({"token": 1}) == [("token", "must be of type text")]
    assert kind.option_faults({"nope": 1}) == [("nope", "unknown option; alertmanager has: token, per")]
