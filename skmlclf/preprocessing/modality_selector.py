"""Select the columns of named feature groups."""

from collections.abc import Mapping
from numbers import Integral
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import Tags, check_array
from sklearn.utils.validation import check_is_fitted, validate_data

from skmlclf._compat import _check_feature_names_in, _fit_context
from skmlclf._row_store import RowStore, is_row_store

YOUTUBE8M_LAYOUT = {"video": 1024, "audio": 128}
"""Names and widths of the groups of YouTube-8M's features, in order."""


class ModalitySelector(TransformerMixin, BaseEstimator):
    """Select the columns of named groups of features, such as the audio features.

    Embeddings of several modalities usually come side by side in one matrix: in a video-level
    YouTube-8M record, 1,024 visual features and then 128 audio features. This transformer keeps
    the groups asked for, so that a pipeline can be fitted on one modality, or one grid search
    can compare them.

    .. versionadded:: 0.1

    Parameters
    ----------
    modality : str or list of str, default="all"
        What to keep: `"all"` columns, the name of one group, or a list of group names. A list
        gives the groups in the order of the list.
    layout : mapping of str to int, default=None
        Width of each group, in the order of the columns, such as `{"video": 1024, "audio": 128}`.
        The groups are consecutive and cover all columns. `None` stands for the layout of
        YouTube-8M, which is the example above; `modality="all"` then accepts any number of columns.

    Attributes
    ----------
    columns_ : ndarray of shape (n_selected_features,), dtype intp
        Indices of the selected columns in the input, in the order of the output.
    n_features_in_ : int
        Number of features seen during `fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features seen during `fit`. Defined only when `X` has feature names that are
        all strings.

    See Also
    --------
    sklearn.compose.ColumnTransformer : Apply a different transformer to each set of columns.

    Notes
    -----
    The output has the dtype of the input. It is a view of a dense input, not a copy, when the
    selected columns are consecutive and in the order of the input: a step that works in place on
    the output then also changes the input. Sparse input stays sparse: CSR and CSC keep their
    format, other formats become CSR. For rows on disk, the output is a view that is a
    :class:`~skmlclf.datasets.RowStore` itself; they are not read.

    Examples
    --------
    >>> import numpy as np
    >>> from skmlclf.preprocessing import ModalitySelector
    >>> X = np.arange(10).reshape(2, 5)
    >>> layout = {"video": 3, "audio": 2}
    >>> ModalitySelector("audio", layout=layout).fit_transform(X)
    array([[3, 4],
           [8, 9]])
    >>> ModalitySelector(["audio", "video"], layout=layout).fit_transform(X)
    array([[3, 4, 0, 1, 2],
           [8, 9, 5, 6, 7]])
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "modality": [str, list, tuple],
        "layout": [Mapping, None],
    }

    def __init__(
        self,
        modality: str | list[str] = "all",
        *,
        layout: Mapping[str, int] | None = None,
    ) -> None:
        self.modality = modality
        self.layout = layout

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: ArrayLike | RowStore, y: Any = None) -> Self:
        """Find the columns of the selected groups.

        Parameters
        ----------
        X : {array-like, sparse matrix, RowStore} of shape (n_samples, n_features)
            Features, the groups side by side. Only their number and their names are used.
        y : Ignored
            Present for the sake of pipelines.

        Returns
        -------
        self : object
            The fitted transformer.

        Raises
        ------
        ValueError
            If `modality` or `layout` is malformed, or the number of columns is not the sum of the
            layout's widths.
        """
        layout = _check_layout(YOUTUBE8M_LAYOUT if self.layout is None else self.layout)
        groups = _check_modality(self.modality, layout)
        if is_row_store(X):
            n_features = X.shape[1]
        else:
            n_features = check_array(X, accept_sparse=("csr", "csc"), estimator=self).shape[1]
        edges = np.cumsum([0, *layout.values()])
        if self.modality == "all" and self.layout is None:
            columns = np.arange(n_features)
        elif n_features == edges[-1]:
            spans = {name: np.arange(edges[i], edges[i + 1]) for i, name in enumerate(layout)}
            columns = np.concatenate([spans[name] for name in groups])
        else:
            widths = ", ".join(f"{name} {width}" for name, width in layout.items())
            whose = "the default layout (YouTube-8M's)" if self.layout is None else "layout"
            raise ValueError(
                f"Expected {edges[-1]} columns, the sum of the groups of {whose}: {widths}. "
                f"Received X with {n_features} columns. Pass the layout of your own columns, such "
                "as layout={'video': 1024, 'audio': 128}."
            )
        # Recorded last, so that input that is refused leaves an earlier fit as it was.
        validate_data(self, X, skip_check_array=True)
        self.columns_ = columns
        return self

    def transform(self, X: ArrayLike | RowStore) -> Any:
        """Keep the columns of the selected groups.

        Parameters
        ----------
        X : {array-like, sparse matrix, RowStore} of shape (n_samples, n_features)
            Features, laid out as in `fit`.

        Returns
        -------
        X_out : {ndarray, sparse matrix, RowStore} of shape (n_samples, n_selected_features)
            The selected columns, in the dtype of `X`. A view of `X` where that is possible.
        """
        check_is_fitted(self)
        checked: Any = X
        if is_row_store(X):
            validate_data(self, X, reset=False, skip_check_array=True)
        else:
            checked = validate_data(self, X, accept_sparse=("csr", "csc"), reset=False)
        start, stop = self.columns_[0], self.columns_[-1] + 1
        if np.array_equal(self.columns_, np.arange(start, stop)):
            return checked[:, start:stop]
        return checked[:, self.columns_]

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> np.ndarray:
        """Get the names of the selected columns.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Names of the input features. `None` uses `feature_names_in_`, or `x0`, `x1`, ... where
            that is not defined.

        Returns
        -------
        feature_names_out : ndarray of str objects, of shape (n_selected_features,)
            Names of the selected columns, which are those of the input.
        """
        check_is_fitted(self)
        names: np.ndarray = _check_feature_names_in(self, input_features)[self.columns_]
        return names

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def _check_layout(layout: Mapping[str, int]) -> dict[str, int]:
    """Check that names are usable and widths positive integers."""
    if not layout:
        raise ValueError(
            "Expected layout to name at least one group of columns, such as "
            f"{YOUTUBE8M_LAYOUT}. Received an empty one."
        )
    for name, width in layout.items():
        if not isinstance(name, str) or name == "all":
            raise ValueError(
                "Expected the groups of layout to have strings for names, other than 'all', which "
                f"stands for every column. Received the name {name!r}. Rename that group."
            )
        if not isinstance(width, Integral) or isinstance(width, bool) or width < 1:
            raise ValueError(
                f"Expected the width of group {name!r} in layout to be an integer of 1 or more. "
                f"Received {width!r}."
            )
    return dict(layout)


def _check_modality(modality: str | list[str], layout: dict[str, int]) -> list[str]:
    """Turn `modality` into the list of group names it stands for."""
    if modality == "all":
        return list(layout)
    groups = [modality] if isinstance(modality, str) else list(modality)
    if not groups:
        raise ValueError(
            f"Expected modality to name at least one of {list(layout)}. Received an empty list. "
            "Use modality='all' to keep every column."
        )
    for name in groups:
        if not isinstance(name, str) or name not in layout:
            raise ValueError(
                f"Expected modality to be 'all' or to name groups of the layout, {list(layout)}. "
                f"Received {name!r}. Correct the name, or pass a layout that has it."
            )
        if groups.count(name) > 1:
            raise ValueError(
                f"Expected modality to name each group once. Received {groups}, with {name!r} "
                "more than once."
            )
    return groups
