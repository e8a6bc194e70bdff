"""Metrics of rankings and decisions for thousands of labels: functions, scorers, accumulators."""

from skmlclf.metrics.accumulator import RankingAccumulator
from skmlclf.metrics.average_precision import (
    global_average_precision_score,
    mean_average_precision_score,
)
from skmlclf.metrics.calibration import (
    ReliabilityCurve,
    expected_calibration_error,
    reliability_at_k_curve,
)
from skmlclf.metrics.confusion import label_confusion_matrix
from skmlclf.metrics.decisions import (
    hamming_loss,
    multilabel_confusion_matrix,
    samples_precision_recall_f1,
)
from skmlclf.metrics.equal_recall import precision_at_equal_recall_score
from skmlclf.metrics.evaluation import evaluate_metrics
from skmlclf.metrics.propensity import (
    inverse_propensity,
    propensity_scored_ndcg_at_k_score,
    propensity_scored_precision_at_k_score,
)
from skmlclf.metrics.ranking import (
    hit_at_k_score,
    ndcg_at_k_score,
    precision_at_k_score,
    precision_recall_at_k_curve,
    recall_at_k_score,
)
from skmlclf.metrics.registry import Metric, get_metric, register_metric
from skmlclf.metrics.responses import (
    EstimatorResponses,
    Responses,
    as_indicator,
    one_hot,
    top_k_of_scores,
    topk_method,
)
from skmlclf.metrics.scorers import get_scorer, get_scorer_names, named_scorers

__all__ = [
    "EstimatorResponses",
    "Metric",
    "RankingAccumulator",
    "ReliabilityCurve",
    "Responses",
    "as_indicator",
    "evaluate_metrics",
    "expected_calibration_error",
    "get_metric",
    "get_scorer",
    "get_scorer_names",
    "global_average_precision_score",
    "hamming_loss",
    "hit_at_k_score",
    "inverse_propensity",
    "label_confusion_matrix",
    "mean_average_precision_score",
    "multilabel_confusion_matrix",
    "named_scorers",
    "ndcg_at_k_score",
    "one_hot",
    "precision_at_equal_recall_score",
    "precision_at_k_score",
    "precision_recall_at_k_curve",
    "propensity_scored_ndcg_at_k_score",
    "propensity_scored_precision_at_k_score",
    "recall_at_k_score",
    "register_metric",
    "reliability_at_k_curve",
    "samples_precision_recall_f1",
    "top_k_of_scores",
    "topk_method",
]
