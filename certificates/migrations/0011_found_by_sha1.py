from hashlib import sha1

from django.db import migrations, models

_AT_ONCE = 1000


def fill(apps, schema_editor):
    body = apps.get_model("certificates", "CertificateBody")
    last = 0
    while rows := list(body.objects.filter(pk__gt=last).order_by("pk").only("pk", "der")[:_AT_ONCE]):
        for row in rows:
            row.sha1 = sha1(bytes(row.der), usedforsecurity=False).hexdigest()
        body.objects.bulk_update(rows, ["sha1"])
        last = rows[-1].pk


class Migration(migrations.Migration):
    dependencies = [("certificates", "0010_saved_filters")]

    operations = [
        migrations.AddField(
            "certificatebody",
            "sha1",
            models.CharField(default="", editable=False, max_length=40, verbose_name="SHA-1 fingerprint"),
            preserve_default=False,
        ),
        migrations.AddIndex(
            "certificatebody", models.Index(fields=["organization", "sha1"], name="certificates_body_sha1")
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
