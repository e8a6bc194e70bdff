"""Decisions by tuned thresholds, around any multilabel classifier with scores."""

from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse
from sklearn.base import ClassifierMixin, MetaEstimatorMixin
from sklearn.utils import Tags, get_tags, indexable
from sklearn.utils.validation import check_is_fitted

from skmlclf._compat import HasMethods, Interval, RealNotInt, StrOptions, _fit_context
from skmlclf.classifiers._inside import ResponsesOfInside
from skmlclf.classifiers._label_threshold_checks import check_given, check_tuning, is_fitted_before
from skmlclf.classifiers._label_threshold_saving import TunedSaving
from skmlclf.classifiers._out_of_fold import (
    score_held_out,
    score_out_of_fold,
    score_with_fitted,
)
from skmlclf.classifiers._targets import (
    MultilabelTargets,
    Targets,
    read_targets,
)
from skmlclf.thresholds import (
    OBJECTIVES,
    TunedThresholds,
    chosen_response,
    decide,
    f1_by_label,
    kept_scores,
    objective_value,
    tune_thresholds,
)


class LabelThresholdClassifier(ResponsesOfInside, ClassifierMixin, MetaEstimatorMixin, TunedSaving):
    r"""Multilabel classifier whose decisions are tuned, by cross-validation, for one objective.

    The multilabel counterpart of `sklearn.model_selection.TunedThresholdClassifierCV`. The scores
    of the classifier inside stay as they are; `predict` decides by them with one threshold per
    label, or with the best number of labels per row. Thresholds are tuned on scores of rows that
    the classifier was not trained on. Of these scores only those that a decision can depend on are
    kept, so that memory follows the number of rows and not of all entries.

    .. versionadded:: 0.1

    Parameters
    ----------
    estimator : classifier
        With ``predict_proba`` or ``decision_function``: of this package, of scikit-learn's kind, a
        pipeline or a search. Fitted where ``cv="prefit"``.
    objective : str, default="micro_macro_f1"
        What decisions are tuned for, one of the following; see Notes.

        - ``"micro_macro_f1"``: the sum of micro and macro F1.
        - ``"macro_f1"``: the mean F1 of the labels.
        - ``"micro_f1"``: the F1 of all decisions together.
        - ``"samples_f1"``: the mean F1 of the rows. Needs probabilities and no thresholds.
        - ``"cardinality"``: as many labels per row as in `y`, on average.
    response_method : {"auto", "predict_proba", "decision_function"}, default="auto"
        Which scores; "auto" takes probabilities where there are any.
    method : {"pooled", "per_label"}, default="pooled"
        How thresholds of labels are found. With "pooled" labels borrow from labels about as
        frequent, with "per_label" each goes by its own positives, by the rules of [1]_.
    shrinkage : float, default=100
        With "pooled", how many positives the labels that a label borrows from count as.
    min_positives : int, default=10
        With "per_label", labels with fewer positives among the rows tuned on share one threshold,
        the one that is best for all labels together.
    nonempty : bool or "auto", default="auto"
        Whether each row of a 2-d `y` is known to have a label; "auto" stands for whether each row
        tuned on has one. If so, decisions go by the probabilities given that. Has no meaning for
        decision values.
    min_labels : int, default=0
        Each row of a 2-d `y` gets at least so many labels, those with its highest scores.
    max_labels : int, default=None
        No row of a 2-d `y` gets more labels; of those that it would get, the ones with the highest
        scores stay. None sets no limit.
    keep_top_k : int, default=50
        Decisions are made among so many labels of each row, those with the highest scores.
    keep_above : float, default=0.01
        All other labels with a probability above this one take part too. The rest are not given.
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
    calibrate : bool, default=False
        Whether probabilities are those of the classifier inside at the temperature that makes them
        most likely on the rows tuned on. Their order stays, and so do decisions.

    Attributes
    ----------
    estimator_ : classifier
        The fitted classifier.
    thresholds_ : ndarray of shape (n_labels,) or None
        A label is given where its score is at least this; infinite where it never is. With
        ``nonempty_`` the score is its probability at ``temperature_`` given that the row has a
        label. None with ``objective="samples_f1"``. Of two classes there is one threshold, for the
        second.
    nonempty_ : bool
        Whether decisions go by the probabilities given that each row has a label.
    temperature_ : float
        What logits are divided by: in decisions where ``nonempty_`` or ``objective="samples_f1"``,
        and with ``calibrate=True`` in all probabilities; else 1. Above 1 the classifier inside is
        too certain.
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
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, where the classifier inside tells.

    See Also
    --------
    sklearn.model_selection.TunedThresholdClassifierCV : One threshold, for two classes.
    skmlclf.metrics.expected_calibration_error : Whether probabilities are right as they are.

    Notes
    -----
    Of label :math:`j`, :math:`P_j` rows have it, :math:`n_j` are given it, and :math:`tp_j` both,
    so that its F1 is :math:`F_j = 2 tp_j / (n_j + P_j)`. One threshold per label that maximises
    :math:`F_j` overfits: of a label with one positive, a threshold just below its score looks
    perfect. With ``method="pooled"``, counts are therefore estimated, at each candidate threshold,
    from a label's own and from those of the labels with half to twice as many positives, which
    together count as `shrinkage` positives more. By these estimates

    - macro F1 is maximised label by label,
    - micro F1 :math:`\mu` by maximising :math:`2 tp_j - \mu n_j` for each label, which is the
      condition that it cannot be raised [2]_, computed until :math:`\mu` stays,
    - and their sum, with :math:`L` labels, by maximising
      :math:`(2 tp_j - \mu n_j) / \sum_l (n_l + P_l) + F_j / L` in the same way.

    With ``method="per_label"`` they are the rules of [1]_: macro F1 by the smoothed
    :math:`(2 tp_j + 1) / (n_j + P_j + 1)`; micro F1 by one threshold; and the sum label by label,
    from the most to the least frequent, maximising the micro F1 of all labels so far plus
    :math:`F_j / L`.

    "samples_f1" gives each row as many of its most probable labels as have the highest expected F1
    under independent probabilities [3]_, and at least one. "cardinality" takes one threshold for
    all labels.

    Independent labels of which at least one is there have the probabilities
    :math:`p_j / (1 - \prod_l (1 - p_l))`; these are what decisions go by where ``nonempty_``. They
    raise the labels of a row without a likely one, and leave certain rows as they are.

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
        "method": [StrOptions({"pooled", "per_label"})],
        "shrinkage": [Interval(Real, 0, None, closed="left")],
        "min_positives": [Interval(Integral, 1, None, closed="left")],
        "nonempty": ["boolean", StrOptions({"auto"})],
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
        "calibrate": ["boolean"],
    }

    estimator_: Any
    thresholds_: np.ndarray | None
    nonempty_: bool
    temperature_: float
    best_score_: float
    label_names_: np.ndarray | None
    _targets_: Targets

    def __init__(
        self,
        estimator: Any,
        *,
        objective: str = "micro_macro_f1",
        response_method: str = "auto",
        method: str = "pooled",
        shrinkage: float = 100.0,
        min_positives: int = 10,
        nonempty: bool | str = "auto",
        min_labels: int = 0,
        max_labels: int | None = None,
        keep_top_k: int = 50,
        keep_above: float = 0.01,
        cv: Any = 5,
        refit: bool = True,
        n_jobs: int | None = None,
        random_state: Any = None,
        store_cv_results: bool = False,
        calibrate: bool = False,
    ) -> None:
        self.estimator = estimator
        self.objective = objective
        self.response_method = response_method
        self.method = method
        self.shrinkage = shrinkage
        self.min_positives = min_positives
        self.nonempty = nonempty
        self.min_labels = min_labels
        self.max_labels = max_labels
        self.keep_top_k = keep_top_k
        self.keep_above = keep_above
        self.cv = cv
        self.refit = refit
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.store_cv_results = store_cv_results
        self.calibrate = calibrate

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
        check_given(self, y, X_val, y_val)
        X, y, sample_weight = indexable(X, y, sample_weight)
        targets = read_targets(y)
        check_tuning(self, targets, held_out=X_val is not None)
        if sample_weight is not None:
            fit_params["sample_weight"] = sample_weight
        if is_fitted_before(self):
            estimator, scored = score_with_fitted(self, X, y, targets, fit_params)
        elif X_val is not None:
            estimator, scored = score_held_out(self, X, y, targets, fit_params, X_val, y_val)
        else:
            estimator, scored = score_out_of_fold(self, X, y, targets, fit_params)
        self._tune(*scored)
        self.estimator_, self._targets_ = estimator, targets
        names = targets.label_names
        self.label_names_ = getattr(estimator, "label_names_", None) if names is None else names
        self._copy_features()
        return self

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
        weights: np.ndarray | None,
    ) -> None:
        of_probabilities = chosen_response(self.estimator, self.response_method) == "predict_proba"
        nonempty = self.nonempty
        if nonempty == "auto":
            nonempty = bool((np.diff(positives.indptr) > 0).all())
        tuned = tune_thresholds(
            scores,
            positives,
            self.objective,
            method=self.method,
            shrinkage=self.shrinkage,
            min_positives=self.min_positives,
            nonempty=bool(nonempty) and of_probabilities and scores.shape[1] > 1,
            calibrate=self.calibrate,
            sample_weight=weights,
        )
        self.thresholds_, self.temperature_, self.nonempty_ = tuned
        decisions = self._decide(scores)
        self.best_score_ = objective_value(
            positives, decisions, self.objective, sample_weight=weights
        )
        self.__dict__.pop("cv_results_", None)
        if self.store_cv_results:
            half = np.full(scores.shape[1], 0.5 if of_probabilities else 0.0)
            self.cv_results_ = {
                "scores": f1_by_label(positives, decisions, sample_weight=weights),
                "scores_at_half": f1_by_label(
                    positives, decide(scores, half), sample_weight=weights
                ),
                "n_positives": np.bincount(positives.indices, minlength=scores.shape[1]),
            }

    def _decide(self, scores: sparse.csr_matrix) -> sparse.csr_matrix:
        tuned = TunedThresholds(self.thresholds_, self.temperature_, self.nonempty_)
        if scores.shape[1] == 1:
            return tuned.decide(scores)
        return tuned.decide(scores, min_labels=self.min_labels, max_labels=self.max_labels)

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

    def _copy_features(self) -> None:
        for name in ("n_features_in_", "feature_names_in_"):
            self.__dict__.pop(name, None)
            if hasattr(self.estimator_, name):
                setattr(self, name, getattr(self.estimator_, name))
