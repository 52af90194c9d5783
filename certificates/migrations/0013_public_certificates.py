import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("cas", "0005_trust_anchors"),
        ("certificates", "0012_renewals"),
    ]

    operations = [
        migrations.AlterField(
            model_name="request",
            name="kind",
            field=models.CharField(
                choices=[
                    ("issue", "issue a certificate"),
                    ("renew", "renew a certificate"),
                    ("csr", "accept a CSR"),
                    ("acme", "order a public certificate"),
                ],
                default="issue",
                max_length=10,
                verbose_name="kind",
            ),
        ),
        migrations.AlterField(
            model_name="revocation",
            name="ca",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="revocations",
                to="cas.certificateauthority",
                verbose_name="authority",
            ),
        ),
    ]
