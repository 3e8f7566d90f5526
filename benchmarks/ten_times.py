"""How much does the default company's size cost? Its model against one trained on ten times as many accounts.

Both are judged on the default company's own test block, whose accounts the larger company does not share (its seed is
another). Beside them stands the AUC of the true probability, causes that nobody observes included: simulated, as both
companies are. Writes benchmarks/results/pipeline.json. Run it after `make run`: `python -m benchmarks.ten_times`.
"""

from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
from sklearn.metrics import roc_auc_score

from benchmarks.quality import company
from pipelines import labelled, paths, written
from pipelines.params import Params

TIMES = 10
STAGES = (*company.UP_TO_LABELS, "drift", "tune", "train")
RESULTS = Path("benchmarks/results/pipeline.json")


def main() -> None:
    """Train, judge, write."""
    ours_is = Params.load().simulate
    larger_is = {"accounts": TIMES * ours_is.accounts, "seed": ours_is.seed + 1000}
    with company.made(ours_is.preset, **larger_is, stages=STAGES) as made:
        larger = written.read_model(made.workspace / paths.PROPENSITY)
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
        **{f"ten_times_{stage}_s": round(value, 1) for stage, value in made.seconds.items()},
    }
    written.as_json(RESULTS, report)
    for name, value in report.items():
        print(f"{name}: {value}")


if __name__ == "__main__":
    main()
