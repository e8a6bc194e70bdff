"""
Grid search over a pipeline
===========================

Selects the audio features, standardises them, and searches dropout and learning rate of the block
network for the best precision at 5. All candidates share one compiled training step.
"""

from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from skmlclf import BlockMLPClassifier, ModalitySelector
from skmlclf.datasets import make_video_embeddings
from skmlclf.metrics import get_scorer

X, y = make_video_embeddings(400, n_labels=300, random_state=0)

pipeline = Pipeline(
    [
        ("select", ModalitySelector("audio")),
        ("scale", StandardScaler()),
        ("mlp", BlockMLPClassifier((128, 64), epochs=5, random_state=0)),
    ]
)
search = GridSearchCV(
    pipeline,
    {"mlp__dropout": [0.2, 0.5], "mlp__learning_rate": [3e-3, 1e-2]},
    scoring=get_scorer("precision_at_5"),
    cv=3,
)
search.fit(X, y)

for params, score in zip(
    search.cv_results_["params"], search.cv_results_["mean_test_score"], strict=True
):
    print(f"P@5 {score:.4f}  {params}")
