"""The tables that stages hand to one another: where each lies, and its grain. Writing a table checks it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq

from data import frames
from data.errors import BadInput
from pipelines import paths


@dataclass(frozen=True)
class Table:
    """A Parquet file with one row per `key`."""

    path: Path
    key: Sequence[str]

    def read(self, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """The whole table, or some of its columns."""
        if not self.path.is_file():
            raise BadInput(f"{self.path}: there is no such file yet; run `dvc repro`.")
        return frames.to_pandas(pq.read_table(self.path, columns=list(columns) if columns else None))

    def write(self, frame: pd.DataFrame) -> None:
        """Check that one row stands per key, sort by it, write beside and rename: never half a table."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        beside = self.path.with_suffix(".partial")
        pq.write_table(frames.to_arrow(frame, key=self.key), beside, compression="zstd")
        beside.replace(self.path)


COHORT = Table(paths.LAKE / "cohort.parquet", ("account_id", "as_of"))
LABELS = Table(paths.LAKE / "labels.parquet", ("account_id", "as_of"))
TRAINING = Table(paths.FEATURES / "training.parquet", ("account_id", "as_of"))
RECENT = Table(paths.FEATURES / "recent.parquet", ("account_id", "as_of"))
CURRENT = Table(paths.FEATURES / "current.parquet", ("account_id", "as_of"))
TRIGGERS = Table(paths.LAKE / "triggers.parquet", ("account_id", "as_of", "trigger"))
LIMITS = Table(paths.LIMITS / "current.parquet", ("account_id", "as_of", "metric"))
DIRECTIONS = Table(paths.FEATURES / "directions.parquet", ("feature",))
SCORES = Table(paths.LAKE / "scores" / "scores.parquet", ("account_id", "as_of"))
CONTRIBUTIONS = Table(paths.LAKE / "scores" / "contributions.parquet", ("account_id", "as_of", "feature"))
DECISIONS = Table(paths.LAKE / "decisions" / "decisions.parquet", ("account_id", "as_of"))
CANDIDATES = Table(paths.LAKE / "decisions" / "candidates.parquet", ("account_id", "as_of", "offer_id"))
PAIRS = Table(paths.TOGETHER / "pairs.parquet", ("taken", "then"))
PEERS = Table(paths.TOGETHER / "peers.parquet", ("account_id", "as_of", "offer_id"))
LATELY = Table(paths.LAKE / "decisions" / "lately.parquet", ("account_id", "as_of"))
WORTH = Table(paths.LAKE / "decisions" / "worth.parquet", ("region",))
