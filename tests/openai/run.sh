#!/usr/bin/env bash
# What others speak OpenAI's interface with, against the program; and the program against a server of others. Expects
# tests/install-openai.sh, tests/install-models.sh and `cargo build`.
set -eu
cd "$(dirname "$0")/../.."
exec target/check/openai-venv/bin/python tests/openai/run.py "$@"
