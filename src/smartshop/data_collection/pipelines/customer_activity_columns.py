"""From collected rows to rows that count: each event once, claims only where nothing was vouched for, sorted. Pure."""

from array import array
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from smartshop.data_collection.pipelines.customer_activity_rows import ActivityRows, SignRows, Told
from smartshop.data_collection.schemas.ids import CustomerId

Ints = NDArray[np.int64]

SESSION_PAUSE = 30 * 60 * 1_000_000
"""µs without a sign after which the next one begins another visit, where the client names no session."""


@dataclass(frozen=True, slots=True)
class People:
    """Everybody of whom anything was collected."""

    names: tuple[CustomerId, ...]
    """Sorted."""
    rank: NDArray[np.int32]
    """Collected number → index into `names`."""
    is_vouched: NDArray[np.bool_]
    """By index into `names`."""


def people_of(rows: ActivityRows) -> People:
    names = sorted(rows.customers)
    rank = np.zeros(len(names), np.int32)
    rank[[rows.customers[name] for name in names]] = np.arange(len(names))
    vouched = np.array([name in rows.vouched for name in names], np.bool_)
    return People(names=tuple(names), rank=rank, is_vouched=vouched)


def view(column: "array[int]") -> NDArray[np.signedinteger]:
    """The column itself as an array, not copied; it cannot grow while this lives."""
    return np.frombuffer(column, column.typecode) if column else np.zeros(0, column.typecode)


def whose_and_when(told: Told, row: Ints, people: People) -> tuple[NDArray[np.int32], Ints]:
    """Index into the people and µs, of the rows `row`."""
    return people.rank[view(told.customer)[row]], view(told.at)[row].astype(np.int64)


def counted(told: Told, people: People, is_first: NDArray[np.bool_] | None = None) -> Ints:
    """Rows that count, rising: of several tellings the best vouched, then the latest; of a customer who was vouched
    for nothing that was merely claimed. `is_first` where an event has several rows, one after the other.
    """
    n = len(told.identity)
    starts = np.arange(n) if is_first is None else np.flatnonzero(is_first)
    identity, trust, at = view(told.identity)[starts], view(told.trust)[starts], view(told.at)[starts]
    best_first = np.lexsort((-at, -trust, identity))
    in_order = identity[best_first]
    is_kept = np.zeros(len(starts), np.bool_)
    is_kept[best_first[np.r_[True, in_order[1:] != in_order[:-1]][: len(starts)]]] = True
    customer = people.rank[view(told.customer)[starts]]
    is_kept &= (view(told.is_vouched)[starts] != 0) | ~people.is_vouched[customer]
    if is_first is None:
        return np.flatnonzero(is_kept)
    return np.flatnonzero(is_kept[np.cumsum(is_first) - 1])


def counted_signs(rows: SignRows, people: People) -> Ints:
    """Rows that count, by (customer, time); those of one moment by kind and product, so that every reading agrees."""
    row = counted(rows.told, people, view(rows.is_first) != 0)
    customer, at = whose_and_when(rows.told, row, people)
    within = (view(rows.kind)[row].astype(np.int64) << 32) + view(rows.product)[row]
    sorted_rows: Ints = row[np.lexsort((within, at, customer))]
    return sorted_rows


def sessions(customer: NDArray[np.int32], at: Ints, session: Ints) -> NDArray[np.int32]:
    """Dense number of the visit per sign, by its first sign. `session` is 0 where the client named none."""
    if not len(at):
        return np.zeros(0, np.int32)
    is_named = session != 0
    key = session.copy()
    loose = np.flatnonzero(~is_named)
    if len(loose):
        begins = np.r_[True, (np.diff(customer[loose]) != 0) | (np.diff(at[loose]) > SESSION_PAUSE)]
        # Numbers of unnamed visits from 1 up; a name's hash falls among them with a chance of about 10^-12.
        key[loose] = np.cumsum(begins)
    _, first, number = np.unique(key, return_index=True, return_inverse=True)
    order = np.empty(len(first), np.int32)
    order[np.argsort(first)] = np.arange(len(first))
    return order[number]


def first_and_last(customer: NDArray[np.int32], at: Ints, n: int) -> tuple[Ints, Ints]:
    """(n,) each: the earliest and latest `at` per customer; earliest after latest where there is none."""
    first, last = np.full(n, np.iinfo(np.int64).max), np.full(n, np.iinfo(np.int64).min)
    np.minimum.at(first, customer, at)
    np.maximum.at(last, customer, at)
    return first, last


def ranked(names: Mapping[str, int]) -> tuple[NDArray[np.int16], tuple[str, ...]]:
    """Collected number → index into the sorted names, and those; the empty name stays first."""
    in_order = sorted(names)
    rank = np.zeros(len(in_order), np.int16)
    rank[[names[name] for name in in_order]] = np.arange(len(in_order))
    return rank, tuple(in_order)
