"""Randomness that belongs to an account: its draws depend on the seed and its number, and on nothing else."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

# A purpose each, so that drawing more for one leaves the others as they were.
TRAITS, MONTHS, FUTURES, DAYS, ROWS, EVENTS, YEARS, MOMENTS = range(8)


def draw(
    seed: int, numbers: Sequence[int], purpose: int, *, normals: tuple[int, ...], uniforms: tuple[int, ...]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Standard normals (accounts, *normals) and uniforms in (0, 1) (accounts, *uniforms).

    An account drawn alone has the same numbers as in a crowd:

    >>> crowd, _ = draw(7, [0, 1, 2], TRAITS, normals=(4,), uniforms=(1,))
    >>> alone, _ = draw(7, [1], TRAITS, normals=(4,), uniforms=(1,))
    >>> bool((crowd[1] == alone[0]).all())
    True
    """
    z = np.empty((len(numbers), *normals), np.float32)
    u = np.empty((len(numbers), *uniforms), np.float32)
    for i, number in enumerate(numbers):
        generator = np.random.Generator(np.random.SFC64([seed, purpose, number]))
        if z[i].size:
            generator.standard_normal(out=z[i], dtype=np.float32)
        if u[i].size:
            generator.random(out=u[i], dtype=np.float32)
    # float32 may give 0 exactly; the logarithms and inverse functions downstream want the open interval.
    np.clip(u, 2.0**-25, 1 - 2.0**-24, out=u)
    return z, u


def waits(seed: int, numbers: Sequence[int], purpose: int, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Exponential waiting times of mean 1 (accounts, *shape): below a rate with probability 1 − exp(−rate)."""
    found = np.empty((len(numbers), *shape), np.float32)
    for i, number in enumerate(numbers):
        generator = np.random.Generator(np.random.SFC64([seed, purpose, number]))
        generator.standard_exponential(out=found[i], dtype=np.float32)
    return found


def futures(
    seed: int,
    numbers: Sequence[int],
    purpose: int,
    replicates: int,
    *,
    normals: tuple[int, ...],
    uniforms: tuple[int, ...],
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Normals (accounts, replicates, *normals) in pairs of opposite sign; uniforms, one in each of R equal strata.

    Each replicate alone is an ordinary draw; together they cover what may happen more evenly than chance would.

    >>> z, u = futures(7, [0], FUTURES, 4, normals=(2,), uniforms=(3,))
    >>> bool((z[0, :2] == -z[0, 2:]).all()), np.sort((u[0, :, 0] * 4).astype(int)).tolist()
    (True, [0, 1, 2, 3])
    """
    half = (replicates + 1) // 2
    z, u = draw(seed, numbers, purpose, normals=(half, *normals), uniforms=(2, replicates, *uniforms))
    z = np.concatenate([z, -z], axis=1)[:, :replicates]
    strata = u[:, 0].argsort(axis=1).argsort(axis=1)
    return z, np.clip((strata + u[:, 1]) / np.float32(replicates), 2.0**-25, 1 - 2.0**-24).astype(np.float32)
