"""Fitting and applying transformers to data that is larger than memory."""

from collections.abc import Callable, Iterator
from functools import partial
from numbers import Integral
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse
from sklearn import get_config
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.decomposition import IncrementalPCA
from sklearn.frozen import FrozenEstimator
from sklearn.utils import Tags, check_array, check_random_state, gen_batches, get_tags, indexable
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping, process_routing
from sklearn.utils.validation import check_is_fitted, validate_data

from skmlclf._compat import (
    HasMethods,
    Interval,
    _check_feature_names_in,
    _check_method_params,
    _fit_context,
    available_if,
)
from skmlclf._row_store import RowStore, is_row_store, rows_per_block
from skmlclf._transformed_rows import TransformedRows


def _has(method: str) -> Callable[[Any], bool]:
    """Return whether the transformer of a `BlockwiseTransformer` has a method."""

    def check(self: Any) -> bool:
        getattr(getattr(self, "transformer_", self.transformer), method)
        return True

    return check


class BlockwiseTransformer(TransformerMixin, BaseEstimator):
    """Fit and apply a transformer block by block, to rows on disk that do not fit into memory.

    A transformer that has a `partial_fit`, such as :class:`~sklearn.decomposition.IncrementalPCA`
    or :class:`~sklearn.preprocessing.StandardScaler`, is fitted on all rows, block by block. Any
    other is fitted on a random sample of the rows. Rows on disk are transformed lazily, when they
    are read: the output is a row store as well.

    .. versionadded:: 0.1

    Parameters
    ----------
    transformer : estimator
        The transformer, of which a clone is fitted. Each row of its output must depend on the same
        row of the input alone, as in the transformers of scikit-learn. A
        :class:`~sklearn.frozen.FrozenEstimator` is not fitted again.
    n_sample_rows : int, default=20_000
        Number of rows, drawn without replacement, on which a transformer without `partial_fit` is
        fitted. If there are fewer rows, all of them are taken, in order.
    block_rows : int, default=None
        Number of rows per block. `None` takes as many as fit into 8 MiB, and to fit
        `IncrementalPCA` its `batch_size`. A last block to fit on that has fewer rows than the
        `n_components` of the transformer is merged with the block before it.
    random_state : int, RandomState instance or None, default=None
        Seed of the sample. Not used with `partial_fit`, and not passed to the transformer, which
        may have a `random_state` itself.

    Attributes
    ----------
    transformer_ : estimator
        The fitted transformer.
    n_features_in_ : int
        Number of features seen during `fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features seen during `fit`. Defined only when `X` has feature names that are
        all strings.

    See Also
    --------
    skmlclf.datasets.RowStore : Rows on disk, indexed as an array is.
    sklearn.decomposition.IncrementalPCA : Principal components, block by block.

    Notes
    -----
    An array in memory is processed in the same blocks as rows on disk, so that both give the same
    result, which for `IncrementalPCA` is also that of its own `fit`. The result of transformers
    with `partial_fit` depends on `block_rows`, and matrix products may be rounded differently in
    blocks of another size.

    float32 input gives float32 output, also where the transformer alone would return float64, as
    `IncrementalPCA` does. float16 is converted to float32 first. Sparse matrices are accepted if
    the transformer accepts them. Rows on disk are not checked for NaN unless the transformer does
    so.

    Examples
    --------
    >>> import os, tempfile
    >>> import numpy as np
    >>> from sklearn.decomposition import IncrementalPCA
    >>> from skmlclf.datasets import NpyRowStore
    >>> from skmlclf.preprocessing import BlockwiseTransformer
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = os.path.join(folder.name, "X.npy")
    >>> np.save(path, np.random.default_rng(0).standard_normal((5000, 20), dtype=np.float32))
    >>> X = NpyRowStore(path)
    >>> pca = BlockwiseTransformer(IncrementalPCA(3), block_rows=1000).fit(X)
    >>> pca.transform(X)
    <transformed NpyRowStore: 5,000 rows, 3 columns, float32>
    >>> np.asarray(pca.transform(X)[:100]).shape
    (100, 3)
    >>> folder.cleanup()
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "transformer": [HasMethods(["fit", "transform"])],
        "n_sample_rows": [Interval(Integral, 1, None, closed="left")],
        "block_rows": [Interval(Integral, 1, None, closed="left"), None],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        transformer: Any,
        *,
        n_sample_rows: int = 20_000,
        block_rows: int | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.transformer = transformer
        self.n_sample_rows = n_sample_rows
        self.block_rows = block_rows
        self.random_state = random_state

    # The transformer itself validates its parameters.
    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: ArrayLike | RowStore, y: Any = None, **fit_params: Any) -> Self:
        """Fit the transformer on all rows block by block, or on a sample of them.

        Parameters
        ----------
        X : {array-like, sparse matrix, RowStore} of shape (n_samples, n_features)
            Features.
        y : array-like or sparse matrix of shape (n_samples,) or (n_samples, n_outputs), \
                default=None
            Targets, for transformers that use them.
        **fit_params : dict
            Passed on to the transformer, such as `sample_weight`. Values with one entry per row are
            split like the rows.

        Returns
        -------
        self : object
            The fitted transformer.

        Raises
        ------
        ValueError
            If `X` has no rows, or `X` and `y` differ in length.
        """
        rows = self._check_rows(X)
        transformer = clone(self.transformer)
        method = _fit_method(transformer)
        if get_config()["enable_metadata_routing"]:
            fit_params = process_routing(self, "fit", **fit_params)["transformer"][method]
        if y is not None:
            _, y = indexable(rows, y)
            fit_params["y"] = y
        if isinstance(transformer, FrozenEstimator):
            pass
        elif method == "partial_fit":
            for block in self._blocks_to_fit(rows, transformer):
                params = _check_method_params(rows, fit_params, block)
                transformer.partial_fit(_as_array(rows[block], transformer), **params)
        else:
            sample = self._sample(rows.shape[0])
            params = _check_method_params(rows, fit_params, sample)
            transformer.fit(_as_array(rows[sample], transformer), **params)
        # Recorded last, so that input that is refused leaves an earlier fit as it was.
        validate_data(self, X, skip_check_array=True)
        self.transformer_ = transformer
        return self

    def transform(self, X: ArrayLike | RowStore) -> Any:
        """Transform an array block by block, or rows on disk whenever they are read.

        Parameters
        ----------
        X : {array-like, sparse matrix, RowStore} of shape (n_samples, n_features)
            Features.

        Returns
        -------
        X_out : {ndarray, sparse matrix, RowStore} of shape (n_samples, n_features_out)
            The transformed features; a :class:`~skmlclf.datasets.RowStore` if `X` is one.
        """
        check_is_fitted(self)
        rows = self._check_rows(X)
        validate_data(self, X, reset=False, skip_check_array=True)
        return self._apply("transform", rows)

    @available_if(_has("inverse_transform"))
    def inverse_transform(self, X: ArrayLike | RowStore) -> Any:
        """Apply the inverse transform, where the transformer has one.

        Parameters
        ----------
        X : {array-like, sparse matrix, RowStore} of shape (n_samples, n_features_out)
            Transformed features.

        Returns
        -------
        X_original : {ndarray, sparse matrix, RowStore} of shape (n_samples, n_features)
            Features; a :class:`~skmlclf.datasets.RowStore` if `X` is one.
        """
        check_is_fitted(self)
        rows = X if is_row_store(X) or sparse.issparse(X) else np.asarray(X)
        return self._apply("inverse_transform", rows)

    @available_if(_has("get_feature_names_out"))
    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> np.ndarray:
        """Get the names of the columns of the output.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Names of the input features. `None` uses `feature_names_in_`, or `x0`, `x1`, ... where
            that is not defined.

        Returns
        -------
        feature_names_out : ndarray of str objects, of shape (n_features_out,)
            The names that the transformer gives them.
        """
        check_is_fitted(self)
        names = _check_feature_names_in(self, input_features)
        return np.asarray(self.transformer_.get_feature_names_out(names))

    def get_metadata_routing(self) -> MetadataRouter:
        """Get which parameters of `fit` go to the transformer.

        Returns
        -------
        routing : MetadataRouter
            See scikit-learn's user guide on metadata routing.
        """
        to_fit = MethodMapping().add(caller="fit", callee=_fit_method(self.transformer))
        return MetadataRouter(owner=self).add(transformer=self.transformer, method_mapping=to_fit)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        of_transformer = get_tags(self.transformer)
        tags.input_tags = of_transformer.input_tags
        tags.target_tags = of_transformer.target_tags
        tags.transformer_tags = of_transformer.transformer_tags
        return tags

    def _check_rows(self, X: Any) -> Any:
        """Return rows that can be indexed, once they are known to be of the right form."""
        if is_row_store(X):
            if not len(X):
                raise ValueError(f"Expected at least one row. Received {X!r}.")
            return X
        tags = get_tags(self.transformer).input_tags
        return check_array(
            X,
            accept_sparse="csr" if tags.sparse else False,
            ensure_all_finite="allow-nan" if tags.allow_nan else True,
            estimator=self,
        )

    def _sample(self, n_rows: int) -> slice | np.ndarray:
        if n_rows <= self.n_sample_rows:
            return slice(None)
        rng = check_random_state(self.random_state)
        return np.sort(rng.choice(n_rows, self.n_sample_rows, replace=False))

    def _blocks_to_fit(self, rows: Any, transformer: Any) -> Iterator[slice]:
        """Yield what rows are in each block; a last one that would be too small is not divided."""
        size = self._block_size(rows)
        if self.block_rows is None and isinstance(transformer, IncrementalPCA):
            # Its own default: each block costs a decomposition, however many rows it has.
            size = transformer.batch_size or 5 * rows.shape[1]
        n_components = getattr(transformer, "n_components", None)
        at_least = int(n_components) if isinstance(n_components, Integral) else 0
        blocks: Iterator[slice] = gen_batches(
            rows.shape[0], max(size, at_least), min_batch_size=at_least
        )
        return blocks

    def _block_size(self, rows: Any) -> int:
        if self.block_rows is not None:
            return int(self.block_rows)
        return rows_per_block(rows.shape[1], rows.dtype)

    def _apply(self, method: str, rows: Any) -> Any:
        function = partial(_apply_to_block, self.transformer_, method)
        size = self._block_size(rows)
        if is_row_store(rows):
            first = function(rows[:1])
            if sparse.issparse(first):
                raise ValueError(
                    f"Expected {type(self.transformer_).__name__} to return dense rows of rows on "
                    "disk. Received a sparse matrix. Set its sparse_output=False, or transform an "
                    "array."
                )
            return TransformedRows(rows, function, first.shape[1], first.dtype, size)
        parts = [function(rows[i : i + size]) for i in range(0, rows.shape[0], size)]
        if sparse.issparse(parts[0]):
            return sparse.vstack(parts, format=parts[0].format)
        return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _fit_method(transformer: Any) -> str:
    # A frozen one passes every call on.
    return (
        "partial_fit"
        if hasattr(transformer, "partial_fit") and not isinstance(transformer, FrozenEstimator)
        else "fit"
    )


def _apply_to_block(transformer: Any, method: str, block: Any) -> Any:
    block = _as_array(block, transformer)
    result = getattr(transformer, method)(block)
    result = result if sparse.issparse(result) else np.asarray(result)
    is_wider = block.dtype == np.float32 and result.dtype == np.float64
    return result.astype(np.float32) if is_wider else result


def _as_array(block: Any, transformer: Any) -> Any:
    """Return a block in memory as the transformer takes it, and not in half precision."""
    if sparse.issparse(block):
        # IncrementalPCA takes sparse matrices where it was fitted with `fit`, and not otherwise.
        block = block.toarray() if isinstance(transformer, IncrementalPCA) else block
    else:
        block = np.asarray(block)
    return block.astype(np.float32) if block.dtype == np.float16 else block
