"""How much does the default company's size cost? Its model against one trained on ten times as many accounts.

Both are judged on the default company's own test block, whose accounts the larger company does not share (its seed is
another). Beside them stands the AUC of the true probability, causes that nobody observes included: simulated, as both
companies are. Writes benchmarks/results/pipeline.json. Run it after `make run`: `python -m benchmarks.ten_times`.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import yaml
from sklearn.metrics import roc_auc_score

from pipelines import labelled, paths, written

TIMES = 10
STAGES = ("simulate", "ingest", "select", "build", "label", "tune", "train")
RESULTS = Path("benchmarks/results/pipeline.json")


def train_larger(workspace: Path) -> dict[str, float]:
    """Run the stages up to the model for a company ten times as large; seconds by stage."""
    params = yaml.safe_load(paths.PARAMS.read_text(encoding="utf-8"))
    params["simulate"]["accounts"] *= TIMES
    params["simulate"]["seed"] += 1000
    (workspace / paths.PARAMS).write_text(yaml.safe_dump(params, allow_unicode=True), encoding="utf-8")
    for file in (paths.CATALOG, paths.SOURCES):
        (workspace / file).write_bytes(file.read_bytes())
    environment = {**os.environ, "PYTHONPATH": str(Path.cwd())}
    seconds = {}
    for stage in STAGES:
        start = time.perf_counter()
        subprocess.run([sys.executable, "-m", f"pipelines.{stage}"], cwd=workspace, env=environment, check=True)  # noqa: S603 - our own stages
        seconds[stage] = time.perf_counter() - start
        print(f"{stage}: {seconds[stage]:.0f} s", flush=True)
    return seconds


def main() -> None:
    """Train, judge, write."""
    with tempfile.TemporaryDirectory() as folder:
        workspace = Path(folder)
        seconds = train_larger(workspace)
        larger = written.read_model(workspace / paths.PROPENSITY)
    test = labelled.read().block("test")
    ours = written.read_model()
    truth = pq.read_table(paths.TRUTH / "expansion.parquet").to_pandas()
    truth["as_of"] = pd.to_datetime(truth["as_of"])
    keys = pd.DataFrame({"account_id": test.groups, "as_of": test.periods})
    p_logged = keys.merge(truth, on=labelled.KEY, how="left", validate="one_to_one")["p_logged"]
    auc = {
        "auc_default": roc_auc_score(test.y, ours.probability(test.X)),
        "auc_ten_times": roc_auc_score(test.y, larger.probability(test.X)),
        "auc_p_logged": roc_auc_score(test.y, p_logged),
    }
    report = {
        **{name: round(float(value), 4) for name, value in auc.items()},
        "auc_gap_to_ten_times": round(auc["auc_ten_times"] - auc["auc_default"], 4),
        "n_test_rows": len(test.y),
        "n_test_expansions": int(test.y.sum()),
        **{f"ten_times_{stage}_s": round(value, 1) for stage, value in seconds.items()},
    }
    written.as_json(RESULTS, report)
    for name, value in report.items():
        print(f"{name}: {value}")


if __name__ == "__main__":
    main()
