from __future__ import annotations

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.merkle import TILE_WIDTH, TileId, Tree, edge_of, split_tile
from audit.proofs import consistency_proof, inclusion_proof
from audit.verifier import EMPTY_ROOT, Frontier, is_consistent, is_included, leaf_hash, node_hash

# The leaves and roots that implementations of RFC 6962 test each other with.
LEAVES = [
    bytes.fromhex(leaf)
    for leaf in (
        "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f",
    )
]  # fmt: skip
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def leaves(count: int) -> list[bytes]:
    return [leaf_hash(number.to_bytes(4)) for number in range(count)]


def defined_root(hashes: list[bytes]) -> bytes:
    """MTH as RFC 6962 section 2.1 writes it, over leaf hashes."""
    if len(hashes) == 1:
        return hashes[0]
    split = 1
    while split * 2 < len(hashes):
        split *= 2
    return node_hash(defined_root(hashes[:split]), defined_root(hashes[split:]))


def grown(count: int) -> tuple[Tree, dict[TileId, bytes]]:
    tree = Tree()
    for leaf in leaves(count):
        tree.append(leaf)
    return tree, tree.take_tiles()


def test_the_root_of_nothing_is_the_hash_of_nothing():
    assert Tree().root() == EMPTY_ROOT == hashlib.sha256(b"").digest()


@pytest.mark.parametrize("size", range(1, 9))
def test_roots_of_the_known_trees(size):
    tree = Tree()
    for leaf in LEAVES[:size]:
        tree.append(leaf_hash(leaf))
    assert tree.root().hex() == ROOTS[size - 1]


@pytest.mark.parametrize("size", [1, 2, 255, 256, 257, 511, 512, 513, 700, 1025])
def test_the_root_is_the_one_that_rfc_6962_defines(size):
    tree, _ = grown(size)
    assert tree.root() == defined_root(leaves(size))


def test_a_frontier_knows_every_root_on_its_way():
    tree, frontier = Tree(), Frontier()
    assert frontier.root() == EMPTY_ROOT
    for leaf in leaves(600):
        tree.append(leaf)
        frontier.append(leaf)
        assert (frontier.size, frontier.root()) == (tree.size, tree.root())


def test_a_third_level_grows_over_the_second():
    size = TILE_WIDTH**2 + 3
    tree, tiles = grown(size)
    assert tree.root() == defined_root(leaves(size))
    assert {tile.level for tile in tiles} == {0, 1, 2}


def test_tiles_have_the_widths_that_the_specification_gives():
    """C2SP tlog-tiles has this example: 70,000 leaves."""
    assert edge_of(70_000) == {TileId(0, 273): 112, TileId(1, 1): 17, TileId(2, 0): 1}
    assert edge_of(256) == {TileId(1, 0): 1}
    assert edge_of(0) == {}


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 600), st.integers(0, 300))
def test_a_tree_goes_on_from_its_stored_edge(before, more):
    whole, _ = grown(before + more)
    _, tiles = grown(before)
    resumed = Tree(before, tiles)
    for leaf in leaves(before + more)[before:]:
        resumed.append(leaf)
    assert resumed.root() == whole.root()
    assert (tiles | resumed.take_tiles()).keys() >= edge_of(before + more).keys()


@pytest.mark.parametrize("damage", ["missing", "short", "torn"])
def test_a_tree_does_not_open_on_a_damaged_edge(damage):
    _, tiles = grown(10)
    edge = TileId(0, 0)
    broken = {"missing": {}, "short": {edge: tiles[edge][:-32]}, "torn": {edge: tiles[edge][:-1]}}[damage]
    with pytest.raises(ValueError, match="0/0"):
        Tree(10, broken)


def test_a_tile_that_has_grown_still_opens_the_smaller_tree():
    _, tiles = grown(200)
    assert Tree(100, tiles).root() == grown(100)[0].root()


def test_tiles_only_grow_to_the_right():
    _, small = grown(300)
    _, large = grown(900)
    assert all(large[tile].startswith(hashes) for tile, hashes in small.items())
    assert len(split_tile(large[TileId(0, 0)])) == TILE_WIDTH


PROOF_SIZE = 600


@settings(deadline=None, max_examples=80)
@given(st.data())
def test_inclusion_is_provable_and_only_what_is_included(data):
    size = data.draw(st.integers(1, PROOF_SIZE))
    index = data.draw(st.integers(0, size - 1))
    tree, tiles = grown(size)
    proof = inclusion_proof(tiles.__getitem__, index, size)
    assert is_included(leaves(size)[index], index, size, proof, tree.root())
    assert not is_included(leaf_hash(b"other"), index, size, proof, tree.root())
    assert not is_included(leaves(size)[index], index, size, [*proof, tree.root()], tree.root())
    assert size == 1 or not is_included(leaves(size)[index], index, size, proof[:-1], tree.root())
    assert size == 1 or not is_included(leaves(size)[index], (index + 1) % size, size, proof, tree.root())


@settings(deadline=None, max_examples=80)
@given(st.data())
def test_consistency_is_provable_and_only_of_what_grew(data):
    second = data.draw(st.integers(1, PROOF_SIZE))
    first = data.draw(st.integers(1, second))
    (old, _), (new, tiles) = grown(first), grown(second)
    proof = consistency_proof(tiles.__getitem__, first, second)
    assert is_consistent(first, second, proof, old.root(), new.root())
    assert not is_consistent(first, second, proof, leaf_hash(b"other"), new.root())
    assert not is_consistent(first, second, proof, old.root(), leaf_hash(b"other"))
    assert not is_consistent(first, second, [*proof, old.root()], old.root(), new.root())


def test_known_proofs():
    """RFC 6962 section 2.1.3: the tree of seven leaves."""
    tree = Tree()
    hashes = leaves(7)
    for leaf in hashes:
        tree.append(leaf)
    read = tree.take_tiles().__getitem__
    a, b, c, d, e, f, j = hashes
    g, h, i = node_hash(a, b), node_hash(c, d), node_hash(e, f)
    k, m = node_hash(g, h), node_hash(i, j)
    assert inclusion_proof(read, 0, 7) == [b, h, m]
    assert inclusion_proof(read, 3, 7) == [c, g, m]
    assert inclusion_proof(read, 4, 7) == [f, j, k]
    assert inclusion_proof(read, 6, 7) == [i, k]
    assert consistency_proof(read, 3, 7) == [c, d, g, m]
    assert consistency_proof(read, 4, 7) == [m]
    assert consistency_proof(read, 6, 7) == [i, j, k]


@pytest.mark.parametrize(("index", "size"), [(-1, 3), (3, 3), (0, 0)])
def test_nothing_outside_the_tree_has_a_proof(index, size):
    with pytest.raises(ValueError, match="not in the tree"):
        inclusion_proof(lambda _: b"", index, size)
    assert not is_included(b"", index, size, [], EMPTY_ROOT)


@pytest.mark.parametrize(("first", "second"), [(0, 3), (4, 3)])
def test_an_empty_or_larger_tree_is_consistent_with_nothing(first, second):
    with pytest.raises(ValueError, match="empty or larger"):
        consistency_proof(lambda _: b"", first, second)
    assert not is_consistent(first, second, [], EMPTY_ROOT, EMPTY_ROOT)
