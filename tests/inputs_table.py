"""The table of `test_inputs`: entry point, input, and the error it raises or the right answer.

The entry point and its input are Python, with the names of `namespace`. What is expected is a
pattern of the error's message, a value, or `Same` as another expression.
"""

from dataclasses import dataclass

import keras
import numpy as np
import pandas as pd
from scipy import sparse

from skmlclf import (
    BaseMLPClassifier,
    BlockMLPClassifier,
    DeepMLPClassifier,
    ModalitySelector,
    NetworkClassifier,
    callbacks,
    comparison,
    datasets,
    load,
    make_feature_mlp,
    metrics,
    model_selection,
    predict_topk,
    save,
)


@dataclass(frozen=True)
class Same:
    """The value of another expression."""

    expression: str


FITTED = ("clf", "binary", "named", "block", "deep", "network")
"""Fitted estimators among the names, which no row may change."""


def build(n_features, n_outputs, units=3):
    inputs = keras.Input((n_features,))
    return keras.Model(inputs, keras.layers.Dense(n_outputs)(keras.layers.Dense(units)(inputs)))


def new(cls=BaseMLPClassifier, **parameters):
    """Return a tiny classifier that is not fitted."""
    return cls(**{"hidden_units": 4, "epochs": 1, "random_state": 0, **parameters})


def put(array, value, dtype=None):
    """Return a copy of an array with another first entry."""
    array = np.array(array, dtype=dtype or array.dtype)
    array.flat[0] = value
    return array


def read_only(array):
    array = array.copy()
    array.flags.writeable = False
    return array


def twice(values):
    """Return a sparse matrix that stores every entry twice, and zeros too."""
    coo = sparse.coo_array(np.ones_like(values))
    data = values[coo.coords]
    return sparse.coo_array(
        (np.tile(data, 2), tuple(np.tile(each, 2) for each in coo.coords)), shape=values.shape
    )


def random_state_after(function):
    """Return the numbers that a RandomState gives after a call that was refused."""
    rng = np.random.RandomState(0)
    try:
        function(rng)
    except ValueError:
        return rng.randint(1000, size=3)
    raise AssertionError("expected an error")


class Outputs:
    """Responses of a classifier, for `evaluate_metrics`."""

    def __init__(self, scores):
        self.values = scores

    def top_k(self, k):
        return None

    def scores(self):
        return self.values

    probabilities = scores

    def decisions(self):
        return self.values > 0


def namespace(folder):
    """Return the names that the rows may use."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((30, 8)).astype(np.float32)
    S = X @ rng.standard_normal((8, 6))
    y, c = (S > 2).astype(np.int64), (X[:, 0] > 0).astype(np.int64)
    frame, labels = pd.DataFrame(X, columns=list("abcdefgh")), pd.DataFrame(y, columns=[*"uvwxyz"])
    layout = {"v": 5, "a": 3}
    np.save(folder / "rows.npy", X)
    np.save(folder / "ints.npy", y)
    frame.to_parquet(folder / "rows.parquet")
    (folder / "junk").write_bytes(b"junk" * 30)
    datasets.write_tfrecords(folder / "rows.tfrecord", X, y, features=layout)
    fitted = {
        "clf": new().fit(X, y),
        "binary": new().fit(X, c),
        "named": new().fit(frame, labels),
        "block": new(BlockMLPClassifier).fit(X, y),
        "deep": new(DeepMLPClassifier).fit(X, y),
        "network": NetworkClassifier(build, epochs=1, random_state=0).fit(X, y),
    }
    public = {
        name: getattr(module, name)
        for module in (callbacks, comparison, datasets, metrics, model_selection)
        for name in module.__all__
    }
    return {
        **public, **fitted,
        "np": np, "pd": pd, "sparse": sparse, "keras": keras, "nan": np.nan, "inf": np.inf,
        "new": new, "put": put, "read_only": read_only, "twice": twice, "Outputs": Outputs,
        "random_state_after": random_state_after, "build": build,
        "BlockMLPClassifier": BlockMLPClassifier, "DeepMLPClassifier": DeepMLPClassifier,
        "NetworkClassifier": NetworkClassifier, "ModalitySelector": ModalitySelector,
        "make_feature_mlp": make_feature_mlp, "predict_topk": predict_topk,
        "load": load, "save": save, "folder": folder, "layout": layout,
        "X": X, "S": S, "y": y, "c": c, "w": np.ones(30), "frame": frame, "labels": labels,
        "store": datasets.NpyRowStore(folder / "rows.npy"),
    }  # fmt: skip


FITTED_ON_X = Same("clf.predict_proba(X)")

ROWS = [
    # Features
    ("clf.fit", "put(X, nan), y", "Input X contains NaN"),
    ("clf.fit", "put(X, inf), y", "Input X contains infinity"),
    ("clf.fit", "X.astype(str), y", "dtype='numeric' is not compatible"),
    ("clf.fit", "X.astype(complex), y", "Complex data not supported"),
    ("clf.fit", "X.astype('M8[s]'), y", r"X must hold numbers, got dtype datetime64\[s\]"),
    ("clf.fit", "X.astype('m8[s]'), y", r"X must hold numbers, got dtype timedelta64\[s\]"),
    ("clf.fit", "1e300 * X.astype(float), y", "network's float32 cannot; scale the features"),
    ("clf.fit", "put(X, 10**400, object), y", "X holds what no float can"),
    ("clf.fit", "np.ma.masked_greater(X, 0), y", "X must hold a value everywhere, got a masked"),
    ("clf.fit", "frame.assign(a='x'), y", "got the column 'a' of dtype (str|object)"),
    ("clf.fit", "frame.assign(a=pd.Timestamp(0)), y", "got the column 'a' of dtype datetime64"),
    ("clf.fit", "X[None], y", "Found array with dim 3"),
    ("clf.fit", "X[0], y", "Expected 2D array, got 1D array"),
    ("clf.fit", "X[:0], y[:0]", r"Found array with 0 sample\(s\)"),
    ("clf.fit", "[[1, 2], [3]], y[:2]", "inhomogeneous"),
    ("clf.fit", "(row for row in X), y", "Expected 2D array, got scalar"),
    ("clf.predict", "X[:, :3]", "X has 3 features, but BaseMLPClassifier is expecting 8"),
    ("clf.predict_proba", "put(X, nan)", "Input X contains NaN"),
    ("clf.decision_function", "np.ma.masked_greater(X, 0)", "X must hold a value everywhere"),
    ("named.predict", "frame[[*'hgfedcba']]", "must be in the same order"),
    ("new().predict", "X", "not fitted yet"),
    ("new().fit(X[::-1].astype('>f4')[::-1], y).predict_proba", "X", FITTED_ON_X),
    ("new().fit(X.astype(object), y).predict_proba", "X", FITTED_ON_X),
    ("new().fit(read_only(X), read_only(y)).predict_proba", "X", FITTED_ON_X),
    ("new().fit(store, y).predict_proba", "store", FITTED_ON_X),
    ("new().fit(np.asfortranarray(X), y.tolist()).predict_proba", "X.tolist()", FITTED_ON_X),
    # Targets
    ("clf.fit", "X, y[:3]", r"inconsistent numbers of samples: \[30, 3\]"),
    ("clf.fit", "X, None", "requires y to be passed"),
    ("clf.fit", "X, 2 * y", r"it must hold only 0 and 1, got \[2\]"),
    ("clf.fit", "X, -y", r"it must hold only 0 and 1, got \[-1\]"),
    ("clf.fit", "X, 0.5 * y", r"it must hold only 0 and 1, got \[0.5\]"),
    ("clf.fit", "X, sparse.csr_array(2 * y)", r"it must hold only 0 and 1, got \[2\]"),
    ("clf.fit", "X, sparse.csr_array(y + 0j)", r"must be a 0/1 indicator.* got dtype complex128"),
    ("clf.fit", "X, y.astype(str)", "got dtype <U21. Turn lists of label names into one column"),
    ("clf.fit", "X, [[0], [1, 2]] * 15", "its rows are of different lengths. Turn lists"),
    ("clf.fit", "X, y * nan", "no label is known in every row"),
    ("clf.fit", "X, S[:, 0]", "Unknown label type: continuous"),
    ("clf.fit", "X, put(c, 'a', object)", "y must hold classes of one kind.* got int, str"),
    ("clf.fit", "X, put(c, None, object)", "y must hold classes of one kind.* got NoneType, int"),
    ("clf.fit", "X, pd.Series([*'ab', None] * 10, dtype='string')", "classes of one kind"),
    ("clf.fit", "X, np.ma.masked_equal(c, 1)", "y must hold a value everywhere"),
    ("new().fit(X, twice(y)).predict_proba", "X", FITTED_ON_X),
    ("new().fit(X, labels.astype('Int64')).predict_proba", "X", FITTED_ON_X),
    (
        "new().fit(X, np.ma.masked_equal(y, 1)).predict_proba",
        "X",
        Same("new().fit(X, np.where(y, nan, 0.0)).predict_proba(X)"),
    ),
    ("clf.partial_fit", "X, y[:, :3]", "y must have 6 columns, one per label, got 3"),
    ("clf.partial_fit", "X, c", "y must be a 2-d indicator as in the first fit"),
    ("clf.partial_fit", "X, y, classes=[0, 1]", r"classes=\[0, 1\] is not the same as on the last"),
    ("binary.partial_fit", "X, c + 1", r"y holds \[2\], which are not among the classes \[0, 1\]"),
    ("binary.partial_fit", "X, c, classes=[0, None]", "classes must hold classes of one kind"),
    ("named.partial_fit", "frame, labels[[*'zyxwvu']]", "got 'z' in column 0, expected it in co"),
    ("named.score", "frame, labels[[*'zyxwvu']]", "got 'z' in column 0, expected it in column 5"),
    ("new().partial_fit", "X, c", "classes must be passed on the first call"),
    ("new().partial_fit(X, c, classes={0, 1}).classes_.tolist", "", [0, 1]),
    # Weights
    ("clf.fit", "X, y, w[:3]", r"sample_weight.shape == \(3,\), expected \(30,\)"),
    ("clf.fit", "X, y, -w", "Negative values in data passed to `sample_weight`"),
    ("clf.fit", "X, y, put(w, nan)", "Input sample_weight contains NaN"),
    ("clf.fit", "X, y, nan", "sample_weight must be finite, got nan"),
    ("clf.fit", "X, y, 0 * w", "at least one non-zero|zero for every row"),
    ("clf.fit", "X, y, 1e308 * w", "a sum that double precision can hold"),
    ("clf.fit", "X, y, np.ones((30, 3))", r"must have shape \(30,\) or \(30, 6\), got \(30, 3\)"),
    ("clf.fit", "X, y, sparse.csr_array((30, 6))", "sample_weight is zero for every row"),
    ("clf.score", "X, y, put(w, nan)", "Input sample_weight contains NaN"),
    ("clf.score", "X, y, -w", "Negative values in data passed to `sample_weight`"),
    ("clf.score", "X, y, 0 * w", "at least one non-zero|zero for every row"),
    ("clf.score", "X, y, np.ones((30, 6))", "Sample weights must be 1D"),
    # Held-out rows
    ("clf.fit", "X, y, X_val=X", "X_val and y_val must be given together"),
    ("clf.fit", "X, y, X_val=X, y_val=y[:, :3]", "held-out rows cannot be used: .* 6 columns"),
    ("clf.fit", "X, y, X_val=X[:, :3], y_val=y", "X_val has 3 features, expected the 8 of X"),
    ("clf.fit", "X, y, X_val=X, y_val=y, sample_weight_val=-w", "held-out rows .* Negative"),
    ("named.fit", "frame, labels, X_val=frame, y_val=labels[[*'vuwxyz']]", "got 'v' in column 0"),
    (
        "random_state_after",
        "lambda rng: new(random_state=rng).fit(X, y, X_val=X, y_val=c)",
        Same("np.random.RandomState(0).randint(1000, size=3)"),
    ),
    # Parameters
    ("clf.set_params(dropout=1).fit", "X, y", r"'dropout' .* in the range \[0.0, 1.0\). Got 1"),
    ("clf.set_params(hidden_units=(4, -1)).fit", "X, y", r"positive ints, got \(4, -1\)"),
    ("deep.set_params(hidden_units=0).fit", "X, y", "'hidden_units' .* Got 0 instead"),
    ("block.set_params(activation='rleu').fit", "X, y", "'activation' .* Got 'rleu' instead"),
    ("clf.set_params(learning_rate=0).fit", "X, y", "'learning_rate' .* Got 0 instead"),
    ("clf.set_params(learning_rate=nan).fit", "X, y", "'learning_rate' .* Got nan instead"),
    ("clf.set_params(learning_rate=1e40).fit", "X, y", "learning_rate must be from .* got 1e"),
    ("clf.set_params(learning_rate=10**400).fit", "X, y", "learning_rate must be from .* got 100"),
    ("clf.set_params(epochs=0).fit", "X, y", "'epochs' .* Got 0 instead"),
    ("clf.set_params(batch_size=0).partial_fit", "X, y", "'batch_size' .* Got 0 instead"),
    ("new(batch_size=10**30).fit(X, y).predict_proba", "X", FITTED_ON_X),
    ("clf.set_params(random_state='0').fit", "X, y", "'random_state' .* Got '0' instead"),
    ("clf.set_params(optimizer='adm').fit", "X, y", "'optimizer' .* Got 'adm' instead"),
    ("clf.set_params(label_names=[*'aabcde']).fit", "X, y", "must be different strings, got"),
    ("clf.set_params(label_names=[None] * 6).fit", "X, y", "must be different strings, got"),
    ("clf.set_params(class_weight={9: 1}).fit", "X, y", "names the label 9, expected columns of y"),
    ("clf.set_params(class_weight={0: 'a'}).fit", "X, y", "must hold numbers, got 'a'"),
    ("clf.set_params(class_weight=[1e300] * 6).fit", "X, y", r"at most 1e\+30, .* got \[1e\+300"),
    ("clf.set_params(warm_start=True, hidden_units=5).fit", "X, y", "parameters now ask for"),
    ("clf.set_params(early_stopping=True).partial_fit", "X, y", "one epoch and has nothing to st"),
    (
        "clf.set_params(early_stopping=True, scoring='gap20').fit",
        "X, y",
        "no metric 'gap20'. Did you mean 'gap_at_20'",
    ),
    (
        "clf.set_params(early_stopping=True, scoring=lambda estimator, X, y: 'a').fit",
        "X, y",
        "The scorer .* must return a number, got 'a'",
    ),
    ("network.set_params(build_network=None).fit", "X, y", "build_network must be callable"),
    ("network.set_params(build_network=lambda *a: 3).fit", "X, y", "return a keras.Model, got int"),
    ("network.set_params", "nonsense=3", "Invalid parameter 'nonsense'"),
    ("make_feature_mlp('viedo').fit", "X, y", "name groups of the layout.* Received 'viedo'"),
    ("make_feature_mlp('all', 100).fit", "X, y", "n_components=100 must be between"),
    ("ModalitySelector('v', layout={'v': 9}).fit", "X", "Expected 9 columns.* with 8 columns"),
    ("ModalitySelector('v', layout={'v': 0}).fit", "X", "width of group 'v' .* Received 0"),
    ("ModalitySelector(['v', 'v'], layout=layout).fit", "X", "name each group once"),
    ("ModalitySelector('v', layout=layout).fit(X).transform", "X[:, :3]", "X has 3 features"),
    # The best labels
    ("clf.predict_topk", "X, k=-1", "k must be an int from 1 to the 6 classes, got -1"),
    ("clf.predict_topk", "X, k=7", "k must be an int from 1 to the 6 classes, got 7"),
    ("clf.predict_topk", "X, k=True", "k must be an int from 1 to the 6 classes, got True"),
    ("clf.predict_topk", "X, k=20.0", "k must be an int from 1 to the 6 classes, got 20.0"),
    ("clf.predict_topk", "X, k=np.array([3, 4])", "k must be an int from 1 to the 6 classes"),
    ("clf.predict_topk", "X, response_method='predict'", "response_method must be one of"),
    ("predict_topk", "clf, X, k=20.0", "k must be an int from 1 to the 6 classes"),
    ("clf.predict_topk", "X, k=np.uint8(6)", Same("clf.predict_topk(X)")),
    # Callbacks
    ("clf.set_params(callbacks=[3]).fit", "X, y", "callbacks must hold .* got 3"),
    ("clf.set_params(callbacks=[int]).fit", "X, y", "callbacks must hold .* got <class 'int'>"),
    ("clf.set_params(callbacks=[Checkpoint('/proc/x')]).fit", "X, y", "cannot be written to"),
    ("clf.set_params(callbacks=[Checkpoint(folder)]).partial_fit", "X, y", "nothing to resume"),
    ("Checkpoint", "''", "folder must be the path of a folder, got ''"),
    ("Checkpoint", "folder, every=0", "every must be .* got 0"),
    ("EpochMetrics", "['mapp']", "no metric 'mapp'. Did you mean 'map'"),
    ("EpochMetrics", "['map'], X_val=X", "X_val and y_val must be given together"),
    ("EpochMetrics", "['map'], name=None", "name must be a string .* got None"),
    ("EpochMetrics(name for name in ['map']).metrics.index", "'map'", 0),
    # Metrics
    ("precision_at_k_score", "y, S, k=0", "'k' .* Got 0 instead"),
    ("precision_at_k_score", "y, S, k=2.0", "'k' .* Got 2.0 instead"),
    ("precision_at_k_score", "y, S, k=True", Same("precision_at_k_score(y, S, k=1)")),
    ("ndcg_at_k_score", "y, put(S, nan), k=2", "y_score holds NaN, which cannot be ranked"),
    ("hit_at_k_score", "y, S[:, :3], k=2", r"one column for each .* its shape is \(30, 3\)"),
    ("recall_at_k_score", "2 * y, S, k=2", "y_true must be a 0/1 indicator"),
    ("recall_at_k_score", "np.ma.masked_equal(y, 1), S, k=2", "y_true must hold a value everywhe"),
    ("recall_at_k_score", "y, np.ma.masked_greater(S, 1), k=2", "y_score must hold a value every"),
    ("mean_average_precision_score", "y, S.astype(str)", "a dense array of real numbers"),
    ("global_average_precision_score", "y, S, sample_weight=w[:3]", r"must have shape \(30,\)"),
    ("global_average_precision_score", "y, S, sample_weight=1e308 * w", "a sum that double preci"),
    ("hamming_loss", "y, S", r"y_pred must be a 0/1 indicator.* Scores go into y_score"),
    ("get_metric", "'gap_at_0'", "There is no metric 'gap_at_0'. Did you mean"),
    ("register_metric", "Metric('map', len)", "There is a metric 'map' already"),
    ("Metric", "'a b', len", "lower-case letters, digits and underscores, got 'a b'"),
    ("evaluate_metrics", "'map', y, Outputs(S)", "metrics must be a sequence of names"),
    ("evaluate_metrics", "['map'], y, S", "responses must have the methods top_k"),
    ("evaluate_metrics", "[Metric('m', lambda t, s: 'a')], y, Outputs(S)", "must return a number"),
    ("get_scorer", "None", "must be the name of a metric or a callable, got None"),
    ("get_scorer('precision_at_1')", "binary, X, y", "y has 6 columns, .* fitted on 2 labels"),
    ("get_scorer('map')", "clf, X, y, sample_weight=-w", "none of them negative"),
    # Splits and comparisons
    ("list", "MultilabelStratifiedKFold(2).split(X, c)", "For one class per row, use scikit-learn"),
    ("list", "MultilabelStratifiedKFold(31).split(X, y)", "greater than the number of samples"),
    ("list", "MultilabelStratifiedShuffleSplit(test_size=1.5).split(X, y)", "test_size=1.5 should"),
    ("multilabel_train_test_split", "X, y[:3]", "inconsistent numbers of samples"),
    ("multilabel_train_test_split", "X, y, test_size=0", "'test_size' .* Got 0 instead"),
    ("compare", "{'a': new()}, X, y, X, y[:, :3]", "y has 6 labels and y_val 3"),
    ("compare", "{'a': new()}, X, y, X[:3], y", r"X_val must have shape \(30, n_features\)"),
    ("compare", "{'a': new()}, None, y, X, y", r"X must have shape .* got shape \(\)"),
    (
        "compare",
        "{'a': new()}, X, labels, X, labels[[*'vuwxyz']]",
        "columns of y_val must be those",
    ),
    ("compare", "{'a': new(epochs=0)}, X, y, X, y", "a: The 'epochs' parameter"),
    # Files
    ("save", "clf, folder / 'rows.npy'", "is there already: pass overwrite=True"),
    ("save", "3, folder / 'x'", "int is none of the estimators that a file can hold"),
    ("load", "folder / 'junk'", "cannot be loaded: it is"),
    ("load", "folder / 'nothing'", "There is no file"),
    ("clf.export", "folder / 'x', format='keras'", "format must be one of 'onnx'"),
    # Data sets
    ("make_video_embeddings", "5, n_labels=2, labels_per_sample=3", "Expected labels_per_sample"),
    ("make_video_embeddings", "0", "'n_samples' .* Got 0 instead"),
    ("load_tfrecords", "folder / 'rows.tfrecord'", "has no feature 'mean_rgb'"),
    ("load_tfrecords", "folder / 'junk', features=layout", "it is not a TFRecord file"),
    ("VideoRecords", "folder, features=layout", "It is a folder: pass a pattern"),
    ("VideoRecords", "folder / 'rows.tfrecord', features={'v': 4}", "has 5 values in feature 'v'"),
    ("NpyRowStore", "None", "Expected paths to be a path, a glob pattern, or a list"),
    (
        "NpyRowStore",
        "folder / 'ints.npy'",
        r"Received .*ints.npy' of shape \(30, 6\) and dtype int",
    ),
    ("ParquetRowStore", "folder / 'rows.parquet', ['a', 'a']", "name each column once"),
    ("ParquetRowStore", "folder / 'rows.parquet', [3]", "a name or a sequence of names"),
    ("ParquetRowStore", "folder / 'junk'", "Expected a Parquet file"),
    ("write_tfrecords", "folder / 'x', X, y[:3], features=layout", "to have the 30 rows of X"),
    ("write_tfrecords", "folder / 'x', X + 0j, y, features=layout", "real numbers.* complex64"),
    ("write_tfrecords", "folder / 'x', X.astype('M8[s]'), y, features=layout", "real numbers"),
    ("write_tfrecords", "folder / 'x', sparse.csr_array(X), y, features=layout", r"Pass X.toarray"),
    ("write_tfrecords", "folder / 'x', put(X, nan), y, features=layout", "Row 0 holds NaN"),
    ("store.__getitem__", "30", "Expected rows from 0 to 29, .* Received 30"),
    ("store.__getitem__", "[1.5]", "Expected rows as a slice, a 1-d array of integers"),
    (
        "store.__getitem__",
        "np.array([2**64 - 1], dtype=np.uint64)",
        "Received 18446744073709551615",
    ),
    ("store.__getitem__", "np.ones(3, bool)", "Expected a mask of 30 rows. Received one of 3"),
    ("store.__getitem__", "-30", Same("X[0]")),
    ("store.blocks(0).__next__", "", "Expected n_rows to be an integer of 1 or more"),
]
