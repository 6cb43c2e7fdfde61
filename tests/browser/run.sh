#!/usr/bin/env bash
# All browser tests. Expects `npm ci --prefix tests/browser`, Chromium, and for the real program `cargo build`.
set -eu
cd "$(dirname "$0")"
exec node --test --test-concurrency=1 ./*.test.mjs
