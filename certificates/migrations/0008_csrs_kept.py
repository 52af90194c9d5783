import django.db.models.deletion
from django.db import migrations, models

import accounts.constraints


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0007_token_issuers"),
        ("certificates", "0007_client_certificates"),
    ]

    operations = [
        migrations.CreateModel(
            name="SigningRequest",
            fields=[
                (
                    "certificate",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="signing_request",
                        serialize=False,
                        to="certificates.certificate",
                        verbose_name="certificate",
                    ),
                ),
                ("der", models.BinaryField()),
                (
                    "organization",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.organization",
                        verbose_name="organization",
                    ),
                ),
            ],
            options={
                "verbose_name": "signing request",
                "verbose_name_plural": "signing requests",
                "constraints": [
                    accounts.constraints.SameOrganization(field="certificate", name="certificates_csr_tenant")
                ],
            },
        ),
        migrations.AddIndex(
            model_name="certificate",
            index=models.Index(
                condition=models.Q(("identifier__isnull", False)),
                fields=["organization", "id"],
                name="certificates_identified",
            ),
        ),
    ]
