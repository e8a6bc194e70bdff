"""Fitted estimators that the tests of this folder save: every class, every kind of target.

Run as a script, it loads the files of a folder in a process of its own and writes what they
predict: ``python cases.py folder``.
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.decomposition import PCA, IncrementalPCA, TruncatedSVD
from sklearn.feature_selection import (
    SelectKBest,
    SelectPercentile,
    VarianceThreshold,
    chi2,
    f_classif,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    Binarizer,
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
)

N_ROWS, N_FEATURES, N_LABELS = 96, 12, 7
LAYOUT = {"video": 8, "audio": 4}


def build_towers(n_features, n_outputs, width=6):
    """Build a network with two towers, dropout and normalisation."""
    import keras

    inputs = keras.Input((n_features,))
    left = keras.layers.Dense(width, activation="relu")(inputs[:, :8])
    right = keras.layers.Dense(width, activation="tanh")(inputs[:, 8:])
    hidden = keras.layers.Concatenate()([left, right])
    hidden = keras.layers.BatchNormalization()(hidden)
    hidden = keras.layers.Dropout(0.3)(hidden)
    return keras.Model(inputs, keras.layers.Dense(n_outputs)(hidden))


CUSTOM_OBJECTS = {"build_towers": build_towers}


def features(seed=0):
    """Return rows of features."""
    rng = np.random.default_rng(seed)
    return rng.standard_normal((N_ROWS, N_FEATURES)).astype(np.float32)


def label_matrix(seed=0):
    """Return a 0/1 matrix that follows from the features."""
    rng = np.random.default_rng(seed + 1)
    return (features(seed) @ rng.standard_normal((N_FEATURES, N_LABELS)) > 2).astype(np.int64)


def classifiers():
    """Return the classifiers by name, unfitted."""
    from skmlclf import (
        BaseMLPClassifier,
        BlockMLPClassifier,
        DeepMLPClassifier,
        NetworkClassifier,
    )

    shared = {"epochs": 2, "random_state": 0}
    return {
        "base": BaseMLPClassifier(16, dropout=0.1, **shared),
        "block": BlockMLPClassifier((8, 6), **shared),
        "deep": DeepMLPClassifier((8, 8), **shared),
        "network": NetworkClassifier(build_towers, network__width=5, **shared),
    }


def targets():
    """Return pairs of features and targets by name."""
    X, y = features(), label_matrix()
    names = np.array(["a", "bcd", "e" * 9])
    third = np.arange(N_ROWS) % 3
    frame = pd.DataFrame(X, columns=[f"f{i}" for i in range(N_FEATURES)])
    return {
        "multilabel": (X, y),
        "csr_matrix": (X, sparse.csr_matrix(y.astype(np.int8))),
        "csc_array": (X, sparse.csc_array(y.astype(bool))),
        "float16": (X, y.astype(np.float16)),
        "frame": (frame, pd.DataFrame(y, columns=[f"label {i}/é" for i in range(N_LABELS)])),
        "binary": (X, y[:, 0]),
        "binary bool": (X, y[:, 0].astype(bool)),
        "multiclass": (X, third * 10),
        "multiclass float": (X, third * 2.0),
        "strings": (X, names[third]),
        "objects": (X, names.astype(object)[third]),
        "one class": (X, np.full(N_ROWS, "only")),
    }


def transformers():
    """Return transformers by name, unfitted."""
    from skmlclf.preprocessing import BlockwiseTransformer, ModalitySelector

    made = [
        PCA(5),
        PCA(5, svd_solver="randomized", whiten=True, random_state=0),
        PCA(5, svd_solver="covariance_eigh"),
        PCA(0.9),
        IncrementalPCA(5),
        TruncatedSVD(5, random_state=0),
        StandardScaler(),
        StandardScaler(with_mean=False, with_std=False),
        MinMaxScaler(),
        MinMaxScaler((0.5, 2), clip=True),
        MaxAbsScaler(),
        RobustScaler(quantile_range=(10.0, 90.0)),
        RobustScaler(with_centering=False),
        QuantileTransformer(n_quantiles=20, random_state=0),
        Normalizer("l1"),
        Binarizer(threshold=0.1),
        SelectKBest(f_classif, k=4),
        make_pipeline(MinMaxScaler(), SelectPercentile(chi2, percentile=50)),
        VarianceThreshold(0.9),
        ModalitySelector("audio", layout=LAYOUT),
        ModalitySelector(["audio", "video"], layout=LAYOUT),
        BlockwiseTransformer(IncrementalPCA(5), block_rows=20),
        BlockwiseTransformer(StandardScaler()),
        BlockwiseTransformer(make_pipeline(StandardScaler(), PCA(3)), n_sample_rows=50),
        make_pipeline("passthrough", StandardScaler(), PCA(3)).set_output(transform="pandas"),
    ]
    return {f"{i} {type(each).__name__}": each for i, each in enumerate(made)}


def pipelines():
    """Return what is made of this package's estimators and scikit-learn's, unfitted."""
    from skmlclf import (
        BaseMLPClassifier,
        BlockwiseTransformer,
        LabelThresholdClassifier,
        NeighborBlendClassifier,
        make_feature_mlp,
    )

    params = {"hidden_units": 8, "epochs": 2, "random_state": 0}
    feature_mlp = make_feature_mlp("audio", 3, **params)
    return {
        "feature_mlp": feature_mlp.set_params(select__layout=LAYOUT),
        "blockwise": make_pipeline(
            BlockwiseTransformer(IncrementalPCA(3), block_rows=20), BaseMLPClassifier(**params)
        ),
        "scaled": make_pipeline(StandardScaler(), BaseMLPClassifier(**params)),
        "tuned": make_pipeline(
            StandardScaler(),
            LabelThresholdClassifier(BaseMLPClassifier(**params), cv=2, store_cv_results=True),
        ),
        "blend": NeighborBlendClassifier(BaseMLPClassifier(**params), n_neighbors=9),
        "blend of few": make_pipeline(
            StandardScaler(),
            NeighborBlendClassifier(
                make_pipeline(PCA(6), BaseMLPClassifier(**params)), n_components=5, max_rows=60
            ),
        ),
    }


def outputs(estimator, X):
    """Return all that an estimator says of rows, as arrays."""
    found = {}
    for name in ("predict", "predict_proba", "decision_function", "transform"):
        if name == "transform" and hasattr(estimator, "predict"):
            continue
        if hasattr(estimator, name):
            value = getattr(estimator, name)(X)
            found[f"{name} {type(value).__name__}"] = np.asarray(
                value.toarray() if sparse.issparse(value) else value
            )
    if hasattr(estimator, "predict_topk"):
        found["labels"], found["scores"] = estimator.predict_topk(X, k=1)
    return found


def rows_of(estimator):
    """Return rows as the estimator was fitted on."""
    X = features(seed=9)
    names = getattr(estimator, "feature_names_in_", None)
    return X if names is None else pd.DataFrame(X, columns=names)


def main(folder):
    """Load every file of a folder and write its outputs beside it."""
    import skmlclf

    for path in sorted(Path(folder).glob("*.safetensors")):
        estimator = skmlclf.load(path, custom_objects=CUSTOM_OBJECTS)
        found = outputs(estimator, rows_of(estimator))
        plain = {name: v.astype(str) if v.dtype == object else v for name, v in found.items()}
        np.savez(path.with_suffix(".npz"), **plain)


if __name__ == "__main__":
    main(sys.argv[1])
