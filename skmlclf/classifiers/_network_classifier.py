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
    """Classifier around a Keras network of your own, which a function builds.

    The function defines the layers. Everything else is as for the other classifiers: targets of
    every kind, dense or sparse, ``predict_topk``, callbacks, weights, early stopping, the compiled
    training step and its speed. Regularisation losses of the layers count, as in Keras.

    .. versionadded:: 0.1

    Parameters
    ----------
    build_network : callable
        ``build_network(n_features, n_outputs, **arguments)``: returns an uncompiled Keras model
        from ``n_features`` inputs to ``n_outputs`` logits, without a sigmoid or softmax at the end.
        Define it at the top of a module, so that it goes to other processes. What it makes is
        seeded by `random_state`.
    learning_rate : float, default=1e-3
        Step size of the optimizer. An optimizer object keeps its own, unless this is set to
        something else than the default.
    learning_rate_schedule : {"constant", "cosine", "linear"}, default="constant"
        Learning-rate schedule over the epochs of `fit`: constant, or cosine or linear decay to
        zero. An optimizer object with a schedule of its own keeps that.
    warmup_epochs : float, default=0.0
        Epochs of `fit`, or a part of one, over which the learning rate rises to its value.
    epochs : int or "auto", default="auto"
        Passes over the training rows; with early stopping, at most. "auto" takes 8, or where rows
        are few as many as make 800 steps, at most 100.
    batch_size : int or "auto", default="auto"
        Rows per step, at most: an epoch is cut into batches of nearly equal size. "auto" takes 64
        to 256 by the number of rows: a hundredth of them, or up to 128 where that leaves six steps
        per epoch.
    optimizer : {"adam", "sgd"} or keras.optimizers.Optimizer, default="adam"
        Adam, gradient descent with Nesterov's momentum of 0.9, or any Keras optimizer with its
        settings, from which every fit makes a new one. By name, gradients are those of the sum over
        labels; an object gets the gradients that Keras would give it, of the mean over labels.
    weight_decay : float, default=0.0
        Decoupled decay of the kernels: each step shrinks them by ``learning_rate * weight_decay``.
    ema_momentum : float, default=0.0
        Momentum of the exponential moving average of the weights over the steps of `fit`, in
        [0, 1). The averages are what an epoch is measured by and what is kept; 0 keeps the weights
        themselves.
    label_names : sequence of str, default=None
        Names of the columns of a 2-d `y`; None takes those of a DataFrame.
    class_weight : None, "balanced", dict or array-like of shape (n_classes,), default=None
        For classes as in scikit-learn. For labels, the weight of each label's positives, by
        column or by name; "balanced" gives the presence and the absence of a label equal total
        weight. Probabilities are those of rows weighted in this way: where positives weigh ``w``
        times as much, ``p / (p + w * (1 - p))`` is the probability without weights; "balanced" is
        ``w = (n_rows - n) / n`` for a label that ``n`` rows have.
    early_stopping : bool, default=False
        Whether to stop when `scoring` stops improving on held-out rows, and to restore the
        weights of the best epoch. The rows are ``X_val`` where `fit` is given them, else a random
        share of the training rows.
    scoring : str or callable, default="loss"
        What early stopping looks at: the validation loss, a metric by its name in
        `skmlclf.metrics.get_scorer_names`, or a scorer of scikit-learn's kind or name.
    validation_fraction : float, default=0.1
        Share of the training rows to hold out where early stopping or a callback needs some.
    stratify : bool, default=False
        Whether the split is stratified, so that each label keeps its share among the rows that are
        held out, rare labels as far as possible.
    n_iter_no_change : int, default=10
        Epochs without improvement after which early stopping stops.
    tol : float, default=1e-6
        Improvements no larger than this do not count.
    precision : {"float32", "bfloat16", "auto"}, default="float32"
        Data type of the matrix products. bfloat16 needs a processor with such instructions;
        weights and optimizer stay in float32. "auto" takes bfloat16 where the machine has it;
        a resumed fit keeps what it started with.
    distribute : {"mirrored", "multi_worker"} or None, default=None
        Whether to train on several devices, each of which takes its part of every batch, so that
        all have the same weights after every step. "mirrored" takes all GPUs of the machine.
        "multi_worker" takes several processes: each runs the same program, and the environment
        variable ``TF_CONFIG`` says who they are.
    init_output_bias : bool, default=True
        Whether the bias of the last layer, where it has one that starts at zero, is set to the
        log-odds of each label's frequency before the first step.
    warm_start : bool, default=False
        Whether `fit` resumes from the present weights, and from the state of the optimizer where
        the fit before had this set too.
    callbacks : list of keras.callbacks.Callback instances or classes, default=None
        Called as Keras calls them, in this order. If one overrides a hook of batches, the compiled
        step is called for one batch at a time.
    verbose : int, default=0
        Above zero, the epochs are shown as `EpochTable` shows them, and a long prediction shows
        how far it is.
    random_state : int, RandomState instance or None, default=None
        Decides initial weights, shuffling, dropout and the held-out split. An int gives the same
        fit bit for bit on one machine with the same number of threads; no global generator is
        seeded.
    **network_arguments : dict
        Further arguments of `build_network`, by its names for them with ``network__`` before:
        ``network__width=512``. They are parameters like the others, for ``set_params`` and
        searches too.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Classes, or the column numbers of the labels.
    label_names_ : ndarray of shape (n_labels,) or None
        Names of the labels; None if they have none.
    model_ : keras.Model
        The trained network, compiled, with probabilities as its outputs.
    history_ : dict of str to list of float
        Loss by epoch, that of the held-out rows (``"val_loss"``) and their metrics.
    n_iter_ : int
        Epochs run.
    precision_ : {"float32", "bfloat16"}
        Data type of the matrix products that "auto" stood for, or that was asked for.
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
    binary cross-entropy. With an optimizer object, a fit makes the same steps as Keras' own.

    Fits share one compiled step where the layers and their settings are the same, whatever their
    names and seeds. An argument that is only a number to a layer, such as the rate of
    ``keras.layers.Dropout``, is part of what is compiled.

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
        """Return the parameters, those of `build_network` that were set included.

        Parameters
        ----------
        deep : bool, default=True
            Without effect on the arguments of `build_network`.

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
            By name.

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
