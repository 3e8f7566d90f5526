"""`upsell predict`: score any table with a model of `upsell fit`, some rows at a time, in the table's order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from data.errors import BadInput
from pipelines import model_folder, table_file

if TYPE_CHECKING:
    from models.propensity import Propensity
    from models.table import Preparation

VALUES_AT_ONCE = 20_000_000  # rows × features held as float64 (160 MB)
ROW = "row"
BASE = "(base)"


def predict(
    path: Path,
    folder: Path,
    out: Path,
    *,
    key: Sequence[str] = (),
    contributions: bool = False,
    correct: bool = True,
    say: Callable[[str], None] = print,
) -> int:
    """Write a row per row of the table to `out`: its key, `propensity`, `low`, `high`; gives the number of rows.

    The key is the columns named, else `row`, from 1. `low` and `high` are empty where the model has no interval. With
    `contributions` a column per column of the table follows, in log-odds, and `(base)`; they add up to the margin.
    Where the scores say, beyond doubt, that the base rate has moved, probabilities are set to it unless `correct` is
    False; what columns add stays. Raises BadInput, and writes nothing, where the table or the model cannot be read.
    """
    _check_out(out, path)
    model, preparation = model_folder.read(folder)
    whole = table_file.read(path)
    names = [table_file.one_of(name, whole.column_names, "--key") for name in key]
    if clash := [name for name in names if name in ("propensity", "low", "high", BASE)]:
        raise BadInput(f"--key: {clash[0]} is also the name of a column that is written; rename it in the table.")
    if contributions and (clash := [name for name in names or [ROW] if name in preparation.kinds]):
        raise BadInput(
            f"--key: the model uses {clash[0]}, so with --contributions that is the name of what it adds; give another "
            "key, or leave --contributions out."
        )
    if out.suffix == ".csv" and (nested := [n for n in names if pa.types.is_nested(whole.schema.field(n).type)]):
        raise BadInput(f"--key: {nested[0]} holds lists, which CSV cannot; write .parquet, or give another key.")
    step = max(1_000, VALUES_AT_ONCE // max(1, len(model.features)))
    starts = range(0, whole.num_rows, step)
    margins = [model.margin(preparation.features(whole.slice(start, step))) for start in starts]
    if correct:
        model = _at_its_rate(model, np.concatenate(margins), say)
    beside = out.with_name(f".{out.name}.partial")
    writer: Any = None
    try:
        for start, margin in zip(starts, margins, strict=True):
            part = whole.slice(start, step)
            scored = _scored(part, margin, model, preparation, contributions)
            keys = {name: part.column(name) for name in names} or {
                ROW: pa.array(np.arange(start + 1, start + 1 + part.num_rows))
            }
            rows = pa.table({**keys, **scored})
            writer = writer or _writer(beside, out.suffix, rows.schema)
            writer.write_table(rows)
        writer.close()
        beside.replace(out)
    finally:
        beside.unlink(missing_ok=True)
    for note in preparation.unread(whole):
        say(f"note      {note}")
    return int(whole.num_rows)


def _at_its_rate(model: Propensity, margins: np.ndarray, say: Callable[[str], None]) -> Propensity:
    """The model at the base rate that these rows' scores tell of; itself where it keeps nothing to tell it by."""
    reading = model.read(model.calibrator.probability(margins))
    if reading is not None and reading.is_corrected:
        say(
            f"note      the base rate has moved from {reading.rate_carried:.2%} to {reading.rate_em:.2%}: {reading.why}"
        )
    return model.corrected(reading)


def _scored(
    part: pa.Table, margin: np.ndarray, model: Propensity, preparation: Preparation, contributions: bool
) -> dict[str, pa.Array]:
    p = model.calibrator.probability(margin)
    low, high = model.bounds(p)
    found = {"propensity": pa.array(p)} | {
        name: pa.array(values, from_pandas=True) for name, values in (("low", low), ("high", high))
    }
    if contributions:
        names, summed = preparation.by_column(model.contributions(preparation.features(part)), model.features)
        found |= {name: pa.array(summed[:, i]) for i, name in enumerate([*names, BASE])}
    return found


def _writer(path: Path, suffix: str, schema: pa.Schema) -> Any:
    if suffix == ".parquet":
        return pq.ParquetWriter(path, schema, compression="zstd")
    return pyarrow.csv.CSVWriter(path, schema, write_options=pyarrow.csv.WriteOptions(quoting_style="needed"))


def _check_out(out: Path, path: Path) -> None:
    if out.suffix not in (".parquet", ".csv"):
        raise BadInput(f"--out: {out.name} is neither .parquet nor .csv; give one of the two.")
    if out.is_dir():
        raise BadInput(f"--out: {out} is a folder, and a file was expected; give another name.")
    if not out.absolute().parent.is_dir():
        raise BadInput(f"--out: there is no folder {out.absolute().parent}; make it first.")
    if out.exists() and path.exists() and out.samefile(path):
        raise BadInput(f"--out: {out} is the table itself, and would be lost; give another name.")
