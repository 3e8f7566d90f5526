"""`params.yaml`, read once, at the edge, into frozen settings. Below this there are only arguments."""

import re
from datetime import date, timedelta
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from data.catalog import Language
from data.cohort import snapshots
from data.errors import BadInput
from data.settings import Settings
from data.sources import Ingest
from data.validation import Validate
from decisions.settings import Decide, Gates, Segments
from delivery import crm
from delivery.kpi_settings import Measure
from features.health import Health
from features.lifecycle import Lifecycle
from features.triggers import Triggers
from models.response_settings import Respond
from models.settings import Drift, Evaluation, Finding, Forecast, Leaks, Registry, Shifting, Training, Tuning
from models.together_settings import Combine
from pipelines import paths
from pipelines.engines import Engine


def _quoted(given: object) -> object:
    if not isinstance(given, str):
        raise ValueError('put the date in quotes, like "2026-06-01": DVC cannot read an unquoted one')
    return given


Day = Annotated[date, BeforeValidator(_quoted)]


class Run(Settings):
    """The week that is scored."""

    as_of: Day
    seed: int = Field(ge=0)
    language: Language = "en"
    company: str = "the company"


class Simulate(Settings):
    """The synthetic company; no accounts for a company that brings its own tables."""

    accounts: int = Field(ge=0)
    months: int = Field(ge=1)
    seed: int = Field(ge=0)
    preset: str = "midmarket"
    ends_on: Day
    world: dict[str, object] = {}


class Snapshots(Settings):
    """The monthly as-of days that the model learns from. first_on: the first of them, once windows are full."""

    first_on: Day


class Label(Settings):
    """What expansion means."""

    horizon_days: int = Field(default=90, ge=1)
    min_growth: float = Field(default=0.10, gt=0)


class Split(Settings):
    """How many snapshots judge, and how many choose."""

    n_test: int = Field(default=3, ge=1)
    n_validation: int = Field(default=3, ge=1)


class Rollup(Settings):
    """What a week reads again although nothing shows that it changed.

    reread_days: this many days before the newest that the last run read; a correction without a trace in `recorded_at`
    or in the number of rows is found there, and further back by `upsell weekly --rebuild` alone.
    """

    reread_days: int = Field(default=14, ge=0)


class Deliver(Settings):
    """What the list shows. crm_url: an account's address in the CRM, with {account_id} in it; empty: no links."""

    n_reasons: int = Field(default=5, ge=1, le=5)
    crm_url: Annotated[str, AfterValidator(crm.checked)] = ""


class Publish(Settings):
    """Where `upsell publish` puts a week. A secret stays out of the file as `${NAME}`.

    database: a DuckDB file, or postgres://…. smtp: host:port of a mail server; none: digests are written and not sent.
    smtp_security: starttls, tls (from the first byte on), or none, for a relay that takes mail without a login.
    smtp_user, smtp_password: a login; the password as `${NAME}` alone. addresses: by owner_id. page: where people find
    the list.
    """

    database: str = "published/upsell.duckdb"
    smtp: str | None = None
    smtp_security: Literal["starttls", "tls", "none"] = "starttls"
    smtp_user: str | None = None
    smtp_password: str | None = Field(default=None, repr=False)
    sender: str = "upsell@localhost"
    addresses: dict[str, str] = {}
    page: str = "reports/weekly/index.html"

    @model_validator(mode="after")
    def _login_is_safe(self) -> Self:
        # of the section, not of a field: a field's own error would show what stands there
        if self.smtp_password and not re.fullmatch(r"\$\{\w+\}", self.smtp_password):
            raise ValueError(
                "smtp_password: a password stands in no file; write the environment variable that holds it, "
                "like ${UPSELL_SMTP_PASSWORD}"
            )
        if bool(self.smtp_user) != bool(self.smtp_password):
            raise ValueError("smtp_user and smtp_password go together; give both, or neither")
        if self.smtp_user and self.smtp_security == "none":
            raise ValueError(
                "smtp_security is none, so that the login would go over the network unencrypted; set it to starttls "
                "or tls"
            )
        return self


class Feedback(Settings):
    """What an answer means where the CSM did not say it.

    in_talks_days: an account that is already in talks stays off the list for so long after the list's day.
    """

    in_talks_days: int = Field(default=30, ge=0)


class Params(Settings):
    """Every number a person may turn, one section per stage."""

    run: Run
    engine: Engine = Engine()
    simulate: Simulate
    ingest: Ingest
    validate_: Validate = Field(default=Validate(), alias="validate")
    snapshots: Snapshots
    label: Label = Label()
    split: Split = Split()
    leaks: Leaks = Leaks()
    health: Health = Health()
    lifecycle: Lifecycle = Lifecycle()
    triggers: Triggers = Triggers()
    find: Finding = Finding()
    forecast: Forecast = Forecast()
    drift: Drift = Drift()
    tune: Tuning = Tuning()
    train: Training = Training()
    shift: Shifting = Shifting()
    evaluate: Evaluation = Evaluation()
    registry: Registry = Registry()
    respond: Respond = Respond()
    combine: Combine = Combine()
    segments: Segments = Segments()
    gates: Gates = Gates()
    decide: Decide = Decide()
    deliver: Deliver = Deliver()
    feedback: Feedback = Feedback()
    publish: Publish = Publish()
    measure: Measure = Measure()
    rollup: Rollup = Rollup()

    @classmethod
    def load(cls) -> Self:  # type: ignore[override]
        """Read params.yaml of the folder in which the command runs."""
        return super().load(paths.PARAMS)

    @property
    def learning_days(self) -> list[date]:
        """The monthly snapshots whose window was over before the scored week. Raises BadInput where there is none."""
        days = snapshots(self.snapshots.first_on, self.run.as_of - timedelta(days=self.label.horizon_days))
        if not days:
            raise BadInput(
                f"params.yaml: run.as_of is {self.run.as_of}, before any snapshot could be learnt from (the first, "
                f"snapshots.first_on, is of {self.snapshots.first_on} and takes {self.label.horizon_days} days to show "
                "its label); give a later day."
            )
        return days

    @property
    def recent_days(self) -> list[date]:
        """The monthly snapshots before the scored week whose window is not over; their proposals have answers."""
        learnt = set(self.learning_days)
        days = snapshots(self.snapshots.first_on, self.run.as_of - timedelta(days=1))
        return [day for day in days if day not in learnt]
