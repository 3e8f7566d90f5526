"""Stage `evaluate`: how good is the model on the test block, how sure is that, and is it better than knowing less?

Reads   training, labels, models/propensity/; of a simulated company also the true probabilities: nothing else may
Writes  metrics.json: a verdict in words, each metric of ours and of three baselines, paired differences, with intervals
        headline.json: its figures without intervals, few enough for `dvc metrics diff` and `dvc exp show`
        slices.csv: one row per kind of account: is the model as right for it as for the rest?
        plots/: roc, precision_recall, calibration, gains, importance (CSV)
"""

from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from data import frames
from models import baselines, curves, evaluation, money, slices, verdict
from models.bootstrap import Measured
from models.settings import Evaluation
from pipelines import labelled, paths, stage, written
from pipelines.labelled import KEY, Labelled
from pipelines.params import Params

N_FEATURES_SHOWN = 20
TENURE_DAYS = [180.0, 365.0, 730.0]
EMPLOYEES = [50.0, 250.0, 1000.0]


def main() -> None:
    """Run the stage."""
    params = Params.load()
    settings, seed = params.evaluate, params.run.seed
    rows, model = labelled.read(), written.read_model()
    test = rows.block("test")
    is_test = (rows.blocks == "test").to_numpy()
    rivals = baselines.probabilities(
        rows.X,
        rows.y,
        rows.blocks,
        rule_feature=settings.rule_feature,
        rule_limit=settings.rule_limit,
        groups=rows.groups,
        seed=seed,
    )
    systems = {"ours": model.probability(test.X)} | {name: p[is_test] for name, p in rivals.items()}
    compared = evaluation.compare(
        test.y, systems, settings=settings, seed=seed, groups=test.groups, periods=test.periods
    )
    before = verdict.order_before_calibration(
        test.y, systems["ours"], model.margin(test.X), settings=settings, seed=seed, groups=test.groups
    )
    said = verdict.verdict(compared, settings.interval, before_calibration=before)
    report: dict[str, Any] = {
        "verdict": said.sentence,
        "is_better_than_base_rate": said.is_better_than_base_rate,
        "model_version": model.model_version,
        "calibrator": model.calibrator.kind,
        "interval": settings.interval,
        "capacity": settings.capacity,
        **({"auc_before_calibration": before.to_json()} if before else {}),
        **{name: _plain(by) for name, by in compared.metrics.items()},
        "differences": {name: _plain(by) for name, by in compared.differences.items()},
        "money_at_capacity": {name: _plain(_money(p, test, settings, seed)) for name, p in systems.items()},
        "blocks": {name: _counts(rows.block(name)) for name in labelled.BLOCKS},
    }
    truth = paths.TRUTH / "expansion.parquet"
    if truth.is_file():
        report["simulated"] = _simulated(
            test, systems, frames.to_pandas(pq.read_table(truth)), settings=settings, seed=seed
        )

    judged = slices.judge(
        test.y,
        systems["ours"],
        kinds(test.X, [params.segments.mid_from_seats, params.segments.large_from_seats]),
        settings=settings,
        seed=seed,
        groups=test.groups,
    )
    written.text(paths.SLICES, judged.to_csv(index=False, float_format="%.6g"))
    drawn = curves.curves(test.y, systems)
    drawn["importance"] = curves.importance(model.features, model.contributions(test.X), model.gain()).head(
        N_FEATURES_SHOWN
    )
    for name, curve in drawn.items():
        written.text(paths.PLOTS / f"{name}.csv", curve.to_csv(index=False, float_format="%.6g"))
    written.as_json(paths.METRICS, report)
    written.as_json(paths.HEADLINE, headline(report))
    print(said.sentence)


def headline(report: dict[str, Any]) -> dict[str, float | None]:
    """What one looks at first when two runs are compared: our figures, and what they are less the base rate's.

    Log losses at different base rates are not comparable, as those of other horizons are: `rate` shows it.
    """
    ours = {name: by["value"] for name, by in report["ours"].items()}
    return {
        **ours,
        "log_loss_less_base_rate": report["differences"]["base_rate"]["log_loss"]["value"],
        "added_mrr_at_capacity": report["money_at_capacity"]["ours"]["captured"]["value"],
        "rate": report["blocks"]["test"]["rate"],
    }


def kinds(X: pd.DataFrame, seats: list[float]) -> pd.DataFrame:
    """The slices by which accounts differ, one row per row of `X`; those whose column is missing are left out."""
    plain = {"plan": "plan_id", "industry": "industry", "region": "region"}
    banded: dict[str, tuple[str, list[float], str]] = {
        "segment": ("seats", seats, " seats"),
        "size": ("employee_count", EMPLOYEES, " employees"),
        "tenure": ("tenure_days", TENURE_DAYS, " days"),
    }
    found = {name: X[column] for name, column in plain.items() if column in X}
    found |= {name: slices.bands(X[c], edges, unit) for name, (c, edges, unit) in banded.items() if c in X}
    return pd.DataFrame(found, index=X.index)


def _plain(metrics: Any) -> dict[str, dict[str, float | None]]:
    return {name: measured.to_json() for name, measured in metrics.items()}


def _money(p: np.ndarray, test: Labelled, settings: Evaluation, seed: int) -> dict[str, Measured]:
    return money.money_at_capacity(
        test.added_mrr.to_numpy(), p, settings=settings, seed=seed, groups=test.groups, periods=test.periods
    )


def _counts(block: Labelled) -> dict[str, Any]:
    has_rows = len(block.y) > 0
    return {
        "n_rows": len(block.y),
        "n_accounts": int(block.groups.nunique()),
        "n_expansions": int(block.y.sum()),
        "rate": round(float(block.y.mean()), 6) if has_rows else None,
        "first_as_of": f"{block.periods.min():%Y-%m-%d}" if has_rows else None,
        "last_as_of": f"{block.periods.max():%Y-%m-%d}" if has_rows else None,
    }


def _simulated(
    test: Labelled, systems: dict[str, np.ndarray], truth: pd.DataFrame, *, settings: Evaluation, seed: int
) -> dict[str, Any]:
    """What only a simulated company allows: the AUC of the true probability, and ours held against it."""
    keys = pd.DataFrame({"account_id": test.groups, "as_of": test.periods})
    p_logged = keys.merge(truth, on=KEY, how="left", validate="one_to_one")["p_logged"].to_numpy(dtype="float64")
    known = ~np.isnan(p_logged)
    if not known.any():
        return {"note": "simulated company: the truth knows none of the test snapshots", "n_rows": 0}
    compared = evaluation.compare(
        test.y[known],
        {"ours": systems["ours"][known], "p_logged": p_logged[known]},
        settings=settings,
        seed=seed,
        groups=test.groups[known],
        periods=test.periods[known],
    )
    shown: dict[str, Measured] = {
        "auc_of_p_logged": compared.metrics["p_logged"]["auc"],
        "log_loss_of_p_logged": compared.metrics["p_logged"]["log_loss"],
        "auc_ours_less_p_logged": compared.differences["p_logged"]["auc"],
    }
    against = evaluation.against_truth(systems["ours"][known], p_logged[known])
    return {
        "note": "simulated company: p_logged is the true probability, causes that nobody observes included",
        "n_rows": int(known.sum()),
        **_plain(shown),
        **{f"{name}_against_truth": round(value, 6) for name, value in against.items()},
    }


if __name__ == "__main__":
    stage.run(main)
