from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_makers_of_keys"),
    ]

    operations = [
        migrations.AlterField(
            model_name="serversecret",
            name="purpose",
            field=models.CharField(
                choices=[
                    ("token-digest", "keyed hashes of tokens"),
                    ("idempotency", "answers that are remembered"),
                ],
                max_length=20,
                primary_key=True,
                serialize=False,
                verbose_name="purpose",
            ),
        ),
    ]
