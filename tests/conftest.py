"""What tests of every room share: programs from outside that may be missing."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest


def find_outside_program(name: str, *, package: str) -> Path:
    """The path of a program that is not ours, by name or absolute path.

    Missing, it skips the test with the reason, or with CI=true fails it: there `./test` has installed all of
    requirements/programs.txt, and a test that never runs proves nothing.
    """
    found = shutil.which(name)
    if found:
        return Path(found)
    reason = f"{name} is missing: install the Debian package {package} (as root ./test does it by apt)"
    if os.environ.get("CI") == "true":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def outside_program() -> Callable[..., Path]:
    """`outside_program("chromium", package="chromium")`: its path, or the test is skipped (CI=true: fails)."""
    return find_outside_program
