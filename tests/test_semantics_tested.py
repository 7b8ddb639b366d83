"""Does the table of the rules at the seams (docs/semantics-tested.md) say what is true? Each module and test that it
names is there, and each rule has a test whose docstring names it."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TABLE = ROOT / "docs" / "semantics-tested.md"
RULES = [f"S{number}" for number in range(1, 55)]


@dataclass(frozen=True)
class Row:
    """One rule of the table."""

    rule: str
    modules: tuple[str, ...]
    tests: tuple[str, ...]
    gaps: str


def rows() -> list[Row]:
    found = []
    for line in TABLE.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if re.fullmatch(r"S\d+", cells[0]):
            _, _, held, tests, gaps = cells
            found.append(Row(cells[0], _codes(held), _codes(tests), gaps))
    return found


def _codes(cell: str) -> tuple[str, ...]:
    return tuple(re.findall(r"`([^`]+)`", cell))


@cache
def docstrings(file: Path) -> dict[str, str]:
    """Test -> its docstring, of one file."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    functions = (node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)))
    return {node.name: ast.get_docstring(node) or "" for node in functions if node.name.startswith("test_")}


def names(rule: str, text: str) -> bool:
    return re.search(rf"\b{rule}\b", text) is not None


def test_every_rule_has_its_row() -> None:
    assert [row.rule for row in rows()] == RULES


@pytest.mark.parametrize("row", rows(), ids=lambda row: row.rule)
def test_what_the_table_names_is_there(row: Row) -> None:
    """A test that was renamed or taken away takes its rule's row along, or another test into it."""
    assert [module for module in row.modules if not (ROOT / "src" / "tocsin" / module).is_file()] == []
    missing = []
    for test in row.tests:
        file, _, name = test.partition("::")
        there = ROOT / file
        if not there.is_file() or name not in docstrings(there):
            missing.append(test)
    assert missing == []


@pytest.mark.parametrize("row", rows(), ids=lambda row: row.rule)
def test_each_rule_is_named_by_a_test_of_its_row(row: Row) -> None:
    """By its docstring; a rule without any test says in the table that it is not built."""
    if not row.tests:
        assert row.gaps.startswith("not built"), f"{row.rule} has neither tests nor a reason"
        return
    told = [docstrings(ROOT / test.partition("::")[0])[test.partition("::")[2]] for test in row.tests]
    assert any(names(row.rule, text) for text in told), (
        f"no docstring of {', '.join(row.tests)} names {row.rule}"
    )
