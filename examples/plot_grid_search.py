"""
Grid search over a pipeline, with several scorers
=================================================

Selects the audio features, standardises them, and searches dropout and learning rate of the block
network. Two scorers look at each fit, and the best candidate is the one with the best precision
at 5. All candidates share one compiled training step.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from skmlclf import BlockMLPClassifier, ModalitySelector, predict_topk
from skmlclf.datasets import make_video_embeddings
from skmlclf.metrics import get_scorer
from skmlclf.model_selection import MultilabelStratifiedKFold

X, y = make_video_embeddings(300, n_labels=60, random_state=0)

pipeline = Pipeline(
    [
        ("select", ModalitySelector("audio")),
        ("scale", StandardScaler()),
        ("mlp", BlockMLPClassifier((64, 64), epochs=4, batch_size=32, random_state=0)),
    ]
)
dropouts, rates = [0.2, 0.5], [1e-3, 3e-3, 1e-2]
search = GridSearchCV(
    pipeline,
    {"mlp__dropout": dropouts, "mlp__learning_rate": rates},
    scoring={"precision_at_5": get_scorer("precision_at_5"), "gap_at_20": get_scorer("gap_at_20")},
    refit="precision_at_5",
    cv=MultilabelStratifiedKFold(2, shuffle=True, random_state=0),
)
search.fit(X, y)
print(search.best_params_)

# %%
# The table of results has one column per scorer:

results = search.cv_results_
for params, precision, gap in zip(
    results["params"],
    results["mean_test_precision_at_5"],
    results["mean_test_gap_at_20"],
    strict=True,
):
    print(f"P@5 {precision:.4f}  GAP@20 {gap:.4f}  {params}")

# %%
# Candidates are in the order of the grid, so that the means are a matrix:

means = np.reshape(results["mean_test_precision_at_5"], (len(dropouts), len(rates)))
figure, axes = plt.subplots()
image = axes.imshow(means)
axes.set(xlabel="learning rate", ylabel="dropout")
axes.set_xticks(range(len(rates)), rates)
axes.set_yticks(range(len(dropouts)), dropouts)
figure.colorbar(image, label="precision at 5")
plt.show()

# %%
# The best labels of new rows, through the search and its pipeline:

labels, scores = predict_topk(search, X[:2], k=3)
print(labels)
