"""The Merkle tree of RFC 6962 section 2.1, kept as tiles of height 8 (C2SP tlog-tiles).

A tile is a run of up to 256 hashes of one level: level 0 has the leaf hashes, each hash of a higher level is the
root of a full tile below. All hashes are SHA-256.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from audit.verifier import EMPTY_ROOT, HASH_SIZE, node_hash

TILE_WIDTH: Final = 256


class TileId(NamedTuple):
    level: int
    number: int


def root_of(hashes: Sequence[bytes]) -> bytes:
    """The root over `hashes`, each the root of a perfect subtree of one size, the last one perhaps of a smaller."""
    if not hashes:
        return EMPTY_ROOT
    level = list(hashes)
    while len(level) > 1:
        # RFC 6962 splits at the largest power of two: the same as pairing from the left and passing an odd one up.
        paired = [node_hash(left, right) for left, right in zip(level[::2], level[1::2], strict=False)]
        level = paired + level[len(paired) * 2 :]
    return level[0]


def split_tile(tile: bytes) -> list[bytes]:
    return [tile[start : start + HASH_SIZE] for start in range(0, len(tile), HASH_SIZE)]


def edge_of(size: int) -> dict[TileId, int]:
    """The partial tiles of a tree of `size` leaves, with their widths (1 to 255), lowest level first."""
    edge, level, count = {}, 0, size
    while count:
        if count % TILE_WIDTH:
            edge[TileId(level, count // TILE_WIDTH)] = count % TILE_WIDTH
        level, count = level + 1, count // TILE_WIDTH
    return edge


class Tree:
    """The right edge of a tree: enough to append leaves and to know the root."""

    def __init__(self, size: int = 0, tiles: Mapping[TileId, bytes] | None = None) -> None:
        """`tiles` holds at least the tiles of `edge_of(size)`. Raises ValueError where one is missing or short."""
        self.size = size
        self._edge: list[list[bytes]] = []
        self._grown: dict[TileId, bytes] = {}
        for tile, width in edge_of(size).items():
            hashes = split_tile((tiles or {}).get(tile, b""))[:width]
            if len(hashes) < width or len(hashes[-1]) < HASH_SIZE:
                raise ValueError(f"tile {tile.level}/{tile.number} has fewer than {width} hashes")
            self._level(tile.level).extend(hashes)

    def append(self, leaf: bytes) -> None:
        """Add one leaf hash at the right."""
        level, carried, number = 0, leaf, self.size // TILE_WIDTH
        while True:
            hashes = self._level(level)
            hashes.append(carried)
            if len(hashes) < TILE_WIDTH:
                break
            self._grown[TileId(level, number)] = b"".join(hashes)
            carried = root_of(hashes)
            hashes.clear()
            level, number = level + 1, number // TILE_WIDTH
        self.size += 1

    def root(self) -> bytes:
        root: bytes | None = None
        for hashes in self._edge:
            subtrees = hashes if root is None else [*hashes, root]
            root = root_of(subtrees) if subtrees else None
        return EMPTY_ROOT if root is None else root

    def take_tiles(self) -> dict[TileId, bytes]:
        """The tiles that became full since the last call, and the partial ones as they are now."""
        tiles, self._grown = self._grown, {}
        return tiles | {tile: b"".join(self._edge[tile.level]) for tile in edge_of(self.size)}

    def _level(self, level: int) -> list[bytes]:
        while len(self._edge) <= level:
            self._edge.append([])
        return self._edge[level]
