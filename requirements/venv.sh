# Sourced by ./im and ./test: makes and keeps the virtual environment .venv at the root of the clone.
# POSIX sh; needs uv, or a Python 3.11 or newer with venv and pip.
#
#   here=<root of the clone>; . "$here/requirements/venv.sh"; fresh run || install run     (or dev)
#
# "run" is what the hub needs, "dev" is that and the tools of ./test with the same versions, in one environment:
# installing the one never removes the other. A stamp file per kind holds the key of what was installed; it is
# taken away before an installation and written last, so that a half-made environment is never taken for a whole.

venv=$here/.venv

say() { printf '%s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }

# The key: the path of the clone (an environment cannot be moved) and the text of what decides its contents.
key() {
    set -- "$1" "$here/pyproject.toml" "$here/requirements/$1.txt"
    for file in "$here/hatch_build.py" "$here/web/package-lock.json"; do
        [ -f "$file" ] && set -- "$@" "$file"
    done
    kind=$1
    shift
    { printf '%s\n%s\n' "$kind" "$here"; cat "$@"; } | cksum
}

fresh() {
    stamp=$venv/.installed-$1
    [ -x "$venv/bin/python" ] && [ -f "$stamp" ] || return 1
    IFS= read -r installed <"$stamp"
    [ "$installed" = "$(key "$1")" ] || return 1
    # The dashboard is built when the package is installed: newer sources want a new build.
    [ -d "$here/web" ] || return 0
    newer=$(find "$here/web" \( -name node_modules -o -name dist \) -prune -o -type f -newer "$stamp" -print | head -n 1)
    [ -z "$newer" ]
}

install() {
    mkdir -p "$venv" 2>/dev/null && [ -w "$venv" ] && [ -w "$here" ] ||
        fail "Cannot install: $here is read-only or belongs to another account. Clone it to a folder of your own, or make it writable."
    find_python
    exec 9>"$venv/.installing"
    lock
    # Somebody else may have done it while we waited.
    if ! fresh "$1"; then
        began=$(date +%s)
        with=pip
        [ -z "$uv" ] || with=uv
        say "Installing Tocsin's Python packages into .venv with $with (once; about a minute) ..."
        populate "$1"
        say "Installed in $(($(date +%s) - began)) s."
    fi
    exec 9>&-
}

# The lock stands on the open file 9 and ends with it: a killed installation leaves none. Its file is not called
# .lock, for uv takes that one itself and would wait for us.
lock() {
    if command -v flock >/dev/null 2>&1; then
        flock -n 9 || { say "Waiting for another installation in $here ..."; flock 9; }
    elif [ -n "$python" ]; then
        "$python" -c 'import fcntl; fcntl.flock(9, fcntl.LOCK_EX)'
    fi
}

find_python() {
    uv=$(command -v uv) || uv=
    python=
    lacking=
    for name in python3 python3.13 python3.12 python3.14 python3.11 python; do
        # Run, not only found: a version manager has a placeholder for each version it could have.
        "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 || continue
        if [ -z "$uv" ] && ! "$name" -c 'import venv, ensurepip' >/dev/null 2>&1; then
            lacking=$name
            continue
        fi
        python=$("$name" -c 'import sys; print(sys.executable)')
        return
    done
    [ -n "$uv" ] && return
    [ -n "$lacking" ] &&
        fail "$lacking has no venv or pip: install them (Debian, Ubuntu: apt-get install python3-venv python3-pip), or install uv."
    fail "Tocsin needs Python 3.11 or newer: install it (Debian 12, Ubuntu 24.04: apt-get install python3 python3-venv python3-pip), or install uv."
}

populate() {
    rm -f "$venv/.installed-run" "$venv/.installed-dev"
    log=$venv/install.log
    # An account without a home of its own (nobody) has no place for uv's cache.
    mkdir -p "${UV_CACHE_DIR:-${XDG_CACHE_HOME:-${HOME:-/nowhere}/.cache}/uv}" 2>/dev/null ||
        export UV_CACHE_DIR="$venv/.cache"
    : >"$log"
    if ! "$venv/bin/python" -m pip --version >/dev/null 2>&1 || ! same_place; then
        # In place, for the lock stands inside; all but the lock and the log is made anew.
        find "$venv" -mindepth 1 -maxdepth 1 ! -name .installing ! -name install.log -exec rm -rf {} +
        if [ -n "$uv" ]; then
            step "$uv" venv --quiet --seed --allow-existing --python "${python:->=3.11}" "$venv"
        else
            step "$python" -m venv "$venv"
        fi
    fi
    if [ -n "$uv" ]; then
        step "$uv" pip install --quiet --python "$venv/bin/python" --require-hashes -r "$here/requirements/$1.txt"
        step "$uv" pip install --quiet --python "$venv/bin/python" --no-deps -e "$here"
    else
        set_pip="--quiet --disable-pip-version-check --no-input --root-user-action=ignore"
        # shellcheck disable=SC2086 # words, by intention
        step "$venv/bin/python" -m pip install $set_pip --require-hashes -r "$here/requirements/$1.txt"
        # shellcheck disable=SC2086
        step "$venv/bin/python" -m pip install $set_pip --no-deps -e "$here"
    fi
    rm -rf "$venv/.cache"
    # dev holds all of run.
    [ "$1" = run ] || write_stamp run
    write_stamp "$1"
}

# Whether the environment was made where it stands now.
same_place() {
    "$venv/bin/python" -c 'import os, sys; sys.exit(not os.path.samefile(sys.prefix, sys.argv[1]))' "$venv" &&
        { [ ! -f "$venv/bin/pip" ] || grep -qF "$venv/bin/python" "$venv/bin/pip"; }
}

step() {
    "$@" >>"$log" 2>&1 9>&- </dev/null && return
    say "The installation failed at: $*"
    tail -n 15 "$log" >&2
    fail "The whole of it is in $log. Without a network, or behind a proxy, set HTTPS_PROXY or PIP_INDEX_URL; then run this again."
}

write_stamp() {
    key "$1" >"$venv/.installed-$1.new" && mv "$venv/.installed-$1.new" "$venv/.installed-$1"
}
