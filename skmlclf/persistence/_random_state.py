"""The state of NumPy's generators as plain values."""

from typing import Any

import numpy as np

from skmlclf.persistence._checks import check_array, check_fields

_LENGTH = 624


def random_state_to_plain(generator: np.random.RandomState) -> dict[str, Any]:
    """Return the state of a generator.

    Parameters
    ----------
    generator : RandomState
        Of the Mersenne Twister, which is NumPy's default.

    Returns
    -------
    dict of str to plain values

    Raises
    ------
    ValueError
        If it runs on another bit generator.
    """
    state = generator.get_state(legacy=False)
    if state["bit_generator"] != "MT19937":
        raise ValueError(
            f"A RandomState of {state['bit_generator']} cannot be written: use one of MT19937, as"
            " np.random.RandomState(seed) is."
        )
    return {
        "key": state["state"]["key"],
        "pos": int(state["state"]["pos"]),
        "has_gauss": int(state["has_gauss"]),
        "gauss": float(state["gauss"]),
    }


def random_state_from_plain(state: Any) -> np.random.RandomState:
    """Return a generator of a state.

    Parameters
    ----------
    state : dict
        As `random_state_to_plain` returns it.

    Returns
    -------
    RandomState

    Raises
    ------
    ValueError
        If the state is no such one.
    """
    check_fields(
        state,
        {"key": np.ndarray, "pos": int, "has_gauss": int, "gauss": float},
        "a generator's state",
    )
    check_array(state["key"], (_LENGTH,), "u", "a generator's key")
    # NumPy reads whatever stands at this index.
    if not (0 <= state["pos"] <= _LENGTH and state["has_gauss"] in (0, 1)):
        raise ValueError(f"a generator's index must be 0 to {_LENGTH}, got {state['pos']}")
    generator = np.random.RandomState(0)
    generator.set_state(
        {
            "bit_generator": "MT19937",
            "state": {"key": state["key"].astype(np.uint32), "pos": state["pos"]},
            "has_gauss": state["has_gauss"],
            "gauss": state["gauss"],
        }
    )
    return generator
