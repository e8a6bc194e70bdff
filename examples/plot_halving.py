"""
Halving search over epochs
==========================

Successive halving gives all candidates few epochs, and the better half of them more. scikit-learn's
``HalvingGridSearchCV`` takes no multi-label ``y``; a loop over ``GridSearchCV`` does the same.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.model_selection import GridSearchCV, ParameterGrid

from skmlclf import BaseMLPClassifier
from skmlclf.datasets import make_video_embeddings
from skmlclf.metrics import get_scorer
from skmlclf.model_selection import MultilabelStratifiedShuffleSplit

X, y = make_video_embeddings(400, n_labels=60, random_state=0)
split = MultilabelStratifiedShuffleSplit(1, test_size=0.25, random_state=0)
clf = BaseMLPClassifier(64, batch_size=32, random_state=0)

candidates = list(ParameterGrid({"learning_rate": [1e-4, 1e-3, 3e-3, 1e-2], "dropout": [0.2, 0.5]}))
rounds = []
for epochs in (1, 2, 4, 8):
    grid = [{name: [value] for name, value in {**c, "epochs": epochs}.items()} for c in candidates]
    search = GridSearchCV(clf, grid, cv=split, scoring=get_scorer("gap_at_20"), refit=False)
    scores = search.fit(X, y).cv_results_["mean_test_score"]
    rounds.append((epochs, list(zip(candidates, scores, strict=True))))
    best_first = np.argsort(-scores, kind="stable")
    print(f"{epochs} epochs: {len(candidates)} candidates, best GAP@20 {scores.max():.4f}")
    candidates = [candidates[i] for i in best_first[: max(1, len(candidates) // 2)]]

print("chosen:", candidates[0])

# %%
# Each line is a candidate; it ends where the candidate was left out.

lines = {}
for epochs, results in rounds:
    for params, score in results:
        name = f"{params['learning_rate']:g}, dropout {params['dropout']}"
        lines.setdefault(name, []).append((epochs, score))
figure, axes = plt.subplots()
for name, points in lines.items():
    axes.plot(*zip(*points, strict=True), "o-", label=name)
axes.set(xlabel="epochs", ylabel="GAP@20", xscale="log", xticks=[1, 2, 4, 8])
axes.set_xticklabels([1, 2, 4, 8])
axes.minorticks_off()
axes.legend(title="learning rate", fontsize="small")
plt.show()
