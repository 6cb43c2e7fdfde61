#!/usr/bin/env bash
# release.sh OUTPUT-FOLDER [static]: builds the program without any path of this machine in it, looks that none is, and
# makes the tarball, the Debian package and their checksums. With "static" the C library is linked in: one tarball that runs
# on any Linux of this processor, whatever its C library.
set -eu
case "$#,${2:-}" in
  1,) static=no ;;
  2,static) static=yes ;;
  *) echo "usage: release.sh OUTPUT-FOLDER [static]" >&2; exit 2 ;;
esac
mkdir -p "$1"
output=$(realpath "$1")
cd "$(dirname "$0")/.."
target=$(rustc -vV | sed -n 's/^host: //p')
cargo_home=${CARGO_HOME:-$HOME/.cargo}
rustup_home=${RUSTUP_HOME:-$HOME/.rustup}
export RUSTFLAGS="--remap-path-prefix=$PWD=/offrecord --remap-path-prefix=$cargo_home=/cargo --remap-path-prefix=$rustup_home=/rustup"
folder=${CARGO_TARGET_DIR:-target/release-build}
if [ "$static" = yes ]; then
  RUSTFLAGS="$RUSTFLAGS -C target-feature=+crt-static"
  folder=$folder-static
fi
export CFLAGS="-ffile-prefix-map=$PWD=/offrecord -ffile-prefix-map=$cargo_home=/cargo"
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-1767225600}
cargo build --release --locked --target "$target" --target-dir "$folder"
program=$folder/$target/release/offrecord
for path in "$PWD" "$cargo_home" "$rustup_home" "$HOME"; do
  [ "$path" != / ] || continue
  if grep -aqF "$path" "$program"; then
    echo "the program names a folder of this machine: $path" >&2
    exit 1
  fi
done
# Three quarters of the file are line numbers for a debugger; names of functions stay, for reports of faults.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
strip --strip-debug -o "$work/offrecord" "$program"
program=$work/offrecord
bash packaging/tarball.sh "$program" "$output"
if command -v dpkg-deb >/dev/null && [ "$static" = no ]; then bash packaging/deb.sh "$program" "$output"; fi
(cd "$output" && find . -maxdepth 1 -type f ! -name SHA256SUMS -printf '%f\n' | sort | xargs sha256sum >SHA256SUMS)
