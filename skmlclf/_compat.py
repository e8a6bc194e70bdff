"""The one door to private or versioned names of scikit-learn, scikeras and Keras.

The rest of the package imports such names from here, so that a new release of theirs is met in one
file.
"""

import contextlib
from collections.abc import Iterator
from typing import Any

from sklearn.base import _fit_context
from sklearn.metrics._scorer import _BaseScorer as BaseScorer
    "validate_shuffle_split",
