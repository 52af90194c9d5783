import django.db.models.deletion
from django.db import migrations, models

import accounts.constraints


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0007_token_issuers"),
        ("certificates", "0008_csrs_kept"),
    ]

    operations = [
        migrations.AddField(
            model_name="request",
            name="sealed_key",
            field=models.BinaryField(null=True),
        ),
        migrations.AlterField(
            model_name="request",
            name="kind",
            field=models.CharField(
                choices=[
                    ("issue", "issue a certificate"),
                    ("renew", "renew a certificate"),
                    ("csr", "accept a CSR"),
                ],
                default="issue",
                max_length=10,
                verbose_name="kind",
            ),
        ),
        migrations.AddConstraint(
            model_name="request",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("ca__isnull", True),
                    ("csr__isnull", False),
                    ("kind", "csr"),
                    ("profile__isnull", True),
                    ("template__isnull", True),
                )
                | models.Q(models.Q(("kind", "csr"), _negated=True), ("sealed_key__isnull", True)),
                name="certificates_request_csr",
            ),
        ),
        migrations.CreateModel(
            name="ImportedChain",
            fields=[
                (
                    "certificate",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="imported_chain",
                        serialize=False,
                        to="certificates.certificate",
                        verbose_name="certificate",
                    ),
                ),
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
                ("pem", models.TextField()),
            ],
            options={
                "verbose_name": "imported chain",
                "verbose_name_plural": "imported chains",
                "constraints": [
                    accounts.constraints.SameOrganization(field="certificate", name="certificates_importedchain_tenant")
                ],
            },
        ),
    ]
