#!/bin/sh
# The CRLs of a CA and of those above it, together in FILE.crl; then COMMAND, where one of them is new.
#
#   pull-crls.sh FILE [COMMAND …]
#
# FILE.urls has their addresses, FILE.pem the certificates of the CAs. Needs curl and openssl.
set -eu

file=$1
shift
# Beside the file, for only so a rename is all or nothing.
new=$(mktemp "$file.XXXXXX")
trap 'rm -f "$new" "$new.one"' EXIT
while read -r url; do
    curl --silent --show-error --fail --max-time 120 --output "$new.one" "$url"
    # It came without TLS, and one that is not theirs would shut everybody out.
    openssl crl -in "$new.one" -noout -CAfile "$file.pem" 2>&1 | grep -q 'verify OK' ||
        { echo "pull-crls: $url is not signed by a CA of $file.pem" >&2; exit 1; }
    cat "$new.one" >>"$new"
done <"$file.urls"
if [ -e "$file.crl" ] && cmp -s "$new" "$file.crl"; then exit 0; fi
chmod 644 "$new"
mv "$new" "$file.crl"
"$@"
