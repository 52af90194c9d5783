"""login, logout, whoami, profiles: what is kept, where, and who may read it."""

from __future__ import annotations

import json
import stat
import threading
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from chancery_client.cli import browser, oauth, profiles
from chancery_client.cli.commands import signing_in
from chancery_client.cli.failures import Failure, NotSignedIn, WrongUsage

KEY = "pkf_0123456789"


def kept(name: str = "default") -> dict:
    return json.loads((profiles.folder() / "profiles" / f"{name}.json").read_text())


def test_an_api_key_is_read_from_standard_input_checked_and_kept_for_nobody_else(typed, chancery):
    result = typed("login", chancery.url, "--api-key", read=KEY + "\n")
    assert result.exit_code == 0, result.stderr
    assert "as a@acme.test in ACME" in result.stdout
    assert KEY not in result.output
    assert kept() == {"url": chancery.url, "api_key": KEY}
    path = profiles.folder() / "profiles" / "default.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_key_that_is_not_good_is_not_kept(typed, chancery):
    result = typed("login", chancery.url, "--api-key", read="pkf_wrong\n")
    assert result.exit_code == 3
    assert "This credential is not good. (trace 01TRACE)" in result.stderr
    assert profiles.names() == []


def test_no_key_is_taken_from_the_words_of_a_command(typed, chancery):
    assert typed("login", chancery.url, "--api-key", KEY).exit_code == 2
    assert typed("login", chancery.url, f"--api-key={KEY}").exit_code == 2


@pytest.mark.parametrize("key", ["pkf_01 23", "pkf_01\t23", "pkf_\N{LATIN SMALL LETTER U WITH DIAERESIS}"])
def test_what_cannot_be_a_key_is_told_and_not_shown(typed, chancery, key):
    result = typed("login", chancery.url, "--api-key", read=key + "\n")
    assert result.exit_code == 3
    assert result.stderr.startswith("Error: The API key cannot be one")
    assert key not in result.output
    assert chancery.asked == []


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("http://[::1]:8000", "1-8000"),
        ("http://[::1]", "1"),
        ("https://[2001:db8::1]:8443", "2001-db8--1-8443"),
        ("https://pki.example.com:8443/office", "pki.example.com-8443-office"),
    ],
)
def test_every_address_gives_the_name_of_a_profile(typed, chancery, url, name):
    typed("login", chancery.url, "--api-key", read=KEY + "\n")
    assert signing_in._usual_name(url) == name
    assert profiles.checked_name(signing_in._usual_name(url))


def test_nothing_on_standard_input_is_told(typed, chancery):
    result = typed("login", chancery.url, "--api-key")
    assert result.exit_code == 2
    assert "nothing was given" in result.stderr


@pytest.mark.parametrize(
    "url", ["http://pki.example.com", "ftp://pki.example.com", "https://", "https://u:p@pki.example.com"]
)
def test_a_credential_goes_to_no_address_that_is_not_protected(typed, url):
    assert typed("login", url, "--api-key", read=KEY).exit_code == 2


def test_two_ways_at_once_are_refused(typed, chancery):
    result = typed("login", chancery.url, "--device", "--browser")
    assert result.exit_code == 2
    assert "Choose one of --browser and --device." in result.stderr


def test_without_a_profile_every_command_says_how_to_sign_in(typed):
    result = typed("list")
    assert result.exit_code == 3
    assert result.stderr == (
        "Error: You are not signed in to any Chancery.\nSign in with: chancery login https://pki.example.com\n"
    )


def test_a_second_server_gets_a_profile_of_its_own(signed_in, chancery):
    named = chancery.url.replace("127.0.0.1", "localhost")
    assert signed_in("login", named, "--api-key", read=KEY).exit_code == 0
    assert profiles.names() == ["default", named.removeprefix("http://").replace(":", "-")]
    assert signed_in("profiles", "use", "default").exit_code == 0
    assert json.loads(signed_in("profiles", "list", "--json").stdout)[0] == {
        "name": "default",
        "is_current": True,
        "url": chancery.url,
        "method": "API key",
    }
    assert signed_in("profiles", "use", "nobody").exit_code == 3


def test_another_profile_takes_the_place_of_one_that_is_forgotten(signed_in, chancery):
    signed_in("login", chancery.url, "--api-key", "--profile", "other", read=KEY)
    result = signed_in("logout")
    assert result.stdout == "Signed out: the profile other is forgotten.\nThe current profile is default.\n"
    assert signed_in("whoami").exit_code == 0


def test_a_profile_cannot_be_named_out_of_its_folder(typed, chancery):
    assert typed("login", chancery.url, "--api-key", "--profile", "../elsewhere", read=KEY).exit_code == 2


def test_the_environment_is_enough_and_a_stored_credential_never_goes_to_another_server(
    signed_in, chancery, monkeypatch
):
    monkeypatch.setenv("CHANCERY_URL", chancery.url.replace("127.0.0.1", "localhost"))
    result = signed_in("whoami")
    assert result.exit_code == 3
    assert "no credential" in result.stderr
    assert chancery.asked == []
    monkeypatch.setenv("CHANCERY_API_KEY", KEY)
    assert "from the environment" in signed_in("whoami").stdout
    # What is named on the command line is what is meant.
    assert f"Server\t{chancery.url}" in signed_in("whoami", "--profile", "default").stdout


def test_whoami_as_json_has_no_secret(signed_in):
    found = json.loads(signed_in("whoami", "--json").stdout)
    assert found["profile"] == "default"
    assert found["user"]["email"] == "a@acme.test"
    assert KEY not in json.dumps(found)


def test_logout_forgets(signed_in):
    assert signed_in("logout").exit_code == 0
    assert profiles.names() == []
    assert signed_in("logout").exit_code == 3


def test_a_profile_that_cannot_be_read_is_told_of_and_can_be_forgotten(signed_in):
    path = profiles.folder() / "profiles" / "default.json"
    path.write_text("{")
    result = signed_in("whoami")
    assert result.exit_code == 1
    assert "cannot be read" in result.stderr
    assert signed_in("logout").exit_code == 0


# --- the device flow --------------------------------------------------------------------------------------------------


def device_login(chancery, *, slept: list[float]) -> profiles.Tokens:
    with httpx.Client() as http:
        server = oauth.discover(http, chancery.url)
        shown: list[oauth.Device] = []
        tokens = oauth.by_device(http, server, oauth.register(http, server), show=shown.append, sleep=slept.append)
    assert shown == [oauth.Device("BCDF-GHJK", f"{chancery.url}/device/", f"{chancery.url}/device/", 15)]
    return tokens


def test_a_device_waits_as_long_as_it_is_told_to_and_slows_down_when_asked(chancery):
    chancery.grants = [{"error": "authorization_pending"}, {"error": "slow_down"}, {"error": "authorization_pending"}]
    slept: list[float] = []
    tokens = device_login(chancery, slept=slept)
    assert slept == [5, 5, 10, 10]
    assert (tokens.client_id, tokens.access_token, tokens.refresh_token) == ("client-1", "access-4", "refresh-4")
    assert "access-4" not in repr(tokens)


@pytest.mark.parametrize("error", ["access_denied", "expired_token"])
def test_a_device_that_is_refused_says_so(chancery, error):
    chancery.grants = [{"error": error}]
    with pytest.raises(NotSignedIn):
        device_login(chancery, slept=[])


def test_a_device_gives_up_when_its_code_has_ended(chancery):
    chancery.grants = [{"error": "authorization_pending"}] * 5
    slept: list[float] = []
    begun = {"device_code": "dc", "user_code": "BCDF-GHJK", "verification_uri": f"{chancery.url}/device/"}
    chancery.answers["POST", "/oauth/device_authorization"] = (200, {**begun, "expires_in": 12, "interval": 5})
    with pytest.raises(NotSignedIn, match="in time"):
        device_login(chancery, slept=slept)
    assert slept == [5, 5, 5]


def test_login_by_device_keeps_the_tokens_and_logout_gives_them_back(typed, chancery, monkeypatch):
    monkeypatch.setattr(oauth.by_device, "__kwdefaults__", {**oauth.by_device.__kwdefaults__, "sleep": lambda _: None})
    result = typed("login", chancery.url, "--device")
    assert result.exit_code == 0, result.stderr
    assert "BCDF-GHJK" in result.stderr
    tokens = kept()["tokens"]
    assert tokens["refresh_token"] == "refresh-1"
    assert "access-1" not in result.output
    assert "It may not issue anything" not in result.stderr
    assert typed("logout").exit_code == 0
    assert chancery.bodies("POST", "/oauth/revocation")[0]["token"] == "refresh-1"


@pytest.mark.parametrize("at_single_cas", [True, False])
def test_who_has_ticked_nothing_but_reading_hears_so_at_once(typed, chancery, monkeypatch, at_single_cas):
    """What is ticked in the browser at first lets nothing be issued, and the first refusal would come much later."""
    monkeypatch.setattr(oauth.by_device, "__kwdefaults__", {**oauth.by_device.__kwdefaults__, "sleep": lambda _: None})
    may = ["certificates:read"]
    chancery.permissions, chancery.granted_cas = (
        may,
        [{"pki_name": "CA", "permissions": may}] if at_single_cas else None,
    )
    result = typed("login", chancery.url, "--device")
    assert result.exit_code == 0, result.stderr
    assert result.stderr.endswith("sign in once more, and tick Issue in the browser.\n")
    assert "tick Issue" not in typed("login", chancery.url, "--device", "--scope", "read").stderr
    assert "tick Issue" not in typed("login", chancery.url, "--api-key", read=KEY + "\n").stderr


def test_a_server_that_calls_itself_otherwise_is_refused(chancery):
    with httpx.Client() as http, pytest.raises(WrongUsage, match="calls itself"):
        oauth.discover(http, chancery.url.replace("127.0.0.1", "localhost"))


def test_a_server_that_would_send_secrets_in_the_clear_is_refused(chancery):
    path = "/.well-known/oauth-authorization-server"
    chancery.answers["GET", path] = (200, {"issuer": chancery.url, "token_endpoint": "http://elsewhere.example/t"})
    with httpx.Client() as http, pytest.raises(Failure, match="no protected address"):
        oauth.discover(http, chancery.url)


def test_an_answer_without_an_end_says_nothing_about_signing_in():
    given = []

    def endless():
        while True:
            given.append(b" " * 100_000)
            yield given[-1]

    transport = httpx.MockTransport(lambda request: httpx.Response(200, content=endless()))
    with httpx.Client(transport=transport) as http, pytest.raises(Failure, match="does not say how to sign in"):
        oauth.discover(http, "https://pki.example.com")
    assert len(given) == 11


def test_what_is_no_chancery_is_told(typed, chancery):
    chancery.answers["GET", "/.well-known/oauth-authorization-server"] = (404, b"<html>")
    result = typed("login", chancery.url, "--device")
    assert result.exit_code == 4
    assert "is it the address of a Chancery?" in result.stderr


# --- the browser flow -------------------------------------------------------------------------------------------------


def browser_login(chancery, answer_with):
    """`answer_with` gets the parameters of the question, and says what the browser comes back with."""
    pages: list[httpx.Response] = []

    def open_page(address: str) -> None:
        asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        pages.extend(httpx.get(asked["redirect_uri"], params=fields) for fields in answer_with(asked))

    with httpx.Client() as http:
        server = oauth.discover(http, chancery.url)
        tokens = browser.by_browser(http, server, "client-1", open_page=open_page, patience=5)
    return tokens, pages


def test_the_browser_brings_a_code_which_is_exchanged_with_its_verifier(chancery):
    seen = {}

    def say_yes(asked):
        seen.update(asked)
        return [{"code": "c1", "state": asked["state"], "iss": chancery.url}]

    tokens, _pages = browser_login(chancery, say_yes)
    assert tokens.access_token == "access-1"
    sent = chancery.bodies("POST", "/oauth/token")[0]
    assert sent["code"] == "c1"
    assert sent["redirect_uri"] == seen["redirect_uri"]
    assert seen["code_challenge_method"] == "S256"
    assert browser._challenge(sent["code_verifier"]) == seen["code_challenge"]
    assert urlsplit(seen["redirect_uri"]).hostname == "127.0.0.1"


def test_an_answer_with_another_state_or_from_another_server_is_not_taken(chancery):
    def answers(asked):
        yield {"code": "stolen", "state": "other"}
        yield {"code": "mixed-up", "state": asked["state"], "iss": "https://elsewhere.example"}
        yield {"code": "c1", "state": asked["state"], "iss": chancery.url}

    _tokens, pages = browser_login(chancery, answers)
    assert [page.status_code for page in pages][:2] == [404, 404]
    assert [body["code"] for body in chancery.bodies("POST", "/oauth/token")] == ["c1"]


def test_a_person_who_says_no(chancery):
    with pytest.raises(NotSignedIn, match="said no"):
        browser_login(chancery, lambda asked: [{"error": "access_denied", "state": asked["state"]}])


def test_nobody_answers_in_the_browser(chancery):
    with httpx.Client() as http, pytest.raises(NotSignedIn, match="in time"):
        browser.by_browser(http, oauth.discover(http, chancery.url), "c", open_page=lambda _: None, patience=0)


def test_login_opens_the_browser_of_this_machine(typed, chancery, monkeypatch):
    def opened(address: str) -> bool:
        asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        httpx.get(asked["redirect_uri"], params={"code": "c1", "state": asked["state"], "iss": chancery.url})
        return True

    monkeypatch.setattr(signing_in.webbrowser, "open", opened)
    result = typed("login", chancery.url, "--browser", "--scope", "pki:read")
    assert result.exit_code == 0, result.stderr
    assert kept()["tokens"]["access_token"] == "access-1"


# --- renewing tokens --------------------------------------------------------------------------------------------------


@pytest.fixture
def by_oauth(typed, chancery):
    chancery.refresh_token = "refresh-0"
    endpoint = f"{chancery.url}/oauth/token"
    tokens = profiles.Tokens("client-1", endpoint, f"{chancery.url}/oauth/revocation", "access-0", "refresh-0", 1.0)
    profiles.store(profiles.Profile("default", chancery.url, tokens=tokens))
    return typed


def test_tokens_that_have_ended_are_renewed_and_written_down(by_oauth, chancery):
    assert by_oauth("whoami").exit_code == 0
    assert kept()["tokens"]["refresh_token"] == "refresh-1"
    assert by_oauth("whoami").exit_code == 0
    assert len(chancery.bodies("POST", "/oauth/token")) == 1


def test_commands_that_run_side_by_side_renew_once(by_oauth, chancery):
    codes: list[int] = []
    threads = [threading.Thread(target=lambda: codes.append(_whoami())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert codes == [0, 0, 0, 0]
    assert len(chancery.bodies("POST", "/oauth/token")) == 1


def _whoami() -> int:
    from chancery_client.cli.session import connected

    with connected(None) as client:
        return 0 if client.whoami.get() else 1


def test_a_consent_that_is_over_asks_to_sign_in_again(by_oauth, chancery):
    chancery.grants = [{"error": "invalid_grant"}]
    result = by_oauth("whoami")
    assert result.exit_code == 3
    assert "chancery login" in result.stderr


# --- client certificates ----------------------------------------------------------------------------------------------


def test_files_of_a_client_certificate_that_cannot_be_used_are_told(typed, folder):
    Path("me.pem").write_text("nothing")
    result = typed("login", "https://127.0.0.1:9", "--client-cert", "me.pem", "--client-key", "me.key")
    assert result.exit_code == 2
    assert "me.pem" in result.stderr
    assert typed("login", "https://127.0.0.1:9", "--client-key", "me.key").exit_code == 2


def test_a_client_certificate_is_shown_in_the_handshake_and_kept_by_its_place(typed, behind_tls, folder, monkeypatch):
    words = ("login", behind_tls, "--client-cert", "me.pem", "--client-key", "me.key", "--ca-bundle", "ca.pem")
    result = typed(*words)
    assert result.exit_code == 0, result.stderr
    assert kept()["client_key"] == str(folder / "me.key")
    assert "PRIVATE" not in json.dumps(kept())
    monkeypatch.chdir("/")
    assert "Signed in with\tclient certificate" in typed("whoami").stdout


def test_a_server_whose_certificate_nobody_here_trusts_is_not_told_anything(typed, behind_tls, chancery):
    result = typed("login", behind_tls, "--client-cert", "me.pem", "--client-key", "me.key")
    assert result.exit_code == 7
    assert "CHANCERY_CA_BUNDLE" in result.stderr
    result = typed("login", behind_tls, "--device")
    assert result.exit_code == 7
    assert "is not trusted by this machine" in result.stderr
    assert chancery.asked == []
