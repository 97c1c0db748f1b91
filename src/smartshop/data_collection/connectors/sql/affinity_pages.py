"""What has to change in the table of affinities so that it holds what is wanted: compared page by page, in its order.

An affinity is one uint64 here: 24 bits of subject number, 26 of customer number, 14 of strength in ten-thousandths.
Twenty million of them take 160 MB and sort in place.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from smartshop.data_collection.connectors.sql.bulk import ask
from smartshop.data_collection.connectors.sql.engine import Database

Keys = NDArray[np.uint64]
"""(n,): one affinity each."""
Changes = NDArray[np.int64]
"""(n, 4): subject number, customer number, strength wanted (`GONE`: none), and 1 where the table holds the pair."""

GONE = -1
_CUSTOMER_BITS = 26
_STRENGTH_BITS = np.uint64(14)
_SUBJECT_SHIFT = np.uint64(40)
_CUSTOMER_MASK = np.uint64((1 << _CUSTOMER_BITS) - 1)
_STRENGTH_MASK = np.uint64((1 << 14) - 1)
# Below the greatest, so that the pair behind it still fits.
_LAST_PAIR = np.uint64((1 << 50) - 2)
_PACKED = np.dtype([("subject", "<u4"), ("strength", "<u2")])
_PAGE = (
    "SELECT subject_no, customer_no, strength FROM affinities WHERE (subject_no, customer_no) > (?, ?)"
    " ORDER BY subject_no, customer_no LIMIT ?"
)


def affinity_keys(packed: Sequence[tuple[int, bytes]]) -> Keys:
    """Keys of customers' affinities, given as (customer number, packed affinities)."""
    leanings = np.frombuffer(b"".join([each for _, each in packed]), dtype=_PACKED)
    counts = [len(each) // _PACKED.itemsize for _, each in packed]
    customers = np.repeat(np.array([number for number, _ in packed], dtype=np.uint64), counts)
    return _keys(leanings["subject"].astype(np.uint64), customers, leanings["strength"].astype(np.uint64))


def _keys(subjects: Keys, customers: Keys, strengths: Keys) -> Keys:
    return (subjects << _SUBJECT_SHIFT) | (customers << _STRENGTH_BITS) | strengths


def affinity_changes(database: Database, wanted: Keys, at_once: int) -> Iterator[Changes]:
    """What turns the table into `wanted` (sorted), in the table's order, from at most 2 × `at_once` rows at a time."""
    position = 0
    after = np.uint64(0)
    while after != _LAST_PAIR:
        present = _present(database, after, at_once)
        after = present[-1] >> _STRENGTH_BITS if len(present) == at_once else _LAST_PAIR
        if position + at_once < len(wanted):
            after = min(after, wanted[position + at_once - 1] >> _STRENGTH_BITS)
        beyond = (after + np.uint64(1)) << _STRENGTH_BITS
        end = int(np.searchsorted(wanted, beyond))
        yield _difference(present[present < beyond], wanted[position:end])
        position = end


def _present(database: Database, after: np.uint64, at_once: int) -> Keys:
    pair = int(after)
    with database.read() as connection:
        rows = ask(connection, _PAGE, pair >> _CUSTOMER_BITS, pair & ((1 << _CUSTOMER_BITS) - 1), at_once)
    columns = np.array(rows, dtype=np.uint64).reshape(-1, 3)
    return _keys(columns[:, 0], columns[:, 1], columns[:, 2])


def _difference(present: Keys, wanted: Keys) -> Changes:
    """By subject and customer."""
    present_pairs, wanted_pairs = present >> _STRENGTH_BITS, wanted >> _STRENGTH_BITS
    told = ~np.isin(wanted, present, assume_unique=True)
    gone = ~np.isin(present_pairs, wanted_pairs)
    keys = np.concatenate([wanted[told], present[gone]])
    held = np.concatenate([np.isin(wanted_pairs[told], present_pairs), np.ones(int(gone.sum()), dtype=bool)])
    strengths = (keys & _STRENGTH_MASK).astype(np.int64)
    strengths[int(told.sum()) :] = GONE
    subjects = (keys >> _SUBJECT_SHIFT).astype(np.int64)
    customers = ((keys >> _STRENGTH_BITS) & _CUSTOMER_MASK).astype(np.int64)
    changes = np.stack([subjects, customers, strengths, held.astype(np.int64)], axis=1)
    return changes[np.argsort(keys, kind="stable")]
