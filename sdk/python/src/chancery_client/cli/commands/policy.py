"""What there is to issue from."""

from chancery_client import ChanceryClient, PermissionDenied
from chancery_client.cli import keys
from chancery_client.cli.lists import page_size, take
from chancery_client.cli.options import FormatOption, JsonOption, ProfileOption
from chancery_client.cli.output import Shape, shape_of, show_json, show_rows
from chancery_client.cli.session import connected


def list_templates(as_json: JsonOption = False, shape: FormatOption = None, profile: ProfileOption = None) -> None:
    """List templates: what certificates can be issued from.

    The code is what --template takes.

    Example:
      chancery templates list
    """
    chosen = shape_of(as_json, shape)
    with connected(profile) as client:
        rows, _total = take(client.templates.list(limit=page_size(0, True)), None)
        if chosen is Shape.JSON:
            show_json([row.to_dict() for row in rows])
            return
        names = _names_of_cas(client)
    show_rows(
        ["code", "name", "key", "lifetime", "purposes", "approval", "ca"],
        [
            [
                row.code,
                row.name,
                keys.off_the_wire(row.key_algorithm),
                row.validity,
                row.extended_key_usage,
                row.requires_approval,
                names.get(row.pki_id, row.pki_id),
            ]
            for row in rows
        ],
        chosen,
    )


def _names_of_cas(client: ChanceryClient) -> dict[str, str]:
    """By id; none for whoever may not see CAs."""
    try:
        return {ca.id: ca.name for ca in client.cas.list(limit=page_size(0, True))}
    except PermissionDenied:
        return {}
