"""Secrets stay out of files: what is written as `${NAME}` is taken from the environment."""

import os
import re

from data.errors import BadInput


def from_environment(text: str, place: str) -> str:
    """`text` with each `${NAME}` replaced by that environment variable.

    >>> from_environment("duckdb://${NO_SUCH_VARIABLE}", "sources.yaml: database")
    Traceback (most recent call last):
    data.errors.BadInput: sources.yaml: database: the environment variable NO_SUCH_VARIABLE is not set; set it ...
    """

    def value(match: re.Match[str]) -> str:
        if match[1] not in os.environ:
            raise BadInput(
                f"{place}: the environment variable {match[1]} is not set; set it before you run, or take the line out."
            )
        return os.environ[match[1]]

    return re.sub(r"\$\{(\w+)\}", value, text)
