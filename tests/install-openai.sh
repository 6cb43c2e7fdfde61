#!/usr/bin/env bash
# A virtual environment with the tools of others that speak OpenAI's interface: its client, lm-evaluation-harness, a server.
set -eu
cd "$(dirname "$0")/.."
venv=target/check/openai-venv
if [ ! -x "$venv/bin/pip" ]; then
  rm -rf "$venv"
  python3 -m venv "$venv"
fi
"$venv/bin/pip" install --quiet --disable-pip-version-check --requirement tests/openai/requirements.txt
