"""
A network of your own
=====================

A network of two towers, one for video and one for audio, whose outputs a gate mixes. It becomes a
classifier like the others: on sparse labels, under a grid search over its width, with the best
labels of each row.
"""

import keras
import matplotlib.pyplot as plt
from sklearn.model_selection import GridSearchCV

from skmlclf import NetworkClassifier, predict_topk
from skmlclf.datasets import make_video_embeddings
from skmlclf.metrics import get_scorer
from skmlclf.model_selection import MultilabelStratifiedKFold, multilabel_train_test_split

# %%
# A function builds the network, from features to logits, one per label:


def two_towers(n_features, n_outputs, width=64, penalty=1e-5):
    """Return an uncompiled model."""
    inputs = keras.Input((n_features,))
    video = keras.layers.Dense(width, activation="relu")(inputs[:, :1024])
    audio = keras.layers.Dense(width, activation="relu")(inputs[:, 1024:])
    gate = keras.layers.Dense(width, activation="sigmoid")(inputs)
    mixed = gate * video + (1 - gate) * audio
    output = keras.layers.Dense(n_outputs, kernel_regularizer=keras.regularizers.L2(penalty))
    return keras.Model(inputs, output(mixed))


X, y = make_video_embeddings(500, n_labels=60, random_state=0)
X, X_test, y, y_test = multilabel_train_test_split(X, y, test_size=0.2, random_state=0)

# %%
# Its arguments are parameters, and can be searched:

widths = [4, 16, 64]
search = GridSearchCV(
    NetworkClassifier(two_towers, epochs=5, batch_size=32, random_state=0),
    {"network__width": widths},
    scoring=get_scorer("gap_at_20"),
    cv=MultilabelStratifiedKFold(2, shuffle=True, random_state=0),
)
search.fit(X, y)
print(search.best_params_)
print(f"GAP@20 {search.score(X_test, y_test):.4f} on test rows")

# %%
results = search.cv_results_
figure, axes = plt.subplots()
axes.errorbar(widths, results["mean_test_score"], results["std_test_score"], fmt="o-")
axes.set(xlabel="width", ylabel="GAP@20", xscale="log")
axes.set_xticks(widths, widths)
axes.minorticks_off()
plt.show()

# %%
labels, scores = predict_topk(search, X_test[:3], k=3)
for row, (ids, p) in enumerate(zip(labels, scores, strict=True)):
    print(f"video {row}:", "  ".join(f"{i} ({s:.2f})" for i, s in zip(ids, p, strict=True)))
