"""`upsell promote`: a model of the registry takes the champion's place if the gate lets it, or someone answers for it.

Either way the verdict goes into MLflow, refusals too; whoever overrules it is recorded with the day and the reason.
"""

from data.errors import BadInput
from models.promotion import Decision
from pipelines import champions, labelled, tracking
from pipelines.params import Params
from pipelines.register import compared


def promote(version: str | None, *, force: bool = False, because: str | None = None) -> str:
    """Make `version` (the newest, if none is named) champion; gives a sentence. Raises BadInput where it is refused."""
    because = (because or "").strip()
    if force and not because:
        raise BadInput('--force needs --because "…": the reason is kept in the registry, with who gave it and when.')
    params = Params.load()
    registry = params.registry
    challenger = tracking.read_version(registry, version)
    name = f"version {challenger.version} of {registry.model}"
    current, _ = champions.previous(registry)
    if current == challenger.version:
        return f"{name} already is the champion."
    try:
        _, decision = compared(challenger.model, labelled.read().block("test"), params)
    except BadInput as error:  # no labels here, or not the features that the model needs
        if not force:
            raise
        decision = Decision(False, f"nothing was compared: {error}")
    is_overruled = force and not decision.is_promoted
    champions.write_verdict(
        registry,
        decision,
        run_id=challenger.run_id,
        version=challenger.version,
        champion=current,
        overruled=because if is_overruled else None,
    )
    if not decision.is_promoted and not force:
        raise BadInput(
            f"{name} is refused, {decision.reason.rstrip('.')}; the thresholds stand in params.yaml (registry.gate), "
            'and `upsell promote --force --because "…"` overrules them.'
        )
    why = f"{because} (the gate: {decision.reason})" if is_overruled else because or decision.reason
    event = champions.crown(registry, challenger.version, how="forced" if is_overruled else "promoted", why=why)
    told = f"{name} is champion now" + (f", after version {event.before}" if event.before else "")
    return f"{told}: {'overruled by ' + event.by + ', ' if is_overruled else ''}{why}"
