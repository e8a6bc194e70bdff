"""Metrics of decisions, labels given or not: samples precision, recall and F1, hamming loss and
the confusion matrix of each label.

All of them count, row by row or label by label, what is true, what is predicted and what is both.
Only the ones of the two matrices are ever looked at.
"""

from numbers import Real
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skmlclf._compat import Options
from skmlclf.metrics._inputs import LabelMatrix, LabelPairs, checked, read_weights


class PrecisionRecallF1(NamedTuple):
    """Precision, recall and F1, each averaged over the rows."""

    precision: float
    recall: float
    f1: float


class _Counts(NamedTuple):
    """How many are true, predicted, and both; for each row or for each label."""

    true: NDArray[Any]
    predicted: NDArray[Any]
    both: NDArray[Any]


def read_both(y_true: Any, y_pred: Any) -> tuple[LabelMatrix, LabelMatrix]:
    """Read two label matrices that have to agree in shape."""
    true, predicted = LabelMatrix(y_true, "y_true"), LabelMatrix(y_pred, "y_pred")
    if true.shape != predicted.shape:
        raise ValueError(
            "y_true and y_pred must have the same shape (n_samples, n_labels), "
            f"but their shapes are {true.shape} and {predicted.shape}."
        )
    return true, predicted


def common(first: LabelPairs, second: LabelPairs) -> NDArray[np.int64]:
    """Flat positions of the ones that both have."""
    return np.intersect1d(first.flat, second.flat, assume_unique=True)


def _count_by_row(true: LabelMatrix, predicted: LabelMatrix) -> _Counts:
    counts = _Counts(*np.zeros((3, true.shape[0]), dtype=np.int64))
    for start, stop in true.blocks():
        t, p = true.read(start, stop), predicted.read(start, stop)
        both = LabelPairs(common(t, p), t.shape)
        for count, pairs in zip(counts, (t, p, both), strict=True):
            count[start:stop] = pairs.row_counts
    return counts


def _count_by_label(
    true: LabelMatrix, predicted: LabelMatrix, weights: NDArray[np.float64] | None
) -> _Counts:
    n_labels = true.shape[1]
    counts = _Counts(*np.zeros((3, n_labels), dtype=np.int64 if weights is None else np.float64))
    for start, stop in true.blocks():
        t, p = true.read(start, stop), predicted.read(start, stop)
        both = LabelPairs(common(t, p), t.shape)
        for count, pairs in zip(counts, (t, p, both), strict=True):
            pair_weights = None if weights is None else weights[start:stop][pairs.rows]
            count += np.bincount(pairs.columns, pair_weights, minlength=n_labels)
    return counts


@checked(zero_division=[Options(Real, {0.0, 1.0}), "nan"])
def samples_precision_recall_f1(
    y_true: Any,
    y_pred: Any,
    *,
    zero_division: float = 0,
    sample_weight: ArrayLike | None = None,
) -> PrecisionRecallF1:
    """Precision, recall and F1 of each row's set of labels, averaged over the rows.

    .. versionadded:: 0.1

    Parameters
    ----------
    y_true, y_pred : {array-like, sparse} of shape (n_samples, n_labels)
        The true and the predicted labels, entries 0 or 1. Any scipy sparse format will do, also
        one dense and one sparse.
    zero_division : {0, 1, nan}, default=0
        Value of 0/0; NaN leaves the row out of the mean.
    sample_weight : array-like of shape (n_samples,), default=None
        Weight of each row in the means.

    Returns
    -------
    PrecisionRecallF1
        A tuple of three floats: ``precision``, ``recall``, ``f1``.

    Raises
    ------
    ValueError
        If the shapes differ or an entry is not 0 or 1.

    See Also
    --------
    sklearn.metrics.precision_recall_fscore_support : The same values, with ``average="samples"``.

    Notes
    -----
    With ``n_i`` true labels in row ``i``, ``p_i`` predicted ones and ``tp_i`` in both, its
    precision is ``tp_i / p_i``, its recall ``tp_i / n_i`` and its F1 ``2 tp_i / (n_i + p_i)``.
    The F1 returned is the mean of the rows' F1, which is not the F1 of the two means.

    Examples
    --------
    >>> from skmlclf.metrics import samples_precision_recall_f1
    >>> y_true = [[1, 0, 1, 0], [0, 1, 0, 0]]
    >>> y_pred = [[1, 1, 0, 0], [0, 1, 0, 0]]
    >>> samples_precision_recall_f1(y_true, y_pred)
    PrecisionRecallF1(precision=0.75, recall=0.75, f1=0.75)
    """
    true, predicted = read_both(y_true, y_pred)
    weights = read_weights(sample_weight, true.shape[0])
    counts = _count_by_row(true, predicted)

    def mean_ratio(numerator: NDArray[Any], denominator: NDArray[Any]) -> float:
        values = np.full(len(numerator), float(zero_division))
        np.divide(numerator, denominator, out=values, where=denominator > 0)
        counted = ~np.isnan(values)
        if weights is not None:
            counted &= weights > 0
        if not counted.any():
            return float("nan")
        row_weights = None if weights is None else weights[counted]
        return float(np.average(values[counted], weights=row_weights))

    return PrecisionRecallF1(
        mean_ratio(counts.both, counts.predicted),
        mean_ratio(counts.both, counts.true),
        mean_ratio(2 * counts.both, counts.true + counts.predicted),
    )


@checked()
def hamming_loss(y_true: Any, y_pred: Any, *, sample_weight: ArrayLike | None = None) -> float:
    """Fraction of all pairs of a row and a label that are predicted wrongly.

    .. versionadded:: 0.1

    Parameters
    ----------
    y_true, y_pred : {array-like, sparse} of shape (n_samples, n_labels)
        The true and the predicted labels, entries 0 or 1. Any scipy sparse format will do, also
        one dense and one sparse.
    sample_weight : array-like of shape (n_samples,), default=None
        Weight of each row.

    Returns
    -------
    float
        Between 0 and 1, lower is better.

    Raises
    ------
    ValueError
        If the shapes differ or an entry is not 0 or 1.

    See Also
    --------
    sklearn.metrics.hamming_loss : The same value.

    Notes
    -----
    The value is ``|{(i, j): y_true_ij != y_pred_ij}| / (n_samples n_labels)``. With thousands of
    labels, nearly all of which are true negatives, it is small for any classifier.

    Examples
    --------
    >>> from skmlclf.metrics import hamming_loss
    >>> hamming_loss([[1, 0, 1, 0], [0, 1, 0, 0]], [[1, 1, 0, 0], [0, 1, 0, 0]])
    0.25
    """
    true, predicted = read_both(y_true, y_pred)
    weights = read_weights(sample_weight, true.shape[0])
    counts = _count_by_row(true, predicted)
    wrong = counts.true + counts.predicted - 2 * counts.both
    return float(np.average(wrong, weights=weights) / true.shape[1])


@checked(samplewise=["boolean"])
def multilabel_confusion_matrix(
    y_true: Any,
    y_pred: Any,
    *,
    sample_weight: ArrayLike | None = None,
    samplewise: bool = False,
) -> NDArray[Any]:
    """Confusion matrix of each label, or of each row.

    .. versionadded:: 0.1

    Parameters
    ----------
    y_true, y_pred : {array-like, sparse} of shape (n_samples, n_labels)
        The true and the predicted labels, entries 0 or 1. Any scipy sparse format will do, also
        one dense and one sparse.
    sample_weight : array-like of shape (n_samples,), default=None
        Weight of each row.
    samplewise : bool, default=False
        One matrix for each row instead of each label.

    Returns
    -------
    ndarray of shape (n_labels, 2, 2) or (n_samples, 2, 2)
        For each ``[[tn, fp], [fn, tp]]``: true negatives, false positives, false negatives and
        true positives. Integers, or floats with `sample_weight`.

    Raises
    ------
    ValueError
        If the shapes differ or an entry is not 0 or 1.

    See Also
    --------
    sklearn.metrics.multilabel_confusion_matrix : The same matrices.
    label_confusion_matrix : Which label is predicted in place of which.

    Examples
    --------
    >>> from skmlclf.metrics import multilabel_confusion_matrix
    >>> y_true = [[1, 0], [1, 1]]
    >>> y_pred = [[1, 1], [0, 1]]
    >>> multilabel_confusion_matrix(y_true, y_pred)
    array([[[0, 0],
            [1, 1]],
           [[0, 1],
            [0, 1]]])
    """
    true, predicted = read_both(y_true, y_pred)
    n_samples, n_labels = true.shape
    weights = read_weights(sample_weight, n_samples)
    total: float | NDArray[np.float64]
    if samplewise:
        counts, total = _count_by_row(true, predicted), n_labels
        if weights is not None:
            counts, total = _Counts(*(count * weights for count in counts)), n_labels * weights
    else:
        counts = _count_by_label(true, predicted, weights)
        total = n_samples if weights is None else weights.sum()
    false_positive = counts.predicted - counts.both
    false_negative = counts.true - counts.both
    true_negative = total - counts.predicted - false_negative
    cells = (true_negative, false_positive, false_negative, counts.both)
    return np.stack(cells, axis=1).reshape(-1, 2, 2)
