"""Work over processes: in order, errors told, and nothing left behind when the one that gave it is killed."""

import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from data.simulate.parallel import cores, in_order


def test_results_come_in_the_order_of_the_work() -> None:
    assert list(in_order(partial(pow, 2), range(9), 2)) == [1, 2, 4, 8, 16, 32, 64, 128, 256]


def test_an_error_in_a_process_is_told() -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        list(in_order(int, ["1", "two", "3"], 2))


def test_workers_end_with_a_parent_that_was_killed(tmp_path: Path) -> None:
    script = tmp_path / "work.py"
    script.write_text(
        "import os, time\n"
        "from data.simulate.parallel import in_order\n"
        "def work(folder):\n"
        "    open(os.path.join(folder, str(os.getpid())), 'w').close()\n"
        "    time.sleep(120)\n"
        "if __name__ == '__main__':\n"
        f"    list(in_order(work, [{str(tmp_path / 'pids')!r}] * 2, 2))\n",
        encoding="utf-8",
    )
    pids = tmp_path / "pids"
    pids.mkdir()
    parent = subprocess.Popen([sys.executable, str(script)], env={**os.environ, "PYTHONPATH": str(Path.cwd())})
    until = time.monotonic() + 60
    while len(list(pids.iterdir())) < 2 and time.monotonic() < until:
        time.sleep(0.1)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    workers = [int(path.name) for path in pids.iterdir()]
    assert len(workers) == 2
    while any(alive(pid) for pid in workers) and time.monotonic() < until:
        time.sleep(0.1)
    assert not [pid for pid in workers if alive(pid)]


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def test_there_is_at_least_one_core() -> None:
    assert cores() >= 1
