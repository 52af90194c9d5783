ALTER SYSTEM RESET ssl;
ALTER SYSTEM RESET ssl_min_protocol_version;
ALTER SYSTEM RESET ssl_cert_file;
ALTER SYSTEM RESET ssl_key_file;
ALTER SYSTEM RESET ssl_ca_file;
ALTER SYSTEM RESET ssl_crl_file;
