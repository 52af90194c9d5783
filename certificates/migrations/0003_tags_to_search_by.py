from django.db import migrations


def copy_tags(apps, schema_editor):
    Certificate = apps.get_model("certificates", "Certificate")
    CertificateTag = apps.get_model("certificates", "CertificateTag")
    tagged = Certificate.objects.exclude(tags=[]).values_list("pk", "organization_id", "tags")
    rows = (
        CertificateTag(certificate_id=pk, organization_id=organization, value=value)
        for pk, organization, tags in tagged.iterator(chunk_size=1000)
        for value in dict.fromkeys(tags)
    )
    CertificateTag.objects.bulk_create(rows, batch_size=1000)


class Migration(migrations.Migration):
    dependencies = [("certificates", "0002_searched_and_lean")]

    operations = [migrations.RunPython(copy_tags, migrations.RunPython.noop)]
