"""list, show, download, revoke, cas, trust: what is shown to people, to pipes and to programs."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import typer
from cryptography import x509
from cryptography.hazmat.primitives.serialization import pkcs7

from chancery_client.cli import keys, lists, options, output
from chancery_client.cli.commands import register

KEY = keys.make_key("ecdsa-p256")


@pytest.fixture
def three(chancery):
    return [chancery.hold(name, KEY.public_key()) for name in ("a.acme.test", "b.acme.test", "=c.acme.test")]


def queries(chancery) -> list[dict[str, list[str]]]:
    return [parse_qs(urlsplit(where).query) for _verb, where, _body, _headers in chancery.asked]


def test_a_pipe_gets_lines_with_tabs_and_without_decoration(signed_in, three):
    result = signed_in("list")
    lines = [line.split("\t") for line in result.stdout.splitlines()]
    assert lines[0] == ["name", "status", "expires", "template", "serial", "id"]
    assert [line[0] for line in lines[1:]] == ["=c.acme.test", "b.acme.test", "a.acme.test"]
    assert "\x1b" not in result.stdout


def test_a_terminal_gets_a_table_whose_ids_are_in_one_piece(signed_in, three, monkeypatch):
    monkeypatch.setattr(output, "is_terminal", lambda: True)
    monkeypatch.setenv("COLUMNS", "90")
    result = signed_in("list")
    lines = result.stdout.splitlines()
    assert lines[0].split() == ["NAME", "STATUS", "EXPIRES", "TEMPLATE", "ID"]
    assert lines[3].split() == ["a.acme.test", "issued", three[0]["not_after"][:10], "web-tls", three[0]["id"]]
    assert max(len(line) for line in lines) <= 90


@pytest.mark.parametrize("columns", ["20", "40", "60"])
def test_a_terminal_that_is_too_narrow_gets_each_row_by_itself_with_nothing_cut_off(
    signed_in, three, monkeypatch, columns
):
    monkeypatch.setattr(output, "is_terminal", lambda: True)
    monkeypatch.setenv("COLUMNS", columns)
    first, *_others = signed_in("list").stdout.split("\n\n")
    assert [line.split(" ", 1) for line in first.splitlines()] == [
        ["name", "=c.acme.test"],
        ["status", "issued"],
        ["expires", three[2]["not_after"][:10]],
        ["template", "web-tls"],
        ["id", three[2]["id"]],
    ]


def test_a_person_is_told_that_nothing_fits_and_a_script_gets_no_rows(signed_in, chancery, monkeypatch):
    result = signed_in("list")
    assert (result.exit_code, len(result.stdout.splitlines()), result.stderr) == (0, 1, "")
    monkeypatch.setattr(lists, "is_terminal", lambda: True)
    assert signed_in("list").stderr == "Nothing there fits what was asked for.\n"


def test_json_is_what_the_api_answers(signed_in, three):
    found = json.loads(signed_in("list", "--json").stdout)
    assert [row["id"] for row in found] == [row["id"] for row in reversed(three)]
    assert found[2]["not_after"] == three[0]["not_after"]
    assert json.loads(signed_in("list", "--format", "json").stdout) == found


def test_csv_has_no_formulas(signed_in, three):
    rows = list(csv.DictReader(io.StringIO(signed_in("list", "--format", "csv").stdout)))
    assert [row["name"] for row in rows] == ["'=c.acme.test", "b.acme.test", "a.acme.test"]
    assert rows[1]["names"] == "b.acme.test"


def test_options_are_filters(signed_in, chancery):
    words = "--status issued --name *.acme.test --expires-within 30d --tag a --tag b --filter key:rsa --sort not_after"
    assert signed_in("list", *words.split()).exit_code == 0
    (asked,) = queries(chancery)
    assert asked == {
        "limit": ["50"],
        "status": ["issued"],
        "name": ["*.acme.test"],
        "expires_lt": ["30d"],
        "tag": ["a", "b"],
        "filter": ["key:rsa"],
        "sort": ["not_after"],
    }


def test_a_list_that_is_cut_says_so_and_all_of_it_is_read_page_by_page(signed_in, chancery, three):
    result = signed_in("list", "--limit", "2")
    assert len(result.stdout.splitlines()) == 3
    assert result.stderr == "These are 2 of 3: see more with --limit or --all.\n"
    assert len(signed_in("list", "--all").stdout.splitlines()) == 4
    assert queries(chancery)[-1]["limit"] == ["1000"]


def test_a_wrong_filter_is_told_by_its_option(signed_in, chancery):
    errors = [{"field": "filter[0]", "code": "unknown-field", "detail": "colour: there is no such field."}]
    chancery.answers["GET", "/api/v2/certificates"] = chancery.problem(422, "One parameter is wrong.", errors)
    result = signed_in("list", "--filter", "colour:red")
    assert result.exit_code == 1
    assert result.stderr == "Error: --filter (number 1): colour: there is no such field. (trace 01TRACE)\n"


def test_json_and_another_format_contradict_each_other(signed_in):
    assert signed_in("list", "--json", "--format", "csv").exit_code == 2


def test_a_certificate_is_found_by_id_serial_number_and_file(signed_in, three):
    Path("a.pem").write_text(three[0]["certificate"])
    for text in (three[0]["id"], three[0]["serial"], three[0]["serial"].replace(":", "").lower(), "a.pem"):
        result = signed_in("show", text, "--json")
        assert result.exit_code == 0, result.stderr
        assert json.loads(result.stdout)["id"] == three[0]["id"]


def test_what_is_none_of_them_is_told_with_a_way_to_find_it(signed_in):
    result = signed_in("show", "www.acme.test")
    assert result.exit_code == 2
    assert "chancery list --name www.acme.test" in result.stderr
    assert signed_in("show", "00000000-0000-4000-8000-00000000dead").exit_code == 4


def test_downloads(signed_in, three):
    name = three[0]["id"]
    assert signed_in("download", name).stdout == three[0]["certificate"]
    assert signed_in("download", name, "--format", "fullchain").stdout.count("BEGIN") == 3
    assert signed_in("download", name, "--out", "a.pem").exit_code == 0
    assert Path("a.pem").read_text() == three[0]["certificate"]
    assert signed_in("download", name, "--out", "a.pem").exit_code == 2
    assert signed_in("download", name, "--format", "jks").exit_code == 2
    assert signed_in("download", name, "--format", "p7b").stdout == "binary"


def test_revoking_asks_and_a_script_says_yes(signed_in, chancery, three):
    name = three[0]["id"]
    path = f"/api/v2/certificates/{name}/revoke"
    result = signed_in("revoke", name)
    assert result.exit_code == 2
    assert "--yes" in result.stderr
    assert chancery.bodies("POST", path) == []
    assert signed_in("revoke", name, "--yes", "--reason", "boredom").exit_code == 2
    assert signed_in("revoke", name, "--yes", "--reason", "keycompromise", "--comment", "lost").exit_code == 0
    assert chancery.bodies("POST", path) == [{"reason": "keyCompromise", "comment": "lost"}]


def _interrupted(question: str, yes: bool) -> None:
    """As typer ends a question on Ctrl-C."""
    try:
        raise KeyboardInterrupt
    except KeyboardInterrupt:
        raise typer.Abort from None


def _refused(question: str, yes: bool) -> None:
    raise typer.Abort


@pytest.mark.parametrize(("answer", "code"), [(_interrupted, 130), (_refused, 1)])
def test_who_interrupts_a_question_has_interrupted_and_who_says_no_has_not(
    signed_in, chancery, three, monkeypatch, answer, code
):
    monkeypatch.setattr(register, "confirm", answer)
    assert signed_in("revoke", three[0]["id"]).exit_code == code
    assert chancery.bodies("POST", f"/api/v2/certificates/{three[0]['id']}/revoke") == []


# --- CAs --------------------------------------------------------------------------------------------------------------


def test_templates_and_cas_are_listed(signed_in):
    assert (
        "web-tls\tWeb server\tecdsa-p256\t90d\tserver_auth\tno\tACME Issuing CA"
        in signed_in("templates", "list").stdout
    )
    assert signed_in("cas", "list").stdout.splitlines()[1].startswith("ACME Issuing CA\tintermediate\tactive\t")


def test_cas_fit_on_a_terminal_by_what_they_are_called(signed_in, monkeypatch):
    monkeypatch.setattr(output, "is_terminal", lambda: True)
    monkeypatch.setenv("COLUMNS", "80")
    lines = signed_in("cas", "list").stdout.splitlines()
    assert lines[0].split() == ["NAME", "KIND", "STATUS", "EXPIRES", "PARENT"]


def test_a_ca_is_found_by_its_name(signed_in):
    assert "Subject\tCN=ACME Issuing CA" in signed_in("cas", "show", "acme issuing ca").stdout
    result = signed_in("cas", "show", "Nobody")
    assert result.exit_code == 4
    assert "There is no CA named 'Nobody'." in result.stderr


def test_a_bundle_has_the_roots_first(signed_in, chancery):
    content = signed_in("ca-bundle").stdout.encode()
    assert x509.load_pem_x509_certificates(content) == [chancery.ca.root, chancery.ca.issuer]
    assert (
        signed_in("ca-bundle", "ACME Issuing CA", "--out", "ca.pem").stdout == "Written to ca.pem (2 certificates).\n"
    )


def test_the_trust_store_has_roots_alone(signed_in, chancery):
    assert signed_in("trust-store", "export", "--out", "roots.pem").exit_code == 0
    assert x509.load_pem_x509_certificates(Path("roots.pem").read_bytes()) == [chancery.ca.root]
    assert signed_in("trust-store", "export", "--format", "p7b", "--out", "roots.p7b").exit_code == 0
    assert pkcs7.load_der_pkcs7_certificates(Path("roots.p7b").read_bytes()) == [chancery.ca.root]
    assert signed_in("trust-store", "export", "--format", "der", "--out", "roots").exit_code == 0
    (der,) = Path("roots").iterdir()
    assert x509.load_der_x509_certificate(der.read_bytes()) == chancery.ca.root
    assert signed_in("trust-store", "export", "--format", "der").exit_code == 2


def test_a_revoked_ca_is_in_no_bundle(signed_in, chancery, monkeypatch):
    plain = chancery._authority
    monkeypatch.setattr(chancery, "_authority", lambda *words: {**plain(*words), "status": "revoked"})
    assert signed_in("ca-bundle").exit_code == 4


# --- how commands end -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "code"),
    [(400, 1), (401, 3), (403, 3), (404, 4), (409, 1), (410, 4), (422, 1), (429, 7), (500, 7), (503, 7)],
)
def test_every_refusal_has_its_exit_code_and_its_trace(signed_in, chancery, monkeypatch, status, code):
    from chancery_client import Retries
    from chancery_client.cli import session

    monkeypatch.setattr(session, "RETRIES", Retries(limit=0))
    chancery.answers["GET", "/api/v2/certificates"] = chancery.problem(status, "Why it is so.")
    result = signed_in("list")
    assert result.exit_code == code
    assert result.stderr.startswith("Error: Why it is so. (trace 01TRACE)\n")
    assert result.stdout == ""


def test_a_proxys_page_is_told_without_its_markup(signed_in, chancery):
    chancery.answers["GET", "/api/v2/certificates"] = (404, b"<html>nginx</html>")
    result = signed_in("list")
    assert result.exit_code == 4
    assert result.stderr == (
        "Error: Not Found (status 404).\nIs this the address of a Chancery? See: chancery profiles list\n"
    )


def test_a_server_that_does_not_answer_is_told(signed_in, chancery, monkeypatch):
    from chancery_client import Retries
    from chancery_client.cli import session

    monkeypatch.setattr(session, "RETRIES", Retries(limit=0))
    monkeypatch.setenv("CHANCERY_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("CHANCERY_API_KEY", "pkf_x")
    result = signed_in("list")
    assert result.exit_code == 7
    assert result.stderr.startswith("Error: No answer from http://127.0.0.1:9: ")
    assert "Traceback" not in result.stderr


def test_a_fault_of_this_program_is_no_traceback(signed_in, monkeypatch):
    monkeypatch.setattr(register, "take", lambda *words: 1 / 0)
    result = signed_in("list")
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: This program has a fault: ZeroDivisionError.")


def test_names_cannot_move_the_cursor():
    assert (
        output.printable("a\x1b[2Jb\rc\u202ed")
        == "a\N{REPLACEMENT CHARACTER}[2Jb\N{REPLACEMENT CHARACTER}c\N{REPLACEMENT CHARACTER}d"
    )


NASTY = "a.acme.test\nDigest\t00\x1b[2J\x9b2J\u202e"


def test_a_name_makes_no_line_of_its_own(signed_in, chancery):
    row = chancery.hold(NASTY, KEY.public_key())
    lines = signed_in("list").stdout.splitlines()
    assert len(lines) == 2
    assert len(lines[1].split("\t")) == len(lines[0].split("\t"))
    assert not any(line.startswith("Digest") for line in signed_in("show", row["id"]).stdout.splitlines())


def test_json_and_questions_do_not_move_the_cursor_either(signed_in, chancery):
    row = chancery.hold(NASTY, KEY.public_key())
    text = signed_in("show", row["id"], "--json").stdout
    assert all(each.isprintable() or each == "\n" for each in text)
    assert json.loads(text)["subject"]["common_name"] == NASTY
    asked = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(options.typer, "confirm", lambda question, **about: asked.append(question))
        patch.setattr(options.sys.stdin.__class__, "isatty", lambda self: True, raising=False)
        options.confirm(f"Revoke {NASTY}?", yes=False)
    assert "\x1b" not in asked[0]
    assert "\x9b" not in asked[0]


@pytest.mark.parametrize("words", [[], ["issue"], ["requests"], ["cas"], ["renew"]])
def test_nothing_but_a_name_shows_help(typed, words):
    result = typed(*words)
    assert "Usage: chancery" in result.output
    assert "Traceback" not in result.output


def _commands(command, words=()):
    yield words
    for name, child in getattr(command, "commands", {}).items():
        yield from _commands(child, (*words, name))


def test_every_command_has_help_with_what_it_does(typed):
    import typer.main

    from chancery_client.cli.app import app

    found = list(_commands(typer.main.get_command(app)))
    assert len(found) > 25
    for words in found:
        result = typed(*words, "--help")
        assert result.exit_code == 0
        assert "\b" not in result.stdout
        assert "<bool>" not in result.stdout, words


def test_the_version_and_completion_are_shown(typed):
    assert typed("version").stdout.startswith("chancery 0.")
    assert typed("--version").stdout == typed("version").stdout
    assert "complete" in typed("completion", "show", "fish").stdout
    assert typed("completion", "show", "tcsh").exit_code == 2
