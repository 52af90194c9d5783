import accounts.constraints
import django.db.models.deletion
import uuid
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0001_initial'),
        ('cas', '0003_approval_covers_renewal'),
        ('certificates', '0003_tags_to_search_by'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Request',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.UUIDField(default=uuid.uuid4, editable=False, unique=True, verbose_name='public id')),
                ('kind', models.CharField(choices=[('issue', 'issue a certificate')], default='issue', max_length=10, verbose_name='kind')),
                ('status', models.CharField(choices=[('pending', 'Pending'), ('approved', 'Approved'), ('rejected', 'Rejected'), ('fulfilled', 'Fulfilled'), ('failed', 'Failed'), ('expired', 'Expired'), ('cancelled', 'Cancelled')], default='pending', max_length=10, verbose_name='status')),
                ('subject', models.TextField(blank=True, verbose_name='subject')),
                ('sans', models.JSONField(blank=True, default=list, verbose_name='subject alternative names')),
                ('csr', models.BinaryField(null=True, verbose_name='CSR')),
                ('key_algorithm', models.CharField(blank=True, choices=[('RSA_2048', 'RSA_2048'), ('RSA_3072', 'RSA_3072'), ('RSA_4096', 'RSA_4096'), ('ECDSA_P256', 'ECDSA_P256'), ('ECDSA_P384', 'ECDSA_P384'), ('ECDSA_P521', 'ECDSA_P521'), ('ED25519', 'ED25519'), ('ML_DSA_44', 'ML_DSA_44'), ('ML_DSA_65', 'ML_DSA_65'), ('ML_DSA_87', 'ML_DSA_87')], max_length=12, verbose_name='key algorithm')),
                ('validity', models.DurationField(blank=True, null=True, verbose_name='validity')),
                ('identifier', models.CharField(blank=True, max_length=120, null=True, verbose_name='identifier')),
                ('usage', models.CharField(blank=True, max_length=80, verbose_name='usage')),
                ('tags', models.JSONField(blank=True, default=list, verbose_name='tags')),
                ('description', models.CharField(blank=True, max_length=1000, verbose_name='description')),
                ('digest', models.CharField(max_length=64, verbose_name='digest')),
                ('renewal_digest', models.CharField(blank=True, max_length=64, verbose_name='digest for renewals')),
                ('approvals_needed', models.PositiveSmallIntegerField(verbose_name='approvals needed')),
                ('demands', models.JSONField(default=list, verbose_name='demands')),
                ('requester_kind', models.CharField(max_length=20, verbose_name='requester kind')),
                ('requester_id', models.BigIntegerField(verbose_name='requester id')),
                ('requester_label', models.CharField(max_length=254, verbose_name='requester')),
                ('expires_at', models.DateTimeField(verbose_name='expires at')),
                ('due_at', models.DateTimeField(blank=True, null=True, verbose_name='due at')),
                ('lease', models.UUIDField(editable=False, null=True)),
                ('lease_until', models.DateTimeField(blank=True, null=True, verbose_name='leased until')),
                ('attempts', models.PositiveIntegerField(default=0, verbose_name='failed attempts')),
                ('last_error', models.CharField(blank=True, max_length=500, verbose_name='last error')),
                ('created_at', models.DateTimeField(auto_now_add=True, verbose_name='created at')),
                ('decided_at', models.DateTimeField(blank=True, null=True, verbose_name='decided at')),
                ('closed_at', models.DateTimeField(blank=True, null=True, verbose_name='closed at')),
                ('event', models.CharField(editable=False, max_length=26, verbose_name='audit event')),
                ('ca', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='requests', to='cas.certificateauthority', verbose_name='authority')),
                ('certificate', models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='request', to='certificates.certificate', verbose_name='certificate')),
                ('organization', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='requests', to='accounts.organization', verbose_name='organization')),
                ('person', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='responsible person')),
                ('profile', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='requests', to='cas.profileversion', verbose_name='profile')),
                ('template', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='requests', to='cas.template', verbose_name='template')),
            ],
            options={
                'verbose_name': 'request',
                'verbose_name_plural': 'requests',
                'ordering': ['-id'],
                'indexes': [
                    models.Index(fields=['organization', 'id'], name='certificates_request_list'),
                    models.Index(fields=['organization', 'status', 'id'], name='certificates_request_by_status'),
                    models.Index(fields=['organization', 'person', 'id'], name='certificates_request_by_person'),
                    models.Index(condition=models.Q(('due_at__isnull', False)), fields=['due_at'], name='certificates_request_due'),
                    models.Index(condition=models.Q(('status__in', ['pending', 'approved'])), fields=['expires_at'], name='certificates_request_expiry'),
                ],
                'constraints': [
                    models.UniqueConstraint(fields=('id', 'organization'), name='certificates_request_target'),
                    models.UniqueConstraint(condition=models.Q(('status__in', ['pending', 'approved'])), fields=('organization', 'identifier'), name='certificates_request_identifier'),
                    models.CheckConstraint(condition=models.Q(models.Q(('certificate__isnull', False), ('status', 'fulfilled')), models.Q(models.Q(('status', 'fulfilled'), _negated=True), ('certificate__isnull', True)), _connector='OR'), name='certificates_request_outcome'),
                    accounts.constraints.SameOrganization(field='ca', name='certificates_request_ca_tenant'),
                    accounts.constraints.SameOrganization(field='template', name='certificates_request_template_tenant'),
                    accounts.constraints.SameOrganization(field='certificate', name='certificates_request_certificate_tenant'),
                ],
            },
        ),
        migrations.CreateModel(
            name='Decision',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('approver_label', models.CharField(max_length=254, verbose_name='decided by')),
                ('verdict', models.CharField(choices=[('approved', 'Approved'), ('rejected', 'Rejected')], max_length=8, verbose_name='verdict')),
                ('reason', models.CharField(blank=True, max_length=1000, verbose_name='reason')),
                ('digest', models.CharField(max_length=64, verbose_name='digest')),
                ('created_at', models.DateTimeField(auto_now_add=True, verbose_name='created at')),
                ('event', models.CharField(editable=False, max_length=26, verbose_name='audit event')),
                ('approver', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='approver')),
                ('organization', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.organization', verbose_name='organization')),
                ('request', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='decisions', to='certificates.request', verbose_name='request')),
            ],
            options={
                'verbose_name': 'decision',
                'verbose_name_plural': 'decisions',
                'ordering': ['id'],
                'constraints': [
                    models.UniqueConstraint(fields=('request', 'approver'), name='certificates_decision_once'),
                    accounts.constraints.SameOrganization(field='request', name='certificates_decision_tenant'),
                ],
            },
        ),
    ]
