"""Learning-rate schedules by name."""

from collections.abc import Callable

import numpy as np

SCHEDULES = ("constant", "cosine", "linear")


def make_schedule(name: str, n_steps: int, n_warmup: int = 0) -> Callable[[np.ndarray], np.ndarray]:
    r"""Return the factors of the learning rate over a fit.

    Parameters
    ----------
    name : {"constant", "cosine", "linear"}
        After the warm-up the factor stays 1, falls as :math:`(1 + \cos \pi t) / 2` [1]_, or falls
        as :math:`1 - t`, where `t` goes from 0 to 1 over the steps that are left.
    n_steps : int
        Steps of the whole fit.
    n_warmup : int, default=0
        Steps over which the factor rises to 1 in equal parts.

    Returns
    -------
    callable
        From step numbers, counted from 0, to factors.

    References
    ----------
    .. [1] I. Loshchilov, F. Hutter (2017). SGDR: Stochastic Gradient Descent with Warm Restarts.
       ICLR.

    Examples
    --------
    >>> import numpy as np
    >>> from skmlclf.training import make_schedule
    >>> make_schedule("linear", n_steps=6, n_warmup=2)(np.arange(6))
    array([0.5 , 1.  , 1.  , 0.75, 0.5 , 0.25])
    """

    def factors(steps: np.ndarray) -> np.ndarray:
        t = (steps - n_warmup) / max(1, n_steps - n_warmup)
        fall = {
            "constant": np.ones(len(steps)),
            "cosine": (1 + np.cos(np.pi * t)) / 2,
            "linear": 1 - t,
        }[name]
        return np.where(steps < n_warmup, (steps + 1) / max(1, n_warmup), fall)

    return factors
