"""Every benchmark in turn, and at the end one table: the rows of docs/performance.md.

.venv/bin/python bench/all.py               (about 15 min on a quiet machine; --only intake paging for some)
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
BENCHES = ("intake", "paging", "storm", "outage", "killed", "growth", "resting")


def rows_of(name: str) -> list[list[str]]:
    """Run one; its table's rows (what, measured, beside it, target), or one that says that it failed."""
    began_at = os.getloadavg()[0]
    done = subprocess.run(
        [sys.executable, str(HERE / f"{name}.py")], capture_output=True, text=True, check=False
    )
    sys.stdout.write(done.stdout)
    sys.stdout.flush()
    last = done.stdout.strip().splitlines()[-1:]
    try:
        shown: list[list[str]] = json.loads(last[0])["rows"]
    except (IndexError, KeyError, ValueError):
        said = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        return [[name, f"failed: {said}", "-", "-", f"{began_at:.1f}"]]
    return [[*row, f"{began_at:.1f}"] for row in shown]


def main(names: list[str]) -> int:
    """Print the table; 1 when one of them failed."""
    found = [row for name in names for row in rows_of(name)]
    head = ["what", "measured", "beside it, same run", "target", "load"]
    print()
    for row in (head, ["---"] * len(head), *found):
        print("| " + " | ".join(cell.replace("|", "/") for cell in row) + " |")
    return any(row[1].startswith("failed:") for row in found)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", choices=BENCHES, default=list(BENCHES), metavar="NAME")
    sys.exit(main(parser.parse_args().only))
