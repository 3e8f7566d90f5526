"""Stage `vouch`: do the reasons on the list say what the model did?

Reads   ranked_accounts and reasons as delivered, current, recent and training features, labels, models/propensity/; of
        a simulated company also the true causes
Writes  reasons.json: whether reasons add up, agree with their signs, matter when deleted, stay where nothing moved,
        differ before upgrades, and name true causes
"""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from data import frames
from delivery import faithfulness as faith
from delivery.outputs import BASE
from models.propensity import Propensity
from pipelines import labelled, paths, stage, tables, written
from pipelines.params import Params

DELIVERED = ("ranked_accounts", "reasons")
DIGITS = 6
# Sums of some eighty floats differ in the last digits between machines; what the report says of them may not.
EXACT_DIGITS = 9


def vouched(
    ranked: pd.DataFrame,
    reasons: pd.DataFrame,
    current: pd.DataFrame,
    earlier: pd.DataFrame,
    later: labelled.Labelled,
    model: Propensity,
    params: Params,
    truth: Path = paths.TRUTH,
) -> dict[str, Any]:
    """The report. earlier: features of snapshots before the week; later: labelled rows that were not learnt from."""
    groups = _groups(reasons, model)
    current = _in_order(current, ranked)
    matrix = model.vocabulary.encode(current)
    report = {
        "stability": _stability(current, matrix, earlier, reasons, groups, model),
        "before_upgrades": _before_upgrades(later, groups, model, params.run.seed),
    }
    if (truth / "causes.parquet").is_file():
        said = faith.sentences(ranked, reasons, params.run.language)
        report["simulated"] = _against_truth(said, current, groups, truth)
    return of_the_list(ranked, reasons, current, model, params) | _rounded(report, DIGITS)


def of_the_list(
    ranked: pd.DataFrame, reasons: pd.DataFrame, current: pd.DataFrame, model: Propensity, params: Params
) -> dict[str, Any]:
    """What needs the week alone, and no months before or after it: `upsell weekly` leaves it in run.json."""
    current = _in_order(current, ranked)
    matrix = model.vocabulary.encode(current)
    margin = pd.Series(model.margin_of(matrix), index=current["account_id"])
    said = faith.sentences(ranked, reasons, params.run.language)
    named = said.dropna(subset="group").groupby("account_id")["group"].agg(set).to_dict()
    deletion = faith.deletion(
        matrix,
        groups=_groups(reasons, model),
        categorical=model.vocabulary.categorical,
        plans=current["plan_id"].tolist(),
        named=[named.get(account, set()) for account in current["account_id"]],
        margin=model.margin_of,
        seed=params.run.seed,
    )
    return {
        "model_version": model.model_version,
        "as_of": f"{ranked['as_of'].iloc[0]:%Y-%m-%d}",
        "n_accounts": len(ranked),
        "n_sentences": len(said),
        "additivity": _rounded(faith.additivity(reasons, ranked, margin), EXACT_DIGITS),
        "sign_agreement": _rounded(faith.sign_agreement(said), DIGITS),
        "deletion": _rounded(deletion, DIGITS),
    }


def _groups(reasons: pd.DataFrame, model: Propensity) -> list[str]:
    group_of = dict(zip(reasons["feature"], reasons["group"], strict=True))
    return [group_of[name] for name in model.features]


def _in_order(current: pd.DataFrame, ranked: pd.DataFrame) -> pd.DataFrame:
    return current.set_index("account_id").loc[ranked["account_id"]].reset_index()


def _stability(
    current: pd.DataFrame,
    matrix: np.ndarray,
    earlier: pd.DataFrame,
    reasons: pd.DataFrame,
    groups: list[str],
    model: Propensity,
) -> dict[str, Any]:
    """Against the newest snapshot before the week, scored by the same model; only of accounts that were there."""
    if not len(earlier):
        return {"against": None, **faith.stability(*(np.empty((0, 1)) for _ in range(4)))}
    then = earlier[earlier["as_of"] == earlier["as_of"].max()].set_index("account_id")
    is_there = current["account_id"].isin(then.index).to_numpy()
    then = then.loc[current.loc[is_there, "account_id"]]
    wide = reasons[reasons["feature"] != BASE].pivot(index="account_id", columns="feature", values="contribution")
    now = wide.loc[current.loc[is_there, "account_id"], list(model.features)].to_numpy()
    before = model.contributions(then)[:, :-1]
    tops = [faith.top(faith.by_group(parts, groups)[0]) for parts in (now, before)]
    return {
        "against": f"{earlier['as_of'].max():%Y-%m-%d}",
        **faith.stability(matrix[is_there], model.vocabulary.encode(then), *tops),
    }


def _before_upgrades(later: labelled.Labelled, groups: list[str], model: Propensity, seed: int) -> dict[str, Any]:
    parts = faith.by_group(model.contributions(later.X)[:, :-1], groups)[0]
    return faith.before_upgrades(
        faith.first_reason(parts) if len(parts) else np.zeros(0, dtype="int64"),
        later.y.to_numpy(),
        later.groups.tolist(),
        later.periods.tolist(),
        seed=seed,
    )


def _against_truth(said: pd.DataFrame, current: pd.DataFrame, groups: list[str], truth: Path) -> dict[str, Any]:
    """What only a simulated company allows: whether the reasons are the true causes."""
    causes, expansion = (
        frames.to_pandas(pq.read_table(truth / f"{name}.parquet")).merge(current[["account_id", "as_of"]])
        for name in ("causes", "expansion")
    )
    return faith.truth_agreement(said, causes, expansion.rename(columns={"p_logged": "p"}), groups)


def _rounded(value: Any, digits: int) -> Any:
    if isinstance(value, dict):
        return {name: _rounded(part, digits) for name, part in value.items()}
    return round(value, digits) if isinstance(value, float) else value


def main() -> None:
    """Measure the reasons of the list that was just delivered."""
    ranked, reasons = (tables.Table(paths.WEEKLY / f"{name}.parquet", ("account_id",)).read() for name in DELIVERED)
    earlier = tables.RECENT.read()
    report = vouched(
        ranked,
        reasons,
        tables.CURRENT.read(),
        earlier if len(earlier) else tables.TRAINING.read(),
        labelled.read().block("test"),
        written.read_model(),
        Params.load(),
    )
    written.as_json(paths.REASONS, report)


if __name__ == "__main__":
    stage.run(main)
