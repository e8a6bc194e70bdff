"""Simulated video and audio embeddings with thousands of labels."""

from dataclasses import dataclass
from numbers import Integral, Real

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.utils import check_random_state

from skmlclf._compat import Interval, validate_params

# The figures below were fitted to the video-level features of YouTube-8M (2018).
_LABEL_RANK_OFFSET, _LABEL_EXPONENT, _LABEL_CUTOFF = 1.5, 1.03, 0.75
_LABELS_DISPERSION = 2.0  # labels of a row: 1 + a negative binomial with this shape
_MAX_ABS = 2.0  # YouTube-8M's features are quantised between -2 and 2

# The figures below are choices: how tightly labels, features and topics belong together.
_N_LATENT = 64  # dimensions behind the features
_TOPIC_EXPONENT = 0.0  # topic sizes fall with this power of their rank
_MAIN_TOPIC = (0.9, 1.0)  # range of the main topic's part in a video; a second one has the rest
_BACKGROUND = 0.02  # chance of a label that comes from any topic
_MAX_IN_TOPIC = 0.5  # a label is in no more than this part of a topic's videos
_LABEL_SPREAD = 0.7  # how far labels lie from their topics, which lie 1 from the centre
_BLOCK = 256  # rows drawn at a time; the rows do not depend on how many are drawn


@dataclass(frozen=True)
class _Modality:
    """How the columns of a modality are scaled, and how much of them tells of the latent space."""

    floor: float  # standard deviation of column j: floor + rise / (1 + j / decay)
    rise: float
    decay: float
    row_spread: float  # of the logarithm of a row's scale
    share: float  # part of the variance that comes from the latent space, at signal 1
    silent: float  # part of the videos in which the modality tells nothing of the latent space


_VIDEO = _Modality(0.40, 0.33, 62.0, row_spread=0.38, share=0.7, silent=0.1)
_AUDIO = _Modality(0.52, 0.36, 40.0, row_spread=0.27, share=0.5, silent=0.3)


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
    """Simulate embeddings of videos and their sound, with long-tailed labels."""
    if labels_per_sample > n_labels:
        raise ValueError(
            f"Expected labels_per_sample to be at most n_labels, {n_labels}. Received "
            f"{labels_per_sample}. Ask for fewer labels a sample, or for more labels."
        )
    entropy = _entropy(random_state)
    world = _World(
        np.random.default_rng(np.random.SeedSequence(entropy, spawn_key=(0,))),
        n_labels=n_labels,
        n_topics=n_topics,
        labels_per_sample=labels_per_sample,
        widths={_VIDEO: n_video, _AUDIO: n_audio},
    )
    X = np.empty((n_samples, n_video + n_audio), dtype=np.float32)
    owners, labels = [], []
    for block, start in enumerate(range(0, n_samples, _BLOCK)):
        rng = np.random.default_rng(np.random.SeedSequence(entropy, spawn_key=(1, block)))
        features, owner, label = world.draw(rng, signal)
        rows = X[start : start + _BLOCK]
        rows[:] = features[: len(rows)]
        kept = owner < len(rows)
        owners.append(owner[kept] + start)
        labels.append(label[kept])
    owner, label = np.concatenate(owners), np.concatenate(labels)
    y = csr_matrix(
        (np.ones(len(label), dtype=np.uint8), (owner, label)), shape=(n_samples, n_labels)
    )
    y.sort_indices()
    return X, y


def _entropy(random_state: int | np.random.RandomState | None) -> int | list[int] | None:
    """Turn `random_state` into a seed, without touching NumPy's global generator."""
    if random_state is None:
        return np.random.SeedSequence().entropy  # type: ignore[return-value]
    if isinstance(random_state, Integral):
        return int(random_state)
    return check_random_state(random_state).randint(2**32, size=4, dtype=np.uint32).tolist()


class _World:
    """What videos and labels have in common: topics, and a latent space in which they lie."""

    def __init__(
        self,
        rng: np.random.Generator,
        *,
        n_labels: int,
        n_topics: int,
        labels_per_sample: float,
        widths: dict[_Modality, int],
    ) -> None:
        self.n_labels, self.labels_per_sample, self.widths = n_labels, labels_per_sample, widths
        self._place_labels(rng, n_topics)
        centres = rng.standard_normal((n_topics, _N_LATENT), dtype=np.float32)
        centres -= self.topic_share @ centres
        self.centres = centres / np.sqrt(self.topic_share @ (centres**2).mean(axis=1) + 1e-12)
        self.offsets = rng.standard_normal((n_labels, _N_LATENT), dtype=np.float32)
        self.loadings = {}
        for modality, width in widths.items():
            loadings = rng.standard_normal((_N_LATENT, width), dtype=np.float32)
            self.loadings[modality] = loadings / np.linalg.norm(loadings, axis=0)

    def _place_labels(self, rng: np.random.Generator, n_topics: int) -> None:
        """Give each label a topic, the commonest ones several, so that all get their frequency."""
        rank = np.arange(1, self.n_labels + 1)
        frequency = (rank + _LABEL_RANK_OFFSET) ** -_LABEL_EXPONENT
        frequency *= np.exp(-rank / (_LABEL_CUTOFF * self.n_labels))
        frequency *= self.labels_per_sample / frequency.sum()
        share = np.arange(1, n_topics + 1) ** -_TOPIC_EXPONENT
        share /= share.sum()

        room = share * self.labels_per_sample
        race = rng.standard_exponential((self.n_labels, n_topics))
        placed = []
        for label, missing in enumerate(frequency):
            for topic in np.argsort(race[label] / room):
                part = min(missing, _MAX_IN_TOPIC * share[topic])
                placed.append((topic, label, part))
                room[topic] = max(room[topic] - part, 1e-9)
                missing -= part
                if missing <= 0:
                    break
        topics, labels, parts = (np.array(column) for column in zip(*placed, strict=True))
        order = np.argsort(topics, kind="stable")
        topics, labels, parts = topics[order], labels[order], parts[order]
        self.topic_share = np.bincount(topics, parts, n_topics).astype(np.float32)
        self.topic_share /= self.topic_share.sum()
        # A label's weight is such that drawing until a row has its labels, of which the number is
        # about negative binomial, leaves the label in the wanted part of the topic's rows.
        weights = (1 - parts / share[topics]) ** (-1 / _LABELS_DISPERSION) - 1
        self.entry_label = labels
        self.entry_end = np.cumsum(weights)
        self.topic_end = self.entry_end[np.searchsorted(topics, np.arange(n_topics), "right") - 1]
        self.topic_start = np.concatenate([[0.0], self.topic_end[:-1]])

    def draw(
        self, rng: np.random.Generator, signal: float
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Draw a block of rows: features, and the rows and ids of their labels."""
        topics = rng.choice(len(self.topic_share), p=self._topic_p, size=(_BLOCK, 2))
        main = rng.uniform(*_MAIN_TOPIC, size=_BLOCK)
        owner, label = self._draw_labels(rng, topics, main)
        weight = np.stack([main, 1 - main], axis=1).astype(np.float32)
        latent = np.einsum("rt,rtd->rd", weight, self.centres[topics])
        own = np.zeros_like(latent)
        np.add.at(own, owner, self.offsets[label])
        latent += _LABEL_SPREAD * own / np.sqrt(np.bincount(owner))[:, None]
        latent /= np.sqrt(1 + _LABEL_SPREAD**2, dtype=np.float32)
        common = rng.standard_normal(_BLOCK, dtype=np.float32)
        features = [
            self._draw_features(rng, modality, latent, common, signal) for modality in self.widths
        ]
        return np.hstack(features), owner, label

    @property
    def _topic_p(self) -> np.ndarray:
        p = self.topic_share.astype(float)
        return p / p.sum()

    def _draw_labels(
        self, rng: np.random.Generator, topics: np.ndarray, main: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        mean_beyond_one = self.labels_per_sample - 1
        p = _LABELS_DISPERSION / (_LABELS_DISPERSION + mean_beyond_one)
        count = 1 + rng.negative_binomial(_LABELS_DISPERSION, p, size=_BLOCK)
        owner = np.repeat(np.arange(_BLOCK), np.minimum(count, self.n_labels))

        def draw(owner: np.ndarray) -> np.ndarray:
            second, place = (
                (rng.random(len(owner)) > main[owner]).astype(int),
                rng.random(len(owner)),
            )
            topic = topics[owner, second]
            start, end = self.topic_start[topic], self.topic_end[topic]
            anywhere = rng.random(len(owner)) < _BACKGROUND
            place = np.where(anywhere, place * self.entry_end[-1], start + place * (end - start))
            entry = np.searchsorted(self.entry_end, place, side="right")
            return self.entry_label[np.minimum(entry, len(self.entry_label) - 1)]

        label = draw(owner)
        for _ in range(30):
            again = np.ones(len(owner), dtype=bool)
            again[np.unique(owner * self.n_labels + label, return_index=True)[1]] = False
            if not again.any():
                return owner, label
            label[again] = draw(owner[again])
        # The few rows that want nearly all that their topics have take what they lack from anywhere.
        for row in np.unique(owner[again]):
            mine = owner == row
            have = np.unique(label[mine])
            lack = np.setdiff1d(np.arange(self.n_labels), have)
            label[mine] = np.concatenate(
                [have, rng.choice(lack, mine.sum() - len(have), replace=False)]
            )
        return owner, label

    def _draw_features(
        self,
        rng: np.random.Generator,
        modality: _Modality,
        latent: np.ndarray,
        common: np.ndarray,
        signal: float,
    ) -> np.ndarray:
        loadings = self.loadings[modality]
        column = np.arange(loadings.shape[1])
        scale = modality.floor + modality.rise / (1 + column / modality.decay)
        seen = latent * (rng.random((_BLOCK, 1), dtype=np.float32) >= modality.silent)
        share = modality.share * signal**2
        features = rng.standard_normal((_BLOCK, loadings.shape[1]), dtype=np.float32)
        features *= np.float32(np.sqrt(1 - share))
        features += np.float32(np.sqrt(share / (1 - modality.silent))) * (seen @ loadings)
        spread = 0.6 * common + 0.8 * rng.standard_normal(_BLOCK, dtype=np.float32)
        row = np.exp(modality.row_spread * spread - modality.row_spread**2)
        features *= row[:, None]
        features *= scale.astype(np.float32)
        return features.clip(-_MAX_ABS, _MAX_ABS, out=features)
