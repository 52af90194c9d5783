"""One call of the API as a program would write it: curl, Python, Go. Plain text in, plain text out."""

from __future__ import annotations

import json
import pprint
import re
import shlex
from typing import Any

from django.conf import settings


def curl(method: str, url: str, body: Any) -> str:
    """For a shell in which TOKEN is an API key."""
    parts = ["curl" if method == "GET" else f"curl -X {method}", '-H "Authorization: Bearer $TOKEN"']
    if body is not None:
        parts += ['-H "Content-Type: application/json"', "-d " + shlex.quote(_json(body))]
    return " \\\n  ".join([*parts, shlex.quote(url)])


def python(method: str, url: str, body: Any) -> str:
    """With the `requests` package."""
    payload = "" if body is None else f",\n    json={_indented(pprint.pformat(body, sort_dicts=False, width=80), 9)}"
    return (
        "import os, requests\n\n"
        f"answer = requests.{method.lower()}(\n"
        f'    "{url}",\n'
        '    headers={"Authorization": "Bearer " + os.environ["TOKEN"]}' + payload + ",\n"
        ")\n"
        "answer.raise_for_status()"
    )


def python_client(name: str, path: str, body: Any) -> str:
    """With the `chancery-client` package, whose methods are called as the operations of API v2 are.

    Args:
        name: of the operation, such as `certificates.issue`.
    """
    values = [f'"<{part}>"' for part in re.findall(r"{(\w+)}", path)]
    for key, value in body.items():
        values.append(f"{key}={_indented(pprint.pformat(value, sort_dicts=False, width=70), 5 + len(key))}")
    call = f"client.{name}({_listed(values)})"
    use = f"for each in {call}:\n    print(each)" if name.endswith(".list") else f"print({call})"
    return (
        "import os\nfrom chancery_client import ChanceryClient\n\n"
        f'client = ChanceryClient(base_url="{settings.BASE_URL}", api_key=os.environ["TOKEN"])\n{use}'
    )


def _listed(values: list[str]) -> str:
    """On one line where there is one value, else each on its own."""
    return ", ".join(values) if len(values) < 2 else "\n    " + ",\n    ".join(values) + ",\n"


def go(method: str, url: str, body: Any) -> str:
    """With the standard library alone."""
    reader = "nil" if body is None else f"strings.NewReader(`{_json(body)}`)"
    lines = [f'request, err := http.NewRequest("{method}", "{url}", {reader})', *_GO_CHECK]
    lines.append('request.Header.Set("Authorization", "Bearer "+os.Getenv("TOKEN"))')
    if body is not None:
        lines.append('request.Header.Set("Content-Type", "application/json")')
    return "\n".join([*lines, "answer, err := http.DefaultClient.Do(request)", *_GO_CHECK, "defer answer.Body.Close()"])


_GO_CHECK = ("if err != nil {", "\tlog.Fatal(err)", "}")


def _json(body: Any) -> str:
    return json.dumps(body, ensure_ascii=False)


def _indented(text: str, width: int) -> str:
    return text.replace("\n", "\n" + " " * width)
