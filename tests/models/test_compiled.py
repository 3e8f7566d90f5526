"""An install that nothing can be written to."""

import numba
import pytest

from models.compiled import compiled


def test_where_machine_code_cannot_be_kept_it_is_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    njit = numba.njit
    asked = []

    def read_only(*functions: object, cache: bool = False, **given: object) -> object:
        asked.append(cache)
        if cache:
            raise RuntimeError("cannot cache function: no locator available")
        return njit(*functions, **given)

    monkeypatch.setattr(numba, "njit", read_only)
    assert compiled(_twice)(2) == 4
    assert asked == [True, False]


def _twice(x: int) -> int:
    return 2 * x
