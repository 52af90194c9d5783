#!/bin/sh
# The newest of a certificate and of what has renewed it, where there is a newer one than FILE.pem; then COMMAND.
#
#   pull-certificate.sh FILE [COMMAND …]        after get-certificate.sh has made FILE.key, FILE.pem and FILE.url
#
# Needs curl 7.70, openssl, and the file CHANCERY_AUTHORIZATION with the header that shows the API key. Where COMMAND fails,
# so does this, and the next run installs the same and calls it again.
set -eu

: "${CHANCERY_AUTHORIZATION:?is not set}"
file=$1
shift
complain() { echo "pull-certificate: $*" >&2; exit 1; }

# Beside the file, for only so a rename is all or nothing.
new=$(mktemp "$file.XXXXXX")
trap 'rm -f "$new" "$new.etag"' EXIT
[ -e "$file.etag" ] || : >"$file.etag"
status=$(curl --silent --show-error --max-time 120 --header "@$CHANCERY_AUTHORIZATION" --etag-compare "$file.etag" \
    --etag-save "$new.etag" --output "$new" --write-out '%{http_code}' "$(cat "$file.url")")
case $status in
304) exit 0 ;;
200) ;;
*) complain "$status: $(cat "$new")" ;;
esac

openssl x509 -in "$new" -noout -checkend 0 >/dev/null || complain 'what is there has ended'
[ "$(openssl x509 -in "$new" -noout -pubkey)" = "$(openssl pkey -in "$file.key" -pubout)" ] ||
    complain "it is not for the key in $file.key"
chmod 644 "$new"
mv "$new" "$file.pem"
openssl x509 -in "$file.pem" -noout -serial -enddate
"$@"
mv "$new.etag" "$file.etag"
