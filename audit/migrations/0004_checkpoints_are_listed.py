from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("audit", "0003_filters_have_indexes"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="auditcheckpoint",
            index=models.Index(fields=["log", "id"], name="audit_checkpoint_list"),
        ),
    ]
