ALTER SYSTEM SET ssl = on;
ALTER SYSTEM SET ssl_min_protocol_version = 'TLSv1.2';
ALTER SYSTEM SET ssl_cert_file = '/etc/postgresql/tls/server.pem';
ALTER SYSTEM SET ssl_key_file = '/etc/postgresql/tls/server.key';
-- Whom clients must have been certified by, and who of them has been revoked.
ALTER SYSTEM SET ssl_ca_file = '/etc/postgresql/tls/clients.pem';
ALTER SYSTEM SET ssl_crl_file = '/etc/postgresql/tls/clients.crl';
