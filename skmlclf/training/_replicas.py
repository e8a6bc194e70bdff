"""Variables where a network may have several replicas."""

from typing import Any

import tensorflow as tf


def local_variable(variable: Any) -> Any:
    """Return the part of a variable that lies on this replica.

    Parameters
    ----------
    variable : tf.Variable or tf.distribute.DistributedValues
        A model made inside the scope of a distribution strategy has the latter.

    Returns
    -------
    tf.Variable

    Raises
    ------
    ValueError
        If the strategy has several replicas, of which only one would be trained.
    """
    if not isinstance(variable, tf.distribute.DistributedValues):
        return variable
    parts = tf.distribute.get_strategy().experimental_local_results(variable)
    if len(parts) != 1:
        raise ValueError(
            f"The model was built for {len(parts)} replicas, by a strategy of tf.distribute, and"
            " this fit runs on one: call fit outside strategy.scope()."
        )
    return parts[0]
