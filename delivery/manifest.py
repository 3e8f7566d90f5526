"""What a list was made of: hashes of inputs, code and model, parameters, draws and row
counts. Nothing of when or where."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any


def sha256(content: bytes) -> str:
    """The hash by which a file is recognised.

    >>> sha256(b"")[:12]
    'e3b0c44298fc'
    """
    return hashlib.sha256(content).hexdigest()


def of_many(files: Mapping[str, bytes]) -> str:
    """One hash over several files: their names and contents, in the order of their names.

    >>> of_many({"a": b"1", "b": b"2"}) == of_many({"b": b"2", "a": b"1"})
    True
    """
    return sha256("".join(f"{name} {sha256(files[name])}\n" for name in sorted(files)).encode())


def manifest(
    *,
    as_of: str,
    seed: int,
    parameters: Mapping[str, Any],
    inputs: Mapping[str, str],
    code: str,
    model_version: str,
    draws: Mapping[str, Any],
    rows: Mapping[str, int],
    outputs: Mapping[str, str],
) -> str:
    """The manifest as JSON, keys in order, so that equal runs give equal bytes."""
    content = {
        "as_of": as_of,
        "seed": seed,
        "model_version": model_version,
        "code_sha256": code,
        "inputs_sha256": dict(inputs),
        "outputs_sha256": dict(outputs),
        "draws": dict(draws),
        "rows": dict(rows),
        "parameters": parameters,
    }
    return json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
