import accounts.constraints
import django.db.models.deletion
import django.db.models.functions.text
import uuid
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0003_answers_remembered'),
    ]

    operations = [
        migrations.CreateModel(
            name='ExternalIdentity',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.UUIDField(default=uuid.uuid4, editable=False, unique=True, verbose_name='public id')),
                ('issuer', models.CharField(max_length=300, verbose_name='issuer')),
                ('subject', models.CharField(max_length=255, verbose_name='subject')),
                ('is_bound_by_hand', models.BooleanField(default=False, verbose_name='bound by hand')),
                ('last_used_at', models.DateTimeField(blank=True, null=True, verbose_name='last used at')),
                ('created_at', models.DateTimeField(auto_now_add=True, verbose_name='created at')),
                ('event', models.CharField(editable=False, max_length=26, verbose_name='audit event')),
            ],
            options={
                'verbose_name': 'external identity',
                'verbose_name_plural': 'external identities',
                'ordering': ['organization', 'issuer', 'subject'],
            },
        ),
        migrations.CreateModel(
            name='Invitation',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.UUIDField(default=uuid.uuid4, editable=False, unique=True, verbose_name='public id')),
                ('email', models.EmailField(max_length=254, verbose_name='e-mail address')),
                ('role', models.CharField(max_length=80, verbose_name='role')),
                ('language', models.CharField(default='en', max_length=10, verbose_name='language')),
                ('mailing', models.PositiveSmallIntegerField(default=1, verbose_name='mailing')),
                ('expires_at', models.DateTimeField(verbose_name='expires at')),
                ('mail_due_at', models.DateTimeField(blank=True, null=True, verbose_name='mail due at')),
                ('mail_attempts', models.PositiveSmallIntegerField(default=0, verbose_name='failed attempts')),
                ('mail_error', models.CharField(blank=True, max_length=200, verbose_name='last error')),
                ('accepted_at', models.DateTimeField(blank=True, null=True, verbose_name='accepted at')),
                ('cancelled_at', models.DateTimeField(blank=True, null=True, verbose_name='cancelled at')),
                ('created_at', models.DateTimeField(auto_now_add=True, verbose_name='created at')),
                ('event', models.CharField(editable=False, max_length=26, verbose_name='audit event')),
            ],
            options={
                'verbose_name': 'invitation',
                'verbose_name_plural': 'invitations',
                'ordering': ['-id'],
                'indexes': [
                    models.Index(condition=models.Q(('mail_due_at__isnull', False)), fields=['mail_due_at'], name='accounts_invitation_due'),
                ],
            },
        ),
        migrations.CreateModel(
            name='SignInProvider',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.UUIDField(default=uuid.uuid4, editable=False, unique=True, verbose_name='public id')),
                ('name', models.CharField(max_length=80, verbose_name='name')),
                ('issuer', models.CharField(max_length=300, verbose_name='issuer')),
                ('client_id', models.CharField(max_length=200, verbose_name='client id')),
                ('sealed_secret', models.BinaryField(null=True)),
                ('role_claim', models.CharField(blank=True, max_length=100, verbose_name='claim of the role')),
                ('role_map', models.JSONField(blank=True, default=dict, verbose_name='roles')),
                ('default_role', models.CharField(blank=True, max_length=80, verbose_name='role otherwise')),
                ('makes_members', models.BooleanField(default=False, verbose_name='makes members')),
                ('is_listed', models.BooleanField(default=False, verbose_name='on the sign-in page')),
                ('is_active', models.BooleanField(default=True, verbose_name='active')),
                ('created_at', models.DateTimeField(auto_now_add=True, verbose_name='created at')),
                ('event', models.CharField(editable=False, max_length=26, verbose_name='audit event')),
            ],
            options={
                'verbose_name': 'sign-in provider',
                'verbose_name_plural': 'sign-in providers',
                'ordering': ['organization', 'name'],
            },
        ),
        migrations.AddField(
            model_name='organization',
            name='second_factor',
            field=models.CharField(choices=[('optional', 'whoever wants one'), ('owners', 'owners'), ('everyone', 'everyone')], default='optional', max_length=10, verbose_name='second factor'),
        ),
        migrations.AddField(
            model_name='user',
            name='managed_by',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.organization', verbose_name='managed by'),
        ),
        migrations.AddField(
            model_name='user',
            name='session_generation',
            field=models.PositiveIntegerField(default=0, editable=False, verbose_name='generation of sessions'),
        ),
        migrations.AlterField(
            model_name='membership',
            name='role',
            field=models.CharField(max_length=80, verbose_name='role'),
        ),
        migrations.AlterField(
            model_name='serversecret',
            name='purpose',
            field=models.CharField(choices=[('token-digest', 'keyed hashes of tokens'), ('second-factor', 'second factors'), ('idempotency', 'answers that are remembered')], max_length=20, primary_key=True, serialize=False, verbose_name='purpose'),
        ),
        migrations.CreateModel(
            name='CustomRole',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.UUIDField(default=uuid.uuid4, editable=False, unique=True, verbose_name='public id')),
                ('name', models.CharField(max_length=120, verbose_name='name')),
                ('slug', models.SlugField(db_index=False, max_length=80, verbose_name='slug')),
                ('permissions', models.JSONField(default=list, verbose_name='permissions')),
                ('created_at', models.DateTimeField(auto_now_add=True, verbose_name='created at')),
                ('event', models.CharField(editable=False, max_length=26, verbose_name='audit event')),
                ('organization', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='custom_roles', to='accounts.organization', verbose_name='organization')),
            ],
            options={
                'verbose_name': 'custom role',
                'verbose_name_plural': 'custom roles',
                'ordering': ['organization', 'name'],
                'constraints': [
                    models.UniqueConstraint(fields=('id', 'organization'), name='accounts_customrole_target'),
                    models.UniqueConstraint(fields=('organization', 'slug'), name='accounts_customrole_slug'),
                ],
            },
        ),
        migrations.AddField(
            model_name='membership',
            name='custom_role',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='memberships', to='accounts.customrole', verbose_name='custom role'),
        ),
        migrations.AddConstraint(
            model_name='membership',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('custom_role', None), ('role__in', ['owner', 'operator', 'approver', 'auditor', 'member'])), models.Q(('custom_role__isnull', False), models.Q(('role__in', ['owner', 'operator', 'approver', 'auditor', 'member']), _negated=True)), _connector='OR'), name='accounts_membership_one_role'),
        ),
        migrations.AddConstraint(
            model_name='membership',
            constraint=accounts.constraints.SameOrganization(field='custom_role', name='accounts_membership_own_role'),
        ),
        migrations.AddField(
            model_name='externalidentity',
            name='organization',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='external_identities', to='accounts.organization', verbose_name='organization'),
        ),
        migrations.AddField(
            model_name='externalidentity',
            name='user',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='external_identities', to=settings.AUTH_USER_MODEL, verbose_name='person'),
        ),
        migrations.AddField(
            model_name='invitation',
            name='accepted_by',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='accepted by'),
        ),
        migrations.AddField(
            model_name='invitation',
            name='inviter',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='invited by'),
        ),
        migrations.AddField(
            model_name='invitation',
            name='organization',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='invitations', to='accounts.organization', verbose_name='organization'),
        ),
        migrations.AddField(
            model_name='signinprovider',
            name='organization',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='sign_in_providers', to='accounts.organization', verbose_name='organization'),
        ),
        migrations.AddConstraint(
            model_name='externalidentity',
            constraint=models.UniqueConstraint(fields=('organization', 'issuer', 'subject'), name='accounts_externalidentity_once'),
        ),
        migrations.AddIndex(
            model_name='invitation',
            index=models.Index(fields=['organization', 'id'], name='accounts_invitation_list'),
        ),
        migrations.AddConstraint(
            model_name='invitation',
            constraint=models.UniqueConstraint(models.F('organization'), django.db.models.functions.text.Lower('email'), condition=models.Q(('accepted_at', None), ('cancelled_at', None)), name='accounts_invitation_one_open'),
        ),
        migrations.AddConstraint(
            model_name='signinprovider',
            constraint=models.UniqueConstraint(fields=('organization', 'issuer', 'client_id'), name='accounts_signinprovider_once'),
        ),
    ]
