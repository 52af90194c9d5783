import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("accounts", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="IdempotencyRecord",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("principal", models.CharField(max_length=100, verbose_name="asked by")),
                ("method", models.CharField(max_length=10, verbose_name="method")),
                ("path", models.CharField(max_length=500, verbose_name="address")),
                ("lookup", models.BinaryField(max_length=32, unique=True)),
                ("body_digest", models.BinaryField(max_length=32)),
                ("status", models.PositiveSmallIntegerField(verbose_name="status")),
                ("sealed", models.BinaryField()),
                ("created_at", models.DateTimeField(verbose_name="answered at")),
                ("expires_at", models.DateTimeField(verbose_name="forgotten at")),
                (
                    "organization",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.organization",
                        verbose_name="organization",
                    ),
                ),
            ],
            options={
                "verbose_name": "remembered answer",
                "verbose_name_plural": "remembered answers",
                "ordering": ["-id"],
                "indexes": [models.Index(fields=["expires_at"], name="api_idempotency_expiry")],
            },
        ),
    ]
