"""Decisions by tuned thresholds, around any multilabel classifier with scores."""

from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import ArrayLike
from scipy import sparse
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, clone
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import StratifiedShuffleSplit, check_cv
from sklearn.utils import Tags, check_consistent_length, get_tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted, has_fit_parameter

from skmlclf._compat import (
    HasMethods,
    Interval,
    RealNotInt,
    StrOptions,
    _check_method_params,
    _check_sample_weight,
    _fit_context,
    _safe_indexing,
)
from skmlclf._indicator import split_unknown
from skmlclf.classifiers._targets import (
    MulticlassTargets,
    MultilabelTargets,
    SingleClassTargets,
    Targets,
    read_targets,
    targets_from_plain,
    targets_to_plain,
)
from skmlclf.classifiers._topk import predict_topk
from skmlclf.model_selection import MultilabelStratifiedKFold, MultilabelStratifiedShuffleSplit
from skmlclf.persistence import check_array, check_fields
from skmlclf.thresholds import (
    OBJECTIVES,
    chosen_response,
    decide,
    f1_by_label,
    kept_scores,
    objective_value,
    tune_thresholds,
    without,
)


def _estimator_has(name: str) -> Any:
    """Say whether the classifier inside has a method."""

    def check(self: Any) -> bool:
        # Raises the AttributeError of the classifier inside.
        getattr(getattr(self, "estimator_", self.estimator), name)
        return True

    return check


class LabelThresholdClassifier(ClassifierMixin, MetaEstimatorMixin, BaseEstimator):
    r"""Multilabel classifier whose decisions are tuned, by cross-validation, for one objective.

    The multilabel counterpart of `sklearn.model_selection.TunedThresholdClassifierCV`. The scores
    of the classifier inside stay as they are; `predict` decides by them with one threshold per
    label, or with the best number of labels per row. Thresholds are tuned on scores of rows that
    the classifier was not trained on. Of these scores only those that a decision can depend on are
    kept, so that memory follows the number of rows and not of all entries.

    Parameters
    ----------
    estimator : classifier
        With ``predict_proba`` or ``decision_function``: of this package, of scikit-learn's kind, a
        pipeline or a search. Fitted where ``cv="prefit"``.
    objective : {"micro_macro_f1", "macro_f1", "micro_f1", "samples_f1", "cardinality"}, \
default="micro_macro_f1"
        What decisions are tuned for; see Notes.

        - ``"micro_macro_f1"``: the sum of micro and macro F1.
        - ``"macro_f1"``: the mean F1 of the labels.
        - ``"micro_f1"``: the F1 of all decisions together.
        - ``"samples_f1"``: the mean F1 of the rows. Needs probabilities and no thresholds.
        - ``"cardinality"``: as many labels per row as in `y`, on average.
    response_method : {"auto", "predict_proba", "decision_function"}, default="auto"
        Which scores; "auto" takes probabilities where there are any.
    min_positives : int, default=10
        Labels with fewer positives among the rows tuned on share one threshold.
    min_labels : int, default=0
        Each row of a 2-d `y` gets at least so many labels, those with its highest scores.
    max_labels : int, default=None
        No row of a 2-d `y` gets more labels; of those that it would get, the ones with the highest
        scores stay. None sets no limit.
    keep_top_k : int, default=50
        Decisions are made among so many labels of each row, those with the highest scores,
    keep_above : float, default=0.01
        and all others with a probability above this one. Labels outside are not given.
    cv : int, float, cross-validation generator, iterable or "prefit", default=5
        Splits of the rows into those to train on and those to tune on. An int is the number of
        folds, stratified; a float the share of rows of a single split. With "prefit" the estimator
        is used as it is, and all rows that `fit` is given are tuned on: they must not be those
        that it was trained on. The same holds of a `sklearn.frozen.FrozenEstimator`.
    refit : bool, default=True
        Whether to fit the estimator on all rows in the end. False needs a single split, whose
        estimator is kept. Without meaning where the estimator is fitted before, or ``X_val`` is
        given.
    n_jobs : int, default=None
        Number of processes that fit the folds, as in scikit-learn.
    random_state : int, RandomState instance or None, default=None
        Decides the split where `cv` is a float.
    store_cv_results : bool, default=False
        Whether to keep ``cv_results_``.

    Attributes
    ----------
    estimator_ : classifier
        The fitted classifier.
    thresholds_ : ndarray of shape (n_labels,) or None
        A label is given where its score is at least this; infinite where it never is. None with
        ``objective="samples_f1"``. Of two classes there is one threshold, for the second.
    shared_threshold_ : float or None
        The threshold of the labels with few positives; None with ``objective="samples_f1"``.
    best_score_ : float
        Value of the objective on the rows tuned on, out of fold: the mean of micro and macro F1
        with "micro_macro_f1", minus the difference in labels per row with "cardinality". It is
        optimistic, in so far as thresholds were chosen by it.
    cv_results_ : dict of str to ndarray of shape (n_labels,)
        With `store_cv_results`: ``"scores"``, F1 of each label on the rows tuned on,
        ``"scores_at_half"``, the same at a threshold of one half (zero for decision values), and
        ``"n_positives"``.
    classes_ : ndarray of shape (n_classes,), or list of ndarray
        Those of the classifier inside.
    label_names_ : ndarray of shape (n_labels,) or None
        Names of the columns of `y`, where it was a DataFrame or the classifier inside has some.
    n_features_in_ : int
        Number of features seen by `fit`, where the classifier inside tells.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, where the classifier inside tells.

    See Also
    --------
    sklearn.model_selection.TunedThresholdClassifierCV : One threshold, for two classes.
    skmlclf.metrics.expected_calibration_error : Whether probabilities are right as they are.

    Notes
    -----
    With :math:`F_j = 2 tp_j / (n_j + P_j)`, where :math:`n_j` rows are given label :math:`j` and
    :math:`P_j` have it:

    RULES

    Tuning one threshold per label overfits labels with few positives: a threshold just below the
    score of one positive looks perfect. For this reason they share a threshold.

    References
    ----------
    .. [1] Lin and Lin, "On the Thresholding Strategy for Infrequent Labels in Multi-label
       Classification", CIKM 2023. https://doi.org/10.1145/3583780.3614996
    .. [2] Lipton, Elkan and Naryanaswamy, "Optimal Thresholding of Classifiers to Maximize F1
       Measure", ECML PKDD 2014.
    .. [3] Ye, Chai, Lee and Chieu, "Optimizing F-measures: A Tale of Two Approaches", ICML 2012.

    Examples
    --------
    >>> from skmlclf import BaseMLPClassifier, LabelThresholdClassifier
    >>> from skmlclf.datasets import make_video_embeddings
    >>> from skmlclf.metrics import samples_precision_recall_f1
    >>> X, y = make_video_embeddings(600, n_labels=30, random_state=0)
    >>> mlp = BaseMLPClassifier(hidden_units=32, epochs=5, random_state=0)
    >>> tuned = LabelThresholdClassifier(mlp, cv=3).fit(X[:500], y[:500])
    >>> tuned.thresholds_.shape
    (30,)
    >>> at_half = tuned.estimator_.predict(X[500:])
    >>> f1 = [samples_precision_recall_f1(y[500:], p).f1 for p in (at_half, tuned.predict(X[500:]))]
    >>> f1[1] > f1[0]
    True
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "estimator": [
            HasMethods(["fit", "predict_proba"]),
            HasMethods(["fit", "decision_function"]),
        ],
        "objective": [StrOptions(set(OBJECTIVES))],
        "response_method": [StrOptions({"auto", "predict_proba", "decision_function"})],
        "min_positives": [Interval(Integral, 1, None, closed="left")],
        "min_labels": [Interval(Integral, 0, None, closed="left")],
        "max_labels": [Interval(Integral, 1, None, closed="left"), None],
        "keep_top_k": [Interval(Integral, 1, None, closed="left")],
        "keep_above": [Interval(Real, 0, 1, closed="both")],
        "cv": [
            "cv_object",
            StrOptions({"prefit"}),
            Interval(RealNotInt, 0.0, 1.0, closed="neither"),
        ],
        "refit": ["boolean"],
        "n_jobs": [Integral, None],
        "random_state": ["random_state"],
        "store_cv_results": ["boolean"],
    }

    estimator_: Any
    thresholds_: np.ndarray | None
    shared_threshold_: float | None
    best_score_: float
    label_names_: np.ndarray | None
    _targets_: Targets

    def __init__(
        self,
        estimator: Any,
        *,
        objective: str = "micro_macro_f1",
        response_method: str = "auto",
        min_positives: int = 10,
        min_labels: int = 0,
        max_labels: int | None = None,
        keep_top_k: int = 50,
        keep_above: float = 0.01,
        cv: Any = 5,
        refit: bool = True,
        n_jobs: int | None = None,
        random_state: Any = None,
        store_cv_results: bool = False,
    ) -> None:
        self.estimator = estimator
        self.objective = objective
        self.response_method = response_method
        self.min_positives = min_positives
        self.min_labels = min_labels
        self.max_labels = max_labels
        self.keep_top_k = keep_top_k
        self.keep_above = keep_above
        self.cv = cv
        self.refit = refit
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.store_cv_results = store_cv_results

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        inner = get_tags(self.estimator)
        tags.input_tags.sparse = inner.input_tags.sparse
        tags.input_tags.allow_nan = inner.input_tags.allow_nan
        tags.classifier_tags.multi_class = False
        several = inner.classifier_tags is not None and inner.classifier_tags.multi_label
        tags.classifier_tags.multi_label = several
        return tags

    @_fit_context(
        # The classifier inside validates its own parameters.
        prefer_skip_nested_validation=False
    )
    def fit(
        self,
        X: ArrayLike,
        y: Any,
        sample_weight: ArrayLike | None = None,
        *,
        X_val: ArrayLike | None = None,
        y_val: Any = None,
        **fit_params: Any,
    ) -> Self:
        """Tune the decisions and fit the classifier.

        Parameters
        ----------
        X : {array-like, sparse, RowStore} of shape (n_samples, n_features)
            Whatever the classifier inside takes; it is indexed by rows and not changed.
        y : array-like of shape (n_samples, n_labels) or (n_samples,), or sparse
            A 0/1 indicator of several labels, in any form that the classifier inside takes; or
            two classes. NaN is a label that is not known, and is not tuned on.
        sample_weight : array-like, default=None
            Passed to the classifier inside. Weights of the rows count in the tuning too.
        X_val, y_val : array-like, default=None
            Held-out rows to tune on, in place of cross-validation: the classifier is fitted once.
            It is given them too, where its ``fit`` takes them.
        **fit_params : dict
            Passed to the ``fit`` of the classifier inside. What has a length of `n_samples` is
            divided as the rows are.

        Returns
        -------
        self : LabelThresholdClassifier
            The fitted estimator.

        Raises
        ------
        ValueError
            If a parameter or `y` is not as described, or the classifier inside raises it.
        """
        if y is None:
            raise ValueError(
                f"{type(self).__name__} requires y to be passed, but the target y is None."
            )
        if (X_val is None) != (y_val is None):
            raise ValueError("X_val and y_val are given together, got one of them alone.")
        if sparse.issparse(y) and y.format not in ("csr", "csc"):
            y = y.tocsr()
        targets = read_targets(y)
        several = isinstance(targets, MultilabelTargets)
        self._check(targets, held_out=X_val is not None)
        known, unknown = _known(targets, y)
        positives = targets.encode(known)
        check_consistent_length(X, positives)
        weights = _weights_of_rows(sample_weight, X)
        if sample_weight is not None:
            fit_params["sample_weight"] = sample_weight
        if self._is_fitted_before():
            estimator = self.estimator
            scores = self._kept_scores(estimator, X, targets.n_outputs)
        elif X_val is not None:
            known, unknown = _known(targets, y_val)
            positives, weights = targets.encode(known), None
            check_consistent_length(X_val, positives)
            estimator = clone(self.estimator)
            if has_fit_parameter(estimator, "X_val"):
                fit_params |= {"X_val": X_val, "y_val": y_val}
            estimator.fit(X, y, **fit_params)
            scores = self._kept_scores(estimator, X_val, targets.n_outputs)
        else:
            strata = positives if several else np.asarray(y).ravel()
            splitter = self._splitter(strata, several=several)
            # Splitters of labels look at no features.
            splits = list(splitter.split(np.zeros((positives.shape[0], 1)), strata))
            estimators, folds = zip(
                *Parallel(n_jobs=self.n_jobs)(
                    delayed(_fit_fold)(self, X, y, targets.n_outputs, *split, fit_params)
                    for split in splits
                ),
                strict=True,
            )
            held_out = np.concatenate([test for _, test in splits])
            scores = sparse.vstack(folds, format="csr")
            positives = positives[held_out]
            unknown = None if unknown is None else unknown[held_out]
            weights = None if weights is None else weights[held_out]
            estimator = estimators[0]
            if self.refit:
                estimator = clone(self.estimator).fit(X, y, **fit_params)
        self._tune(scores, positives, unknown, weights)
        self.estimator_, self._targets_ = estimator, targets
        names = targets.label_names
        self.label_names_ = getattr(estimator, "label_names_", None) if names is None else names
        self._copy_features()
        return self

    def _check(self, targets: Targets, *, held_out: bool) -> None:
        """Refuse parameters that do not go together, before anything is fitted."""
        if isinstance(targets, SingleClassTargets):
            raise ValueError(
                "There is nothing to decide between: y holds 1 class, expected two, or several"
                " labels as the columns of a 2-d y."
            )
        if isinstance(targets, MulticlassTargets):
            raise ValueError(
                "Only binary classification is supported. The type of the target is multiclass."
                " Labels that do not exclude each other are the columns of a 2-d y."
            )
        if self.objective == "samples_f1":
            if not isinstance(targets, MultilabelTargets):
                raise ValueError(
                    "objective='samples_f1' chooses among the labels of each row, and this y has"
                    " two classes: use 'macro_f1', which is the F1 of the second."
                )
            if not hasattr(self.estimator, "predict_proba"):
                raise ValueError(
                    "objective='samples_f1' needs probabilities, and"
                    f" {type(self.estimator).__name__} has no predict_proba: calibrate it, or"
                    " choose another objective."
                )
        if self.max_labels is not None and self.max_labels < self.min_labels:
            raise ValueError(
                f"max_labels={self.max_labels} is below min_labels={self.min_labels}: expected at"
                " least as many."
            )
        if self._is_fitted_before():
            if held_out:
                raise ValueError(
                    "X_val is for an estimator that is yet to be fitted. This one is used as it"
                    " is, and tuned on the rows given as X and y."
                )
            check_is_fitted(self.estimator)

    def _is_fitted_before(self) -> bool:
        prefit = isinstance(self.cv, str) and self.cv == "prefit"
        return prefit or isinstance(self.estimator, FrozenEstimator)

    def _splitter(self, strata: Any, *, several: bool) -> Any:
        """Return the cross-validator that `cv` stands for."""
        cv = 5 if self.cv is None else self.cv
        if isinstance(cv, Real) and not isinstance(cv, Integral):
            kind = MultilabelStratifiedShuffleSplit if several else StratifiedShuffleSplit
            splitter = kind(1, test_size=cv, random_state=self.random_state)
        elif several and isinstance(cv, Integral):
            splitter = MultilabelStratifiedKFold(int(cv))
        else:
            splitter = check_cv(cv, strata, classifier=True)
        if not self.refit and splitter.get_n_splits(strata, strata) > 1:
            raise ValueError(
                "When cv has several folds, refit cannot be False: there is no one estimator to"
                " keep. Give a float as cv for a single split, or leave refit=True."
            )
        return splitter

    def _kept_scores(self, estimator: Any, X: Any, n_labels: int) -> sparse.csr_matrix:
        return kept_scores(
            estimator,
            X,
            n_labels,
            top_k=max(self.keep_top_k, self.min_labels),
            above=self.keep_above,
            response_method=self.response_method,
        )

    def _tune(
        self,
        scores: sparse.csr_matrix,
        positives: sparse.csr_matrix,
        unknown: sparse.csr_matrix | None,
        weights: np.ndarray | None,
    ) -> None:
        if unknown is not None:
            scores = without(scores, unknown)
        self.thresholds_, self.shared_threshold_ = tune_thresholds(
            scores,
            positives,
            self.objective,
            min_positives=self.min_positives,
            sample_weight=weights,
        )
        decisions = self._decide(scores)
        self.best_score_ = objective_value(
            positives, decisions, self.objective, sample_weight=weights
        )
        self.__dict__.pop("cv_results_", None)
        if self.store_cv_results:
            method = chosen_response(self.estimator, self.response_method)
            half = np.full(scores.shape[1], 0.5 if method == "predict_proba" else 0.0)
            self.cv_results_ = {
                "scores": f1_by_label(positives, decisions, sample_weight=weights),
                "scores_at_half": f1_by_label(
                    positives, decide(scores, half), sample_weight=weights
                ),
                "n_positives": np.bincount(positives.indices, minlength=scores.shape[1]),
            }

    def _decide(self, scores: sparse.csr_matrix) -> sparse.csr_matrix:
        if scores.shape[1] == 1:
            return decide(scores, self.thresholds_)
        return decide(
            scores, self.thresholds_, min_labels=self.min_labels, max_labels=self.max_labels
        )

    @property
    def classes_(self) -> Any:
        """Classes of the classifier inside."""
        return self.estimator_.classes_

    def predict(self, X: ArrayLike) -> Any:
        """Return the labels decided on.

        Parameters
        ----------
        X : {array-like, sparse, RowStore} of shape (n_samples, n_features)
            Rows, read block by block.

        Returns
        -------
        ndarray of shape (n_samples, n_labels) or (n_samples,), or sparse
            Written as `y` was: in CSR format where it was sparse.
        """
        check_is_fitted(self, "estimator_")
        targets = self._targets_
        scores = self._kept_scores(self.estimator_, X, targets.n_outputs)
        decisions = self._decide(scores)
        if isinstance(targets, MultilabelTargets):
            return targets.decode(decisions)
        return targets.classes[decisions.toarray().ravel().astype(np.intp)]

    @available_if(_estimator_has("predict_proba"))
    def predict_proba(self, X: ArrayLike) -> Any:
        """Return the probabilities of the classifier inside, as they are.

        Parameters
        ----------
        X : {array-like, sparse} of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        ndarray of shape (n_samples, n_classes), or what the classifier inside returns
        """
        check_is_fitted(self, "estimator_")
        return self.estimator_.predict_proba(X)

    @available_if(_estimator_has("predict_log_proba"))
    def predict_log_proba(self, X: ArrayLike) -> Any:
        """Return the logarithms of the probabilities of the classifier inside.

        Parameters
        ----------
        X : {array-like, sparse} of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        ndarray of shape (n_samples, n_classes), or what the classifier inside returns
        """
        check_is_fitted(self, "estimator_")
        return self.estimator_.predict_log_proba(X)

    @available_if(_estimator_has("decision_function"))
    def decision_function(self, X: ArrayLike) -> Any:
        """Return the decision values of the classifier inside, as they are.

        Parameters
        ----------
        X : {array-like, sparse} of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        ndarray of shape (n_samples, n_classes) or (n_samples,)
        """
        check_is_fitted(self, "estimator_")
        return self.estimator_.decision_function(X)

    def predict_topk(
        self,
        X: ArrayLike,
        k: int = 20,
        *,
        label_weight: ArrayLike | None = None,
        response_method: str = "predict_proba",
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the `k` best labels of each row and their scores, whatever the thresholds are.

        Parameters
        ----------
        X : {array-like, sparse, RowStore} of shape (n_samples, n_features)
            Rows.
        k : int, default=20
            How many, at most the number of labels.
        label_weight : array-like of shape (n_labels,), default=None
            Factors of the probabilities, as `skmlclf.predict_topk` takes them.
        response_method : {"predict_proba", "decision_function"}, default="predict_proba"
            Which scores.

        Returns
        -------
        labels : ndarray of shape (n_samples, k)
            Column indices of the labels, best first.
        scores : ndarray of shape (n_samples, k)
            Their scores.
        """
        check_is_fitted(self, "estimator_")
        return predict_topk(
            self.estimator_, X, k, label_weight=label_weight, response_method=response_method
        )

    def _to_state(self, *, with_optimizer: bool) -> tuple[dict[str, Any], dict[str, Any] | None]:
        """Return parameters and fitted state as `skmlclf.persistence` writes them."""
        params = self.get_params(deep=False)
        frozen = isinstance(self.estimator, FrozenEstimator)
        if frozen:
            params["estimator"] = self.estimator.estimator
        params["frozen"] = frozen
        if not hasattr(self, "estimator_"):
            return params, None
        # What was fitted before is written once.
        own = self.estimator_ is not self.estimator
        return params, {
            "estimator": self.estimator_ if own else None,
            "thresholds": self.thresholds_,
            "shared_threshold": self.shared_threshold_,
            "best_score": float(self.best_score_),
            "cv_results": getattr(self, "cv_results_", None),
            "targets": targets_to_plain(self._targets_),
            "label_names": self.label_names_,
        }

    @classmethod
    def _from_state(cls, params: dict[str, Any], fitted: dict[str, Any] | None) -> Self:
        """Return the classifier of what `_to_state` returned, or raise a ValueError."""
        params = dict(params)
        if params.pop("frozen", False) is True:
            params["estimator"] = FrozenEstimator(params.get("estimator"))
        if set(params) != set(cls._get_param_names()):
            raise ValueError(f"{cls.__name__} has other parameters than {sorted(params)}")
        classifier = cls(**params)
        classifier._validate_params()
        if fitted is not None:
            classifier._restore(fitted)
        return classifier

    def _restore(self, state: dict[str, Any]) -> None:
        arrays = (np.ndarray, None)
        check_fields(
            state,
            {
                "estimator": object,
                "thresholds": arrays,
                "shared_threshold": (float, None),
                "best_score": float,
                "cv_results": (dict, None),
                "targets": dict,
                "label_names": arrays,
            },
            "the fitted state",
        )
        targets = targets_from_plain(state["targets"])
        n_labels = targets.n_outputs
        if state["thresholds"] is not None:
            check_array(state["thresholds"], (n_labels,), "f", "thresholds")
        if state["label_names"] is not None:
            check_array(state["label_names"], (n_labels,), "O", "label_names")
        results = state["cv_results"]
        if results is not None:
            check_fields(results, dict.fromkeys(_CV_RESULTS, np.ndarray), "cv_results")
            for name in _CV_RESULTS:
                check_array(results[name], (n_labels,), "if", f"cv_results.{name}")
            self.cv_results_ = results
        estimator = self.estimator if state["estimator"] is None else state["estimator"]
        if not hasattr(estimator, "fit"):
            raise ValueError("the fitted state must hold an estimator")
        self.estimator_, self._targets_ = estimator, targets
        self.thresholds_, self.shared_threshold_ = state["thresholds"], state["shared_threshold"]
        self.best_score_, self.label_names_ = state["best_score"], state["label_names"]
        self._copy_features()

    def _copy_features(self) -> None:
        for name in ("n_features_in_", "feature_names_in_"):
            self.__dict__.pop(name, None)
            if hasattr(self.estimator_, name):
                setattr(self, name, getattr(self.estimator_, name))


_CV_RESULTS = ("scores", "scores_at_half", "n_positives")


def _fit_fold(
    tuned: LabelThresholdClassifier,
    X: Any,
    y: Any,
    n_labels: int,
    train: np.ndarray,
    test: np.ndarray,
    fit_params: dict[str, Any],
) -> tuple[Any, sparse.csr_matrix]:
    """Fit on some rows; return the estimator, and the scores of the others."""
    estimator = clone(tuned.estimator)
    params = _check_method_params(X, fit_params, indices=train)
    estimator.fit(_safe_indexing(X, train), _safe_indexing(y, train), **params)
    scores = tuned._kept_scores(estimator, _safe_indexing(X, test), n_labels)
    # Of several folds the estimators are not wanted, and would travel between processes.
    return (None if tuned.refit else estimator), scores


def _known(targets: Targets, y: Any) -> tuple[Any, sparse.csr_matrix | None]:
    """Return `y` with zeros for the labels that are not known, and which these are."""
    return split_unknown(y) if isinstance(targets, MultilabelTargets) else (y, None)


def _weights_of_rows(sample_weight: Any, X: Any) -> np.ndarray | None:
    """Return weights to count rows by in the tuning; None where there are none of rows."""
    if sample_weight is None or sparse.issparse(sample_weight) or np.ndim(sample_weight) == 2:
        return None
    return _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
