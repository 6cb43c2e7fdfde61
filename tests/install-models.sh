#!/usr/bin/env bash
# Installs the models that the real-model tests need, with the program's own command.
set -eu
for id in smollm2-135m-instruct-q4_1 qwen2.5-coder-0.5b-instruct-q4_k_m qwen2.5-coder-1.5b-instruct-q4_k_m whisper-tiny.en; do
  target/debug/offrecord models pull "$id"
done
