"""Do the locks say the same as pyproject.toml, and can both installers read them?"""

import re
import tomllib
from importlib.metadata import requires
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
_PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^ ;\\]+)(.*(?:\n    --hash=sha256:[0-9a-f]{64}.*)*)", re.MULTILINE)


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def pins(kind: str) -> dict[str, str]:
    """Name to version, of requirements/KIND.txt."""
    return {
        normal(name): version
        for name, version, _ in _PIN.findall((ROOT / f"requirements/{kind}.txt").read_text())
    }


def wanted(requirement: str) -> tuple[str, str | None]:
    name, _, version = re.split(r"[;\[ ]", requirement)[0].partition("==")
    return normal(name), version or None


@pytest.mark.parametrize(
    ("kind", "requirements"),
    [
        pytest.param("run", PROJECT["project"]["dependencies"], id="what the hub needs"),
        pytest.param("dev", PROJECT["dependency-groups"]["dev"], id="what ./test needs"),
    ],
)
def test_every_dependency_is_locked_in_its_version(kind: str, requirements: list[str]) -> None:
    """A new or changed dependency without a new lock would never be installed by ./im. To renew: CONTRIBUTING.md."""
    locked = pins(kind)
    missing = [
        f"{name}=={version or '*'}, locked: {locked.get(name)}"
        for name, version in map(wanted, requirements)
        if name not in locked or version not in (None, locked[name])
    ]

    assert missing == []


def test_dev_is_run_and_more() -> None:
    """./test and ./im share one environment: neither may move a version of the other's."""
    run, dev = pins("run"), pins("dev")

    assert run.items() <= dev.items()
    assert {"pytest", "ruff", "mypy"} <= dev.keys() - run.keys()


@pytest.mark.parametrize("kind", ["run", "dev"])
def test_every_pin_has_a_hash(kind: str) -> None:
    """pip refuses a file of which only some have one."""
    assert [
        name
        for name, _, rest in _PIN.findall((ROOT / f"requirements/{kind}.txt").read_text())
        if "--hash" not in rest
    ] == []


def test_what_the_dependencies_need_in_turn_is_locked_too() -> None:
    """Read from the installed packages themselves, for this machine and without extras."""
    locked = pins("dev")
    missing = {
        f"{name} needs {found.group()}"
        for name in locked
        for need in _needs(name)
        if ";" not in need
        and (found := re.match(r"[A-Za-z0-9._-]+", need))
        and normal(found.group()) not in locked
    }

    assert missing == set()


def _needs(name: str) -> list[str]:
    try:
        return requires(name) or []
    except ModuleNotFoundError:
        return []  # locked for another kind of machine
