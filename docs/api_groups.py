"""The public names, grouped as a user looks for them: the API reference is made of this table.

A new public name goes into one of these groups; ``tests/test_documentation.py`` misses it
otherwise.
"""

from typing import NamedTuple

# Packages that others of this project import, and users only to extend it.
INNER = ("cli", "classifiers", "networks", "persistence", "thresholds", "training")


class Group(NamedTuple):
    """A table of the API reference."""

    title: str
    text: str
    names: tuple[str, ...]


GROUPS = (
    Group(
        "Classifiers",
        "Estimators with `fit`, `predict`, `predict_proba`, `predict_topk` and `save`.",
        (
            "BaseMLPClassifier",
            "make_feature_mlp",
            "BlockMLPClassifier",
            "DeepMLPClassifier",
            "NetworkClassifier",
            "NeighborBlendClassifier",
            "LabelThresholdClassifier",
            "predict_topk",
        ),
    ),
    Group(
        "Predictions for many files",
        "In this process, or spread over a cluster.",
        ("prediction.predict_files", "prediction.topk_writer"),
    ),
    Group(
        "Features",
        "Transformers, for rows in memory and on disk.",
        ("ModalitySelector", "BlockwiseTransformer", "preprocessing.YOUTUBE8M_LAYOUT"),
    ),
    Group(
        "Data sets",
        "Simulated data, and readers and writers of files.",
        (
            "datasets.make_video_embeddings",
            "datasets.load_tfrecords",
            "datasets.write_tfrecords",
            "datasets.load_npy",
            "datasets.write_npy",
        ),
    ),
    Group(
        "Rows on disk",
        "What stands wherever `X` does, and is read block by block.",
        (
            "datasets.VideoRecords",
            "datasets.NpyRowStore",
            "datasets.ParquetRowStore",
            "datasets.concatenate_rows",
            "datasets.RowStore",
        ),
    ),
    Group(
        "Splits",
        "Splits that keep the share of every label.",
        (
            "model_selection.MultilabelStratifiedKFold",
            "model_selection.MultilabelStratifiedShuffleSplit",
            "model_selection.multilabel_train_test_split",
        ),
    ),
    Group(
        "Scorers and metrics by name",
        "For `scoring`, early stopping and callbacks, and metrics of your own.",
        (
            "metrics.get_scorer",
            "metrics.get_scorer_names",
            "metrics.named_scorers",
            "metrics.Metric",
            "metrics.register_metric",
            "metrics.get_metric",
            "metrics.evaluate_metrics",
        ),
    ),
    Group(
        "Ranking metrics",
        "Metrics of the best labels of each row, or of all pairs of a row and a label.",
        (
            "metrics.precision_at_k_score",
            "metrics.recall_at_k_score",
            "metrics.ndcg_at_k_score",
            "metrics.hit_at_k_score",
            "metrics.precision_at_equal_recall_score",
            "metrics.global_average_precision_score",
            "metrics.mean_average_precision_score",
            "metrics.propensity_scored_precision_at_k_score",
            "metrics.propensity_scored_ndcg_at_k_score",
            "metrics.inverse_propensity",
            "metrics.precision_recall_at_k_curve",
            "metrics.RankingAccumulator",
        ),
    ),
    Group(
        "Metrics of decisions and of probabilities",
        "Metrics of predicted labels, confusions, and calibration.",
        (
            "metrics.samples_precision_recall_f1",
            "metrics.hamming_loss",
            "metrics.multilabel_confusion_matrix",
            "metrics.label_confusion_matrix",
            "metrics.expected_calibration_error",
            "metrics.reliability_at_k_curve",
            "metrics.ReliabilityCurve",
        ),
    ),
    Group(
        "Callbacks",
        "What happens between the epochs of a fit.",
        (
            "callbacks.EpochMetrics",
            "callbacks.EpochTable",
            "callbacks.Checkpoint",
            "callbacks.DEFAULT_METRICS",
            "callbacks.format_value",
            "callbacks.short_name",
        ),
    ),
    Group(
        "Comparison",
        "Several classifiers on the same rows, and their results.",
        (
            "comparison.compare",
            "comparison.default_architectures",
            "comparison.feature_architectures",
            "comparison.Comparison",
            "comparison.Result",
            "comparison.Differences",
            "comparison.Decisions",
            "comparison.DecisionTable",
            "comparison.ComparisonInterrupted",
            "comparison.table_columns",
        ),
    ),
    Group(
        "Displays",
        "Plots, with `from_estimator` and `from_predictions` as in scikit-learn.",
        (
            "displays.HistoryDisplay",
            "displays.PrecisionAtKDisplay",
            "displays.LabelConfusionDisplay",
            "displays.ReliabilityDisplay",
            "displays.ComparisonDisplay",
        ),
    ),
    Group(
        "Files and versions",
        "One file per estimator, without code in it.",
        ("save", "load", "show_versions"),
    ),
    Group(
        "For metrics and displays of your own",
        "What metrics get from a classifier, in one shape.",
        (
            "metrics.Responses",
            "metrics.EstimatorResponses",
            "metrics.as_indicator",
            "metrics.one_hot",
            "metrics.top_k_of_scores",
            "metrics.topk_method",
        ),
    ),
)
