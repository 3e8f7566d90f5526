"""A PostgreSQL server of our own, which listens on a socket in a folder and on nothing else."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def running() -> Iterator[Path]:
    """The folder of its socket; user `upsell`, database `postgres`."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"))
    pg_ctl = str(found[-1]) if found else shutil.which("pg_ctl")
    assert pg_ctl, "PostgreSQL is not installed (Debian: postgresql)"
    with tempfile.TemporaryDirectory() as name:  # not pytest's, which only its own user may enter
        folder = Path(name)
        as_whom = []
        if os.geteuid() == 0:  # the server refuses to run as root
            as_whom = ["runuser", "-u", "postgres", "--"]
            shutil.chown(folder, "postgres")

        def run(*arguments: str) -> None:
            subprocess.run([*as_whom, pg_ctl, "-D", str(folder / "db"), *arguments], check=True, cwd=folder, timeout=60)

        run("initdb", "-s", "-o", "--auth=trust --username=upsell --encoding=UTF8")
        run("start", "-w", "-s", "-l", str(folder / "log"), "-o", f"-c listen_addresses='' -k {folder}")
        try:
            yield folder
        finally:
            run("stop", "-m", "immediate", "-s")
