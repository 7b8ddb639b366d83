"""What can go wrong when the hub brings its own database?

Exception
├── PostgresUnavailable     it cannot run here, or does not come up
└── DataFolderInUse         another hub that is alive holds the data folder
"""

from pathlib import Path

WAY_OUT = "set DATABASE_URL to a PostgreSQL server (15 or newer) to use that one instead"


class PostgresUnavailable(Exception):
    """The embedded PostgreSQL cannot run here; the message says why and names `DATABASE_URL`."""

    def __init__(self, why: str) -> None:
        super().__init__(f"the embedded PostgreSQL cannot run: {why}; {WAY_OUT}")


class DataFolderInUse(Exception):
    """Another hub that is alive holds the data folder."""

    def __init__(self, data: Path, pid: int | None) -> None:
        holder = f"pid {pid}" if pid else "pid unknown"
        stop = f"kill {pid}" if pid else f"fuser {data}/hub.lock shows it"
        super().__init__(
            f"the data folder {data} is in use by a hub that is running ({holder}): "
            f"stop that one first ({stop}), or give this one another folder with --data"
        )
        self.data = data
        self.pid = pid
