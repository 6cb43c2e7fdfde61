#!/usr/bin/env bash
# stage.sh PROGRAM DESTINATION PREFIX: lays out everything that a package holds below DESTINATION/PREFIX.
# Man pages and completions come from the program itself.
set -eu
umask 022
[ $# -eq 3 ] || { echo "usage: stage.sh PROGRAM DESTINATION PREFIX" >&2; exit 2; }
program=$(realpath "$1")
cd "$(dirname "$0")/.."
root=$2/$3
share=$root/share
mkdir -p "$root/bin" "$root/lib/systemd/user" "$share/man/man1" "$share/applications" "$share/doc/offrecord" \
  "$share/icons/hicolor/scalable/apps" "$share/bash-completion/completions" "$share/zsh/site-functions" \
  "$share/fish/vendor_completions.d"
install -m 755 "$program" "$root/bin/offrecord"
"$program" generate man --output "$share/man/man1"
gzip -9n "$share/man/man1"/*.1
"$program" generate completions bash >"$share/bash-completion/completions/offrecord"
"$program" generate completions zsh >"$share/zsh/site-functions/_offrecord"
"$program" generate completions fish >"$share/fish/vendor_completions.d/offrecord.fish"
install -m 644 packaging/offrecord.desktop "$share/applications/"
install -m 644 web/icon.svg "$share/icons/hicolor/scalable/apps/offrecord.svg"
sed "s|/usr/bin/offrecord|/$3/bin/offrecord|" packaging/offrecord.service >"$root/lib/systemd/user/offrecord.service"
gzip -9n <CHANGELOG.md >"$share/doc/offrecord/changelog.gz"
gzip -9n <packaging/THIRD-PARTY-NOTICES.txt >"$share/doc/offrecord/third-party-notices.gz"
gzip -9n <packaging/sbom.cdx.json >"$share/doc/offrecord/sbom.cdx.json.gz"
# The format that Debian reads; elsewhere it is plain text.
{
  echo "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/"
  echo "Upstream-Name: offrecord"
  echo
  echo "Files: *"
  sed -n 's/^Copyright (c) /Copyright: /p' LICENSE
  echo "License: MIT"
  echo "Comment: licences of what is built in are in third-party-notices.gz"
  echo
  echo "License: MIT"
  sed -n '/^Permission/,$p' LICENSE | sed 's/^$/./; s/^/ /'
} >"$share/doc/offrecord/copyright"
