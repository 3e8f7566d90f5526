"""Where things are, relative to the folder in which a stage runs: its own clone, experiment or company."""

from pathlib import Path

PARAMS = Path("params.yaml")
CATALOG = Path("catalog.yaml")
SOURCES = Path("sources.yaml")

LAKE = Path("data/lake")
COMPANY = LAKE / "company"  # the simulated one
TRUTH = COMPANY / "truth"  # read by evaluation only
STAGED = LAKE / "staged"
QUARANTINE = LAKE / "quarantine"
FEATURES = LAKE / "features"
THRESHOLDS = LAKE / "thresholds.json"  # of triggers: what is in force, and what it is from
MODELS = LAKE / "models"
PROPENSITY = MODELS / "propensity"
RESPONSE = MODELS / "response"
SELECTION = MODELS / "selection.json"  # what learning leaves out
SHIFT = LAKE / "scores" / "shift.json"  # what the week's scores say of their base rate
LIMITS = LAKE / "limits"
TOGETHER = LAKE / "together"  # what goes together, and what accounts like each one took

REPORTS = Path("reports")
VALIDATION = REPORTS / "validation.json"
VALIDATION_MD = REPORTS / "validation.md"
LEAKS = REPORTS / "leaks.json"
LEAKS_MD = REPORTS / "leaks.md"
METRICS = REPORTS / "metrics.json"
RESPONSE_REPORT = REPORTS / "response.json"
HEADLINE = REPORTS / "headline.json"  # the few of them that experiments are compared by
PLOTS = REPORTS / "plots"
BACKTEST = REPORTS / "backtest.csv"
BACKTEST_PLOT = REPORTS / "backtest_plot.csv"
DRIFT = REPORTS / "drift.csv"  # what tells the time
SLICES = REPORTS / "slices.csv"
MODEL_CARD = REPORTS / "model_card.md"
DECISIONS_JSON = REPORTS / "decisions.json"
DECISIONS_MD = REPORTS / "decisions.md"
TOGETHER_CSV = REPORTS / "together.csv"
TOGETHER_MD = REPORTS / "together.md"
REASONS = REPORTS / "reasons.json"  # whether the list's reasons say what the model did
WEEKLY = REPORTS / "weekly"
TOP = REPORTS / "top_100.csv"  # of the list; kept in git
LEDGER = Path("ledger")
MEASURE = REPORTS / "measure.json"  # what came of the lists, as of the day that was asked
PUBLISHED = Path("published")  # what adapters and digests wrote
ANSWERS = Path("answers/answers.csv")  # of people, to the lists
