#!/bin/sh
# A key that is made on this host and stays there, a certificate for it, and the address of everything that renews it.
#
#   get-certificate.sh TEMPLATE COMMON_NAME FILE [DNS_NAME …]
#
# Makes FILE.key, FILE.pem (the certificate and its chain), FILE.url and FILE.etag, for whoever calls it. Needs curl 7.76,
# openssl, CHANCERY_URL, and the file CHANCERY_AUTHORIZATION with the header that shows the API key.
set -eu

: "${CHANCERY_URL:?is not set}" "${CHANCERY_AUTHORIZATION:?is not set}"
template=$1 common_name=$2 file=$3
shift 3
complain() { echo "get-certificate: $*" >&2; exit 1; }
[ ! -e "$file.key" ] || complain "$file.key is there already"

umask 077
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
api() { # ANSWER METHOD ADDRESS [JSON]
    curl --silent --show-error --fail-with-body --header "@$CHANCERY_AUTHORIZATION" --dump-header "$work/headers" \
        --etag-save "$work/etag" --output "$1" --request "$2" ${4:+--header 'Content-Type: application/json' --data "$4"} \
        "$3" || complain "$(cat "$1" 2>/dev/null)"
}

names=$(printf ',DNS:%s' "$@")
openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$work/key" -out "$work/csr" \
    -subj "/CN=$common_name" ${1:+-addext "subjectAltName=${names#,}"} 2>"$work/said" || complain "$(cat "$work/said")"
csr=$(awk '{ printf "%s\\n", $0 }' "$work/csr")
api "$work/said" POST "$CHANCERY_URL/api/v2/certificates" '{"template_code": "'"$template"'", "csr": "'"$csr"'"}'
location=$(sed -n 's/^[Ll]ocation: *\([^[:space:]]*\).*/\1/p' "$work/headers")
case $location in
*/certificates/*) certificate="$CHANCERY_URL$location" ;;
*) complain "somebody has to approve it first: $location. This script cannot wait; 'chancery issue --wait' can." ;;
esac
# From now on the office renews it, 30 days before its end, with the same key.
api "$work/said" PUT "$certificate/renewal" '{"days_before": 30}'
echo "$certificate/current/download?fmt=fullchain" >"$work/url"
api "$work/pem" GET "$(cat "$work/url")"
chmod 644 "$work/pem"

for part in key url etag pem; do mv "$work/$part" "$file.$part"; done
openssl x509 -in "$file.pem" -noout -subject -enddate
