#!/usr/bin/env bash
# deb.sh PROGRAM OUTPUT-FOLDER: a Debian package of a program that is built already. Prints its path. Needs dpkg-deb.
# The same program gives the same bytes. With PACK_FAST the package is larger and made sooner, for tests.
set -eu
[ $# -eq 2 ] || { echo "usage: deb.sh PROGRAM OUTPUT-FOLDER" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
program=$(realpath "$1")
output=$(realpath "$2")
version=$("$program" --version | cut -d' ' -f2)
# A whole second that all files carry; the day of a release, not of a build.
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-1767225600}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
bash "$here/stage.sh" "$program" "$work/root" usr

# The oldest C library that has every symbol which the program asks for.
glibc=$(grep -aoE 'GLIBC_2\.[0-9]+' "$program" | sort -uV | tail -n 1 | cut -d_ -f2) || glibc=
mkdir "$work/root/DEBIAN"
{
  echo "Package: offrecord"
  echo "Version: $version"
  echo "Architecture: $(dpkg --print-architecture)"
  echo "Maintainer: the offrecord maintainers <maintainers@offrecord.invalid>"
  echo "Section: education"
  echo "Priority: optional"
  echo "Installed-Size: $(du -k --apparent-size -s "$work/root" | cut -f1)"
  [ -z "$glibc" ] || echo "Depends: libc6 (>= $glibc), libgcc-s1"
  echo "Recommends: xdg-utils"
  echo "Description: practise senior engineering interviews on this machine"
  echo " An interviewer for system design and behavioural rounds that follows up on your"
  echo " words and grades six dimensions with quotations. It runs a small open model on"
  echo " the processor and touches no network once a model is installed."
} >"$work/root/DEBIAN/control"
(cd "$work/root" && find usr -type f -print0 | sort -z | xargs -0 md5sum) >"$work/root/DEBIAN/md5sums"
find "$work/root" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
pack=(-Zxz)
[ -z "${PACK_FAST:-}" ] || pack=(-Zgzip -z1)
package=$output/offrecord_${version}_$(dpkg --print-architecture).deb
dpkg-deb --root-owner-group "${pack[@]}" --build "$work/root" "$package" >/dev/null
echo "$package"
