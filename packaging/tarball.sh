#!/usr/bin/env bash
# tarball.sh PROGRAM OUTPUT-FOLDER: a tar.gz of a program that is built already, to be unpacked over a prefix such as
# ~/.local. Prints its path. The same program gives the same bytes. With PACK_FAST it is larger and made sooner, for tests.
set -eu
[ $# -eq 2 ] || { echo "usage: tarball.sh PROGRAM OUTPUT-FOLDER" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
program=$(realpath "$1")
output=$(realpath "$2")
glibc=$(grep -aoE 'GLIBC_2\.[0-9]+' "$program" | sort -uV | tail -n 1 | cut -d_ -f2) || glibc=
name=offrecord-$("$program" --version | cut -d' ' -f2)-$(uname -m)-linux
[ -n "$glibc" ] || name=$name-static
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
bash "$here/stage.sh" "$program" "$work" "$name"
{
  echo "$name"
  echo
  echo "  ./bin/offrecord             runs from here; or copy these folders over ~/.local or /usr/local"
  if [ -n "$glibc" ]; then
    echo "  Needs glibc $glibc or newer and libgcc_s, nothing else; the fastest kernel of the processor is chosen at each start."
  else
    echo "  Needs no library; the fastest kernel of the processor is chosen at each start."
  fi
  echo "  Licences are in share/doc/offrecord."
} >"$work/$name/README.txt"
# The unit names the place of the program: here it is wherever this was unpacked.
sed -i 's|^ExecStart=/[^ ]*|ExecStart=%h/.local/bin/offrecord|' "$work/$name/lib/systemd/user/offrecord.service"
level=-9
[ -z "${PACK_FAST:-}" ] || level=-1
tar --sort=name --owner=0 --group=0 --numeric-owner --mtime="@${SOURCE_DATE_EPOCH:-1767225600}" -C "$work" -cf - "$name" |
  gzip -n "$level" >"$output/$name.tar.gz"
echo "$output/$name.tar.gz"
