"""MLflow, and only here: runs with what went in and came out, and the registry with its champion.

By default all of it is a SQLite file, `mlflow.db`, with artefacts in `mlruns/` beside it, in the folder of the run, or
in the repository from which DVC started it as an experiment; with MLFLOW_TRACKING_URI set it is that server. Models are
text and JSON; nothing is pickled or unpickled. What MLflow says about itself is kept off the terminal.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import logging
import os
import shutil
import subprocess
import tempfile
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data.errors import BadInput
from models.settings import Registry

if TYPE_CHECKING:
    from models.propensity import Propensity

CHAMPION = "champion"
DATABASE = Path("mlflow.db")
ARTEFACTS = Path("mlruns")
# What a loaded model needs of the environment.
SERVING_PACKAGES = ("lightgbm", "mlflow", "numpy", "pandas", "pydantic", "pyyaml", "scipy")
# And the code that reads it: files by room.
SERVING_CODE = (("models", "*.py"), ("data", "__init__.py"), ("data", "errors.py"), ("data", "settings.py"))
# MLflow takes at most this many parameters in one call, and this many characters in one of them.
MAX_PARAMETERS, MAX_CHARACTERS = 100, 6000


@dataclass(frozen=True)
class Champion:
    """A model of the registry, which version of it that is, and the run that made it."""

    model: Propensity
    version: str
    run_id: str = ""


@dataclass(frozen=True)
class Logged:
    """Where a run went."""

    run_id: str
    version: str


def experiment() -> str | None:
    """The name of the DVC experiment that this process is part of, if it is."""
    return os.environ.get("DVC_EXP_NAME") or None


def home() -> Path:
    """Where the local database lies.

    An experiment may run in a temporary copy, which DVC deletes: its run belongs with all others, where it was started.
    """
    root = os.environ.get("DVC_ROOT") if experiment() else None
    return Path(root or ".").resolve()


@contextmanager
def session(registry: Registry) -> Iterator[Any]:
    """MLflow, set up and quiet; gives the module. Raises BadInput where the server cannot be used."""
    is_local = not os.environ.get("MLFLOW_TRACKING_URI")
    given = {
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
        "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
        "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
        # A server that is down should say so within seconds, not minutes.
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": os.environ.get("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2"),
        "GIT_PYTHON_REFRESH": "quiet",
    }
    os.environ.update(given)
    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.ERROR)
    with warnings.catch_warnings():
        # Deprecations inside MLflow and what it imports; none concerns the person at the terminal.
        warnings.simplefilter("ignore")
        import mlflow  # three seconds, so only where it is used
        from mlflow.exceptions import MlflowException

        # MLflow sets its own level when it is imported.
        for name in ("mlflow", "alembic"):
            logging.getLogger(name).setLevel(logging.ERROR)
        database, artefacts = home() / DATABASE, (home() / ARTEFACTS).as_uri()
        uri = f"sqlite:///{database}" if is_local else os.environ["MLFLOW_TRACKING_URI"]
        mlflow.set_tracking_uri(uri)
        mlflow.set_registry_uri(uri)
        try:
            known = mlflow.get_experiment_by_name(registry.experiment)
            if is_local and known is None:
                mlflow.create_experiment(registry.experiment, artifact_location=artefacts)
            elif is_local and known.artifact_location != artefacts:
                raise BadInput(
                    f"{database} was made elsewhere: its artefacts are kept as {known.artifact_location}, and MLflow "
                    f"would go on writing there. Move the folder back; or put {DATABASE} and {ARTEFACTS}/ aside and "
                    "run `dvc repro --force --single-item register`, which begins a registry here."
                )
            mlflow.set_experiment(registry.experiment)
        except MlflowException as error:
            first = str(error).splitlines()[0].rstrip(".")
            raise BadInput(
                f"MLflow at {uri} cannot be used: {first}. Check MLFLOW_TRACKING_URI and that the server is up; "
                "without that variable a local file is used."
            ) from error
        yield mlflow


def find_champion(registry: Registry) -> Champion | None:
    """The champion, its files checked against the hashes in the registry; None where there is none yet."""
    with session(registry) as mlflow:
        version = champion_version(mlflow.MlflowClient(), registry)
        return None if version is None else _read(mlflow, registry, version)


def champion(registry: Registry) -> Champion:
    """The champion. Raises BadInput where there is none, or where its files were changed."""
    found = find_champion(registry)
    if found is None:
        raise BadInput(
            f"the registry has no champion of {registry.model} yet; run `dvc repro` once to train one, or `upsell "
            "promote` where one was trained."
        )
    return found


def read_version(registry: Registry, version: str | None) -> Champion:
    """One model of the registry, champion or not; the newest where none is named. Raises BadInput, as `champion`."""
    with session(registry) as mlflow:
        found = mlflow.MlflowClient().search_model_versions(filter_string=f"name = '{registry.model}'")
        known = sorted((str(each.version) for each in found), key=int)
        if not known:
            raise BadInput(f"the registry has no version of {registry.model} yet; run `dvc repro` once to train one.")
        if version is not None and version not in known:
            raise BadInput(f"the registry has no version {version} of {registry.model}; it has {', '.join(known)}.")
        return _read(mlflow, registry, version or known[-1])


def champion_version(client: Any, registry: Registry) -> str | None:
    """The version that the alias `champion` points at, if any."""
    found = client.search_registered_models(filter_string=f"name = '{registry.model}'")
    version = found[0].aliases.get(CHAMPION) if found else None
    return None if version is None else str(version)


def log_run(
    model: Propensity,
    *,
    registry: Registry,
    parameters: Mapping[str, Any],
    metrics: Mapping[str, float],
    inputs: Mapping[str, str],
    files: Sequence[Path],
    notes: Mapping[str, str],
) -> Logged:
    """Leave one run, and the model in the registry; who is champion is decided elsewhere (pipelines/champions.py).

    `inputs` are sha256 by path, `files` are kept as artefacts under their paths. A model that the registry already
    holds (same `model_version`) gets no second version.
    """
    with session(registry) as mlflow, mlflow.start_run() as run:
        text = {name: str(value)[:MAX_CHARACTERS] for name, value in parameters.items()}
        for start in range(0, len(text), MAX_PARAMETERS):
            mlflow.log_params(dict(list(text.items())[start : start + MAX_PARAMETERS]))
        mlflow.log_metrics(dict(metrics))
        mlflow.set_tags({**notes, "model_version": model.model_version})
        mlflow.set_tags({f"sha256.{name}": digest for name, digest in inputs.items()})
        for path in files:
            folder = path.parent.as_posix()
            mlflow.log_artifact(str(path), artifact_path=None if folder == "." else folder)
        version = _registered(mlflow, registry, model) or _register(mlflow, registry, model)
        mlflow.set_tag("registry_version", version)
        return Logged(run.info.run_id, version)


def sha256(path: Path) -> str:
    """Of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def git_state() -> dict[str, Any]:
    """The commit and whether tracked files differ from it; nulls where there is no git."""
    git = shutil.which("git")
    if git is None:
        return {"git_commit": None, "is_dirty": None}

    def ask(*words: str) -> str | None:
        answer = subprocess.run([git, *words], capture_output=True, text=True, check=False)  # noqa: S603 - fixed words
        return answer.stdout.strip() if answer.returncode == 0 else None

    changed = ask("status", "--porcelain", "--untracked-files=no")
    return {"git_commit": ask("rev-parse", "HEAD"), "is_dirty": None if changed is None else bool(changed)}


def flat(content: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested mappings as one, keys joined by dots.

    >>> flat({"ours": {"auc": {"value": 0.8, "low": None}}, "rows": 3})
    {'ours.auc.value': 0.8, 'ours.auc.low': None, 'rows': 3}
    """
    found: dict[str, Any] = {}
    for key, value in content.items():
        if isinstance(value, Mapping):
            found |= flat(value, f"{prefix}{key}.")
        else:
            found[f"{prefix}{key}"] = value
    return found


def _read(mlflow: Any, registry: Registry, number: str) -> Champion:
    """A version of the registry, its files checked. Raises BadInput where they are gone or were changed."""
    from mlflow.exceptions import MlflowException

    from models.propensity import Propensity

    version = mlflow.MlflowClient().get_model_version(registry.model, number)
    name = f"{registry.model} version {number}"
    remedy = (
        "restore MLflow's artefacts, or let another version take over: `upsell rollback`, or `upsell promote VERSION "
        '--force --because "…"`.'
    )
    with tempfile.TemporaryDirectory() as folder:
        try:
            local = Path(mlflow.artifacts.download_artifacts(f"models:/{registry.model}/{number}", dst_path=folder))
            kept = sorted((local / "artifacts").iterdir())
        except (MlflowException, OSError) as error:
            raise BadInput(f"the files of {name} cannot be read ({type(error).__name__}); {remedy}") from error
        files = {path.name: path.read_bytes() for path in kept}
    expected = {tag.removeprefix("sha256."): told for tag, told in version.tags.items() if tag.startswith("sha256.")}
    for file in sorted(expected.keys() | files.keys()):
        if file not in files:
            raise BadInput(f"{file} of {name} is missing; {remedy}")
        if hashlib.sha256(files[file]).hexdigest() != expected.get(file):
            raise BadInput(f"{file} of {name} is not what was registered; {remedy}")
    text = {file: content.decode("utf-8") for file, content in files.items()}
    return Champion(Propensity.from_files(text), number, str(version.run_id or ""))


def _registered(mlflow: Any, registry: Registry, model: Propensity) -> str | None:
    """The newest version that holds this very model."""
    found = mlflow.MlflowClient().search_model_versions(filter_string=f"name = '{registry.model}'")
    same = [int(version.version) for version in found if version.tags.get("model_version") == model.model_version]
    return str(max(same)) if same else None


def _register(mlflow: Any, registry: Registry, model: Propensity) -> str:
    """Log the model's files with the code that reads them, as a new version. Returns its number."""
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema

    levels = model.vocabulary.levels
    columns = [ColSpec("string" if name in levels else "double", name, required=False) for name in model.features]
    project = Path(__file__).parents[1]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file, content in model.to_files().items():
            (folder / file).write_text(content, encoding="utf-8")
        for room, pattern in SERVING_CODE:
            (folder / room).mkdir(exist_ok=True)
            for source in sorted((project / room).glob(pattern)):
                shutil.copy(source, folder / room / source.name)
        about = mlflow.pyfunc.log_model(
            name="propensity",
            python_model=str(project / "pipelines" / "served_model.py"),
            artifacts={file: str(folder / file) for file in model.to_files()},
            code_paths=[str(folder / room) for room in sorted({room for room, _ in SERVING_CODE})],
            signature=ModelSignature(Schema(columns), Schema([ColSpec("double", "propensity")])),
            pip_requirements=[f"{package}=={importlib.metadata.version(package)}" for package in SERVING_PACKAGES],
        )
    client = mlflow.MlflowClient()
    if not client.search_registered_models(filter_string=f"name = '{registry.model}'"):
        client.create_registered_model(registry.model)
    hashes = {f"sha256.{file}": hashlib.sha256(text.encode()).hexdigest() for file, text in model.to_files().items()}
    created = client.create_model_version(
        registry.model,
        source=about.model_uri,
        run_id=mlflow.active_run().info.run_id,
        tags={"model_version": model.model_version, **hashes},
        model_id=about.model_id,
    )
    return str(created.version)
