"""A classifier blended with the labels of the nearest training rows."""

from collections.abc import Callable
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import ClassifierMixin, MetaEstimatorMixin, clone
from sklearn.utils import Tags, check_random_state, get_tags
from sklearn.utils.validation import check_is_fitted

from skmlclf._compat import HasMethods, Interval, StrOptions, _fit_context, available_if
from skmlclf.classifiers._neighbor_predictions import NeighborPredictions
from skmlclf.classifiers._neighbor_saving import NeighborSaving
from skmlclf.classifiers._neighbor_state import FITTED
from skmlclf.classifiers._neighbors import (
    Bank,
    BankOptions,
    Blend,
    FittedClassifier,
    LabelledRows,
    check_estimator,
    choose,
    fit_with_held_out,
    is_frozen,
    last_step,
    make_bank,
    make_index,
    read_rows,
)
from skmlclf.classifiers._targets import Targets, is_multilabel, read_targets
from skmlclf.metrics import Metric


def _adds_rows(blend: "NeighborBlendClassifier") -> bool:
    if not blend._is_fixed():
        raise AttributeError(
            "NeighborBlendClassifier has partial_fit with a fixed estimator only, where it adds"
            " rows to the bank: a network that trains on moves all rows of its space, and those of"
            " the bank would be rows of another network. Train the estimator first, then pass it"
            " as FrozenEstimator(estimator) or with cv='prefit'."
        )
    return True


class NeighborBlendClassifier(
    NeighborPredictions, MetaEstimatorMixin, ClassifierMixin, NeighborSaving
):
    r"""A classifier blended with the labels of the training rows nearest to a row.

    Neighbours are searched in the output space of the classifier's ``transform``: for classifiers
    of this package, the last hidden layer. A network and its neighbours make different errors, so
    that the blend of both ranks labels better than either.

    .. versionadded:: 0.1

    Parameters
    ----------
    estimator : classifier with ``transform``, or Pipeline
        With ``predict_proba``. Neighbours are searched in the output of its ``transform``, or for a
        pipeline whose last step has none, in the output of the steps before. A clone is fitted,
        unless it is a `sklearn.frozen.FrozenEstimator` or `cv` is "prefit".
    n_neighbors : int, default=100
        Number of neighbours, or all rows of the memory bank where they are fewer.
    temperature : float or "auto", default=0.03
        Temperature of the softmax of cosine similarities by which neighbours are weighted: the
        lower, the more the nearest ones count. "auto" chooses it on held-out rows.
    weight : float or "auto", default=0.35
        Weight of the neighbours in the blend, in [0, 1]. "auto" chooses it on held-out rows.
    n_components : int or None, default=256
        Number of principal directions that rows are projected onto in the memory bank. None, or a
        space with no more dimensions, keeps all dimensions.
    max_rows : int or None, default=None
        Maximum number of rows in the bank. Where there are more, `fit` keeps a random sample, and
        `partial_fit` drops the oldest. None keeps all rows.
    index : {"exact", "hnsw"} or object, default="exact"
        How neighbours are searched. "exact" compares each row with the whole bank. "hnsw" searches
        a graph that finds nearly all neighbours, in a time that hardly grows with the bank; it
        needs ``pip install skmlclf[neighbors]``. An object with ``fit`` and ``kneighbors``, such as
        `sklearn.neighbors.NearestNeighbors`, is cloned and fitted on the bank.
    scoring : str, Metric or callable, default="gap_at_20"
        Metric by which "auto" chooses, as `skmlclf.metrics.get_scorer` takes it. For metrics that
        need all scores or decisions, those of all held-out rows are in memory at once.
    validation_fraction : float, default=0.1
        Fraction of the rows to hold out for "auto" where `fit` is not given `X_val`.
    refit : bool, default=True
        Whether the estimator and the bank are fitted again on all rows after "auto" has chosen on a
        split. For an estimator that is already fitted, the bank is always made of all rows.
    cv : {None, "prefit"}, default=None
        "prefit" uses `estimator` as it is, already fitted; the rows passed to `fit` make up the
        bank. Clones, as searches and cross-validation make them, stay fitted with a
        `FrozenEstimator` only.
    random_state : int, RandomState instance or None, default=None
        Determines the split, the rows that are kept in a bank with `max_rows`, and those that the
        principal directions are computed from.

    Attributes
    ----------
    estimator_ : classifier
        The fitted estimator.
    weight_ : float
        Weight of the neighbours in the blend.
    temperature_ : float
        Temperature of the softmax.
    classes_ : ndarray of shape (n_classes,)
        Classes, or the column indices of the labels.
    label_names_ : ndarray of shape (n_labels,) or None
        Names of the labels; None if they have none.
    n_features_in_ : int
        Number of features seen by `fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, where `X` had string names.

    Raises
    ------
    TypeError
        In `fit`, if neither `estimator` nor a step before it has ``transform``.
    ValueError
        In `fit`, if a parameter is not as described.
    ImportError
        In `fit`, if ``index="hnsw"`` and faiss is missing.

    See Also
    --------
    sklearn.neighbors.KNeighborsClassifier : Neighbours alone, in the space of the features.

    Notes
    -----
    With :math:`p_{net,l}` the estimator's probability of label :math:`l`, :math:`h` the transformed
    row, and :math:`h_j, y_j` the `k` rows of the bank with the largest cosine similarities and
    their labels,

    .. math::

        p_l = (1 - w) \, p_{net,l} + w \sum_{j=1}^{k} s_j y_{jl}, \qquad
        s = \operatorname{softmax}(\cos(h, h_j) / T).

    A row that is itself in the bank is its own nearest neighbour: predictions for training rows are
    better than those for others.

    On real videos (27,680 training rows, 3,420 held-out rows, 3,862 labels) `BaseMLPClassifier` at
    its defaults has a GAP@20 of 0.7050 alone and 0.7219 blended, the means of three seeds. In a fit
    of 8 epochs it was 0.7221 blended, 0.7223 with all 1,024 hidden units kept, and 0.7193 with 128
    directions (one seed).

    The bank holds rows of unit length in half precision, ``2 * n_components`` bytes each, and 4
    bytes for each label: 528 bytes for each of those videos. The exact search costs ``n_rows *
    n_components`` multiplications for each row that is predicted, and took 0.62 ms of processor
    time for those videos, 0.39 ms of them in the products; the network has 5 million
    multiplications, the search 7 million. 1,024 rows are predicted at a time, so that memory does
    not grow with their number. Beyond some hundred thousand rows in the bank, set `max_rows` or
    ``index="hnsw"``, whose graph takes another ``2 * n_components + 260`` bytes for each row and is
    rebuilt when the estimator is loaded.

    Unknown entries of `y` (NaN) count as absent labels of neighbours, and rows with weight zero are
    left out; other weights are used by the estimator only.

    ``partial_fit`` adds rows to the bank of an estimator that was fitted before (prefit or frozen).
    There is no ``partial_fit`` otherwise: further training would change the hidden layer, and the
    rows in the bank would no longer match it.

    References
    ----------
    Y.-S. Wang, W.-C. Chang, J.-Y. Jiang, J. Zhang, H.-F. Yu and S. V. N. Vishwanathan,
    "Retrieval-augmented Encoders for Extreme Multi-label Text Classification", 2025, arXiv
    2502.10615: labels averaged by a softmax over the similarities of retrieved training rows.

    U. Khandelwal, O. Levy, D. Jurafsky, L. Zettlemoyer and M. Lewis, "Generalization through
    Memorization: Nearest Neighbor Language Models", ICLR 2020, arXiv 1911.00172: the blend of a
    network's probabilities with those of neighbours in its hidden layer.

    Examples
    --------
    >>> from skmlclf import BaseMLPClassifier, NeighborBlendClassifier
    >>> from skmlclf.datasets import make_video_embeddings
    >>> X, y = make_video_embeddings(400, n_labels=50, random_state=0)
    >>> clf = NeighborBlendClassifier(BaseMLPClassifier(64, epochs=5, random_state=0))
    >>> labels, scores = clf.fit(X[:300], y[:300]).predict_topk(X[300:], k=5)
    >>> labels.shape
    (100, 5)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "estimator": [HasMethods(["fit", "predict_proba"])],
        "n_neighbors": [Interval(Integral, 1, None, closed="left")],
        "temperature": [StrOptions({"auto"}), Interval(Real, 0, None, closed="neither")],
        "weight": [StrOptions({"auto"}), Interval(Real, 0, 1, closed="both")],
        "n_components": [None, Interval(Integral, 1, None, closed="left")],
        "max_rows": [None, Interval(Integral, 1, None, closed="left")],
        "index": [StrOptions({"exact", "hnsw"}), HasMethods(["fit", "kneighbors"])],
        "scoring": [str, callable, Metric],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "refit": ["boolean"],
        "cv": [None, StrOptions({"prefit"})],
        "random_state": ["random_state"],
    }

    _bank_: Bank
    _index_: Any
    _targets_: Targets
    estimator_: Any
    weight_: float
    temperature_: float
    classes_: np.ndarray

    def __init__(
        self,
        estimator: Any,
        *,
        n_neighbors: int = 100,
        temperature: float | str = 0.03,
        weight: float | str = 0.35,
        n_components: int | None = 256,
        max_rows: int | None = None,
        index: Any = "exact",
        scoring: str | Metric | Callable[..., Any] = "gap_at_20",
        validation_fraction: float = 0.1,
        refit: bool = True,
        cv: str | None = None,
        random_state: Any = None,
    ) -> None:
        self.estimator = estimator
        self.n_neighbors = n_neighbors
        self.temperature = temperature
        self.weight = weight
        self.n_components = n_components
        self.max_rows = max_rows
        self.index = index
        self.scoring = scoring
        self.validation_fraction = validation_fraction
        self.refit = refit
        self.cv = cv
        self.random_state = random_state

    def __sklearn_tags__(self) -> Tags:
        tags, inner = super().__sklearn_tags__(), get_tags(self.estimator)
        tags.input_tags.sparse = inner.input_tags.sparse
        tags.input_tags.allow_nan = inner.input_tags.allow_nan
        tags.target_tags.multi_output = inner.target_tags.multi_output
        if inner.classifier_tags is not None:
            tags.classifier_tags.multi_class = inner.classifier_tags.multi_class
            tags.classifier_tags.multi_label = inner.classifier_tags.multi_label
        return tags

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: ArrayLike | None = None,
        *,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: ArrayLike | None = None,
    ) -> Self:
        """Fit the estimator, and fill the memory bank.

        Parameters
        ----------
        X : {array-like, sparse, RowStore} of shape (n_samples, n_features)
            Rows, as the estimator takes them. Rows on disk are read block by block.
        y : array-like of shape (n_samples,) or (n_samples, n_labels), or sparse
            Classes, or a 0/1 indicator of several labels, as the estimator takes it.
        sample_weight : array-like of shape (n_samples,) or (n_samples, n_labels), or sparse, \
default=None
            Passed on to the estimator. Rows with weight zero are not added to the bank.
        X_val, y_val : array-like, default=None
            Held-out rows and their targets, in the same form. "auto" chooses on them, and they are
            passed to the ``fit`` of the estimator, if that takes them.
        sample_weight_val : array-like of shape (n_val_samples,), default=None
            Weights of the held-out rows.

        Returns
        -------
        self : estimator
            The fitted estimator.

        Raises
        ------
        TypeError
            If `estimator` has no ``transform``, or takes no weights and some are given.
        ValueError
            If a parameter, the features or the targets are not as described; nothing is changed
            then.
        """
        self._check_parameters()
        if (X_val is None) != (y_val is None):
            raise ValueError("X_val and y_val must be given together, got only one of them.")
        targets = self._read_targets(y)
        rows = read_rows(X, y, sample_weight, targets)
        rng = np.random.RandomState(check_random_state(self.random_state).randint(2**31 - 1))
        weight, temperature = self.weight, self.temperature
        chooses = "auto" in (weight, temperature)
        if X_val is not None:
            held_out = read_rows(X_val, y_val, sample_weight_val, targets, "X_val and y_val")
            fitted = self._fitted(rows, held_out, targets, rng)
            if chooses:
                weight, temperature = self._chosen(*fitted, held_out, targets)
        elif chooses:
            kept, held_out = rows.split(self.validation_fraction, rng)
            fitted = self._fitted(kept, None, targets, rng)
            weight, temperature = self._chosen(*fitted, held_out, targets)
            if self.refit or self._is_fixed():
                fitted = self._fitted(rows, None, targets, rng)
        else:
            fitted = self._fitted(rows, None, targets, rng)
        estimator, bank, index = fitted
        self._forget()
        self.estimator_ = estimator
        for name in ("n_features_in_", "feature_names_in_"):
            if hasattr(estimator, name):
                setattr(self, name, getattr(estimator, name))
        self.weight_, self.temperature_ = float(weight), float(temperature)
        self._adopt_targets(targets)
        self._bank_, self._index_ = bank, index
        return self

    @available_if(_adds_rows)
    @_fit_context(prefer_skip_nested_validation=False)
    def partial_fit(
        self,
        X: Any,
        y: Any,
        classes: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Add rows to the bank of an estimator that was fitted before; it is not trained.

        Parameters
        ----------
        X : {array-like, sparse, RowStore} of shape (n_samples, n_features)
            Rows, as the estimator takes them.
        y : array-like of shape (n_samples,) or (n_samples, n_labels), or sparse
            Targets of the kind that the estimator was fitted on.
        classes : array-like of shape (n_classes,), default=None
            Not used: the estimator knows its classes.
        sample_weight : array-like of shape (n_samples,), default=None
            Rows with weight zero are not added.

        Returns
        -------
        self : estimator
            With the rows appended to the bank; where there are more than `max_rows`, the last ones
            are kept. The first call is a `fit`.

        Raises
        ------
        ValueError
            If the rows are not as described; nothing is changed then.
        """
        if not hasattr(self, "_bank_"):
            return self.fit(X, y, sample_weight)
        rows = read_rows(X, y, sample_weight, self._targets_)
        rng = check_random_state(self.random_state)
        classifier = FittedClassifier(self.estimator_, len(self.classes_))
        more = make_bank(classifier, rows, BankOptions(None, None), rng, like=self._bank_)
        bank = self._bank_.extended(more, self.max_rows)
        self._bank_, self._index_ = bank, make_index(self.index, bank.rows)
        return self

    @property
    def _blend(self) -> Blend:
        return Blend(
            FittedClassifier(self.estimator_, len(self.classes_)),
            self._bank_,
            self._index_,
            self.n_neighbors,
            self.temperature_,
            self.weight_,
        )

    def _is_fixed(self) -> bool:
        return self.cv == "prefit" or is_frozen(self.estimator)

    def _check_parameters(self) -> None:
        """Validate the parameters that do not depend on data, the estimator's too."""
        self._validate_params()
        check_estimator(self.estimator)
        if self._is_fixed():
            check_is_fitted(self.estimator)
            return
        check = getattr(last_step(self.estimator), "_check_parameters", None)
        if check is not None:
            check()

    def _read_targets(self, y: Any) -> Targets:
        if y is None:
            raise ValueError(
                f"{type(self).__name__} requires y to be passed, but the target y is None."
            )
        several, fixed = is_multilabel(y), self._is_fixed()
        # A bank may lack some of the classes that a fixed estimator knows.
        classes = self.estimator.classes_ if fixed and not several else None
        names = getattr(last_step(self.estimator), "label_names", None) if several else None
        targets = read_targets(y, classes, names)
        known = getattr(self.estimator, "classes_", None) if fixed else None
        if known is not None and len(known) != len(targets.classes):
            raise ValueError(
                f"y has {len(targets.classes)} classes or labels, and the fitted estimator"
                f" {len(known)}: pass a y of the same ones."
            )
        return targets

    def _fitted(
        self, rows: LabelledRows, held_out: LabelledRows | None, targets: Targets, rng: Any
    ) -> tuple[Any, Bank, Any]:
        """Return the fitted estimator, the bank of some rows and its index."""
        estimator = self.estimator
        if not self._is_fixed():
            estimator = clone(estimator)
            fit_with_held_out(estimator, rows, held_out)
        classifier = FittedClassifier(estimator, len(targets.classes))
        options = BankOptions(self.n_components, self.max_rows)
        bank = make_bank(classifier, rows, options, rng)
        return estimator, bank, make_index(self.index, bank.rows)

    def _chosen(
        self, estimator: Any, bank: Bank, index: Any, held_out: LabelledRows, targets: Targets
    ) -> tuple[float, float]:
        """Return the weight and the temperature that are best on held-out rows."""
        blend = Blend(
            FittedClassifier(estimator, len(targets.classes)),
            bank,
            index,
            self.n_neighbors,
            np.nan,
            np.nan,
        )

        def with_blend(weight: float, temperature: float) -> "NeighborBlendClassifier":
            fitted = type(self)(**self.get_params(deep=False))
            fitted.estimator_, fitted._bank_, fitted._index_ = estimator, bank, index
            fitted.weight_, fitted.temperature_ = weight, temperature
            fitted._adopt_targets(targets)
            return fitted

        return choose(blend, held_out, self.scoring, self.weight, self.temperature, with_blend)

    def _adopt_targets(self, targets: Targets) -> None:
        self._targets_ = targets
        self.classes_, self.label_names_ = targets.classes, targets.label_names

    def _adopt_bank(self, bank: Bank) -> None:
        self._bank_, self._index_ = bank, make_index(self.index, bank.rows)

    def _forget(self) -> None:
        """Remove everything that a fit has set."""
        for name in FITTED:
            self.__dict__.pop(name, None)
