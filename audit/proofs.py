"""Proofs from tiles (RFC 6962 section 2.1); `verifier.py` checks them without the log."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from audit.merkle import TILE_WIDTH, TileId, root_of, split_tile
from audit.verifier import node_hash

TileReader: TypeAlias = Callable[[TileId], bytes]


def inclusion_proof(read: TileReader, index: int, size: int) -> list[bytes]:
    """The audit path of leaf `index` in the tree of the first `size` leaves (RFC 6962 section 2.1.1).

    Raises ValueError unless 0 <= index < size.
    """
    if not 0 <= index < size:
        raise ValueError("the leaf is not in the tree")
    proof, start, end = [], 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            proof.append(_range_root(read, middle, end))
            end = middle
        else:
            proof.append(_range_root(read, start, middle))
            start = middle
    return proof[::-1]


def consistency_proof(read: TileReader, first: int, second: int) -> list[bytes]:
    """That the tree of `second` leaves begins with the tree of `first` (RFC 6962 section 2.1.2).

    Raises ValueError unless 0 < first <= second.
    """
    if not 0 < first <= second:
        raise ValueError("the first tree is empty or larger than the second")
    proof, start, end = [], 0, second
    while end != first:
        middle = start + _split(end - start)
        if first <= middle:
            proof.append(_range_root(read, middle, end))
            end = middle
        else:
            proof.append(_range_root(read, start, middle))
            start = middle
    if start:
        proof.append(_range_root(read, start, end))
    return proof[::-1]


def _split(width: int) -> int:
    """The largest power of two smaller than `width`."""
    return 1 << ((width - 1).bit_length() - 1)


def _range_root(read: TileReader, start: int, end: int) -> bytes:
    """The root over leaves [start, end), a range that splitting a tree makes: its left parts are perfect subtrees."""
    width = end - start
    if width & (width - 1):
        middle = start + _split(width)
        return node_hash(_range_root(read, start, middle), _range_root(read, middle, end))
    level = (width.bit_length() - 1) // 8
    unit = TILE_WIDTH**level
    number, offset = divmod(start // unit, TILE_WIDTH)
    return root_of(split_tile(read(TileId(level, number)))[offset : offset + width // unit])
