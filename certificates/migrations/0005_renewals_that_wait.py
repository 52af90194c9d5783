import accounts.constraints
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0002_makers_of_keys'),
        ('cas', '0003_approval_covers_renewal'),
        ('certificates', '0004_requests_and_decisions'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name='request',
            name='again',
            field=models.BooleanField(default=False, verbose_name='although it has a successor'),
        ),
        migrations.AddField(
            model_name='request',
            name='facts',
            field=models.JSONField(default=dict, verbose_name='what would be signed'),
        ),
        migrations.AddField(
            model_name='request',
            name='maker',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='maker of the credential'),
        ),
        migrations.AddField(
            model_name='request',
            name='replaces',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='renewal_requests', to='certificates.certificate', verbose_name='predecessor'),
        ),
        migrations.AddField(
            model_name='request',
            name='same_key',
            field=models.BooleanField(default=False, verbose_name='with the same key'),
        ),
        migrations.AlterField(
            model_name='request',
            name='kind',
            field=models.CharField(choices=[('issue', 'issue a certificate'), ('renew', 'renew a certificate')], default='issue', max_length=10, verbose_name='kind'),
        ),
        migrations.AddConstraint(
            model_name='request',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('kind', 'renew'), ('replaces__isnull', False)), models.Q(models.Q(('kind', 'renew'), _negated=True), ('again', False), ('replaces__isnull', True), ('same_key', False)), _connector='OR'), name='certificates_request_predecessor'),
        ),
        migrations.AddConstraint(
            model_name='request',
            constraint=accounts.constraints.SameOrganization(field='replaces', name='certificates_request_replaces_tenant'),
        ),
    ]
