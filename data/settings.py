"""Values that people type into YAML: frozen, unknown keys refused, errors as one sentence."""

import difflib
import re
from collections.abc import Hashable
from datetime import date
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
            problems = [_sentence(cls, problem, file, content) for problem in error.errors()]
            raise BadInput("\n".join(problems)) from None

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read and check a YAML file. Raises BadInput where it is missing or is no YAML."""
        return cls.parse(read_yaml(path), file=path.name)


class _Loader(yaml.SafeLoader):
    """YAML as DVC reads it too: a day that no calendar has and a key that stands twice are errors with a place."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value in seen:
                raise yaml.constructor.ConstructorError(None, None, f"{key.value} stands twice", key.start_mark)
            seen.add(key.value if isinstance(key, yaml.ScalarNode) else None)
        return super().construct_mapping(node, deep)

    def construct_day(self, node: yaml.ScalarNode) -> Any:
        try:
            return self.construct_yaml_timestamp(node)
        except ValueError:
            raise yaml.constructor.ConstructorError(
                None, None, f"there is no day {node.value}", node.start_mark
            ) from None


_Loader.add_constructor("tag:yaml.org,2002:timestamp", _Loader.construct_day)


def read_yaml(path: Path) -> Any:
    """The content of a YAML file; BadInput where it is missing, empty or no YAML."""
    if not path.is_file():
        raise BadInput(f"{path}: there is no such file; create it, or run the command from the project's folder.")
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), _Loader)  # noqa: S506  a SafeLoader
    except UnicodeDecodeError:
        raise BadInput(f"{path}: this is not UTF-8; save it as UTF-8.") from None
    except yaml.constructor.ConstructorError as error:
        mark = error.problem_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise BadInput(f"{path}: {where}{error.problem}; mend that line.") from None
    except ValueError as error:  # a number that is none
        raise BadInput(f"{path}: a value cannot be read ({error}); mend it, or put it in quotes.") from None
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


def _place(loc: tuple[Any, ...], content: Any) -> str:
    """Where a problem is, dotted; an item of a list by its id, where it has one."""
    parts = []
    for part in loc:
        try:
            content = content[part]
        except (KeyError, IndexError, TypeError):
            content = None
        has_id = isinstance(part, int) and isinstance(content, dict) and isinstance(content.get("id"), str)
        parts.append(content["id"] if has_id else str(part))
    return ".".join(parts) or "the file"


def _sentence(model: type[BaseModel], problem: Any, file: str, content: Any) -> str:
    place = _place(problem["loc"], content)
    if problem["type"] == "extra_forbidden":
        near = difflib.get_close_matches(str(problem["loc"][-1]), _known_keys(model, problem["loc"][:-1]), n=1)
        return f"{file}: {place} is not a known key; {f'did you mean {near[0]}?' if near else 'remove it.'}"
    if problem["type"] == "missing":
        return f"{file}: {place} is missing; add it."
    if problem["loc"] and problem["loc"][-1] == "[key]":
        key = problem["loc"][-2]
        known = re.findall(r"'([^']+)'", problem["msg"])
        near = difflib.get_close_matches(str(key), known, n=1)
        hint = f"did you mean {near[0]}?" if near else f"it must be one of {', '.join(known)}."
        return f"{file}: {place.removesuffix('.[key]')} is not a known key; {hint}"
    message = problem["msg"].removeprefix("Value error, ")
    value = problem["input"]
    shown = value.isoformat() if isinstance(value, date) else repr(value)
    given = "" if isinstance(value, dict | list | tuple | BaseModel) else f" (it is {shown})"
    return f"{file}: {place}: {message[0].lower()}{message[1:]}{given}; change it."


def _known_keys(model: Any, place: tuple[Any, ...]) -> list[str]:
    """The keys that are allowed at `place` below `model`."""
    for part in place:
        field = getattr(model, "model_fields", {}).get(part)
        annotation = field.annotation if field else model
        inner = [a for a in (annotation, *getattr(annotation, "__args__", ())) if hasattr(a, "model_fields")]
        model = inner[0] if inner else model
    return list(getattr(model, "model_fields", {}))
