import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # importlib mode does not make siblings importable

import worlds

from models import boosting, propensity
from models.folds import block_fold
from models.settings import Training


@pytest.fixture(scope="session")
def world() -> worlds.World:
    return worlds.make()


@pytest.fixture(scope="session")
def model(world: worlds.World) -> propensity.Propensity:
    return propensity.fit(
        world.X,
        world.y,
        block_fold(world.blocks),
        tuned=boosting.untuned(),
        settings=Training(n_folds=3),
        seed=7,
        groups=world.groups,
    )
