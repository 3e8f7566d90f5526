"""Stage `register`: leave the run and its model in MLflow; the champion is replaced where the new one is not worse.

Reads   training, labels, models/propensity/, metrics.json, params.yaml as a whole
Tells   how many answers an experiment in a copy does not see: here, since hardly one runs without this stage
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
from pipelines import answered, champions, labelled, paths, stage, tables, tracking, whence, written
from pipelines.labelled import Labelled
from pipelines.params import Params
from pipelines.train import IMPORTANCE
from pipelines.tune import TRIALS, TUNING

REGISTERED = paths.LAKE / "registered.json"
INPUTS = (tables.TRAINING.path, tables.LABELS.path, TUNING)


def main() -> None:
    """Run the stage."""
    if told := answered.unseen():
        print(told)
    params = Params.load()
    registry = params.registry
    model, test = written.read_model(), labelled.read().block("test")
    version_before, decision = compared(model, test, params)
    inputs = {path.as_posix(): tracking.sha256(path) for path in INPUTS}
    metrics = written.read_json(paths.METRICS)
    state = tracking.git_state()
    experiment = tracking.experiment()
    logged = tracking.log_run(
        model,
        registry=registry,
        parameters=tracking.flat(read_yaml(paths.PARAMS)),
        metrics=figures(metrics),
        inputs=inputs,
        files=[*_files(), *INPUTS[2:], TRIALS.path],
        notes={
            "verdict": str(metrics["verdict"]),
            "champion_before": version_before or "",
            "git_commit": str(state["git_commit"] or ""),
            **({"dvc_experiment": experiment} if experiment else {}),
        },
    )
    if experiment and decision.is_promoted and logged.version != version_before:
        # To try something is not to put it to work.
        decision = Decision(
            False,
            f"an experiment ({experiment}) takes nobody's place by itself, `upsell promote {logged.version}` lets it: "
            f"{decision.reason}",
            decision.compared,
            decision.rows,
        )
    champions.write_verdict(registry, decision, run_id=logged.run_id, version=logged.version, champion=version_before)
    if decision.is_promoted and logged.version != version_before:
        champions.crown(registry, logged.version, how="promoted", why=decision.reason)
    if not decision.is_promoted and not decision.compared:
        print(decision.reason)  # not a question of figures: someone has to look
    written.as_json(REGISTERED, {"model_version": model.model_version, "inputs": inputs})
    written.as_json(
        whence.REGISTRY,
        {
            "model_version": model.model_version,
            "mlflow_run_id": logged.run_id,
            "registry_model": registry.model,
            "registry_version": logged.version,
            "is_champion": decision.is_promoted or logged.version == version_before,
            "promotion": decision.reason,
        },
    )
    whence.after_register(str(params.run.as_of), model.model_version)


def compared(model: Propensity, test: Labelled, params: Params) -> tuple[str | None, Decision]:
    """The champion's version, and what the gate says of `model` against it."""
    current, _ = champions.previous(params.registry)
    if current is None:
        return None, Decision(True, "promoted: there was no champion")
    try:
        champion = tracking.read_version(params.registry, current)
    except BadInput as error:
        return current, Decision(False, f"not compared, the champion stays: {error}")
    return current, judge(model, champion, test, params)


def judge(model: Propensity, champion: tracking.Champion, test: Labelled, params: Params) -> Decision:
    """Whether a model becomes champion in the place of another, by the rows of the test block that are new to both."""
    if champion.model.model_version == model.model_version:
        return Decision(True, f"the champion (version {champion.version}) already is this model")
    return promotion.judge(
        model,
        champion.model,
        test.X,
        test.y,
        groups=test.groups,
        periods=test.periods,
        added_mrr=test.added_mrr,
        label=params.label.model_dump(),
        settings=params.evaluate,
        gate=params.registry.gate,
        seed=params.run.seed,
    )


def figures(metrics: dict[str, Any]) -> dict[str, float]:
    """Every number of the report by its dotted name."""
    return {
        name: float(value)
        for name, value in tracking.flat(metrics).items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }


def _files() -> list[Path]:
    reports = [paths.MODEL_CARD, paths.BACKTEST, paths.SLICES]
    return [paths.PARAMS, paths.METRICS, IMPORTANCE, *reports, *sorted(paths.PLOTS.glob("*.csv"))]


if __name__ == "__main__":
    stage.run(main)
