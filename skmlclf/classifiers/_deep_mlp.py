"""Wide network whose logits are corrected by the labels that they predict."""

from collections.abc import Callable, Sequence
from typing import Any

from skmlclf.classifiers._base import BaseKerasClassifier
from skmlclf.classifiers._defaults import resolve_feature_groups
from skmlclf.classifiers._parameters import as_widths
from skmlclf.networks import MLPNetwork, Network
from skmlclf.training import resolve_precision


class DeepMLPClassifier(BaseKerasClassifier):
    r"""Wide network whose logits are corrected by the labels that they predict.

    Each modality is scaled to unit length, times the root of its width; features without known
    groups are batch-normalised instead. Wide blocks of Dense, BatchNormalization, activation and
    Dropout follow; the output of a block is added to its input where both have the same width [1]_.
    From the last hidden layer `h`, a first head computes logits, which are corrected one or several
    times by what the labels so far say together [2]_ [3]_:

    .. math:: z_0 = W_0 h + b, \qquad z_i = z_{i-1} + V_i \, g_i(\sqrt{\sigma(z_{i-1})}),

    where :math:`g_i` is a block of few units. While training, every :math:`z_i` has a loss of its
    own; the last one is the output. The learning rate decays to zero along a cosine.

    .. versionadded:: 0.1

    Parameters
    ----------
    hidden_units : int or sequence of int, default=2048
        Width of each block.
    label_units : int or sequence of int, default=(256, 256)
        Width of each layer that corrects the labels; ``()`` for none. A single output has none.
    activation : {"relu", "gelu", "silu", "elu", "selu", "tanh", "sigmoid"}, default="relu"
        Hidden activation.
    feature_groups : sequence of int, "auto" or None, default="auto"
        Widths of neighbouring groups of features, which the network divides by the root mean square
        of each row in each of them: modalities of any scale count alike. "auto" takes 1,024 visual
        and 128 audio features where there are 1,152, as in YouTube-8M. Without groups, the inputs
        are batch-normalised.
    dropout : float, default=0.5
        Share of the hidden units dropped while training, in [0, 1).
    input_dropout : float, default=0.2
        Share of the features dropped while training, in [0, 1).
    learning_rate : float, default=1e-3
        Step size of the optimizer. An optimizer object keeps its own, unless this is set to
        something else than the default.
    learning_rate_schedule : {"constant", "cosine", "linear"}, default="cosine"
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

    See Also
    --------
    BlockMLPClassifier : Plain blocks.

    References
    ----------
    .. [1] K. He, X. Zhang, S. Ren, J. Sun (2016). Deep Residual Learning for Image Recognition.
       CVPR.
    .. [2] J. Read, B. Pfahringer, G. Holmes, E. Frank (2011). Classifier chains for multi-label
       classification. Machine Learning 85.
    .. [3] H.-D. Wang, T. Zhang, J. Wu (2017). The Monkeytyping Solution to the YouTube-8M Video
       Understanding Challenge. arXiv:1706.05150, whose "chaining" passes predictions on.

    Examples
    --------
    >>> from skmlclf import DeepMLPClassifier
    >>> from skmlclf.datasets import make_video_embeddings
    >>> X, y = make_video_embeddings(300, n_labels=100, random_state=0)
    >>> clf = DeepMLPClassifier((64, 64), epochs=5, random_state=0).fit(X[:250], y[:250])
    >>> clf.decision_function(X[250:]).shape
    (50, 100)
    """

    def __init__(
        self,
        hidden_units: int | Sequence[int] = 2048,
        *,
        label_units: int | Sequence[int] = (256, 256),
        activation: str = "relu",
        feature_groups: Sequence[int] | str | None = "auto",
        dropout: float = 0.5,
        input_dropout: float = 0.2,
        learning_rate: float = 1e-3,
        learning_rate_schedule: str = "cosine",
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
        warm_start: bool = False,
        callbacks: Sequence[Any] | None = None,
        verbose: int = 0,
        random_state: Any = None,
    ) -> None:
        self.hidden_units = hidden_units
        self.label_units = label_units
        self.activation = activation
        self.feature_groups = feature_groups
        self.dropout = dropout
        self.input_dropout = input_dropout
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
        self.warm_start = warm_start
        self.callbacks = callbacks
        self.verbose = verbose
        self.random_state = random_state

    def _network(self, n_features: int, n_outputs: int, output: str) -> Network:
        groups = resolve_feature_groups(self.feature_groups, n_features)
        label_units = as_widths(self.label_units, "label_units")
        return MLPNetwork(
            n_features,
            n_outputs,
            output,
            hidden_units=as_widths(self.hidden_units),
            activation=self.activation,
            feature_groups=groups,
            normalize_inputs=not groups,
            batch_normalization=True,
            dropout=self.dropout > 0,
            input_dropout=self.input_dropout > 0,
            residual=True,
            # One probability has nothing to tell another.
            label_units=label_units if n_outputs > 1 else (),
            precision=resolve_precision(self.precision),
        )
