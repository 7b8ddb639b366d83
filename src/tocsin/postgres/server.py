"""How is one postmaster started, known to be ready, and stopped, even one that a killed hub left behind?"""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from tocsin.postgres.cluster import Cluster
from tocsin.postgres.errors import PostgresUnavailable

# A start right after a kill finds shared memory still held by backends that have not noticed yet.
_RETRY_FOR_SECONDS = 20.0
_LOG_LIMIT_BYTES = 5_000_000
# PostgreSQL's ladder: fast (roll back, checkpoint), immediate (recovery at the next start), and the kernel's.
_LADDER = ((signal.SIGINT, 6.0), (signal.SIGQUIT, 2.0), (signal.SIGKILL, 2.0))
# Holds the other end of a pipe of the hub's: when the hub ends, however it ends, the pipe closes and the server
# is asked to stop. So a killed hub leaves no server behind.
_GUARD = 'read -r _; kill -INT "$1"'


class Server:
    """One running postmaster and its guard."""

    def __init__(self, process: subprocess.Popen[bytes], guard: subprocess.Popen[bytes]) -> None:
        self.process = process
        self._guard = guard

    def wait(self) -> int:
        """Wait until the postmaster has ended, for whatever reason, and see its guard off. Answers its exit code."""
        code = self.process.wait()
        self._guard.kill()
        self._guard.wait()
        if self._guard.stdin:
            self._guard.stdin.close()
        return code

    def stop(self) -> None:
        """Stop it: fast, and harder when it does not end in time. Returns when it is gone."""
        for number, seconds in _LADDER:
            self.process.send_signal(number)
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(seconds)
                break
        self.wait()


def start_server(cluster: Cluster, sockets: Path, given_up: Callable[[], bool]) -> Server:
    """Start a postmaster and return when it takes connections.

    Tries again for some seconds. Crash recovery may take minutes and is waited for as long as the server works
    on it. Raises `PostgresUnavailable` with what the server said; `given_up` is asked while waiting.
    """
    until = time.monotonic() + _RETRY_FOR_SECONDS
    while True:
        stop_left_behind(cluster)
        log_from = _rotated_log(cluster)
        server = _spawn(cluster, sockets)
        if _became_ready(cluster, server, given_up):
            return server
        if given_up():
            server.stop()
            raise PostgresUnavailable("its start was called off")
        server.wait()
        if time.monotonic() > until:
            raise PostgresUnavailable(
                f"the server does not start: {_said(cluster, log_from)} (see {cluster.log})"
            )
        time.sleep(0.2)


def stop_left_behind(cluster: Cluster) -> None:
    """End a postmaster of this cluster that a killed hub left, and clear a pid file that only looks alive.

    To be called by the holder of the data folder's lock: no live hub can own that postmaster.
    """
    pid = _pid_in_file(cluster)
    if pid is None or not _alive(pid):
        return
    if not _serves(pid, cluster):
        # The pid has gone to another process (usual in a container, where pids begin anew): PostgreSQL itself
        # would take it for a postmaster and refuse to start.
        (cluster.pgdata / "postmaster.pid").unlink(missing_ok=True)
        return
    for number, seconds in _LADDER:
        with suppress(ProcessLookupError):
            os.kill(pid, number)
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if not _alive(pid):
                return
            time.sleep(0.01)
    raise PostgresUnavailable(
        f"a server of an earlier hub (pid {pid}) does not end: stop it with kill -9 {pid}"
    )


def _spawn(cluster: Cluster, sockets: Path) -> Server:
    popen = cluster.account.popen()
    with cluster.reachable() as (folder, open_files), cluster.log.open("ab") as log:
        process = subprocess.Popen(  # noqa: S603 - a fixed list, no shell
            [cluster.binaries.program("postgres"), "-D", folder / "cluster", "-k", sockets],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            env=cluster.binaries.environment(),
            pass_fds=open_files,
            # Ctrl-C is the hub's to handle: it still needs its database to drain.
            start_new_session=True,
            **popen,
        )
    guard = subprocess.Popen(  # noqa: S603
        ["/bin/sh", "-c", _GUARD, "tocsin-guard", str(process.pid)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
        env={"PATH": "/usr/bin:/bin"},
        start_new_session=True,
        **popen,
    )
    return Server(process, guard)


def _became_ready(cluster: Cluster, server: Server, given_up: Callable[[], bool]) -> bool:
    """Whether it got as far as taking connections, by the status line that pg_ctl reads too."""
    while server.process.poll() is None and not given_up():
        lines = _pid_file(cluster)
        if len(lines) >= 8 and lines[0] == str(server.process.pid) and lines[7].strip() == "ready":
            return True
        time.sleep(0.005)
    return False


def _pid_file(cluster: Cluster) -> list[str]:
    try:
        return (cluster.pgdata / "postmaster.pid").read_text().splitlines()
    except OSError:
        return []


def _pid_in_file(cluster: Cluster) -> int | None:
    lines = _pid_file(cluster)
    # Negative for a single-user server.
    return abs(int(lines[0])) if lines and lines[0].lstrip("-").isdecimal() else None


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    with suppress(OSError):
        # A zombie holds no files and no memory; its parent may never collect it.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return True


def _serves(pid: int, cluster: Cluster) -> bool:
    """Whether that process is a server of this cluster: a postmaster works in its cluster's folder."""
    try:
        return os.path.samefile(f"/proc/{pid}/cwd", cluster.pgdata)
    except OSError:
        if Path("/proc/self/cwd").exists():
            return False
    # Without /proc (macOS): by the command line, which names the folder.
    command = ["/bin/ps", "-ww", "-o", "command=", "-p", str(pid)]
    shown = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    return str(cluster.pgdata) in shown.stdout


def _rotated_log(cluster: Cluster) -> int:
    """Put a long log aside; the size of the present one, where what comes next will begin."""
    if not cluster.log.exists():
        cluster.log.touch(mode=0o600)
        cluster.account.own(cluster.log)
    size = cluster.log.stat().st_size
    if size > _LOG_LIMIT_BYTES:
        cluster.log.rename(cluster.log.with_name("server.log.1"))
        return _rotated_log(cluster)
    return size


def _said(cluster: Cluster, log_from: int) -> str:
    with cluster.log.open("rb") as log:
        log.seek(log_from)
        lines = log.read(20_000).decode("utf-8", "replace").splitlines()
    telling = [line for line in lines if "FATAL:" in line or "PANIC:" in line or "HINT:" in line]
    return " / ".join((telling or lines)[-3:]) or "it said nothing"
