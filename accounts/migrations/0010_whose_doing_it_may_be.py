import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0009_programs_of_people_and_machines"),
    ]

    operations = [
        migrations.AddField(
            model_name="externalidentity",
            name="maker",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="bound by",
            ),
        ),
        migrations.AddField(
            model_name="oauthconsent",
            name="maker",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="made by",
            ),
        ),
        migrations.AddField(
            model_name="oauthdevice",
            name="begun_from",
            field=models.CharField(blank=True, max_length=43, verbose_name="begun from"),
        ),
    ]
