"""What a file may name: a closed table of estimators, with what each has learnt.

A new estimator of the package is a new line here. It either says which attributes a fit leaves
(``Attributes``), or has the two methods that `StateMethods` describes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Protocol, Self

Options = str | type | tuple[str | type | None, ...]


class StateMethods(Protocol):
    """An estimator that describes its own state in plain values."""

    def _to_state(self, *, with_optimizer: bool) -> tuple[dict[str, Any], dict[str, Any] | None]:
        """Return the parameters of the constructor, and what was learnt or None."""

    @classmethod
    def _from_state(cls, params: dict[str, Any], fitted: dict[str, Any] | None) -> Self:
        """Return an estimator of that state.

        Raises
        ------
        ValueError
            If the state is not one that `_to_state` returns, before anything is allocated that is
            larger than the arrays of the state.
        """


@dataclass(frozen=True)
class Attributes:
    """The attributes that a fit leaves on an estimator.

    Parameters
    ----------
    attributes : mapping of str to options
        By name, what they may be, one or several of: None; int or float, Python's or NumPy's; the
        shape of an array of numbers, one letter for each axis, where the same letter is the same
        length and ``f`` the number of features; ``INDICES`` of features; ``TRANSFORMER``, the
        fitted one of the parameter `transformer`.
    optional : tuple of str
        Those that only some kinds of fits leave.
    """

    attributes: Mapping[str, Options] = field(default_factory=dict)
    optional: tuple[str, ...] = ()


INDICES = "indices"
TRANSFORMER = "transformer"
_COMPONENTS: dict[str, Options] = {
    "components_": "kf",
    "explained_variance_": "k",
    "explained_variance_ratio_": "k",
    "singular_values_": "k",
}
_COUNT: Options = (int, float, "f")
_SCORES: dict[str, Options] = {"scores_": "f", "pvalues_": ("f", None)}

# The names in a file are keys of this table and nothing else: none is imported because a file
# says so.
ESTIMATORS: dict[str, Attributes | None] = {
    "skmlclf.BaseMLPClassifier": None,
    "skmlclf.BlockMLPClassifier": None,
    "skmlclf.DeepMLPClassifier": None,
    "skmlclf.LabelThresholdClassifier": None,
    "skmlclf.NeighborBlendClassifier": None,
    "skmlclf.NetworkClassifier": None,
    "skmlclf.preprocessing.BlockwiseTransformer": Attributes({"transformer_": TRANSFORMER}),
    "skmlclf.preprocessing.ModalitySelector": Attributes({"columns_": INDICES}),
    "sklearn.pipeline.Pipeline": Attributes(),
    "sklearn.decomposition.PCA": Attributes(
        {
            **_COMPONENTS,
            "mean_": "f",
            "n_components_": int,
            "n_samples_": int,
            "noise_variance_": float,
        }
    ),
    "sklearn.decomposition.IncrementalPCA": Attributes(
        {
            **_COMPONENTS,
            "mean_": "f",
            "var_": "f",
            "n_components_": int,
            "n_samples_seen_": _COUNT,
            "batch_size_": int,
            "noise_variance_": float,
        },
        optional=("batch_size_",),  # `partial_fit` does not set it
    ),
    "sklearn.decomposition.TruncatedSVD": Attributes(_COMPONENTS),
    "sklearn.preprocessing.StandardScaler": Attributes(
        {
            "mean_": ("f", None),
            "var_": ("f", None),
            "scale_": ("f", None),
            "n_samples_seen_": _COUNT,
        }
    ),
    "sklearn.preprocessing.MinMaxScaler": Attributes(
        {
            "min_": "f",
            "scale_": "f",
            "data_min_": "f",
            "data_max_": "f",
            "data_range_": "f",
            "n_samples_seen_": int,
        }
    ),
    "sklearn.preprocessing.MaxAbsScaler": Attributes(
        {"scale_": "f", "max_abs_": "f", "n_samples_seen_": int}
    ),
    "sklearn.preprocessing.RobustScaler": Attributes(
        {"center_": ("f", None), "scale_": ("f", None)}
    ),
    "sklearn.preprocessing.QuantileTransformer": Attributes(
        {"n_quantiles_": int, "references_": "q", "quantiles_": "qf"}
    ),
    "sklearn.preprocessing.Normalizer": Attributes(),
    "sklearn.preprocessing.Binarizer": Attributes(),
    "sklearn.feature_selection.SelectKBest": Attributes(_SCORES),
    "sklearn.feature_selection.SelectPercentile": Attributes(_SCORES),
    "sklearn.feature_selection.VarianceThreshold": Attributes({"variances_": "f"}),
}

# Functions that parameters of these estimators name.
FUNCTIONS = (
    "sklearn.feature_selection.chi2",
    "sklearn.feature_selection.f_classif",
    "sklearn.feature_selection.f_regression",
    "sklearn.feature_selection.mutual_info_classif",
    "sklearn.feature_selection.mutual_info_regression",
)


def resolve(name: str) -> Any:
    """Return the class or the function of a name of these tables.

    Parameters
    ----------
    name : str
        One of them.

    Returns
    -------
    type or function
    """
    assert name in ESTIMATORS or name in FUNCTIONS
    module, _, attribute = name.rpartition(".")
    return getattr(import_module(module), attribute)


def name_of(value: Any) -> str | None:
    """Return the name of an estimator's class in these tables; None where it is not there.

    Parameters
    ----------
    value : object
        Any. Subclasses of the classes are not of the tables.

    Returns
    -------
    str or None
    """
    cls = type(value)
    for name in ESTIMATORS:
        if name.rpartition(".")[2] == cls.__name__ and resolve(name) is cls:
            return name
    return None
