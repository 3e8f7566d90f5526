"""Where tests run in several processes (`pytest -n 2`): which of them stay together, and which begin first."""

from typing import Any

import pytest

# What takes longest begins first, so that the processes end at about the same time. Tests beneath one of these stay in
# one process, since they share what is costly to make; all others stay with those of their file.
LONGEST = (
    "tests/end_to_end",
    "tests/data/simulate",
    "tests/features/test_no_future.py",
    "tests/pipelines/test_check.py",
    "tests/features/test_missing.py",
    "tests/pipelines/test_fit.py",
    "tests/pipelines/test_rollup.py",
)


def group(nodeid: str) -> str:
    """The tests that one process runs.

    >>> group("tests/end_to_end/test_weekly.py::test_a_week"), group("data/terms.py::data.terms.running")
    ('tests/end_to_end', 'data/terms.py')
    """
    file = nodeid.split("::")[0]
    return next((name for name in LONGEST if file.startswith(name)), file)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """In a process of several, the longest first; alone, tests run as they come."""
    if hasattr(config, "workerinput"):
        places = {name: place for place, name in enumerate(LONGEST)}
        items.sort(key=lambda item: places.get(group(item.nodeid), len(LONGEST)))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Deals out whole groups, in the order of the tests (`--dist loadgroup` of xdist 3.8 finds none in pytest 9.2)."""
    from xdist.scheduler import LoadScopeScheduling

    class ByGroup(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return group(nodeid)

    config.option.loadscopereorder = False  # xdist would begin with what has most tests
    return ByGroup(config, log)
