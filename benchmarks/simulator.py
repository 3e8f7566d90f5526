"""How long does a large company take, and how much memory? 100,000 accounts over 24 months, by the pipeline's own code.

    python -m benchmarks.simulator FOLDER

writes the company to that folder (some 0.5 GB, deleted afterwards unless `--keep` is given) and its figures into
benchmarks/results/features.json, key by key: seconds, peak resident memory of all processes together, rows.
"""

import json
import os
import shutil
import sys
import threading
import time
from datetime import date
from pathlib import Path

import pyarrow.parquet as pq

from data.catalog import Catalog
from data.simulate.parallel import cores
from pipelines import paths, written
from pipelines.simulate import world_of, write_company

ACCOUNTS, MONTHS, SEED = 100_000, 24, 7
RESULTS = Path("benchmarks/results/features.json")
PAGE_MB = os.sysconf("SC_PAGE_SIZE") / 2**20


class Memory(threading.Thread):
    """Watches the resident memory of a process (by default this one) and its children, a tenth of a second apart."""

    def __init__(self, pid: int | None = None) -> None:
        super().__init__(daemon=True)
        self._pid = os.getpid() if pid is None else pid
        self.peak_mb = 0.0
        self._done = threading.Event()

    def run(self) -> None:
        """Until `stop`."""
        while not self._done.wait(0.1):
            self.peak_mb = max(self.peak_mb, sum(_resident_mb(pid) for pid in _family(self._pid)))

    def stop(self) -> float:
        """The highest sum seen, in MB."""
        self._done.set()
        self.join()
        return self.peak_mb


def _family(pid: int) -> list[int]:
    found = [pid]
    try:
        for children in Path(f"/proc/{pid}/task").glob("*/children"):
            for child in children.read_text(encoding="ascii").split():
                found.extend(_family(int(child)))
    except (FileNotFoundError, ProcessLookupError):  # it has ended since
        pass
    return found


def _resident_mb(pid: int) -> float:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]) * PAGE_MB
    except (FileNotFoundError, ProcessLookupError):  # it has ended since
        return 0.0


def main() -> None:
    """Simulate, measure, write."""
    out = Path(sys.argv[1])
    memory = Memory()
    memory.start()
    start, before = time.perf_counter(), os.times()
    write_company(
        Catalog.load(paths.CATALOG),
        world_of("midmarket"),
        accounts=ACCOUNTS,
        months=MONTHS,
        seed=SEED,
        ends_on=date(2026, 6, 1),
        out=out,
    )
    seconds, after = time.perf_counter() - start, os.times()
    rows = pq.ParquetFile(out / "usage.parquet").metadata.num_rows
    found = {
        "simulate_s": round(seconds, 1),
        "simulate_cpu_s": round(sum(after[:4]) - sum(before[:4]), 1),
        "simulate_rss_mb": round(memory.stop()),
        "simulate_usage_rows": rows,
        "simulate_cores": cores(),
    }
    # Other benchmarks write their keys into the same file.
    known = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.is_file() else {}
    written.as_json(RESULTS, known | found)
    for name, value in found.items():
        print(f"{name}: {value}")
    if "--keep" not in sys.argv:
        shutil.rmtree(out)


if __name__ == "__main__":
    main()
