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
    of the inner classifier are not changed; `predict` compares them with one threshold per label,
    or takes the best number of labels per row. Thresholds are tuned on scores of rows that the
    classifier was not trained on. Only those of these scores are kept that a decision can depend
    on, so that memory grows with the number of rows and not with rows times labels.

    .. versionadded:: 0.1

    Parameters
    ----------
    estimator : classifier
        With ``predict_proba`` or ``decision_function``: a classifier of this package or of
        scikit-learn, a pipeline or a search. Must be fitted if ``cv="prefit"``.
    objective : str, default="micro_macro_f1"
        What decisions are tuned for, one of the following; see Notes.

        - ``"micro_macro_f1"``: the sum of micro and macro F1.
        - ``"macro_f1"``: the mean of the F1 of each label.
        - ``"micro_f1"``: the F1 of all decisions together.
        - ``"samples_f1"``: the mean of the F1 of each row. Needs probabilities; has no thresholds.
        - ``"cardinality"``: as many labels per row as in `y`, on average.
    response_method : {"auto", "predict_proba", "decision_function"}, default="auto"
        Which scores decisions are based on; "auto" takes probabilities where the estimator has
        them.
    method : {"pooled", "per_label"}, default="pooled"
        How thresholds per label are estimated: "pooled" also uses the counts of labels that are
        about as frequent, "per_label" uses the counts of the label alone, by the rules of [1]_; see
        Notes.
    shrinkage : float, default=100
        With "pooled", the weight of the labels that are about as frequent, as a number of
        positives.
    min_positives : int, default=10
        With "per_label", labels with fewer positives among the rows tuned on share one threshold,
        the best one for all labels together.
    nonempty : bool or "auto", default="auto"
        Whether every row of a 2-d `y` is known to have at least one label; decisions are then based
        on the probabilities given that. "auto" stands for whether every row tuned on has one.
        Ignored for decision values.
    min_labels : int, default=0
        Minimum number of labels that are predicted for each row of a 2-d `y`: those with the
        highest scores are added.
    max_labels : int, default=None
        Maximum number of labels that are predicted for each row of a 2-d `y`: those with the
        highest scores are kept. None sets no limit.
    keep_top_k : int, default=50
        Decisions are made on this number of labels in each row, those with the highest scores.
    keep_above : float, default=0.01
        Decisions are also made on all other labels with a probability above this. The rest are
        never predicted.
    cv : int, float, cross-validation generator, iterable or "prefit", default=5
        Splits of the rows into those to train on and those to tune on. An int is the number of
        stratified folds; a float is the fraction of rows to tune on in a single split. With
        "prefit" the estimator is used as it is, and all rows that `fit` is given are tuned on: it
        must not have been trained on them. The same holds for a `sklearn.frozen.FrozenEstimator`.
    refit : bool, default=True
        Whether to fit the estimator on all rows in the end. False needs a single split, whose
        estimator is kept. Ignored for an estimator that is already fitted, and where `fit` is given
        ``X_val``.
    n_jobs : int, default=None
        Number of processes that fit the folds in parallel. None means 1 unless in a
        `joblib.parallel_config` context; -1 means one per core.
    random_state : int, RandomState instance or None, default=None
        Determines the split where `cv` is a float.
    store_cv_results : bool, default=False
        Whether to keep ``cv_results_``.
    calibrate : bool, default=False
        Whether probabilities are calibrated: those of the inner classifier at the temperature that
        maximises their likelihood on the rows tuned on (temperature scaling [4]_). Neither their
        order nor decisions change.

    Attributes
    ----------
    estimator_ : classifier
        The fitted classifier.
    thresholds_ : ndarray of shape (n_labels,) or None
        A label is predicted where its score is at least this; infinity stands for never. Where
        ``nonempty_``, the score is the probability at ``temperature_`` given that the row has a
        label. None with ``objective="samples_f1"``. For two classes there is one threshold, that of
        the second.
    nonempty_ : bool
        Whether decisions are based on the probabilities given that each row has a label.
    temperature_ : float
        What logits are divided by: for decisions where ``nonempty_`` or ``objective="samples_f1"``,
        and for all probabilities with ``calibrate=True``; else 1. Above 1, the inner classifier is
        overconfident.
    best_score_ : float
        Value of the objective on the rows tuned on, out of fold: the mean of micro and macro F1
        with "micro_macro_f1", minus the absolute difference in labels per row with "cardinality".
        It is optimistic, since the thresholds were chosen on the same rows.
    cv_results_ : dict of str to ndarray of shape (n_labels,)
        With `store_cv_results`: ``"scores"``, F1 of each label on the rows tuned on,
        ``"scores_at_half"``, the same at a threshold of one half (zero for decision values), and
        ``"n_positives"``.
    classes_ : ndarray of shape (n_classes,), or list of ndarray
        Those of the inner classifier.
    label_names_ : ndarray of shape (n_labels,) or None
        Names of the columns of `y`, where it was a DataFrame or the inner classifier has names.
    n_features_in_ : int
        Number of features seen by `fit`, where the inner classifier has it.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, where the inner classifier has them.

    See Also
    --------
    sklearn.model_selection.TunedThresholdClassifierCV : One threshold, for two classes.
    skmlclf.metrics.expected_calibration_error : Calibration of the probabilities as they are.

    Notes
    -----
    Let :math:`P_j` rows have label :math:`j`, let it be predicted for :math:`n_j` rows, and let
    :math:`tp_j` be the rows of which both is true, so that its F1 is :math:`F_j = 2 tp_j / (n_j +
    P_j)`. One threshold per label that maximises :math:`F_j` overfits: for a label with one
    positive, a threshold just below the score of that row looks perfect. With ``method="pooled"``,
    the counts at each candidate threshold are therefore estimated from those of the label itself
    and from those of the labels with half to twice as many positives, which together have the
    weight of `shrinkage` positives. With these estimates

    - macro F1 is maximised label by label,
    - micro F1 :math:`\mu` is maximised by the thresholds that maximise :math:`2 tp_j - \mu n_j` for
      each label, which is the condition for its maximum [2]_, iterated until :math:`\mu` converges,
    - their sum, with :math:`L` labels, is maximised by the thresholds that maximise :math:`(2 tp_j
      - \mu n_j) / \sum_l (n_l + P_l) + F_j / L`, in the same way.

    With ``method="per_label"``, thresholds follow the rules of [1]_: for macro F1 they maximise the
    smoothed :math:`(2 tp_j + 1) / (n_j + P_j + 1)`; for micro F1 there is a single threshold; and
    for the sum they are chosen label by label, from the most to the least frequent, to maximise the
    micro F1 of all labels so far plus :math:`F_j / L`.

    "samples_f1" predicts for each row the most probable labels, at least one, and as many as
    maximise the expected F1 if labels are independent given their probabilities [3]_. "cardinality"
    takes one threshold for all labels.

    Independent labels of which at least one is present have the probabilities :math:`p_j / (1 -
    \prod_l (1 - p_l))`; decisions are based on these where ``nonempty_``. This raises the
    probabilities of rows without a likely label, and hardly changes those of other rows.

    With a temperature :math:`T`, probabilities are :math:`\sigma(\mathrm{logit}(p) / T)`, where
    :math:`T` minimises the binary cross-entropy on the rows tuned on [4]_.

    References
    ----------
    .. [1] Lin and Lin, "On the Thresholding Strategy for Infrequent Labels in Multi-label
       Classification", CIKM 2023. https://doi.org/10.1145/3583780.3614996
    .. [2] Lipton, Elkan and Naryanaswamy, "Optimal Thresholding of Classifiers to Maximize F1
       Measure", ECML PKDD 2014.
    .. [3] Ye, Chai, Lee and Chieu, "Optimizing F-measures: A Tale of Two Approaches", ICML 2012.
    .. [4] Guo, Pleiss, Sun and Weinberger, "On Calibration of Modern Neural Networks", ICML 2017.

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
        # The inner classifier validates its own parameters.
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
            Rows, as the inner classifier takes them.
        y : array-like of shape (n_samples, n_labels) or (n_samples,), or sparse
            A 0/1 indicator of several labels, in any form that the inner classifier takes; or two
            classes. NaN stands for an unknown label, which is not tuned on.
        sample_weight : array-like, default=None
            Passed to the inner classifier. Weights of the rows count in the tuning too.
        X_val, y_val : array-like, default=None
            Held-out rows to tune on, instead of cross-validation: the classifier is fitted once.
            They are passed to its ``fit`` as well, if that takes them.
        **fit_params : dict
            Passed to the ``fit`` of the inner classifier. Values with one entry per row are split
            like the rows.

        Returns
        -------
        self : LabelThresholdClassifier
            The fitted estimator.

        Raises
        ------
        ValueError
            If a parameter or `y` is not as described, or the inner classifier raises it.
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
        """Return the predicted labels or classes.

        Parameters
        ----------
        X : {array-like, sparse, RowStore} of shape (n_samples, n_features)
            Rows, read block by block.

        Returns
        -------
        ndarray of shape (n_samples, n_labels) or (n_samples,), or sparse
            In the form of `y` in `fit`: in CSR format if it was sparse.
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
