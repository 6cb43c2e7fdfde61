"""What llama.cpp says on a fixed text, for `src/engine/tests/real_model_logits.rs` to compare with.

    python benches/peers/llama_cpp_logits.py MODEL.gguf [-t 2] > benches/peers/logits/MODEL.json

One JSON object: the model file's SHA-256; the tokens of the beginning of `benches/perplexity.txt`; at every eighth of
them the 32 most likely next tokens with their log-probabilities; a chat prompt's tokens and the 64 tokens that follow it
greedily. Cache in f16, flash attention off.
"""

import argparse
import hashlib
import json
import pathlib

import llama_cpp
import numpy

LENGTH, STEP, MOST, WRITTEN = 328, 8, 32, 64
PROMPT = (
    "<|im_start|>user\nExplain how a write-ahead log keeps a database safe when the power fails, and what a checkpoint "
    "is for.<|im_end|>\n<|im_start|>assistant\n"
)


def likely(scores):
    row = numpy.array(scores, dtype=numpy.float64)
    top = row.max()
    row -= top + numpy.log(numpy.exp(row - top).sum())
    best = numpy.argsort(-row, kind="stable")[:MOST]
    return [[int(token), round(float(row[token]), 4)] for token in best]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("model", type=pathlib.Path)
    parser.add_argument("-t", type=int, default=2)
    options = parser.parse_args()
    llama = llama_cpp.Llama(
        str(options.model), n_ctx=512, n_batch=512, n_threads=options.t, n_threads_batch=options.t, logits_all=True,
        verbose=False,
    )
    text = (pathlib.Path(__file__).parents[1] / "perplexity.txt").read_bytes()
    tokens = llama.tokenize(text, add_bos=False, special=False)
    count, tokens = len(tokens), tokens[:LENGTH]
    llama.eval(tokens)
    positions = [{"after": at + 1, "likely": likely(llama.scores[at])} for at in range(STEP - 1, LENGTH, STEP)]

    prompt = llama.tokenize(PROMPT.encode(), add_bos=False, special=True)
    llama.reset()
    llama.eval(prompt)
    written = []
    for _ in range(WRITTEN):
        # Also how far ahead the best token was: where this is nearly nothing, another rounding chooses another.
        row = likely(llama.scores[llama.n_tokens - 1])
        written.append([row[0][0], round(row[0][1] - row[1][1], 4)])
        llama.eval([row[0][0]])
    print(json.dumps({
        "model": options.model.name,
        "sha256": hashlib.sha256(options.model.read_bytes()).hexdigest(),
        "llama_cpp_python": llama_cpp.__version__,
        "tokens_of_text": count,
        "tokens": tokens,
        "positions": positions,
        "prompt": prompt,
        "greedy": written,
    }).replace('}, {"after"', '},\n{"after"'))


if __name__ == "__main__":
    main()
