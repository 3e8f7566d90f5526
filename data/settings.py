"""Values that people type into YAML: frozen, unknown keys refused, errors as one sentence."""

import difflib
from pathlib import Path
from typing import Any, Self

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from data.errors import BadInput


class Settings(BaseModel):
    """A section of a YAML file. Frozen, and an unknown key is an error rather than a silent typo.

    >>> class Label(Settings):
    ...     horizon_days: int = 90
    >>> Label.parse({"horizon_day": 60}, file="params.yaml")
    Traceback (most recent call last):
    data.errors.BadInput: params.yaml: horizon_day is not a known key; did you mean horizon_days?
    """

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)

    @classmethod
    def parse(cls, content: Any, *, file: str) -> Self:
        """Check `content`, as read from `file`. Raises BadInput with every problem, one after the other."""
        try:
            return cls.model_validate(content)
        except ValidationError as error:
            problems = [_sentence(cls, problem, file) for problem in error.errors()]
            raise BadInput("\n".join(problems)) from None

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read and check a YAML file. Raises BadInput where it is missing or is no YAML."""
        return cls.parse(read_yaml(path), file=path.name)


def read_yaml(path: Path) -> Any:
    """The content of a YAML file; BadInput where it is missing, empty or no YAML."""
    if not path.is_file():
        raise BadInput(f"{path}: there is no such file; create it, or run the command from the project's folder.")
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise BadInput(
            f"{path}: this is not YAML{where} ({getattr(error, 'problem', error)}); mend that line."
        ) from None
    if not isinstance(content, dict):
        raise BadInput(
            f"{path}: a mapping of keys to values was expected; see the file of the same name in the project."
        )
    return content


def _sentence(model: type[BaseModel], problem: Any, file: str) -> str:
    place = ".".join(str(part) for part in problem["loc"]) or "the file"
    if problem["type"] == "extra_forbidden":
        near = difflib.get_close_matches(str(problem["loc"][-1]), _known_keys(model, problem["loc"][:-1]), n=1)
        return f"{file}: {place} is not a known key; {f'did you mean {near[0]}?' if near else 'remove it.'}"
    if problem["type"] == "missing":
        return f"{file}: {place} is missing; add it."
    message = problem["msg"].removeprefix("Value error, ")
    given = "" if isinstance(problem["input"], dict | list) else f" (it is {problem['input']!r})"
    return f"{file}: {place}: {message[0].lower()}{message[1:]}{given}; change it."


def _known_keys(model: Any, place: tuple[Any, ...]) -> list[str]:
    """The keys that are allowed at `place` below `model`."""
    for part in place:
        field = getattr(model, "model_fields", {}).get(part)
        annotation = field.annotation if field else model
        inner = [a for a in (annotation, *getattr(annotation, "__args__", ())) if hasattr(a, "model_fields")]
        model = inner[0] if inner else model
    return list(getattr(model, "model_fields", {}))
