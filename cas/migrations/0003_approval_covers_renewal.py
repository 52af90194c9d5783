from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('cas', '0002_authorities_from_elsewhere'),
    ]

    operations = [
        migrations.AddField(
            model_name='template',
            name='approval_covers_renewal',
            field=models.BooleanField(default=False, verbose_name='an approval covers renewals'),
        ),
    ]
