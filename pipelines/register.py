"""Stage `register`: leave the run and its model in MLflow; the champion is replaced where the new one is not worse.

Reads   training, labels, models/propensity/, metrics.json, params.yaml as a whole
Writes  registered.json: the model's version and the hashes of what it came from
        registry_run.json, and from it weekly/run.json: MLflow's run and registry version; they differ between clones
        and are no DVC outputs
"""

from pathlib import Path
from typing import Any

from data.errors import BadInput
from data.settings import read_yaml
from models import promotion
from models.promotion import Decision
from models.propensity import Propensity
from pipelines import labelled, paths, stage, tables, tracking, whence, written
from pipelines.labelled import Labelled
from pipelines.params import Params
from pipelines.train import IMPORTANCE
from pipelines.tune import TRIALS, TUNING

REGISTERED = paths.LAKE / "registered.json"
INPUTS = (tables.TRAINING.path, tables.LABELS.path, TUNING)


def main() -> None:
    """Run the stage."""
    params = Params.load()
    model, test = written.read_model(), labelled.read().block("test")
    champion = tracking.find_champion(params.registry)
    decision = judge(model, champion, test, params)
    inputs = {path.as_posix(): tracking.sha256(path) for path in INPUTS}
    metrics = written.read_json(paths.METRICS)
    state = tracking.git_state()
    logged = tracking.log_run(
        model,
        registry=params.registry,
        parameters=tracking.flat(read_yaml(paths.PARAMS)),
        metrics=figures(metrics, decision),
        inputs=inputs,
        files=[*_files(), *INPUTS[2:], TRIALS.path],
        notes={
            "promotion": decision.reason,
            "verdict": str(metrics["verdict"]),
            "champion_before": "" if champion is None else champion.version,
            "git_commit": str(state["git_commit"] or ""),
        },
        promote=decision.is_promoted,
    )
    written.as_json(REGISTERED, {"model_version": model.model_version, "inputs": inputs})
    written.as_json(
        whence.REGISTRY,
        {
            "model_version": model.model_version,
            "mlflow_run_id": logged.run_id,
            "registry_model": params.registry.model,
            "registry_version": logged.version,
            "is_champion": logged.is_champion,
            "promotion": decision.reason,
        },
    )
    whence.after_register(str(params.run.as_of), model.model_version)


def judge(model: Propensity, champion: tracking.Champion | None, test: Labelled, params: Params) -> Decision:
    """Whether the new model becomes champion: it does where there is none, or none that can score these rows."""
    if champion is None:
        return Decision(True, "promoted: there was no champion")
    if champion.model.model_version == model.model_version:
        return Decision(True, f"the champion (version {champion.version}) already is this model")
    try:
        theirs = champion.model.probability(test.X)
    except BadInput as error:
        return Decision(True, f"promoted: the champion (version {champion.version}) cannot score these rows: {error}")
    return promotion.decide(
        test.y,
        model.probability(test.X),
        theirs,
        settings=params.evaluate,
        seed=params.run.seed,
        groups=test.groups,
    )


def figures(metrics: dict[str, Any], decision: Decision) -> dict[str, float]:
    """Every number of the report by its dotted name, and those of the comparison with the champion."""
    found = {
        name: float(value)
        for name, value in tracking.flat(metrics).items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }
    if decision.difference is not None:
        compared = {
            "challenger_log_loss": decision.challenger,
            "champion_log_loss": decision.champion,
            **{f"difference_{name}": value for name, value in vars(decision.difference).items()},
        }
        found |= {f"promotion.{name}": value for name, value in compared.items() if value is not None}
    return found


def _files() -> list[Path]:
    reports = [paths.MODEL_CARD, paths.BACKTEST, paths.SLICES]
    return [paths.PARAMS, paths.METRICS, IMPORTANCE, *reports, *sorted(paths.PLOTS.glob("*.csv"))]


if __name__ == "__main__":
    stage.run(main)
