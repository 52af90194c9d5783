#!/bin/sh
# From an empty office to a verified certificate and a revocation that everyone can see, with curl and openssl.
#
#   make run                                                        in another terminal
#   manage=".venv/bin/python manage.py"
#   $manage create_organization ACME --owner admin@localhost
#   export TOKEN=$($manage create_api_key walk --owner admin@localhost --all-permissions)
#   docs/first-certificate.sh [http://localhost:8000]
#
# The files it makes are in the folder `first-certificate`; it stops at the first thing that is not as it should be.
set -eu

base=${1:-http://localhost:8000}
: "${TOKEN:?is not set: see the first lines of this script}"
mkdir first-certificate
cd first-certificate

umask 077
say() { printf '\n== %s\n' "$*"; }
api() { # METHOD PATH [JSON]
    method=$1 path=$2
    shift 2
    curl --silent --show-error --fail-with-body --request "$method" "$base/api/v2$path" \
        --header "Authorization: Bearer $TOKEN" ${1:+--header 'Content-Type: application/json' --data "$1"}
}
field() { python3 -c 'import json, sys; print(json.load(sys.stdin)[sys.argv[1]])' "$1"; }
is() { # WANTED FILE
    grep --quiet "$1" "$2" || { echo "wanted: $1, got:"; cat "$2"; exit 1; }
}

say 'A root, an issuing CA below it, a role, a template'
root=$(api POST /cas '{"name": "ACME Root", "subject": {"common_name": "ACME Root", "organization": "ACME"}}' | field id)
issuing=$(api POST /cas '{"name": "ACME Issuing CA", "parent_id": "'"$root"'", "path_length": 0,
    "subject": {"common_name": "ACME Issuing CA", "organization": "ACME"}}' | field id)
api POST /roles '{"name": "web", "pki_id": "'"$issuing"'", "max_ttl": "397d",
    "allowed_domains": ["acme.test"], "allow_subdomains": true}' >role.json
api POST /templates '{"name": "Web server", "code": "web-tls", "pki_id": "'"$issuing"'", "pki_role": "web",
    "key_algorithm": "ECDSA_P256", "validity": "90d",
    "key_usage": ["digital_signature"], "extended_key_usage": ["server_auth"]}' >template.json
api GET "/cas/$root/certificate" >root.pem
api GET "/cas/$issuing/chain" >chain.pem
openssl x509 -in root.pem -noout -subject

say 'A certificate for a key that never leaves this machine'
openssl ecparam -name prime256v1 -genkey -noout -out www.key
openssl req -new -key www.key -subj '/CN=www.acme.test' -addext 'subjectAltName=DNS:www.acme.test,DNS:api.acme.test' -out www.csr
python3 -c 'import json; print(json.dumps({"template_code": "web-tls", "csr": open("www.csr").read()}))' >order.json
api POST /certificates "$(cat order.json)" >www.json
certificate=$(field id <www.json)
api GET "/certificates/$certificate/download?fmt=pem" >www.pem
openssl verify -x509_strict -purpose sslserver -verify_hostname api.acme.test -CAfile root.pem -untrusted chain.pem www.pem

say 'The public CRL and the OCSP responder know it'
crl=$(openssl x509 -in www.pem -noout -ext crlDistributionPoints | sed -n 's/.*URI://p')
ocsp=$(openssl x509 -in www.pem -noout -ocsp_uri)
ask() { timeout 20 openssl ocsp -url "$ocsp" -issuer chain.pem -cert www.pem -CAfile root.pem -verify_other chain.pem >ocsp.txt 2>&1; }
ask
is 'Response verify OK' ocsp.txt
is 'www.pem: good' ocsp.txt
grep 'www.pem' ocsp.txt

say 'Revoked: OCSP says so at once, the CRL within a minute, or when it is asked to'
api POST "/certificates/$certificate/revoke" '{"reason": "keyCompromise"}' >revoked.json
ask
is 'www.pem: revoked' ocsp.txt
grep -A 4 'www.pem' ocsp.txt
serial=$(openssl x509 -in www.pem -noout -serial | cut -d= -f2)
api POST "/cas/$issuing/crl" '{}' >published.json
curl --silent --fail "$crl" | openssl crl -inform DER -noout -text >crl.txt
is "$serial" crl.txt
grep -A 4 "$serial" crl.txt
curl --silent --fail "$crl.pem" >crl.pem
cat root.pem chain.pem >trust.pem
if openssl verify -crl_check -CAfile trust.pem -CRLfile crl.pem www.pem >verify.txt 2>&1; then
    echo 'openssl still accepts it'
    exit 1
fi
is 'certificate revoked' verify.txt
grep 'certificate revoked' verify.txt

say 'Done'
