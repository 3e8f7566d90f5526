"""`reports/weekly/run.json`: which commit, command and registry version the list beside it came from.

It differs between clones, so it is no output of DVC, and DVC does not bring it back: where `dvc repro` takes a list
from its cache, no stage runs. So run.json names the manifest that it is about, and `renew` rewrites it where another
list lies there.
"""

from typing import Any

from pipelines import paths, stage, tracking, written

RUN = paths.WEEKLY / "run.json"
MANIFEST = paths.WEEKLY / "manifest.json"
REGISTRY = paths.LAKE / "registry_run.json"  # what stage `register` was told by MLflow; differs between clones, too
REPRO = "dvc repro"


def of_repro(as_of: str, model_version: str) -> dict[str, Any]:
    """What is known of a list that `dvc repro` made: MLflow's part only where it is about this very model."""
    told = written.read_json(REGISTRY) if REGISTRY.is_file() else {}
    return {
        **tracking.git_state(),
        "command": REPRO,
        "as_of": as_of,
        "model_version": model_version,
        **(told if told.get("model_version") == model_version else {}),
        "manifest_sha256": tracking.sha256(MANIFEST) if MANIFEST.is_file() else None,
    }


def after_register(as_of: str, model_version: str) -> None:
    """Add what MLflow told, where the list there is by `dvc repro` and of this model, or where there is none yet.

    `register` and `deliver` do not wait for each other: an older list, or one by `upsell weekly`, keeps its run.json.
    """
    if MANIFEST.is_file():
        known = written.read_json(RUN) if RUN.is_file() else {"command": REPRO}
        if known.get("command") != REPRO or written.read_json(MANIFEST)["model_version"] != model_version:
            return
    written.as_json(RUN, of_repro(as_of, model_version))


def renew() -> None:
    """Write run.json anew where it is about another list than the one that lies there, after a `dvc repro`."""
    if not MANIFEST.is_file():
        return
    known = written.read_json(RUN) if RUN.is_file() else {}
    if known.get("manifest_sha256") != tracking.sha256(MANIFEST):
        manifest = written.read_json(MANIFEST)
        written.as_json(RUN, of_repro(manifest["as_of"], manifest["model_version"]))


if __name__ == "__main__":
    stage.run(renew)
