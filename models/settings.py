"""The numbers of learning that a person may turn. No heavy imports: whoever reads params.yaml reads this."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from data.settings import Settings

Share = Annotated[float, Field(gt=0, lt=1)]


class Tuning(Settings):
    """How long to look for good parameters of the booster, and by which later rows they are judged.

    >>> Tuning(n_trials=100).n_trials
    100
    """

    n_trials: Annotated[int, Field(ge=1)] = 30
    # Seconds. With a limit the number of trials depends on the machine, and runs are no longer reproducible.
    timeout_s: Annotated[float, Field(gt=0)] | None = None
    max_rounds: Annotated[int, Field(ge=1)] = 400
    # Rounds without a better loss after which a fold ends.
    patience: Annotated[int, Field(ge=1)] = 30
    # Spans of later rows that judge, each by a model that knows only what was known before it.
    n_folds: Annotated[int, Field(ge=1)] = 3
    # The share of the rows to learn from, the latest, that those spans cover.
    later_share: Share = 0.5
    # With fewer rows of the rarer class than this in a span it does not judge: any choice would be chance.
    min_positives: Annotated[int, Field(ge=2)] = 20
    # Keep trials in a journal and go on with them in the next run. What is found then depends on past runs.
    resume: bool = False
    # Parameters to try first, as an earlier champion's; the default ones come second. None: none.
    first: dict[str, float] | None = None


class Drift(Settings):
    """How to look for features that merely tell the time (models/drift.py)."""

    # Leave out what later rows are predicted better without, and let old rows weigh less where that helps. Else such
    # features are only named.
    choose: bool = True
    # As in `Tuning`; more of them, since a change must hold at most of them.
    n_folds: Annotated[int, Field(ge=2)] = 5
    later_share: Share = 0.5
    min_positives: Annotated[int, Field(ge=2)] = 20


class Shifting(Settings):
    """What to do when the scores to be given show another base rate than the latest labelled rows (models/shift.py)."""

    # auto: correct where the evidence is strong; off: never. YAML reads a bare `off` as false.
    correct: Annotated[Literal["auto", "off"], BeforeValidator(lambda given: "off" if given is False else given)] = (
        "auto"
    )


class Training(Settings):
    """How the final model is made."""

    # Boosters that differ by their random seed, for each fold; all are averaged in log-odds.
    n_seeds: Annotated[int, Field(ge=1)] = 1
    # Groups (accounts) are dealt into so many folds, and each booster learns from all but one; 1: from all.
    n_folds: Annotated[int, Field(ge=1)] = 5
    # Whether, once calibrated, the boosters learn again from all rows, the later ones included: the latest rows are
    # those most like the week to be scored.
    refit: bool = True
    # Folds for choosing the calibrator, each group of rows (an account) wholly in one.
    n_calibration_folds: Annotated[int, Field(ge=2)] = 5
    # Hold the score to the directions that features declare (`rises`): closer to a limit never lowers it.
    monotone: bool = False


class Evaluation(Settings):
    """How the model is judged on the test block."""

    n_bootstrap: Annotated[int, Field(ge=50)] = 500
    interval: Share = 0.9
    # The share of rows at the top whose lift is reported.
    top_share: Share = 0.1
    # Accounts that the team can talk to per snapshot.
    capacity: Annotated[int, Field(ge=1)] = 50
    # The rule that everybody knows: at this share of a plan's limit, offer more.
    rule_feature: str = "limit_peak_28d"
    rule_limit: Annotated[float, Field(gt=0)] = 0.8
    # Rolling origins of the backtest, and the share of the snapshots' rows, the latest, that they judge together.
    n_origins: Annotated[int, Field(ge=1)] = 4
    backtest_share: Share = 0.6


class Leaks(Settings):
    """When a column looks as if it held the answer, or the future, so that nothing may be learnt from it.

    >>> Leaks(allowed=("days_since_refusal",)).max_auc
    0.95
    """

    # Past this AUC a feature is too good on its own.
    max_auc: Annotated[float, Field(gt=0.5, le=1)] = 0.95
    # The same of whether a column is known at all: past this share of winners (or of losers) among the rows where it is
    # known, were there as many of the ones as of the others.
    max_known: Annotated[float, Field(gt=0.5, le=1)] = 0.99
    # With fewer accounts than this behind it, nothing is called a leak: chance does as much.
    min_accounts: Annotated[int, Field(ge=2)] = 20
    # Snapshots whose features are built again from what was known by then: the last of the train block first.
    n_days: Annotated[int, Field(ge=1)] = 2
    # Names of features (or of raw columns, as table.column) that may look like that all the same.
    allowed: tuple[str, ...] = ()


class Finding(Settings):
    """How the threshold of a trigger is found in past data, and what it must show to be believed."""

    # Candidates, at equal shares of the known values.
    n_cuts: Annotated[int, Field(ge=2)] = 40
    # Where a candidate fires there must be as many accounts and expansions as this, in the block that it is found in.
    min_accounts: Annotated[int, Field(ge=2)] = 30
    min_positives: Annotated[int, Field(ge=2)] = 20
    # A trigger that fires for more of all accounts than this tells nobody apart.
    max_share: Share = 0.5
    # A lift below this is worth nobody's time, however certain it is.
    min_lift: Annotated[float, Field(ge=1)] = 1.2
    interval: Share = 0.9
    # Draws for the margin by which the best of all candidates must be better.
    n_draws: Annotated[int, Field(ge=100)] = 1000


class Forecast(Settings):
    """The interval for the days until a limit."""

    horizon_days: Annotated[int, Field(ge=14)] = 180
    coverage: Share = 0.8
    # Of accounts at this share of their limit or more.
    from_share: Annotated[float, Field(gt=0)] = 0.5
    # Days between the snapshots that are learnt from and judged: whole weeks, so that all are of the list's weekday.
    every_weeks: Annotated[int, Field(ge=1)] = 4
    # Of the snapshots whose horizon is over, the latest that judge; what they are judged by is over when they begin.
    n_judged: Annotated[int, Field(ge=1)] = 3
    # Rows to learn from: beyond these, some accounts at random.
    max_rows: Annotated[int, Field(ge=100)] = 20_000
    # With fewer that reached their limit, or that did not, nothing is learnt.
    min_reached: Annotated[int, Field(ge=10)] = 100


class Gate(Settings):
    """What a new model may lose against the champion, on the same later rows, and still take its place.

    >>> Gate(max_money_loss=0.1).max_log_loss_increase
    0.0
    """

    # By the figure itself: among equals the champion stays, which costs nothing.
    max_log_loss_increase: Annotated[float, Field(ge=0)] = 0.0
    # These two move by chance far more than log loss does, so what is past them counts only where chance is ruled out
    # (the difference's interval, `evaluate.interval`, is clear of 0).
    max_calibration_error_increase: Annotated[float, Field(ge=0)] = 0.005
    # Of the champion's expansion MRR among the first `evaluate.capacity` accounts of a snapshot.
    max_money_loss: Annotated[float, Field(ge=0, le=1)] = 0.02


class Registry(Settings):
    """Under which names MLflow keeps runs and models; several companies on one server need several."""

    experiment: str = "upsell"
    model: str = "upsell-propensity"
    gate: Gate = Gate()
