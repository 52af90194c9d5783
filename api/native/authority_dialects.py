"""Which other systems' clients a CA answers."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response

from api.common.fields import Choice
from api.common.inputs import Input
from api.common.openapi import operation
from api.common.outputs import Output, one_of, texts
from api.common.problems import Family
from api.native.authority_base import AuthorityViewSet
from cas.orders import Dialect
from cas.services.standing import enable_dialect, standing_templates
from kernel.permissions import Permission
from kernel.ref import Ref


class OpenDialectOut(Output):
    """A system whose clients are answered, and by which templates."""

    dialect = one_of(Dialect)
    templates = texts(help_text="Their codes; they are edited like any other template.")


class OpenDialectsOut(Output):
    """The systems whose clients a CA answers."""

    dialects = OpenDialectOut(many=True, read_only=True)


class DialectIn(Input):
    """Another system."""

    example = {"dialect": Dialect.FASTPKI.value}

    dialect = Choice(tuple(Dialect))


class AuthorityDialects(AuthorityViewSet):
    """A CA that is open to the clients of another system has templates for them, since they name a CA and no more."""

    title = "Clients of other systems"
    permissions = {"show_dialects": Permission.CAS_READ, "open": Permission.TEMPLATES_WRITE}

    @operation("Show whose clients a CA answers", answers={200: OpenDialectsOut})
    def show_dialects(self, request: Request, ref: Ref) -> Response:
        """A template of theirs that was retired is not there any more, and what it was for is refused."""
        return self._answer_with(ref)

    @operation(
        "Open a CA to another system's clients",
        body=DialectIn,
        answers={200: OpenDialectsOut},
        refusals=(Family.CONFLICT,),
    )
    def open(self, request: Request, ref: Ref) -> Response:
        """Roles and templates are made for them, where they are missing. CertMate's clients know a single CA."""
        values = DialectIn.values(request.data, version=self.version)
        enable_dialect(actor=self.actor, ca=ref, dialect=Dialect(values["dialect"]))
        return self._answer_with(ref)

    def _answer_with(self, ref: Ref) -> Response:
        found = standing_templates(self.ca(ref))
        shown = [{"dialect": dialect, "templates": codes} for dialect, codes in found.items()]
        return Response(self.show(OpenDialectsOut, {"dialects": shown}))
