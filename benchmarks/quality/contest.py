"""One system on one split: its files laid out, its process watched, its probabilities kept.

What a peer predicted is kept under data/lake/quality/ and taken again as long as split, seconds, runner and lock are
the same: a benchmark that was stopped goes on, and a new version of ours costs its own seconds only. Ours always runs.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.quality.splits import TARGET, Split
from benchmarks.quality.systems import HERE, PEERS_LOCK, System
from benchmarks.simulator import Memory
from pipelines import written

SEED, THREADS = 7, 2
# A process that takes longer than so many times its seconds, and this many more, is ended.
PATIENCE, START_S = 2, 120
ENVIRONMENT = {"HF_HUB_OFFLINE": "1", "PYTHONWARNINGS": "ignore"}


class Failed(Exception):
    """A system gave no probabilities; says which, where, and its last words."""


@dataclass(frozen=True)
class Prediction:
    """Probabilities of the test rows in their order, and what they cost: a whole process, imports included."""

    p: np.ndarray
    seconds: float
    mb: float


def lay_out(split: Split, folder: Path, *, threads: int = THREADS) -> str:
    """Write what the systems are given (the truth of the test rows is not in it); returns the hash of it."""
    folder.mkdir(parents=True, exist_ok=True)
    shown = {"train": split.train, "test": split.test.drop(columns=TARGET)}
    for name, frame in shown.items():
        table = pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata(None)
        for i, field in enumerate(table.schema):
            if pa.types.is_large_string(field.type):
                table = table.set_column(i, field.name, table.column(i).cast(pa.string()))
        pq.write_table(table, folder / f"{name}.parquet")
    task = {
        "target": TARGET,
        "key": split.key,
        "time": split.time,
        "group": split.group,
        "gap": split.gap.days if isinstance(split.gap, pd.Timedelta) else split.gap,
        "features": split.features,
        "categorical": split.categorical,
        "seed": SEED,
        "threads": threads,
    }
    written.as_json(folder / "task.json", task)
    return _hash(*(folder / name for name in ("train.parquet", "test.parquet", "task.json")))


def predict(system: System, split: Split, folder: Path, *, given: str, seconds: int) -> Prediction:
    """Run `system` on what `lay_out` wrote, or take what it said of the same before. Raises Failed."""
    kept = folder / f"{system.name}.parquet"
    costs = kept.with_suffix(".json")
    peer = [PEERS_LOCK, system.file, HERE / "peers/exchange.py", HERE / "peers/search.py"]
    same = "" if system.is_ours else f"{given} {seconds} {_hash(*peer)}"
    if same and kept.is_file() and costs.is_file():
        told = json.loads(costs.read_text(encoding="utf-8"))
        if told["same"] == same:
            return Prediction(_read(kept), told["seconds"], told["mb"])
    kept.unlink(missing_ok=True)
    start = time.perf_counter()
    mb = _run(system, folder, kept, seconds)
    took = time.perf_counter() - start
    p = _read(kept)
    if len(p) != len(split.test):
        raise Failed(f"{system.name} on {split.name}: {len(p)} probabilities for {len(split.test)} rows")
    written.as_json(costs, {"same": same, "seconds": took, "mb": mb})
    return Prediction(p, took, mb)


def _run(system: System, folder: Path, out: Path, seconds: int) -> float:
    """The process, in a session of its own so that all of it can be ended; returns its peak memory in MB."""
    threads = str(json.loads((folder / "task.json").read_text(encoding="utf-8"))["threads"])
    environment = {**os.environ, **ENVIRONMENT, "OMP_NUM_THREADS": threads}
    environment["PYTHONPATH"] = str(Path.cwd()) if system.is_ours else ""
    command = [str(system.python), str(system.file), str(folder), str(out), str(seconds)]
    log = out.with_suffix(".log")
    with log.open("w", encoding="utf-8") as words:
        process = subprocess.Popen(command, env=environment, stdout=words, stderr=words, start_new_session=True)  # noqa: S603 - our own files
        memory = Memory(process.pid)
        memory.start()
        limit = threading.Timer(PATIENCE * seconds + START_S, os.killpg, (process.pid, signal.SIGKILL))
        limit.start()
        try:
            code = process.wait()
        except BaseException:  # whoever stops us stops it too
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise
        finally:
            limit.cancel()
            mb = memory.stop()
    if code or not out.is_file():
        last = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1:] or ["(no words)"]
        raise Failed(f"{system.name} on {folder.name}: exit {code}: {last[0]} (all of it: {log})")
    return mb


def _read(file: Path) -> np.ndarray:
    return pq.read_table(file)["p"].to_numpy()


def _hash(*files: Path) -> str:
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()[:16]
