"""Templates: the recipes that certificates are asked for by."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response

from accounts.selectors import acting_in
from api.common.openapi import operation
from api.common.problems import Family
from api.common.throttles import ISSUE
from api.native.dialect import NativeViewSet
from api.native.impact_outputs import ImpactOut
from api.native.inputs import TemplateChangeIn, TemplateIn
from api.native.outputs import TemplateOut, listing
from cas import selectors
from cas.services.templates import create_template, order_of, retire_template, update_template
from certificates.services.impact import impact_of_template
from kernel.permissions import Permission
from kernel.ref import Ref


class Templates(NativeViewSet):
    """What may be issued, and how. Certificates keep the version of the template that they were made from."""

    title = "Templates"
    permissions = {
        "list": Permission.TEMPLATES_READ,
        "create": Permission.TEMPLATES_WRITE,
        "retrieve": Permission.TEMPLATES_READ,
        "partial_update": Permission.TEMPLATES_WRITE,
        "destroy": Permission.TEMPLATES_WRITE,
        "impact": Permission.CERTIFICATES_READ,
    }
    limits = {"impact": ISSUE}
    repeatable = frozenset({"impact"})
    field_names = {"ca": "pki_id", "role": "pki_role"}

    @operation("List templates", answers={200: listing(TemplateOut)})
    def list(self, request: Request) -> Response:
        return self.page(TemplateOut, selectors.templates(visible_to=self.actor))

    @operation(
        "Create a template",
        body=TemplateIn,
        answers={201: TemplateOut},
        refusals=(Family.NOT_FOUND, Family.CONFLICT),
    )
    def create(self, request: Request) -> Response:
        order, organization = TemplateIn.read(request.data, version=self.version)
        actor = acting_in(self.actor, organization)
        template = create_template(actor=actor, order=order)
        return self.created(self.show(TemplateOut, template))

    @operation("Show a template", answers={200: TemplateOut})
    def retrieve(self, request: Request, ref: Ref) -> Response:
        return Response(self.show(TemplateOut, selectors.get_template(ref, visible_to=self.actor)))

    @operation("Change a template", body=TemplateChangeIn, answers={200: TemplateOut}, refusals=(Family.CONFLICT,))
    def partial_update(self, request: Request, ref: Ref) -> Response:
        """What is given changes, the rest stays; what was issued keeps the version it was made under."""
        template = selectors.get_template(ref, visible_to=self.actor)
        order = TemplateChangeIn.change(request.data, order_of(template), version=self.version)
        return Response(self.show(TemplateOut, update_template(actor=self.actor, template=template, order=order)))

    @operation("Retire a template", answers={204: None}, refusals=(Family.CONFLICT,))
    def destroy(self, request: Request, ref: Ref) -> Response:
        """Nothing is issued by it any more, and its code is free again."""
        retire_template(actor=self.actor, template=selectors.get_template(ref, visible_to=self.actor))
        return Response(status=204)

    @operation("Foresee a change of a template", body=TemplateChangeIn, answers={200: ImpactOut})
    def impact(self, request: Request, ref: Ref) -> Response:
        """What this change would refuse of what was issued in the last 90 days, and which renewals of the next 90 days,
        with the reasons. Nothing is written, and what pkilint would say is not asked. Needs `templates:read` as well.
        """
        template = selectors.get_template(ref, visible_to=self.actor)
        order = TemplateChangeIn.change(request.data, order_of(template), version=self.version)
        return Response(self.show(ImpactOut, impact_of_template(actor=self.actor, template=template, order=order)))
