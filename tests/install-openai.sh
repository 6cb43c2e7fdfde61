#!/usr/bin/env bash
# A virtual environment with the tools of others that speak OpenAI's interface: its client, lm-evaluation-harness, a server.
set -eu
cd "$(dirname "$0")/.."
venv=target/check/openai-venv
if [ ! -x "$venv/bin/pip" ]; then
  rm -rf "$venv"
  if ! python3 -m venv "$venv"; then
    if [ "$(id -u)" -eq 0 ]; then apt-get install -y -qq python3-venv; else sudo -n apt-get install -y -qq python3-venv; fi
    rm -rf "$venv"
    python3 -m venv "$venv"
  fi
fi
"$venv/bin/pip" install --quiet --disable-pip-version-check --requirement tests/openai/requirements.txt
