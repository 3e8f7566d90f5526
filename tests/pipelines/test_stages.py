"""dvc.yaml tells the truth: each stage depends on what its module imports, and names the parameters that it reads."""

import ast
import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
ROOMS = ("data", "features", "models", "decisions", "delivery", "pipelines")
# Handed to MLflow by its path, which no import shows.
LOADED_BY_PATH = {"pipelines/register.py": {"pipelines/served_model.py"}}
# The schema of params.yaml: every stage reads it, and DVC watches the values themselves, section by section.
WATCHED_OTHERWISE = {"pipelines/params.py"}
# What Params works out of several sections.
DERIVED = {name: {"snapshots", "run", "label"} for name in ("learning_days", "recent_days")}
STAGES = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]


def file_of(module: str) -> str | None:
    """The project's file that a dotted name stands for, if it is one."""
    path = module.replace(".", "/")
    for candidate in (f"{path}.py", f"{path}/__init__.py"):
        if module.split(".")[0] in ROOMS and (ROOT / candidate).is_file():
            return candidate
    return None


def imported(file: str) -> set[str]:
    """The project's files that a file imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse((ROOT / file).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {file_of(alias.name) for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            found |= {file_of(node.module), *(file_of(f"{node.module}.{alias.name}") for alias in node.names)}
    return {name for name in found if name and not name.endswith("__init__.py")}


def closure(file: str) -> set[str]:
    """All files of the project that running a file imports, itself included."""
    seen: set[str] = set()
    waiting = [file]
    while waiting:
        current = waiting.pop()
        if current in seen or current in WATCHED_OTHERWISE:
            continue
        seen.add(current)
        waiting += imported(current) | LOADED_BY_PATH.get(current, set())
    return seen


def module_of(stage: str) -> str:
    words = STAGES[stage]["cmd"].split()
    assert words[:2] == ["python", "-m"], f"{stage}: stages run as python -m pipelines.<stage>"
    return words[2].replace(".", "/") + ".py"


def code_deps(stage: str) -> set[str]:
    return {
        dep
        for dep in STAGES[stage].get("deps", [])
        if (ROOT / dep).suffix == ".py" or dep in ROOMS or dep == "data/simulate"
    }


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_is_named_after_its_file(stage: str) -> None:
    assert module_of(stage) == f"pipelines/{stage}.py"


@pytest.mark.parametrize("stage", STAGES)
def test_deps_are_what_the_stage_imports(stage: str) -> None:
    needed = closure(module_of(stage))
    named = code_deps(stage)

    def covers(dep: str, file: str) -> bool:
        return file == dep or file.startswith(f"{dep}/")

    missing = sorted(file for file in needed if not any(covers(dep, file) for dep in named))
    idle = sorted(dep for dep in named if not any(covers(dep, file) for file in needed))
    assert not missing, f"{stage} imports {missing}; add them to its deps in dvc.yaml"
    if stage == "deliver":  # its manifest hashes all code
        everything = {
            str(p.relative_to(ROOT)) for room in ROOMS for p in (ROOT / room).rglob("*.py") if "lake" not in p.parts
        }
        everything -= {file for file in everything if file.endswith("__init__.py")}
        missing, idle = sorted(f for f in everything if not any(covers(dep, f) for dep in named)), []
        assert not missing, f"the manifest hashes {missing}; add them to the deps of deliver"
    assert not idle, f"{stage} does not import {idle}; take them out of its deps in dvc.yaml"


@pytest.mark.parametrize("stage", STAGES)
def test_params_are_the_sections_that_the_stage_reads(stage: str) -> None:
    text = (ROOT / module_of(stage)).read_text(encoding="utf-8")
    read = set(re.findall(r"\b(?:params|Params\.load\(\))\.([a-z_]+?)_?\b(?!\()", text)) - {"yaml"}
    for derived, sections in DERIVED.items():
        if derived in read:
            read = (read - {derived}) | sections
    named = {param.split(".")[0] for param in STAGES[stage].get("params", [])}
    if "params.yaml" in STAGES[stage].get("deps", []):
        return  # the whole file is watched
    assert named == read
