import django.db.models.deletion
from django.db import migrations, models

import accounts.constraints


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0007_token_issuers"),
        ("certificates", "0011_found_by_sha1"),
    ]

    operations = [
        migrations.CreateModel(
            name="Renewal",
            fields=[
                (
                    "certificate",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="renewal",
                        serialize=False,
                        to="certificates.certificate",
                        verbose_name="certificate",
                    ),
                ),
                (
                    "standing",
                    models.CharField(
                        choices=[
                            ("due", "to be renewed"),
                            ("failed", "could not be renewed"),
                            ("needed", "waits for a CSR"),
                            ("asked", "waits for an approval"),
                            ("held", "waits for the end of the hold"),
                        ],
                        default="due",
                        max_length=8,
                        verbose_name="status",
                    ),
                ),
                ("due_at", models.DateTimeField(verbose_name="due at")),
                ("lease", models.UUIDField(editable=False, null=True)),
                ("lease_until", models.DateTimeField(blank=True, null=True, verbose_name="leased until")),
                ("attempts", models.PositiveIntegerField(default=0, verbose_name="failed attempts")),
                ("last_error", models.CharField(blank=True, max_length=500, verbose_name="last error")),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created at")),
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
                "verbose_name": "renewal",
                "verbose_name_plural": "renewals",
                "ordering": ["due_at", "certificate"],
                "indexes": [
                    models.Index(fields=["due_at"], name="certificates_renewal_due"),
                    models.Index(fields=["organization", "standing"], name="certificates_renewal_standing"),
                ],
                "constraints": [
                    accounts.constraints.SameOrganization(field="certificate", name="certificates_renewal_tenant")
                ],
            },
        ),
    ]
