"""What waits for somebody to say yes."""

from pathlib import Path
from typing import Annotated, Any, Optional

import typer

from chancery_client.cli import keys
from chancery_client.cli.failures import Failure, WrongUsage
from chancery_client.cli.issuance import (
    NO_PATIENCE,
    Target,
    awaiting,
    chained,
    deliver,
    label_of,
    managed_key_of,
    with_collecting,
)
from chancery_client.cli.lists import page_size, take, tell_cut
from chancery_client.cli.options import (
    AllOption,
    ForceOption,
    FormatOption,
    JsonOption,
    LimitOption,
    ProfileOption,
    TimeoutOption,
    WaitOption,
    YesOption,
    confirm,
    flag,
    read_length,
)
from chancery_client.cli.output import Shape, say, shape_of, show_facts, show_json, show_rows
from chancery_client.cli.references import checked_request
from chancery_client.cli.session import connected
from chancery_client.cli.wishes import given
from chancery_client.models import RequestDetail, RequestItem

RequestArgument = Annotated[str, typer.Argument(metavar="REQUEST", help="Its id.", show_default=False)]
_COLUMNS = ("name", "status", "approvals", "requester", "template", "filed", "id")
_WAITING = "waiting"


def list_requests(
    status: Annotated[
        Optional[str],
        typer.Option(
            metavar="STATUS", help="pending_approval, approved, rejected, fulfilled, cancelled, expired, failed."
        ),
    ] = None,
    mine: Annotated[bool, flag("--mine", help="Those that you have filed.")] = False,
    inbox: Annotated[bool, flag("--inbox", help="Those that wait for your decision.")] = False,
    template: Annotated[Optional[str], typer.Option("--template", "-t", metavar="CODE", help="The template.")] = None,
    requester: Annotated[Optional[str], typer.Option(metavar="EMAIL", help="Who has filed it.")] = None,
    limit: LimitOption = 50,
    all_: AllOption = False,
    as_json: JsonOption = False,
    shape: FormatOption = None,
    profile: ProfileOption = None,
) -> None:
    """List requests, the newest first.

    All of the organization's where you may see them, else your own.

    Examples:
      chancery requests list --inbox
      chancery requests list --status pending_approval --json
    """
    chosen = shape_of(as_json, shape)
    wanted = given(status=status, mine=mine or None, inbox=inbox or None, template=template, requester=requester)
    with connected(profile) as client:
        rows, total = take(client.requests.list(limit=page_size(limit, all_), **wanted), None if all_ else limit)
    if chosen is Shape.JSON:
        show_json([row.to_dict() for row in rows])
    else:
        show_rows(_COLUMNS, [_row(row) for row in rows], chosen, aside=("template",))
    tell_cut(len(rows), total)


def show_request(request: RequestArgument, as_json: JsonOption = False, profile: ProfileOption = None) -> None:
    """Show a request: what would be signed, what stands against it, who has said what.

    The digest at its end is of exactly what would be signed: an approval names it.
    """
    with connected(profile) as client:
        found = client.requests.get(checked_request(request))
    if as_json:
        show_json(found.to_dict())
        return
    show_facts(_facts(found))


def approve(
    request: RequestArgument,
    digest: Annotated[
        Optional[str],
        typer.Option(metavar="SHA256", help="Approve only what has this digest; for scripts, with --yes."),
    ] = None,
    reason: Annotated[Optional[str], typer.Option(metavar="TEXT", help="Why, for whoever reads it later.")] = None,
    yes: YesOption = False,
    as_json: JsonOption = False,
    profile: ProfileOption = None,
) -> None:
    """Say yes to exactly what a request shows. Nobody approves what he has asked for himself.

    It is shown first, and you are asked. This takes an API key or a client certificate of somebody who may decide: what
    was signed in by a browser decides nothing.

    Examples:
      chancery requests approve 5f0c9e3a-…
      chancery requests approve 5f0c9e3a-… --digest 9f86d081… --yes
    """
    if yes and not digest:
        raise WrongUsage("With --yes, say what you have seen: --digest, as `chancery requests show` shows it.")
    with connected(profile) as client:
        found = client.requests.get(checked_request(request))
        if digest and digest.lower() != found.digest:
            raise Failure(f"Request {found.id} has another digest now: {found.digest}.")
        if not yes:
            show_facts(_facts(found))
        confirm("Approve this?", yes)
        decided = client.requests.approve(request, digest=found.digest, **given(reason=reason))
    _tell(decided, as_json=as_json)


def reject(
    request: RequestArgument,
    reason: Annotated[Optional[str], typer.Option(metavar="TEXT", help="Why; who has asked reads it.")] = None,
    as_json: JsonOption = False,
    profile: ProfileOption = None,
) -> None:
    """Say no to a request. One no is enough, and it says why.

    Example:
      chancery requests reject 5f0c9e3a-… --reason "This name belongs to another team."
    """
    if not reason:
        raise WrongUsage("Why? Say it with --reason.")
    with connected(profile) as client:
        decided = client.requests.reject(checked_request(request), reason=reason)
    _tell(decided, as_json=as_json)


def cancel(request: RequestArgument, as_json: JsonOption = False, profile: ProfileOption = None) -> None:
    """Take back a request that you have filed.

    As long as nothing was issued for it.
    """
    with connected(profile) as client:
        decided = client.requests.cancel(checked_request(request))
    _tell(decided, as_json=as_json)


def collect(
    request: RequestArgument,
    out: Annotated[
        Optional[Path],
        typer.Option(
            "--out", "-o", metavar="PREFIX", help="Where to write PREFIX.pem, and a key that the server has made."
        ),
    ] = None,
    wait: WaitOption = False,
    timeout: TimeoutOption = "1h",
    force: ForceOption = False,
    as_json: JsonOption = False,
    profile: ProfileOption = None,
) -> None:
    """Fetch the certificate that a request has led to.

    A key that was made on this machine is where `chancery issue` has left it. One that the server has made is fetched,
    too: once, by who asked for it.

    Example:
      chancery requests collect 5f0c9e3a-… --out www --wait
    """
    patience = read_length(timeout, option="--timeout") if wait else NO_PATIENCE
    with connected(profile) as client:
        try:
            issued = awaiting(client, patience)(checked_request(request))
        except Failure as failure:
            raise with_collecting(failure, request, str(out or "www")) from None
        has_key = issued.key_custody == _WAITING
        target = Target.of(out, label_of(issued), force=force, with_key=has_key)
        certificates = chained(client, issued)
        key = managed_key_of(client, issued) if has_key else None
    deliver(issued, target, certificates, key, as_json=as_json)


def _row(row: RequestItem) -> list[Any]:
    name = row.subject.get("common_name") or (row.sans or [""])[0]
    counted = f"{row.approvals_given}/{row.approvals_needed}"
    return [name, row.status, counted, row.requester, row.template.code if row.template else "", row.created_at, row.id]


def _facts(found: RequestDetail) -> dict[str, Any]:
    signed = found.to_be_signed
    return {
        "Id": found.id,
        "Status": found.status,
        "Kind": found.kind,
        "Subject": signed.subject,
        "Names": [f"{each.type}:{each.value}" for each in signed.sans],
        "Key": keys.off_the_wire(signed.key_algorithm),
        "Public key": signed.key_sha256 or _key_to_come(found),
        "Lifetime": signed.validity,
        "Purposes": signed.extended_key_usage,
        "CA": found.pki.name if found.pki else None,
        "Template": found.template.code if found.template else None,
        "Renews": found.replaces_id,
        "Requester": found.requester,
        "Description": found.description,
        "Filed": found.created_at,
        "Open until": found.expires_at,
        "Approvals": f"{found.approvals_given} of {found.approvals_needed}",
        "Decisions": [_decision(each) for each in found.decisions],
        "Against it": [each.detail for each in found.findings],
        "Last error": found.last_error,
        "Certificate": found.certificate_id,
        "Digest": found.digest,
    }


def _key_to_come(found: RequestDetail) -> str:
    return "that of the certificate it renews" if found.same_key else "made when it is approved"


def _decision(decision: Any) -> str:
    return f"{decision.verdict} by {decision.approver}" + (f" ({decision.reason})" if decision.reason else "")


def _tell(decided: RequestDetail, *, as_json: bool) -> None:
    if as_json:
        show_json(decided.to_dict())
        return
    say(f"Request {decided.id} is {decided.status.replace('_', ' ')}.")
