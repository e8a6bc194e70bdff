"""A classifier around a network of the user's own."""

import inspect
from collections.abc import Callable, Sequence
from typing import Any, Self

import keras

from skmlclf.classifiers._base import BaseKerasClassifier
from skmlclf.networks import FunctionNetwork, Network
from skmlclf.training import resolve_precision

_PREFIX = "network__"


class NetworkClassifier(BaseKerasClassifier):
    """Classifier around a Keras network of your own, built by a function.

    The function defines the layers. Everything else is as for the other classifiers: targets of
    every kind, dense or sparse, ``predict_topk``, callbacks, weights, early stopping, the compiled
    training step and its speed. Regularisation losses of the layers are added to the loss, as in
    Keras.

    .. versionadded:: 0.1

    Parameters
    ----------
    build_network : callable
        ``build_network(n_features, n_outputs, **arguments)``: returns an uncompiled Keras model
        from ``n_features`` inputs to ``n_outputs`` logits, without a sigmoid or softmax at the end.
        Define it at module level, so that it can be pickled for other processes. The initial
        weights are seeded by `random_state`.
    learning_rate : float, default=1e-3
        Learning rate of the optimizer. The learning rate of an optimizer object is kept, unless
        this parameter differs from its default.
    learning_rate_schedule : {"constant", "cosine", "linear"}, default="constant"
        Learning-rate schedule over the epochs of `fit`: constant, or cosine or linear decay to
        zero. An optimizer object that has a learning-rate schedule of Keras keeps it.
    warmup_epochs : float, default=0.0
        Number of epochs, not necessarily whole, over which the learning rate rises linearly to its
        value.
    epochs : int or "auto", default="auto"
        Number of passes over the training rows; with early stopping, the maximum. "auto" takes as
        many as make 800 steps, but at least 8 and at most 100.
    batch_size : int or "auto", default="auto"
        Maximum number of rows per step: an epoch is divided into batches of nearly equal size. For
        `n` training rows, "auto" takes ``max(n // 100, min(n // 6, 128))``, but at least 64 and at
        most 256.
    optimizer : {"adam", "sgd"} or keras.optimizers.Optimizer, default="adam"
        Adam, stochastic gradient descent with Nesterov momentum of 0.9, or a Keras optimizer
        object, of which every fit uses a new copy. With a name, the gradients are those of the loss
        summed over labels; with an object, those of the mean over labels, as in Keras.
    weight_decay : float, default=0.0
        Decoupled weight decay of the kernels, as in AdamW: each step multiplies them by ``1 -
        learning_rate * weight_decay``.
    ema_momentum : float, default=0.0
        Momentum of the exponential moving average of the weights over the steps of `fit`, in [0,
        1). The averaged weights are the ones that held-out rows are measured with after each epoch,
        and that the fitted classifier has. 0 turns averaging off.
    label_names : sequence of str, default=None
        Names of the labels, one per column of a 2-d `y`. None takes the column names of a
        DataFrame.
    class_weight : None, "balanced", dict or array-like of shape (n_classes,), default=None
        For one class per row, as in scikit-learn. For several labels, the weight of the positives
        of each label, as an array by column or a dict by column index or label name; "balanced"
        gives the positives and the negatives of each label equal total weight: ``w = (n_rows - n) /
        n`` for a label with ``n`` positives. Predicted probabilities are those of the weighted
        rows: where positives have the weight ``w``, ``p / (p + w * (1 - p))`` is the probability
        without weights.
    early_stopping : bool, default=False
        Whether to stop when `scoring` no longer improves on held-out rows, and to restore the
        weights of the best epoch. The held-out rows are ``X_val`` where `fit` is given them, else a
        random sample of the training rows.
    scoring : str or callable, default="loss"
        What early stopping monitors on the held-out rows: "loss", the name of a metric (see
        `skmlclf.metrics.get_scorer_names`), or a scorer of scikit-learn or its name.
    validation_fraction : float, default=0.1
        Fraction of the training rows to hold out where early stopping or a callback needs held-out
        rows and `fit` is not given any.
    stratify : bool, default=False
        Whether this held-out split is stratified, so that each label is as frequent in the held-out
        rows as in all rows, rare labels as nearly as possible.
    n_iter_no_change : int, default=10
        Number of epochs without improvement after which early stopping ends the fit.
    tol : float, default=1e-6
        Changes of `scoring` up to this size do not count as improvements.
    precision : {"float32", "bfloat16", "auto"}, default="float32"
        Data type of the matrix products; weights and optimizer are float32 in any case. bfloat16
        needs an accelerator, or a processor with bfloat16 instructions. "auto" takes bfloat16 where
        the machine has it; a resumed fit keeps the data type that it started with.
    distribute : {"mirrored", "multi_worker"} or None, default=None
        Whether to train on several devices, each of which takes its part of every batch, so that
        all have the same weights after every step. "mirrored" takes all GPUs of the machine.
        "multi_worker" takes several processes: each runs the same program, and the environment
        variable ``TF_CONFIG`` says who they are.
    init_output_bias : bool, default=True
        Whether the bias of the last layer, where it has one that starts at zero, is set before the
        first step to the log-odds of the frequency of each label.
    warm_start : bool, default=False
        Whether `fit` resumes from the weights of the previous `fit`, and from the state of its
        optimizer if that `fit` had ``warm_start=True`` as well.
    callbacks : list of keras.callbacks.Callback instances or classes, default=None
        Called as Keras calls them, in this order. If one of them overrides a method that Keras
        calls for each batch, such as ``on_train_batch_end``, the compiled training step runs one
        batch per call instead of several, which is slower.
    verbose : int, default=0
        Above zero, the epochs are shown as a table (`EpochTable`), and long predictions show their
        progress.
    random_state : int, RandomState instance or None, default=None
        Determines the initial weights, shuffling, dropout and the held-out split. Pass an int for
        the same fit, bit for bit, on one machine with the same number of threads. No global
        generator is seeded.
    **network_arguments : dict
        Arguments of `build_network`, with ``network__`` before their names: ``network__width=512``.
        They are parameters like the others, for ``set_params`` and searches too.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Classes, or the column indices of the labels.
    label_names_ : ndarray of shape (n_labels,) or None
        Names of the labels; None if they have none.
    model_ : keras.Model
        The trained network, compiled, with probabilities as its outputs.
    history_ : dict of str to list of float
        Values by epoch: ``"loss"`` and, where rows are held out, ``"val_loss"`` and metrics such as
        ``"val_gap_at_20"``.
    n_iter_ : int
        Number of epochs run, those of resumed fits included.
    precision_ : {"float32", "bfloat16"}
        Data type of the matrix products: that of `precision`, or the one that "auto" chose.
    best_epoch_ : int
        Index in ``history_`` of the epoch whose weights are kept: with early stopping the best,
        else the last.
    n_features_in_ : int
        Number of features seen by `fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, where `X` had string names.

    Raises
    ------
    TypeError
        In `fit`, if a keyword is neither a parameter nor starts with ``network__``, or the function
        returns no Keras model.
    ValueError
        In `fit`, if the model that the function returns is compiled, ends in probabilities, has
        inputs or outputs of another shape, or a layer that cannot be trained here.

    See Also
    --------
    BaseMLPClassifier : One dense layer.

    Notes
    -----
    Regularisation losses are added to the mean over rows and labels, as Keras adds them to its
    binary cross-entropy. With an optimizer object, the steps of a fit are those of Keras' ``fit``.

    Fits of networks with the same layers and settings share one compiled training step, whatever
    the names and seeds of the layers. Another setting of a layer, such as another rate of
    ``keras.layers.Dropout``, needs a compilation of its own.

    Examples
    --------
    Two towers, video and audio, with a gate:

    >>> import keras
    >>> from skmlclf import NetworkClassifier
    >>> from skmlclf.datasets import make_video_embeddings
    >>> def two_towers(n_features, n_outputs, width=32):
    ...     inputs = keras.Input((n_features,))
    ...     video = keras.layers.Dense(width, activation="relu")(inputs[:, :1024])
    ...     audio = keras.layers.Dense(width, activation="relu")(inputs[:, 1024:])
    ...     gate = keras.layers.Dense(width, activation="sigmoid")(inputs)
    ...     mixed = gate * video + (1.0 - gate) * audio
    ...     return keras.Model(inputs, keras.layers.Dense(n_outputs)(mixed))
    >>> X, y = make_video_embeddings(300, n_labels=100, random_state=0)
    >>> clf = NetworkClassifier(two_towers, network__width=16, epochs=2, random_state=0)
    >>> labels, scores = clf.fit(X, y).predict_topk(X, k=5)
    >>> labels.shape
    (300, 5)
    """

    def __init__(
        self,
        build_network: Callable[..., keras.Model],
        *,
        learning_rate: float = 1e-3,
        learning_rate_schedule: str = "constant",
        warmup_epochs: float = 0.0,
        epochs: int | str = "auto",
        batch_size: int | str = "auto",
        optimizer: Any = "adam",
        weight_decay: float = 0.0,
        ema_momentum: float = 0.0,
        label_names: Sequence[str] | None = None,
        class_weight: Any = None,
        early_stopping: bool = False,
        scoring: str | Callable[..., Any] = "loss",
        validation_fraction: float = 0.1,
        stratify: bool = False,
        n_iter_no_change: int = 10,
        tol: float = 1e-6,
        precision: str = "float32",
        distribute: str | None = None,
        init_output_bias: bool = True,
        warm_start: bool = False,
        callbacks: Sequence[Any] | None = None,
        verbose: int = 0,
        random_state: Any = None,
        **network_arguments: Any,
    ) -> None:
        self.build_network = build_network
        self.learning_rate = learning_rate
        self.learning_rate_schedule = learning_rate_schedule
        self.warmup_epochs = warmup_epochs
        self.epochs = epochs
        self.batch_size = batch_size
        self.optimizer = optimizer
        self.weight_decay = weight_decay
        self.ema_momentum = ema_momentum
        self.label_names = label_names
        self.class_weight = class_weight
        self.early_stopping = early_stopping
        self.scoring = scoring
        self.validation_fraction = validation_fraction
        self.stratify = stratify
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.precision = precision
        self.distribute = distribute
        self.init_output_bias = init_output_bias
        self.warm_start = warm_start
        self.callbacks = callbacks
        self.verbose = verbose
        self.random_state = random_state
        for name, value in network_arguments.items():
            setattr(self, name, value)

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters, including those of `build_network` that were set.

        Parameters
        ----------
        deep : bool, default=True
            As in scikit-learn; has no effect on the arguments of `build_network`.

        Returns
        -------
        dict of str to object
        """
        return {**super().get_params(deep), **self._network_arguments()}

    def set_params(self, **params: Any) -> Self:
        """Set parameters, ``network__<argument>`` among them.

        Parameters
        ----------
        **params : dict
            Parameters by name.

        Returns
        -------
        self : estimator

        Raises
        ------
        ValueError
            If there is no such parameter, or `build_network` has no such argument.
        """
        arguments = {name: params.pop(name) for name in list(params) if name.startswith(_PREFIX)}
        super().set_params(**params)
        for name, value in arguments.items():
            self._check_argument(name.removeprefix(_PREFIX))
            setattr(self, name, value)
        return self

    def _network_arguments(self) -> dict[str, Any]:
        """Return what the constructor was given besides its own parameters."""
        own = set(self._get_param_names())
        return {
            name: value
            for name, value in vars(self).items()
            # Fitted attributes end in an underscore, private ones start with it.
            if name not in own and not name.startswith("_") and not name.endswith("_")
        }

    def _check_argument(self, name: str) -> None:
        parameters = inspect.signature(self.build_network).parameters
        takes_any = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
        if name not in parameters and not takes_any:
            known = [f"{_PREFIX}{known}" for known in list(parameters)[2:]]
            raise ValueError(
                f"Invalid parameter {_PREFIX + name!r}: build_network"
                f" ({getattr(self.build_network, '__name__', self.build_network)}) has no argument"
                f" {name!r}. Valid ones are {known}."
            )

    def _network(self, n_features: int, n_outputs: int, output: str) -> Network:
        if not callable(self.build_network):
            raise TypeError(f"build_network must be callable, got {self.build_network!r}.")
        arguments = {}
        for name, value in self._network_arguments().items():
            if not name.startswith(_PREFIX):
                raise TypeError(
                    f"NetworkClassifier has no parameter {name!r}. Arguments of build_network start"
                    f" with {_PREFIX!r}, as in {_PREFIX}{name}."
                )
            arguments[name.removeprefix(_PREFIX)] = value
            self._check_argument(name.removeprefix(_PREFIX))
        return FunctionNetwork(
            self.build_network,
            tuple(sorted(arguments.items())),
            n_features,
            n_outputs,
            output,
            precision=resolve_precision(self.precision),
            init_output_bias=self.init_output_bias,
        )
