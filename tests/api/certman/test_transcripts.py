"""Every example of Certman's document, replayed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from accounts.grants import GrantOrder
from tests.api.certman import transcripts
from tests.api.certman.desk import Workspace, issued
from tests.api.certman.transcripts import OTHER_ID, ROOT_ID, Transcript, alike
from tests.api.wire import Wire

pytestmark = pytest.mark.django_db


def replay(wire: Wire, example: Transcript, **ours: Any) -> dict[str, Any]:
    """Send the example with our ids in the place of its own, and compare the answer."""
    named = {ROOT_ID: ours.get("first", ""), OTHER_ID: ours.get("second", "")}

    def renamed(text: str) -> str:
        for theirs, mine in named.items():
            text = text.replace(theirs, str(mine))
        return text

    body = json.loads(renamed(json.dumps(example.body))) if example.body is not None else None
    answer = wire.send(example.method, renamed(example.path), body)
    # Creating and renewing answer 200 too, where HTTP would say 201: the document has it so, and so have we.
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/json"), answer.content
    told: dict[str, Any] = answer.json()
    alike({**example.answer, **example.corrected}, told)
    return told


@pytest.mark.row("C27", "C33", "C34", "C35", "C36", "C37")
def test_whoami(workspace: Workspace):
    key = workspace.key(GrantOrder(workspace.issuing.pk, can_read=True, can_issue=True))
    told = replay(key, transcripts.WHOAMI)
    assert list(told["permissions"]) == [str(workspace.issuing.public_id)]


@pytest.mark.row("C27", "C38", "C42", "C43", "C44", "C45", "C46")
def test_the_list_of_cas(workspace: Workspace, key: Wire):
    told = replay(key, transcripts.LIST_CAS)
    assert [ca["id"] for ca in told["cas"]] == [str(workspace.root.public_id), str(workspace.issuing.public_id)]


@pytest.mark.row("C47", "C48", "C49", "C50", "C51", "C52")
def test_one_ca(workspace: Workspace, key: Wire):
    told = replay(key, transcripts.SHOW_CA, first=workspace.root.public_id)
    row = workspace.root.certificates.get()
    assert told["ca"]["serial_number"].lstrip("0") == row.serial.upper()


@pytest.mark.row("C53", "C54", "C55", "C56")
def test_the_chain_of_a_ca(workspace: Workspace, key: Wire):
    # The document asks for one CA and shows another one's chain; ours is that of the CA that was asked for.
    told = replay(key, transcripts.SHOW_CHAIN, second=workspace.issuing.public_id)
    assert told["caId"] == str(workspace.issuing.public_id)
    root = key.get(f"/v1/cas/{workspace.root.public_id}").json()["ca"]["certificate_pem"]
    assert told["chain"][-1] == root


@pytest.mark.row("C57", "C67", "C68", "C69")
def test_the_list_of_certificates(workspace: Workspace, key: Wire):
    first = replay(key, transcripts.ISSUE, first=workspace.issuing.public_id)["certificate"]
    told = replay(key, transcripts.LIST_CERTIFICATES)["certificates"][0]
    shared = first.keys() & told.keys()
    assert {name: told[name] for name in shared} == {name: first[name] for name in shared}
    assert told["ca_id"] == str(workspace.issuing.public_id)


@pytest.mark.row("C70", "C71", "C72", "C80", "C81")
def test_issuing(workspace: Workspace, key: Wire):
    replay(key, transcripts.ISSUE, first=workspace.issuing.public_id)


@pytest.mark.row("C86", "C92")
def test_revoking(workspace: Workspace, key: Wire):
    mine = issued(key, workspace.issuing)["certificate"]["id"]
    assert replay(key, transcripts.REVOKE, first=mine)["certificate"]["id"] == mine


@pytest.mark.row("C93", "C95", "C99")
def test_renewing(workspace: Workspace, key: Wire):
    first = replay(key, transcripts.ISSUE, first=workspace.issuing.public_id)
    second = replay(key, transcripts.RENEW, first=first["certificate"]["id"])
    assert second["certificate"]["id"] != first["certificate"]["id"]
    assert second["certificate"]["serial_number"] != first["certificate"]["serial_number"]
    assert second["privateKey"] != first["privateKey"]
