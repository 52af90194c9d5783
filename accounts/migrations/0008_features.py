from django.db import migrations, models


def forget_empty_lists(apps, schema_editor):
    """Nobody could set them: an empty one was the default, and meant nothing."""
    apps.get_model("accounts", "Organization").objects.filter(features=[]).update(features=None)


class Migration(migrations.Migration):
    dependencies = [("accounts", "0007_token_issuers")]

    operations = [
        migrations.AlterField(
            model_name="organization",
            name="features",
            field=models.JSONField(blank=True, null=True, verbose_name="features"),
        ),
        migrations.RunPython(forget_empty_lists, migrations.RunPython.noop),
    ]
