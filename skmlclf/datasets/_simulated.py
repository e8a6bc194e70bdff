"""Simulated video and audio embeddings, with thousands of labels."""

from dataclasses import dataclass
from numbers import Integral, Real

import numpy as np
from scipy.sparse import csr_matrix, vstack

from skmlclf._compat import Interval, validate_params

# Fitted to the video-level records of YouTube-8M's 2018 release.
_RANK_OFFSET, _RANK_EXPONENT, _RANK_CUTOFF = 1.5, 1.03, 0.75  # see the Notes below
_COUNT_SHAPE = 2  # labels of a row: 1 + a negative binomial of this shape
_LARGEST = 2.0  # features are quantised between -2 and 2

# Chosen: how strongly labels, topics and features depend on each other.
_LARGEST_PART = 0.5  # no label is in more than this fraction of the videos of a topic
_OFF_TOPIC = 0.05  # fraction of the labels that are drawn from all topics
_LATENT_SIZE = 128  # dimensions of the latent space of topics and labels
_LABEL_WEIGHT = 0.7  # of the labels' latent vectors; that of the topic's is 1
_BLOCK = 256  # rows drawn at a time


@dataclass(frozen=True)
class _Modality:
    """The scales of a modality's features, and how much they depend on topics and labels."""

    floor: float  # standard deviation of column j: floor + rise / (1 + j / decay)
    rise: float
    decay: float
    row_spread: float  # standard deviation of the logarithm of a row's scale
    share: float  # fraction of the variance that depends on topic and labels, at signal 1
    silent: float  # fraction of the videos in which none of it does


_VIDEO = _Modality(floor=0.40, rise=0.33, decay=62.0, row_spread=0.38, share=0.8, silent=0.1)
_AUDIO = _Modality(floor=0.52, rise=0.36, decay=40.0, row_spread=0.28, share=0.7, silent=0.3)


@validate_params(
    {
        "n_samples": [Interval(Integral, 1, None, closed="left")],
        "n_labels": [Interval(Integral, 1, None, closed="left")],
        "n_video": [Interval(Integral, 1, None, closed="left")],
        "n_audio": [Interval(Integral, 0, None, closed="left")],
        "n_topics": [Interval(Integral, 1, None, closed="left")],
        "labels_per_sample": [Interval(Real, 1, None, closed="left")],
        "signal": [Interval(Real, 0, 1, closed="both")],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def make_video_embeddings(
    n_samples: int = 1000,
    *,
    n_labels: int = 4800,
    n_video: int = 1024,
    n_audio: int = 128,
    n_topics: int = 40,
    labels_per_sample: float = 3.0,
    signal: float = 1.0,
    random_state: int | np.random.RandomState | None = None,
) -> tuple[np.ndarray, csr_matrix]:
    r"""Simulate video and audio embeddings with long-tailed labels.

    Each video has one of `n_topics` topics. The topic determines which labels are likely, and topic
    and labels together determine the means of the visual and the audio features. Label frequencies,
    labels per video and the scales of the features follow YouTube-8M [1]_.

    .. versionadded:: 0.1

    Parameters
    ----------
    n_samples : int, default=1000
        Number of videos. Asking for more adds rows and leaves the first ones as they are.
    n_labels : int, default=4800
        Number of labels. Label 0 is the most frequent, label 1 the next, and so on.
    n_video : int, default=1024
        Number of visual features, which are the first columns of `X`.
    n_audio : int, default=128
        Number of audio features, which are the last columns of `X`.
    n_topics : int, default=40
        Number of topics, all equally frequent. No more topics than labels are used.
    labels_per_sample : float, default=3.0
        Mean number of labels per video, from 1 to `n_labels`. Each video has at least one.
    signal : float, default=1.0
        How much the features depend on the labels, from 0, where they are independent noise,
        to 1. The features have the same scales at every `signal`.
    random_state : int, RandomState instance or None, default=None
        Determines the data. Pass an int for the same data in every call. `None` gives other data
        in every call; NumPy's global generator is neither used nor changed.

    Returns
    -------
    X : ndarray of shape (n_samples, n_video + n_audio), dtype float32
        Features, C-contiguous, between -2 and 2.
    y : csr_matrix of shape (n_samples, n_labels), dtype int64
        1 where a video has a label, else 0.

    Raises
    ------
    ValueError
        If a parameter is out of its range, or `labels_per_sample` is larger than `n_labels`.

    See Also
    --------
    load_tfrecords : Load real video-level records.

    Notes
    -----
    The label of rank :math:`r` occurs with a frequency proportional to

    .. math:: (r + 1.5)^{-1.03} \exp\left(-\frac{r}{0.75\, n_{labels}}\right),

    a Zipf-Mandelbrot law [2]_ with a cut-off. A video has :math:`1 + N` labels, where :math:`N` is
    negative binomial with shape 2. Both were fitted to 31,100 videos of YouTube-8M. The law is
    flatter where labels are so few that one of them would be in more than half of the videos of a
    topic.

    Each topic and each label has a vector in a latent space of 128 dimensions. A video's latent
    vector is that of its topic plus 0.7 times the mean of its labels' vectors, scaled to keep its
    variance. The features of each modality are a random linear map of it plus white noise: the map
    makes up 80% of the variance of the visual features and 70% of that of the audio features. In
    10% of the videos the visual features are noise alone, and in 30% the audio features are, so
    that each modality is informative where the other is not. The part that is not noise is
    multiplied by `signal`, and noise is added so that the total variance stays the same. As in
    YouTube-8M, videos differ in the scale of their features, the first columns of each modality are
    the largest, and values are clipped to [-2, 2].

    References
    ----------
    .. [1] S. Abu-El-Haija, N. Kothari, J. Lee, P. Natsev, G. Toderici, B. Varadarajan and
       S. Vijayanarasimhan, "YouTube-8M: A Large-Scale Video Classification Benchmark", 2016.
       https://arxiv.org/abs/1609.08675
    .. [2] B. Mandelbrot, "An informational theory of the statistical structure of language",
       in: Communication Theory, 1953.

    Examples
    --------
    >>> from skmlclf.datasets import make_video_embeddings
    >>> X, y = make_video_embeddings(random_state=0)
    >>> X.shape, y.shape
    ((1000, 1152), (1000, 4800))
    >>> y.format, y.dtype, int(y.sum(axis=1).min())
    ('csr', dtype('int64'), 1)
    """
    if labels_per_sample > n_labels:
        raise ValueError(
            f"Expected labels_per_sample to be at most n_labels, which is {n_labels}. Received "
            f"{labels_per_sample}. Lower labels_per_sample, or raise n_labels."
        )
    world_seed, rows_seed = _seed(random_state).spawn(2)
    world = _World(
        np.random.default_rng(world_seed),
        widths={_VIDEO: n_video, _AUDIO: n_audio},
        n_labels=n_labels,
        n_topics=min(n_topics, n_labels),
        labels_per_sample=labels_per_sample,
    )
    X = np.empty((int(n_samples), n_video + n_audio), dtype=np.float32)
    y_blocks = []
    starts = range(0, n_samples, _BLOCK)
    # Each block has its own generator and is drawn whole: that keeps the first rows the same
    # whatever n_samples is.
    for start, seed in zip(starts, rows_seed.spawn(len(starts)), strict=True):
        X_block, y_block = world.draw(np.random.default_rng(seed), signal)
        rows = X[start : start + _BLOCK]
        rows[:] = X_block[: len(rows)]
        y_blocks.append(y_block[: len(rows)])
    return X, vstack(y_blocks, format="csr").astype(np.int64)


def _seed(random_state: int | np.random.RandomState | None) -> np.random.SeedSequence:
    """Turn `random_state` into a seed without the use of NumPy's global generator."""
    if isinstance(random_state, np.random.RandomState):
        return np.random.SeedSequence(random_state.randint(2**32, size=4, dtype=np.uint32).tolist())
    return np.random.SeedSequence(None if random_state is None else int(random_state))


def _assign_labels(
    n_labels: int, n_topics: int, labels_per_sample: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Assign labels to topics so that each label gets its frequency, and topics equal counts.

    Returns arrays of topics, labels, and the fraction of the topic's videos that have the label,
    sorted by topic.
    """
    rank = np.arange(1, n_labels + 1)
    frequency = (rank + _RANK_OFFSET) ** -_RANK_EXPONENT * np.exp(-rank / (_RANK_CUTOFF * n_labels))
    frequency *= labels_per_sample / frequency.sum()
    room = np.full(n_topics, labels_per_sample)
    assigned = []
    for label, missing in enumerate(frequency * n_topics):
        for topic in np.argsort(-room, kind="stable"):
            part = min(missing, _LARGEST_PART)
            assigned.append((topic, label, part))
            room[topic] -= part
            missing -= part
            if missing <= 0:
                break
    topics, labels, parts = map(np.array, zip(*sorted(assigned), strict=True))
    return topics, labels, parts


class _World:
    """What all videos share: the labels of each topic, the latent vectors and the linear maps."""

    def __init__(
        self,
        rng: np.random.Generator,
        *,
        widths: dict[_Modality, int],
        n_labels: int,
        n_topics: int,
        labels_per_sample: float,
    ) -> None:
        self.n_labels, self.n_topics, self.widths = n_labels, n_topics, widths
        self.count_p = _COUNT_SHAPE / (_COUNT_SHAPE + labels_per_sample - 1)

        topics, self.slot_label, parts = _assign_labels(n_labels, n_topics, labels_per_sample)
        # Labels are drawn until a row has its number of them. As that number is negative binomial,
        # a label of this weight ends up in about the wanted fraction of the topic's rows.
        weights = (1 - parts) ** (-1 / _COUNT_SHAPE) - 1
        self.slot_end = np.cumsum(weights)
        last = np.searchsorted(topics, np.arange(n_topics), side="right") - 1
        self.topic_end = self.slot_end[last]
        self.topic_start = np.concatenate([[0.0], self.topic_end[:-1]])

        self.topic_vector = rng.standard_normal((n_topics, _LATENT_SIZE), dtype=np.float32)
        self.topic_vector -= self.topic_vector.mean(axis=0)
        self.label_vector = rng.standard_normal((n_labels, _LATENT_SIZE), dtype=np.float32)
        self.maps = {}
        for modality, width in widths.items():
            weight = rng.standard_normal((_LATENT_SIZE, width), dtype=np.float32)
            self.maps[modality] = weight / np.linalg.norm(weight, axis=0)

    def draw(self, rng: np.random.Generator, signal: float) -> tuple[np.ndarray, csr_matrix]:
        """Draw a block of rows."""
        topic = rng.integers(self.n_topics, size=_BLOCK)
        y = self._draw_labels(rng, topic)
        of_labels = (y @ self.label_vector) / np.sqrt(np.diff(y.indptr), dtype=np.float32)[:, None]
        latent = self.topic_vector[topic] + np.float32(_LABEL_WEIGHT) * of_labels
        latent /= np.sqrt(1 + _LABEL_WEIGHT**2, dtype=np.float32)
        loudness = rng.standard_normal(_BLOCK)
        X = [self._draw_features(rng, m, latent, loudness, signal) for m in self.widths]
        return np.hstack(X), y

    def _draw_labels(self, rng: np.random.Generator, topic: np.ndarray) -> csr_matrix:
        count = 1 + rng.negative_binomial(_COUNT_SHAPE, self.count_p, size=_BLOCK)
        row = np.repeat(np.arange(_BLOCK), np.minimum(count, self.n_labels))
        label = self._draw_label(rng, topic[row])
        for _ in range(30):
            again = np.ones(len(row), dtype=bool)
            again[np.unique(row * self.n_labels + label, return_index=True)[1]] = False
            if not again.any():
                break
            label[again] = self._draw_label(rng, topic[row[again]])
        else:  # drawing nearly all labels of the data set would take long to meet the rare ones
            for one in np.unique(row[again]):
                mine = row == one
                have = np.unique(label[mine])
                others = np.setdiff1d(np.arange(self.n_labels), have)
                more = rng.choice(others, mine.sum() - len(have), replace=False)
                label[mine] = np.concatenate([have, more])
        y = csr_matrix((np.ones(len(row), np.float32), (row, label)), (_BLOCK, self.n_labels))
        y.sort_indices()
        return y

    def _draw_label(self, rng: np.random.Generator, topic: np.ndarray) -> np.ndarray:
        """Draw a label for each entry of `topic`, from that topic or at times from any."""
        anywhere = rng.random(len(topic)) < _OFF_TOPIC
        start = np.where(anywhere, 0.0, self.topic_start[topic])
        end = np.where(anywhere, self.topic_end[-1], self.topic_end[topic])
        slot = np.searchsorted(self.slot_end, rng.uniform(start, end), side="right")
        return self.slot_label[np.minimum(slot, len(self.slot_label) - 1)]

    def _draw_features(
        self,
        rng: np.random.Generator,
        modality: _Modality,
        latent: np.ndarray,
        loudness: np.ndarray,
        signal: float,
    ) -> np.ndarray:
        width = self.widths[modality]
        informative = rng.random((_BLOCK, 1)) >= modality.silent
        share = (informative * modality.share * signal**2).astype(np.float32)
        X = rng.standard_normal((_BLOCK, width), dtype=np.float32)
        X *= np.sqrt(1 - share)
        X += (np.sqrt(share) * latent) @ self.maps[modality]

        # The scales of a video's two modalities are correlated; their mean square is 1.
        log_scale = modality.row_spread * (0.6 * loudness + 0.8 * rng.standard_normal(_BLOCK))
        X *= np.exp(log_scale - modality.row_spread**2).astype(np.float32)[:, None]
        column = np.arange(width)
        X *= (modality.floor + modality.rise / (1 + column / modality.decay)).astype(np.float32)
        return X.clip(-_LARGEST, _LARGEST, out=X)
