"""Who is champion, and who was: the registry's alias, and a tag on the registered model for each time that it moved.

Tags `champion.0001`, `champion.0002`, … hold JSON: to which version, from which, how, when, by whom and why. The alias
alone says where things stand; the tags say how they came to stand there, and where `upsell rollback` leads.
"""

from __future__ import annotations

import getpass
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from models.promotion import Decision
from models.settings import Registry
from pipelines import tracking

EVENT = "champion."
How = Literal["promoted", "forced", "rolled back"]


@dataclass(frozen=True)
class Event:
    """The alias moved."""

    version: str
    before: str | None
    how: How
    at: str  # UTC
    by: str
    why: str


def history(registry: Registry) -> list[Event]:
    """Each time that the alias moved, the earliest first."""
    with tracking.session(registry) as mlflow:
        return _history(mlflow.MlflowClient(), registry)


def crown(registry: Registry, version: str, *, how: How, why: str) -> Event:
    """Move the alias, and record it."""
    with tracking.session(registry) as mlflow:
        client = mlflow.MlflowClient()
        events = _history(client, registry)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        event = Event(version, tracking.champion_version(client, registry), how, now, who(), why)
        # First the record: an alias that moved without one would be lost to `rollback`.
        client.set_registered_model_tag(registry.model, f"{EVENT}{len(events) + 1:04d}", json.dumps(asdict(event)))
        client.set_registered_model_alias(registry.model, tracking.CHAMPION, version)
        return event


def write_verdict(
    registry: Registry,
    decision: Decision,
    *,
    run_id: str,
    version: str,
    champion: str | None,
    overruled: str | None = None,
) -> None:
    """Leave what the gate said: in the run its figures and a JSON file, on the version a description and tags.

    overruled: the reason for which someone goes against it.
    """
    outcome = "passed" if decision.is_promoted else "refused" if overruled is None else "overruled"
    said = decision.reason if overruled is None else f"Overruled by {who()}: {overruled} The gate: {decision.reason}"
    with tracking.session(registry) as mlflow:
        client = mlflow.MlflowClient()
        client.update_model_version(registry.model, version, description=said)
        client.set_model_version_tag(registry.model, version, "gate", outcome)
        client.set_model_version_tag(registry.model, version, "gate.against_version", champion or "none")
        if not run_id:  # a version that was registered by hand
            return
        client.set_tag(run_id, "promotion", said)
        client.set_tag(run_id, "promotion.gate", outcome)
        told = {"version": version, "champion_before": champion, "overruled": overruled, **decision.to_json()}
        client.log_dict(run_id, told, f"promotion/against_version_{champion or 'none'}.json")
        for name, value in figures(decision).items():
            client.log_metric(run_id, name, value)


def figures(decision: Decision) -> dict[str, float]:
    """The comparison by dotted names, as MLflow's metrics."""
    found: dict[str, float] = {}
    for name, figure in decision.compared.items():
        prefix = f"promotion.{name.replace(' ', '_')}"
        differences = {f"difference_{part}": value for part, value in figure.difference.to_json().items()}
        values = {"challenger": figure.challenger, "champion": figure.champion, **differences}
        found |= {f"{prefix}.{part}": value for part, value in values.items() if value is not None}
    return found


def reigns(events: Sequence[Event]) -> list[str]:
    """The versions to which `rollback` would lead one after another, the present champion last.

    >>> def moved(version, how="promoted"):
    ...     return Event(version, None, how, "", "", "")
    >>> reigns([moved("1"), moved("2"), moved("3")]), reigns([moved("1"), moved("2"), moved("1", "rolled back")])
    (['1', '2', '3'], ['1'])
    """
    found: list[str] = []
    for event in events:
        if event.how == "rolled back" and event.version in found:
            while found[-1] != event.version:
                found.pop()
        elif not found or found[-1] != event.version:
            # An alias that was moved by hand left no tag, but is what the next one came from.
            if event.before and (not found or found[-1] != event.before):
                found.append(event.before)
            found.append(event.version)
    return found


def previous(registry: Registry) -> tuple[str | None, str | None]:
    """The champion's version, and the one before it; None where there is none."""
    with tracking.session(registry) as mlflow:
        client = mlflow.MlflowClient()
        current = tracking.champion_version(client, registry)
        line = reigns(_history(client, registry))
    while line and line[-1] == current:
        line.pop()
    return current, line[-1] if line else None


def who() -> str:
    """The name of whoever runs this, as the system knows it."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container without an entry for its user
        return "unknown"


def _history(client: Any, registry: Registry) -> list[Event]:
    found = client.search_registered_models(filter_string=f"name = '{registry.model}'")
    tags = found[0].tags if found else {}
    return [Event(**json.loads(text)) for name, text in sorted(tags.items()) if name.startswith(EVENT)]
