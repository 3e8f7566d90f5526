"""`upsell rollback`: back to the champion before this one, at once and without a gate; the way forward stays open.

It looks before it leaps: at the files of that model, and whether they can score what the last run made of the accounts.
"""

import pyarrow.parquet as pq

from data.errors import BadInput
from pipelines import champions, tables, tracking
from pipelines.params import Params


def rollback(because: str | None = None) -> str:
    """Move the alias back; gives a sentence. Raises BadInput where there is no earlier champion, or none that works."""
    registry = Params.load().registry
    current, before = champions.previous(registry)
    if current is None:
        raise BadInput(f"the registry has no champion of {registry.model} yet, so there is nothing to roll back.")
    if before is None:
        raise BadInput(
            f"{registry.model} has no champion before version {current} to return to; `upsell promote VERSION` names "
            "another."
        )
    earlier = tracking.read_version(registry, before)
    if tables.CURRENT.path.is_file():
        missing = sorted(set(earlier.model.features) - set(pq.read_schema(tables.CURRENT.path).names))
        if missing:
            raise BadInput(
                f"version {before} of {registry.model} cannot score today's accounts: {tables.CURRENT.path} lacks "
                f"{', '.join(missing[:3])}{' …' if len(missing) > 3 else ''}; bring those tables back, or name another "
                "version with `upsell promote`."
            )
    event = champions.crown(registry, before, how="rolled back", why=(because or "").strip() or "no reason given")
    return f"{registry.model}: from version {event.before} back to version {before}."
