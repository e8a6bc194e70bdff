"""
Confused labels
===============

Which labels are taken for which others, among all pairs of labels.
"""

import matplotlib.pyplot as plt
import numpy as np

from skmlclf import BaseMLPClassifier, LabelThresholdClassifier
from skmlclf.datasets import make_video_embeddings
from skmlclf.displays import LabelConfusionDisplay
from skmlclf.metrics import label_confusion_matrix, multilabel_confusion_matrix

X, y = make_video_embeddings(500, n_labels=40, random_state=0)
X, y, X_test, y_test = X[:350], y[:350], X[350:], y[350:]
names = np.array([f"label {i}" for i in range(40)])

network = BaseMLPClassifier(64, epochs=5, batch_size=32, random_state=0)
clf = LabelThresholdClassifier(network, objective="samples_f1", cv=2).fit(X, y)
y_pred = clf.predict(X_test)

# %%
# One 2 x 2 matrix per label, as scikit-learn's, and the labels that are missed most often:

counts = multilabel_confusion_matrix(y_test, y_pred)
missed = counts[:, 1, 0]
for label in np.argsort(-missed, kind="stable")[:5]:
    print(f"{names[label]}: missed in {missed[label]} of {counts[label, 1].sum()} rows")

# %%
# A missed label was replaced by the wrong ones of the same row, in equal parts. The matrix of
# labels against labels is sparse:

confusion = label_confusion_matrix(y_test, y_pred)
print(confusion.shape, confusion.nnz, "pairs")

# %%
LabelConfusionDisplay.from_predictions(y_test, y_pred, label_names=names, n_pairs=10)
plt.show()
