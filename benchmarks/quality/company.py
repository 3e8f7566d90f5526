"""A simulated company, its features and labels made by this project's own stages in a folder that is then gone."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import chdir, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import yaml

from data.catalog import Catalog
from data.simulate.catalogs import catalog_of
from pipelines import paths, tables
from pipelines.params import Params

UP_TO_LABELS = ("simulate", "ingest", "select", "build", "label")


@dataclass(frozen=True)
class Made:
    """Where its stages have run, and the seconds that each took."""

    workspace: Path
    seconds: dict[str, float]


@contextmanager
def made(preset: str, accounts: int, *, seed: int, stages: Sequence[str] = UP_TO_LABELS) -> Iterator[Made]:
    """Run `stages` for such a company, with the preset's own catalogue and else the project's params."""
    with tempfile.TemporaryDirectory() as folder:
        workspace = Path(folder)
        preset_files(preset, workspace, accounts=accounts, seed=seed)
        environment = {**os.environ, "PYTHONPATH": str(Path.cwd())}
        seconds = {}
        for stage in stages:
            start = time.perf_counter()
            subprocess.run([sys.executable, "-m", f"pipelines.{stage}"], cwd=workspace, env=environment, check=True)  # noqa: S603 - our own stages
            seconds[stage] = time.perf_counter() - start
            print(f"{preset}, {accounts:,} accounts: {stage} took {seconds[stage]:.0f} s", flush=True)
        yield Made(workspace, seconds)


def preset_files(preset: str, workspace: Path, *, accounts: int, seed: int) -> Catalog:
    """Lay params, sources and the preset's own catalogue into a workspace; gives the catalogue."""
    params = yaml.safe_load(paths.PARAMS.read_text(encoding="utf-8"))
    params["simulate"] |= {"preset": preset, "accounts": accounts, "seed": seed}
    catalog = catalog_of(preset, Catalog.load(paths.CATALOG))
    content = catalog.model_dump(mode="json", by_alias=True, exclude_unset=True)
    for file, told in ((paths.PARAMS, params), (paths.CATALOG, content)):
        (workspace / file).write_text(yaml.safe_dump(told, allow_unicode=True, sort_keys=False), encoding="utf-8")
    (workspace / paths.SOURCES).write_bytes(paths.SOURCES.read_bytes())
    return catalog


def labelled_features(workspace: Path) -> tuple[pd.DataFrame, pd.Timestamp, pd.Timedelta]:
    """One row per (account_id, as_of) whose outcome is known: features and `is_expansion`, 0 or 1.

    Beside it the first snapshot of the test block, and how long an outcome takes to be known.
    """
    with chdir(workspace):
        params = Params.load()
        features, labels = tables.TRAINING.read(), tables.LABELS.read()
    known = labels[labels["block"] != "unlabelled"]
    first_test = known.loc[known["block"] == "test", "as_of"].min()
    key = list(tables.LABELS.key)
    rows = features.merge(known[[*key, "is_expansion"]], on=key, validate="one_to_one").sort_values(key)
    rows["is_expansion"] = rows["is_expansion"].astype("int64")
    return rows.reset_index(drop=True), first_test, pd.Timedelta(days=params.label.horizon_days)
