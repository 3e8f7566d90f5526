# ---
# jupyter:
#   jupytext:
#     formats: py:percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # The model
# How far to believe its probabilities: on later weeks that it had not seen, beside what needs no model.
# After `make run`, in Jupyter with jupytext, or as a script from the project's folder.

# %%
import json

import matplotlib.pyplot as plt
import pandas as pd

from pipelines import paths

metrics = json.loads(paths.METRICS.read_text(encoding="utf-8"))
print(metrics["verdict"])

# %% [markdown]
# ## Is a probability of 20 % one?
# Accounts of the test block in ten bins of equal count, by what was said of them. On the line, what was said came true.

# %%
calibration = pd.read_csv(paths.PLOTS / "calibration.csv")
calibration = calibration[calibration["system"] == "ours"]
fig, ax = plt.subplots(figsize=(4.5, 4.5))
top = 1.1 * float(calibration[["predicted", "observed"]].to_numpy().max())
ax.plot([0, top], [0, top], color="#bbbbbb", linewidth=1)
ax.plot(calibration["predicted"], calibration["observed"], marker="o")
ax.set(xlabel="said", ylabel="came true", xlim=(0, top), ylim=(0, top))
fig.tight_layout()

# %% [markdown]
# ## Whom does it find?
# Of the accounts that expanded, the share among those contacted first, against the share contacted.

# %%
gains = pd.read_csv(paths.PLOTS / "gains.csv")
fig, ax = plt.subplots(figsize=(6, 4))
for system, part in gains.groupby("system"):
    ax.plot(100 * part["share_contacted"], 100 * part["share_found"], label=system, linewidth=2 if system == "ours" else 1)
ax.set(xlabel="accounts contacted, %", ylabel="expansions found, %", xlim=(0, 100), ylim=(0, 100))
ax.legend(frameon=False)
fig.tight_layout()

# %% [markdown]
# ## Does it hold from one origin to the next?
# The backtest learns anew before each origin and is judged on what came after: its AUC with a 90 % interval.

# %%
backtest = pd.read_csv(paths.BACKTEST, parse_dates=["origin"])
auc = backtest[backtest["metric"] == "auc"]
fig, ax = plt.subplots(figsize=(6, 3))
ax.errorbar(auc["origin"], auc["value"], [auc["value"] - auc["low"], auc["high"] - auc["value"]], fmt="o", capsize=3)
ax.axhline(0.5, color="#bbbbbb", linewidth=1)
ax.set(ylabel="AUC", ylim=(0.45, 1))
fig.autofmt_xdate()
fig.tight_layout()

# %% [markdown]
# ## What does it go by?
# The mean size of each feature's contribution, as a share of all; the model's own, no guess about causes.

# %%
importance = pd.read_csv(paths.PLOTS / "importance.csv").head(12).iloc[::-1]
fig, ax = plt.subplots(figsize=(7, 4))
ax.barh(importance["feature"], 100 * importance["share"])
ax.set(xlabel="share of all contributions, %")
fig.tight_layout()
