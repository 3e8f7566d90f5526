import dataclasses
import re
from typing import Any

import numpy as np
import pandas as pd
import pytest
from worlds import World

from models import card, slices
from models.backtest import COLUMNS
from models.card import About
from models.card_time import Moving
from models.drift import ALL_TOGETHER, Selection
from models.evaluation import METRICS, compare
from models.money import money_at_capacity
from models.propensity import Propensity
from models.settings import Evaluation
from models.shift import Moved, Reading, Shift
from models.verdict import verdict

FEW = Evaluation(n_bootstrap=50, capacity=20)
ABOUT = About("Small | Co", "2026-06-01", 90, 0.1, requires_consent=True)
VALIDATION = {"tables": {"accounts": {"kept": 100, "quarantined": 2}}, "missing": {"surveys": "the features of NPS"}}
VERSIONS = {"lightgbm": "4.6.0"}
TOLD = pd.DataFrame(
    [("month", 0.97, True), ("tenure", 0.71, True), ("use", 0.5, False), (ALL_TOGETHER, 0.98, True)],
    columns=["feature", "auc_latest", "tells_time"],
)
READING = Reading(
    481, psi=0.02, ks=0.01, distribution_moved=False, rate_carried=0.17, rate_mean=0.16, rate_em=0.19, low=0.15,
    high=0.23, rate_bbse=0.2, correction=0.0, is_corrected=False, why="EM's interval holds the latest rate",
).to_json()  # fmt: skip
AT_REST = Moving(TOLD, Selection(tried=({"step": 0},)), READING)


def report(y: pd.Series, p: np.ndarray) -> dict[str, Any]:
    systems = {"ours": p, "base_rate": np.full(len(p), 0.2)}
    compared = compare(y, systems, settings=FEW, seed=0)
    said = verdict(compared, FEW.interval)
    block = {"n_rows": len(y), "n_accounts": len(y), "n_expansions": int(y.sum()), "rate": float(y.mean()),
             "first_as_of": "2026-01-01", "last_as_of": "2026-03-01"}  # fmt: skip
    money = money_at_capacity(np.where(y, 70.0, 0.0), p, settings=FEW, seed=0)
    return {
        "verdict": said.sentence, "is_better_than_base_rate": said.is_better_than_base_rate, "interval": FEW.interval,
        "capacity": FEW.capacity, "blocks": {"test": block},
        "money_at_capacity": {"ours": {name: measured.to_json() for name, measured in money.items()}},
        **{name: {m: by[m].to_json() for m in METRICS} for name, by in compared.metrics.items()},
    }  # fmt: skip


def backtested() -> pd.DataFrame:
    rows = [
        {"origin": origin, "n_learnt": 900, "n_rows": 300, "rate": 0.2, "mean_p": 0.23, "metric": metric,
         "value": 0.7, "low": 0.6, "high": 0.8}
        for origin in ("2025-01-01", "2025-04-01") for metric in ("auc", "mrr_captured")
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=list(COLUMNS))


@pytest.fixture
def judged(world: World, model: Propensity) -> tuple[pd.Series, np.ndarray, pd.DataFrame]:
    test = world.is_test
    p, y = model.probability(world.X[test]), world.y[test]
    return y, p, slices.judge(y, p, world.X.loc[test, ["plan"]], settings=FEW, seed=0, groups=world.groups[test])


def written(
    model: Propensity, metrics: dict[str, Any], table: pd.DataFrame, moving: Moving = AT_REST, **changed: Any
) -> str:
    about = dataclasses.replace(ABOUT, **changed)
    return card.markdown(about, model, metrics, backtested(), table, VALIDATION, moving, VERSIONS)


def test_the_first_sentence_is_the_verdict_and_every_section_is_there(model: Propensity, judged: Any) -> None:
    y, p, table = judged
    metrics = report(y, p)
    text = written(model, metrics, table)
    assert text.splitlines()[0] == metrics["verdict"]
    assert text.startswith("The model is better than the base rate: AUC 0.")
    heads = re.findall(r"^## (.*)$", text, flags=re.M)
    assert heads == [
        "Who may use it, and for what", "Data, label and splits", "How good it is", "What a probability means",
        "Over time", "What moves", "By kind of account", "Limits", "Made with",
    ]  # fmt: skip
    assert model.model_version in text
    assert "decisions about individual people" in text
    assert "without consent" in text
    assert "0.700 (0.600 to 0.800)" in text
    assert "at most by 0.030" in text
    assert "missing tables: surveys" in text
    assert "simulated" not in text
    assert written(model, metrics, table) == text


def test_tables_are_tables_whatever_the_names_hold(model: Propensity, judged: Any) -> None:
    y, p, table = judged
    text = written(model, report(y, p), table.assign(value="a|b\nc"))
    lines = text.splitlines()
    for i, line in enumerate(lines):
        if line.startswith("| ---"):
            n = lines[i - 1].count("|")
            j = i + 1
            while j < len(lines) and lines[j].startswith("|"):
                assert len(re.findall(r"(?<!\\)\|", lines[j])) == n
                j += 1


def test_without_signal_nobody_is_told_to_use_it(model: Propensity, judged: Any) -> None:
    y, _, table = judged
    text = written(model, report(y, np.full(len(y), 0.2)), table)
    assert text.startswith("There is no signal to act on")
    assert "**For:** Nobody, for choosing among accounts" in text
    assert "decide whom to talk to first" not in text


def test_what_could_not_be_measured_is_said_so(model: Propensity, judged: Any) -> None:
    y, p, table = judged
    nothing = report(y & False, p)
    text = card.markdown(
        dataclasses.replace(ABOUT, requires_consent=False), dataclasses.replace(model, interval=None), nothing,
        backtested().head(0), table.head(0), VALIDATION, Moving(TOLD.assign(tells_time=False)), VERSIONS,
    )  # fmt: skip
    assert text.startswith("The model cannot be judged")
    assert "**For:** Nobody yet" in text
    assert "no later rows to learn an interval from" in text
    assert "No backtest" in text
    assert "No slices" in text
    assert "`gates.requires_consent` is off" in text
    assert "the model keeps nothing to hold them against" in text
    assert "none of 3 tells earlier rows from later ones beyond chance. None is left out: nothing was tried." in text
    assert "nan" not in text.lower().replace("finance", "")


def test_a_simulated_company_is_called_so(model: Propensity, judged: Any) -> None:
    y, p, table = judged
    assert "**The company is simulated**" in written(model, report(y, p) | {"simulated": {}}, table)


def test_flags_are_named(model: Propensity, judged: Any) -> None:
    y, p, table = judged
    flagged = table.assign(is_flagged=table.index == 0, why=["level", *[""] * (len(table) - 1)])
    text = written(model, report(y, p), flagged)
    assert f"Differing from the rest after correction: plan {table['value'].iloc[0]} (level)." in text


def test_what_moves_is_said_with_its_figures(model: Propensity, judged: Any) -> None:
    y, p, table = judged
    kept = Shift.of(np.linspace(-3, 1, len(y)), y.to_numpy(dtype="float64"))
    moved = dataclasses.replace(model, shift=dataclasses.replace(kept, moved=Moved(0.085, 0.112, 0.3, 0.1, 0.5, True)))
    text = written(moved, report(y, p), table)
    assert "- **Past:** The base rate has moved: 8.5% of earlier rows, 11.2% of the latest;" in text
    assert (
        "481 rows, spread much as the latest whose outcome is known (PSI 0.02); by them the base rate would be " in text
    )
    assert "19.0% (15.0% to 23.0%), the latest known is 17.0%. Probabilities stay at the latest known: EM's" in text
    assert (
        "2 of 3 tell earlier rows from later ones beyond chance (AUC alone: month 0.97, tenure 0.71; all together "
        in text
    )
    assert "0.98; 0.5 is not at all, 1 is a calendar). None is left out: later rows are not predicted better" in text


def test_what_was_done_about_it_is_said(model: Propensity, judged: Any) -> None:
    y, p, table = judged
    read = READING | {"is_corrected": True, "distribution_moved": True, "why": "BBSE agrees"}
    found = Selection({"month": "tells the time"}, half_life=365.0, tried=({"step": 0},))
    text = written(model, report(y, p), table, Moving(TOLD, found, read))
    assert "481 rows, spread otherwise than the latest" in text
    assert "Probabilities were moved to it: BBSE agrees." in text
    assert "Left out, since later rows are predicted better without: month. Rows weigh half after 365 days." in text
