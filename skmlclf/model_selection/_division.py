"""Iterative stratification: dividing rows into parts so that each label keeps its shares.

The algorithm is that of K. Sechidis, G. Tsoumakas and I. Vlahavas, "On the stratification of
multi-label data", ECML PKDD 2011. `divide_rows` states where it differs from theirs.
"""

import heapq

import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike, NDArray

# Just below one half: it decides how shares are rounded and never outweighs a whole row.
_LARGEST_CORRECTION = 0.49
# A swap must be better than rounding errors, or two rows could be swapped back and forth for ever.
_LEAST_GAIN = 1e-6


def divide_rows(
    y: sp.csr_matrix,
    sizes: ArrayLike,
    shares: ArrayLike,
    *,
    required: ArrayLike | None = None,
    rng: np.random.RandomState | None = None,
) -> NDArray[np.intp]:
    """Divide rows into parts of given sizes so that each label has its share in every part.

    The label with the fewest rows left comes first, and each of its rows goes to the part that
    lacks the label most. A part's lack shrinks by one with every row, whichever row that is, so
    that the parts of all the label's rows are known at once: one small step per label gives what
    the paper's loop over rows gives.

    The rest differs from the paper. The parts have exactly the given sizes. Where they have
    drifted from their shares, a correction is spread over the rows that are left: below half a row,
    it breaks ties as the paper does, by size, and decides how unequal shares are rounded. Rows
    without labels are stratified as if they had a label of their own. Rows are swapped at last, so
    that required parts have every label (`spread`), and to even out what fixed sizes have cost
    (`balance`).

    Parameters
    ----------
    y : csr_matrix of shape (n_samples, n_labels)
        0/1 indicator in canonical form.
    sizes : array-like of int of shape (n_parts,)
        Rows of each part, `n_samples` in all.
    shares : array-like of float of shape (n_parts,)
        What each part should have of each label, 1 in all.
    required : array-like of int, default=None
        The parts that should each have a row of every label; None for all.
    rng : RandomState, default=None
        Orders the rows and breaks ties. With None the first row, label or part comes first.

    Returns
    -------
    ndarray of shape (n_samples,)
        The part of each row.
    """
    unlabelled = np.diff(y.indptr) == 0
    if unlabelled.any():
        y = sp.hstack([y, sp.csr_matrix(unlabelled[:, np.newaxis])], format="csr")
    sizes, shares = np.asarray(sizes), np.asarray(shares)
    all_parts = np.arange(len(sizes))
    is_required = np.isin(all_parts, all_parts if required is None else required)
    order = np.arange(y.shape[0]) if rng is None else rng.permutation(y.shape[0])
    division = _Division(y[order], sizes, shares, is_required)
    division.deal(rng)
    division.spread()
    division.balance()
    parts = np.empty_like(division.parts)
    parts[order] = division.parts
    return parts


class _Division:
    """Rows on their way into parts, and how many rows of each label each part has.

    Parameters
    ----------
    y : csr_matrix of shape (n_samples, n_labels)
    sizes : ndarray of int of shape (n_parts,)
    shares : ndarray of float of shape (n_parts,)
    required : ndarray of bool of shape (n_parts,)
    """

    def __init__(
        self,
        y: sp.csr_matrix,
        sizes: NDArray[np.int_],
        shares: NDArray[np.float64],
        required: NDArray[np.bool_],
    ) -> None:
        self.y = y.astype(np.float64)
        self.by_label = self.y.tocsc()
        self.sizes, self.shares, self.required = sizes, shares, required
        self.totals = np.diff(self.by_label.indptr).astype(np.int64)
        self.wanted = self.totals[:, np.newaxis] * shares
        self.counts = np.zeros(self.wanted.shape, dtype=np.int64)
        self.parts = np.full(y.shape[0], -1)

    def deal(self, rng: np.random.RandomState | None) -> None:
        """Give every row a part, label after label, the rarest first."""
        n_labels, n_parts = self.counts.shape
        left, room = self.totals.copy(), self.sizes.copy()
        rank = np.arange(n_labels) if rng is None else rng.permutation(n_labels)
        # A label is pushed again whenever its number of rows left changes; old entries are skipped.
        rarest = [(left[label], rank[label], label) for label in np.flatnonzero(left).tolist()]
        heapq.heapify(rarest)
        while rarest:
            n_left, _, label = heapq.heappop(rarest)
            if n_left != left[label]:
                continue
            rows = self._rows_of(label)
            rows = rows[self.parts[rows] < 0]
            tie_break = np.arange(n_parts) if rng is None else rng.permutation(n_parts)
            parts = self._parts_for(label, len(rows), room, tie_break)
            self.parts[rows] = parts
            room -= np.bincount(parts, minlength=n_parts)
            labels, indices = self._pairs_of(rows)
            np.add.at(self.counts, (labels, parts[indices]), 1)
            touched, n_dealt = np.unique(labels, return_counts=True)
            left[touched] -= n_dealt
            for other in touched[left[touched] > 0].tolist():
                heapq.heappush(rarest, (left[other], rank[other], other))

    def _parts_for(
        self, label: int, n_rows: int, room: NDArray[np.int_], tie_break: NDArray[np.int_]
    ) -> NDArray[np.intp]:
        """Choose parts for the rows left of a label, the part that lacks it most first."""
        drift = room / room.sum() - self.shares
        correction = np.clip(n_rows * drift, -_LARGEST_CORRECTION, _LARGEST_CORRECTION)
        wanted = self.wanted[label] + correction
        # What each part would lack before its first row, its second, and so on.
        available = np.minimum(room, n_rows)
        parts = np.arange(len(room)).repeat(available)
        nth = np.arange(len(parts)) - (available.cumsum() - available).repeat(available)
        lack = wanted[parts] - (self.counts[label][parts] + nth)
        return parts[np.lexsort((tie_break[parts], -lack))[:n_rows]]

    def spread(self) -> None:
        """Swap rows so that labels come into required parts that have none of them.

        Where not every label can come in, a part takes at most half of its rows for this: with
        more, it would hold the rarest labels and little else.
        """
        before = self.parts.copy(), self.counts.copy()
        if not self._spread(self.sizes):
            self.parts, self.counts = before
            self._spread(self.sizes // 2)

    def _spread(self, limits: NDArray[np.int_]) -> bool:
        """Swap at most so many rows into each part; say whether every label has come in.

        Commoner labels come first, because they are the nearest to their shares. A swap takes no
        other label out of a part; where there is no such swap, it may take out rarer labels that
        stay in two parts at least.
        """
        has_spare = self._is_spare(self.counts).any(axis=1, keepdims=True)
        labels, parts = np.nonzero((self.counts == 0) & self.required & has_spare)
        rarest_first = np.argsort(self.totals[labels], kind="stable")
        missing = list(zip(labels[rarest_first], parts[rarest_first], strict=True))
        n_swaps = np.zeros(len(self.sizes), dtype=np.int64)
        complete = True
        while missing:
            label, part = missing.pop()
            sources = np.flatnonzero(self._is_spare(self.counts[label]))
            if self.counts[label, part] or not len(sources):
                continue
            lost = None
            if n_swaps[part] < limits[part]:
                lost = self._swap(label, sources, part)
                if lost is None:
                    lost = self._swap(label, sources, part, may_lose_rarer=True)
            if lost is not None:
                n_swaps[part] += 1
                missing += lost
                continue
            complete = False
            if n_swaps[part] > self.sizes[part] // 2:  # too many for an incomplete result
                break
        return complete

    def balance(self) -> None:
        """Swap rows where a part has too many rows of a label and another one too few.

        A swap takes no label out of a part and brings the counts of all labels nearer to what is
        wanted, in the sum of squares.
        """
        uneven = np.flatnonzero(np.ptp(self.wanted - self.counts, axis=1) > 1)
        for label in uneven[np.argsort(-self.totals[uneven], kind="stable")]:
            lost: list[tuple[int, int]] | None = []
            while lost is not None:
                lack = self.wanted[label] - self.counts[label]
                if np.ptp(lack) <= 1:
                    break
                sources = lack.argmin(keepdims=True)
                lost = self._swap(label, sources, lack.argmax(), least_gain=_LEAST_GAIN)

    def _swap(
        self,
        label: int,
        sources: NDArray[np.int_],
        part: int,
        *,
        may_lose_rarer: bool = False,
        least_gain: float = -np.inf,
    ) -> list[tuple[int, int]] | None:
        """Bring a row of a label into a part and take another row out, the best for all labels.

        Parameters
        ----------
        label : int
        sources : ndarray of int
            The parts that the row may come from.
        part : int
            The part that it goes to.
        may_lose_rarer : bool, default=False
            Whether the row may be the last of its part for rarer labels in three parts or more.
        least_gain : float, default=-inf
            How much smaller the sum of squared lacks must become, halved.

        Returns
        -------
        list of tuple of int, or None
            Labels that have left a required part, and the part; None if there was no such swap.
        """
        rows = self._rows_of(label)
        may_be_lost = np.zeros(len(self.totals), dtype=bool)
        if may_lose_rarer:
            may_be_lost = (self.totals < self.totals[label]) & ((self.counts > 0).sum(axis=1) > 2)
        lack = self.wanted - self.counts
        best, swap = least_gain, None
        for source in sources:
            # A row's move from source to part lowers the sum of squared lacks by this, halved.
            pull = lack[:, part] - lack[:, source]
            barred = self._would_be_lost(source, part) & ~may_be_lost
            coming = rows[self.parts[rows] == source]
            labels, indices = self._pairs_of(coming)
            gain_of_coming = np.bincount(indices, np.where(barred, -np.inf, pull - 1)[labels])
            if np.isneginf(gain_of_coming).all():
                continue
            barred = self._would_be_lost(part, source)
            gain_of_going = self.y @ np.where(barred, -np.inf, -pull - 1)
            gain_of_going[self.parts != part] = -np.inf
            gain = gain_of_coming.max() + gain_of_going.max()
            if gain > best:
                best, swap = gain, (coming[gain_of_coming.argmax()], gain_of_going.argmax())
        if swap is None:
            return None
        arriving, leaving = swap
        source = self.parts[arriving]
        labels = self._move(arriving, part)
        self._move(leaving, source)
        if not self.required[source]:
            return []
        return [(other, source) for other in labels[self.counts[labels, source] == 0]]

    def _is_spare(self, counts: NDArray[np.int_]) -> NDArray[np.bool_]:
        """Say where there is a row of a label that its part can spare."""
        spare: NDArray[np.bool_] = (counts >= 2) | ((counts == 1) & ~self.required)
        return spare

    def _would_be_lost(self, source: int, part: int) -> NDArray[np.bool_]:
        """Say which labels are in one required part less when a row goes from source to part."""
        lost: NDArray[np.bool_] = (self.counts[:, source] == 1) & self.required[source]
        if self.required[part]:
            lost &= self.counts[:, part] > 0
        return lost

    def _move(self, row: int, part: int) -> NDArray[np.int_]:
        labels, _ = self._pairs_of(np.array([row]))
        self.counts[labels, self.parts[row]] -= 1
        self.counts[labels, part] += 1
        self.parts[row] = part
        return labels

    def _rows_of(self, label: int) -> NDArray[np.int_]:
        rows: NDArray[np.int_] = self.by_label.indices[slice(*self.by_label.indptr[label:][:2])]
        return rows

    def _pairs_of(self, rows: NDArray[np.int_]) -> tuple[NDArray[np.int_], NDArray[np.int_]]:
        """Return the labels of some rows, and for each the index of its row in `rows`."""
        starts = self.y.indptr[rows]
        n_labels = self.y.indptr[rows + 1] - starts
        ends = n_labels.cumsum()
        indices = np.arange(len(rows)).repeat(n_labels)
        entries = np.arange(len(indices)) + (starts - ends + n_labels)[indices]
        return self.y.indices[entries], indices
