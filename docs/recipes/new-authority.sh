#!/bin/sh
# A CA for one purpose, what may be had from it, and the API key that a host asks with. An owner does this once.
#
#   export CHANCERY_URL=https://pki.example.com TOKEN=pkf_…      an API key of an owner
#   new-authority.sh web server_auth 192.0.2.10/32 www.example.com
#
# NAME, PURPOSE (server_auth or client_auth), the addresses of the hosts, and the names that may be certified. The folder
# NAME has then what hosts need: root.pem, chain.pem, crl-urls, and authorization, which is secret.
set -eu

: "${CHANCERY_URL:?is not set: see the first lines of this script}" "${TOKEN:?is not set}"
name=$1 purpose=$2 addresses=$3
shift 3
: "${1:?no name that may be certified}"

umask 077
mkdir "$name"
cd "$name"
printf 'Authorization: Bearer %s\n' "$TOKEN" >owner
trap 'rm -f owner ./*.json; cd ..; rmdir "$name" 2>/dev/null || :' EXIT
api() { # ANSWER PATH [JSON]
    curl --silent --show-error --fail-with-body --header @owner ${3:+--header 'Content-Type: application/json' --data "$3"} \
        --output "$1" "$CHANCERY_URL/api/v2$2" || { cat "$1" >&2 2>/dev/null; exit 1; }
}
field() { python3 -c 'import json, sys; print(json.load(sys.stdin)[sys.argv[1]])' "$1" <"$2"; }

# Whoever trusts a root lets in all that was signed below it: so each purpose has a root of its own.
api root.json /cas '{"name": "'"$name"' root", "path_length": 1, "subject": {"common_name": "'"$name"' root"}}'
api ca.json /cas '{"name": "'"$name"'", "parent_id": "'"$(field id root.json)"'", "path_length": 0,
    "subject": {"common_name": "'"$name"' CA"}}'
ca=$(field id ca.json)

names=$(printf ', "%s"' "$@")
api role.json /roles '{"name": "'"$name"'", "pki_id": "'"$ca"'", "max_ttl": "90d", "allowed_domains": ['"${names#, }"']}'
# A common name is a host name for servers alone. A renewal may keep the key: the host has it, and the office never does.
case $purpose in server_auth) is_server=true ;; *) is_server=false ;; esac
api template.json /templates '{"name": "'"$name"'", "code": "'"$name"'", "pki_id": "'"$ca"'", "pki_role": "'"$name"'",
    "validity": "90d", "extended_key_usage": ["'"$purpose"'"], "add_common_name_to_sans": '$is_server',
    "renew_same_key": true}'
# For this CA, from these addresses: to see it, to issue and to renew.
api key.json /api-keys '{"name": "'"$name"'", "allowed_cidrs": ["'"$addresses"'"],
    "grants": [{"pki_id": "'"$ca"'", "can_read": true, "can_issue": true}]}'

api root.pem "/cas/$(field id root.json)/certificate"
api chain.pem "/cas/$ca/chain"
printf '%s.pem\n' "$(field crl_url root.json)" "$(field crl_url ca.json)" >crl-urls
printf 'Authorization: Bearer %s\n' "$(field token key.json)" >authorization
ls root.pem chain.pem crl-urls authorization
