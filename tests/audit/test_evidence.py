"""What an outsider can check without believing us."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from audit import keys
from audit.evidence import prove_consistency, prove_inclusion
from audit.models import AuditCheckpoint, AuditEvent, AuditTile
from audit.services import seal
from audit.signing import Signer, new_seed
from audit.verifier import LineBroken, entry, is_consistent, is_included, leaf_hash, verify_proof
from kernel.actor import SYSTEM
from kernel.errors import Invalid, NotFound, Unavailable
from tests.append_only import unguarded
from tests.audit.happenings import ALICE, LOG, happen, happen_often

STRANGER = replace(ALICE, organization_id=LOG + 1)


@pytest.fixture
def log(db) -> list[AuditEvent]:
    """700 events, with checkpoints of 1, 300 and 700."""
    events = []
    for count in (1, 299, 400):
        events += happen_often(count)
        seal(actor=SYSTEM)
    return events


def proof_of(position: int, size: int | None = None):
    event = AuditEvent.objects.get(log=LOG, position=position)
    return prove_inclusion(event.event_id, visible_to=ALICE, size=size)


@pytest.mark.parametrize(("position", "size"), [(0, 1), (0, 700), (255, 300), (256, 300), (299, 300), (699, None)])
def test_an_event_is_proven_under_a_checkpoint(log, position, size):
    proof = proof_of(position, size)
    assert (proof.position, proof.size) == (position, size or 700)
    leaf = leaf_hash(entry(proof.canonical, proof.signature))
    assert is_included(leaf, position, proof.size, proof.path, proof.root)
    assert proof.root == bytes(AuditCheckpoint.objects.get(log=LOG, size=proof.size).root)


@pytest.mark.parametrize(("earlier", "size"), [(1, 300), (1, None), (300, 700), (300, 300)])
def test_a_checkpoint_is_proven_to_continue_another(log, earlier, size):
    proof = prove_consistency(LOG, earlier=earlier, size=size, visible_to=ALICE)
    assert (proof.earlier_size, proof.size) == (earlier, size or 700)
    assert is_consistent(earlier, proof.size, proof.path, proof.earlier_root, proof.root)


def test_a_proof_reads_few_tiles(log, django_assert_max_num_queries):
    with django_assert_max_num_queries(8):
        proof_of(5)
    with django_assert_max_num_queries(8):
        prove_consistency(LOG, earlier=300, visible_to=ALICE)


# --- as a document that the verifier reads ----------------------------------------------------------------------------


def checked(document: dict, **known) -> list[str]:
    findings = verify_proof(json.dumps(document).encode(), **known).findings
    return [finding.fault.value for finding in findings]


def test_the_verifier_accepts_them(log):
    key = keys.active_signer().public_key
    for proof in (proof_of(17), prove_consistency(LOG, earlier=300, visible_to=ALICE)):
        assert checked(proof.document()) == []
        assert checked(proof.document(), public_keys=[key]) == []
        own = Signer.from_seed(new_seed()).public_key
        assert checked(proof.document(), public_keys=[own]) == ["checkpoint-forged"]


def test_the_verifier_refuses_what_was_changed(log):
    proof, other = proof_of(17).document(), proof_of(18).document()
    table = {
        "another place": (proof | {"position": 18}, ["event-replaced"]),
        "another event": (other | {"position": 17, "path": proof["path"]}, ["event-replaced"]),
        "other bytes": (proof | {"canonical": proof["canonical"] + " "}, ["event-forged"]),
        "another signature": (proof | {"signature": other["signature"]}, ["event-forged"]),
        "an unknown key": (proof | {"key": "0" * 16}, ["event-forged"]),
        "another path": (proof | {"path": other["path"]}, ["event-replaced"]),
        "no path": (proof | {"path": []}, ["event-replaced"]),
        "another log": (proof | {"origin": "chancery/0/7"}, ["checkpoint-forged"]),
        "another size": (
            proof | {"checkpoint": proof["checkpoint"].replace("\n700\n", "\n701\n")},
            ["checkpoint-forged"],
        ),
    }
    assert {name: checked(document) for name, (document, _) in table.items()} == {
        name: faults for name, (_, faults) in table.items()
    }
    consistency = prove_consistency(LOG, earlier=300, visible_to=ALICE).document()
    assert checked(consistency | {"path": proof["path"]}) == ["checkpoint-forked"]
    assert checked(consistency | {"earlier": consistency["checkpoint"]}) == ["checkpoint-forked"]


NO_PROOFS = {
    "of another type": {"type": "x"},
    "a path that is no list": {"path": "no list"},
    "a path of numbers": {"path": [1]},
    "a path not in base64": {"path": ["*"]},
    "a negative place": {"position": -1},
    "no checkpoint": {"checkpoint": None},
    "keys that are no list": {"public_keys": "ab"},
}


@pytest.mark.parametrize("change", NO_PROOFS.values(), ids=NO_PROOFS.keys())
def test_what_is_no_proof_is_said_to_be_none(log, change):
    with pytest.raises(LineBroken):
        verify_proof(json.dumps(proof_of(17).document() | change).encode())


# --- what has none ----------------------------------------------------------------------------------------------------


def test_an_outsider_gets_no_proof(log):
    event = AuditEvent.objects.get(log=LOG, position=5)
    with pytest.raises(NotFound):
        prove_inclusion(event.event_id, visible_to=STRANGER)
    with pytest.raises(NotFound):
        prove_consistency(LOG, earlier=300, visible_to=STRANGER)


def test_an_event_that_is_not_sealed_has_none_yet(log):
    event = happen()
    with pytest.raises(Unavailable) as refused:
        prove_inclusion(event.event_id, visible_to=ALICE)
    assert refused.value.error_code == "not-sealed"


def test_only_checkpoints_that_are_there_have_proofs(log):
    with pytest.raises(NotFound):
        proof_of(5, size=299)
    with pytest.raises(Invalid, match="older than the event"):
        proof_of(300, size=300)
    with pytest.raises(NotFound):
        prove_consistency(LOG, earlier=2, visible_to=ALICE)
    with pytest.raises(Invalid, match="earlier"):
        prove_consistency(LOG, earlier=700, size=300, visible_to=ALICE)


def change_event():
    AuditEvent.objects.filter(log=LOG, position=5).update(canonical=b"{}")


def remove_tiles():
    AuditTile.objects.filter(log=LOG).delete()


def change_tile():
    tile = AuditTile.objects.get(log=LOG, level=0, number=0)
    AuditTile.objects.filter(pk=tile.pk).update(hashes=b"\x00" * 8192)


def change_root():
    AuditCheckpoint.objects.filter(log=LOG, size=700).update(root=b"\x11" * 32)


@pytest.mark.parametrize("damage", [change_event, remove_tiles, change_tile, change_root])
def test_of_a_log_that_was_tampered_with_nothing_is_proven(log, damage):
    with unguarded():
        damage()
    with pytest.raises(Unavailable) as refused:
        proof_of(5)
    assert refused.value.error_code == "log-damaged"
