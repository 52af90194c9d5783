"""The workspace of the document's examples, and a key for both of its CAs."""

from __future__ import annotations

import pytest

from tests.api.certman.desk import PASSPHRASE, Workspace, open_workspace
from tests.api.wire import Wire


@pytest.fixture
def workspace(db: None) -> Workspace:
    return open_workspace()


@pytest.fixture
def key(workspace: Workspace) -> Wire:
    return workspace.key()


@pytest.fixture
def locked(db: None) -> Workspace:
    """The same, with its intermediate behind a passphrase."""
    return open_workspace(passphrase=PASSPHRASE)
