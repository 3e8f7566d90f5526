"""The numbers of learning that a person may turn. No heavy imports: whoever reads params.yaml reads this."""

from typing import Annotated

from pydantic import Field

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


class Registry(Settings):
    """Under which names MLflow keeps runs and models; several companies on one server need several."""

    experiment: str = "upsell"
    model: str = "upsell-propensity"
