import accounts.constraints
import django.db.models.deletion
import uuid
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0008_features"),
    ]

    operations = [
        migrations.AddField(
            model_name="organization",
            name="closed_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="closed at"),
        ),
        migrations.AddField(
            model_name="organization",
            name="description",
            field=models.TextField(blank=True, verbose_name="description"),
        ),
        migrations.AddField(
            model_name="serviceaccount",
            name="closed_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="closed at"),
        ),
        migrations.AddField(
            model_name="serviceaccount",
            name="needs_policy",
            field=models.BooleanField(default=False, verbose_name="needs an issuance policy"),
        ),
        migrations.AddField(
            model_name="user",
            name="closed_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="closed at"),
        ),
        migrations.AddField(
            model_name="user",
            name="sponsored_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="accounts.organization",
                verbose_name="sponsored by",
            ),
        ),
        migrations.CreateModel(
            name="IssuancePolicy",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "public_id",
                    models.UUIDField(default=uuid.uuid4, editable=False, unique=True, verbose_name="public id"),
                ),
                ("cn_patterns", models.JSONField(blank=True, default=list, verbose_name="common names")),
                ("san_dns_patterns", models.JSONField(blank=True, default=list, verbose_name="DNS names")),
                ("san_ip_cidrs", models.JSONField(blank=True, default=list, verbose_name="address ranges")),
                (
                    "san_email_domains",
                    models.JSONField(blank=True, default=list, verbose_name="domains of e-mail addresses"),
                ),
                ("allowed_ca_ids", models.JSONField(blank=True, default=list, verbose_name="CAs")),
                (
                    "allowed_certificate_types",
                    models.JSONField(blank=True, default=list, verbose_name="types of certificates"),
                ),
                ("max_validity_days", models.PositiveIntegerField(verbose_name="longest validity in days")),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created at")),
                ("updated_at", models.DateTimeField(auto_now=True, verbose_name="updated at")),
                ("event", models.CharField(editable=False, max_length=26, verbose_name="audit event")),
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
                (
                    "service_account",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="policy",
                        to="accounts.serviceaccount",
                        verbose_name="service account",
                    ),
                ),
            ],
            options={
                "verbose_name": "issuance policy",
                "verbose_name_plural": "issuance policies",
                "ordering": ["organization", "service_account"],
                "constraints": [
                    accounts.constraints.SameOrganization(
                        field="service_account", name="accounts_issuancepolicy_own_account"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="ServiceAccountToken",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "public_id",
                    models.UUIDField(default=uuid.uuid4, editable=False, unique=True, verbose_name="public id"),
                ),
                ("name", models.CharField(blank=True, max_length=120, verbose_name="name")),
                ("prefix", models.CharField(max_length=16, unique=True, verbose_name="prefix")),
                ("digest", models.BinaryField(max_length=32)),
                ("expires_at", models.DateTimeField(blank=True, null=True, verbose_name="expires at")),
                ("revoked_at", models.DateTimeField(blank=True, null=True, verbose_name="revoked at")),
                ("last_used_at", models.DateTimeField(blank=True, null=True, verbose_name="last used at")),
                ("last_used_ip", models.GenericIPAddressField(blank=True, null=True, verbose_name="last used from")),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created at")),
                ("event", models.CharField(editable=False, max_length=26, verbose_name="audit event")),
                (
                    "maker",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="made by",
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
                (
                    "service_account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="tokens",
                        to="accounts.serviceaccount",
                        verbose_name="service account",
                    ),
                ),
            ],
            options={
                "verbose_name": "token of a service account",
                "verbose_name_plural": "tokens of service accounts",
                "ordering": ["-id"],
                "constraints": [
                    accounts.constraints.SameOrganization(
                        field="service_account", name="accounts_servicetoken_own_account"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="SignInToken",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[("access", "access token"), ("refresh", "refresh token")],
                        max_length=7,
                        verbose_name="kind",
                    ),
                ),
                ("family", models.UUIDField(default=uuid.uuid4, editable=False, verbose_name="family")),
                ("digest", models.BinaryField(max_length=32, unique=True)),
                (
                    "session_generation",
                    models.PositiveIntegerField(editable=False, verbose_name="generation of sessions"),
                ),
                ("expires_at", models.DateTimeField(db_index=True, verbose_name="expires at")),
                ("ended_at", models.DateTimeField(blank=True, null=True, verbose_name="ended at")),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created at")),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="person",
                    ),
                ),
            ],
            options={
                "verbose_name": "sign-in token",
                "verbose_name_plural": "sign-in tokens",
                "ordering": ["-id"],
                "indexes": [models.Index(fields=["family"], name="accounts_signintoken_family")],
            },
        ),
    ]
