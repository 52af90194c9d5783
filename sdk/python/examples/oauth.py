"""Acting for a person, by the tokens that he has let this program have; the newest pair is always kept in a file.

CHANCERY_URL=https://pki.example.com python oauth.py tokens.json
"""

import json
import os
import sys
from pathlib import Path

from chancery_client import ChanceryClient, OAuth, Tokens

file = Path(sys.argv[1])
kept = json.loads(file.read_text())


def keep(pair: Tokens) -> None:
    """A refresh token is good once: whoever loses the new one has to ask the person again."""
    kept.update(access_token=pair.access_token.reveal(), refresh_token=pair.refresh_token.reveal())
    new = file.with_suffix(".new")
    new.touch(mode=0o600)
    new.write_text(json.dumps(kept))
    new.replace(file)


oauth = OAuth(
    client_id=kept["client_id"],
    access_token=kept["access_token"],
    refresh_token=kept["refresh_token"],
    on_refresh=keep,
)

with ChanceryClient(base_url=os.environ["CHANCERY_URL"], oauth=oauth) as client:
    me = client.whoami.get()
    print(f"{me.user.email} in {me.organization.name}")
    for ca in client.cas.list():
        print(ca.name)
