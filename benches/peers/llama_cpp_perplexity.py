"""Perplexity of llama.cpp through llama-cpp-python, counted as `offrecord bench perplexity` counts it.

    python benches/peers/llama_cpp_perplexity.py MODEL.gguf TEXT [-t 2] [-w 512]

One JSON line: tokens of the text, tokens counted (the second half of each window), perplexity.
"""

import argparse
import json

import llama_cpp
import numpy


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("text")
    parser.add_argument("-t", type=int, default=2)
    parser.add_argument("-w", type=int, default=512)
    options = parser.parse_args()
    llama = llama_cpp.Llama(
        options.model, n_ctx=options.w, n_batch=options.w, n_threads=options.t, n_threads_batch=options.t,
        logits_all=True, verbose=False,
    )
    with open(options.text, "rb") as file:
        tokens = llama.tokenize(file.read(), add_bos=False, special=False)
    adds_first = bool(llama_cpp.llama_vocab_get_add_bos(llama_cpp.llama_model_get_vocab(llama.model)))
    loss, counted = 0.0, 0
    for start in range(0, len(tokens) - options.w + 1, options.w):
        window = list(tokens[start : start + options.w])
        if adds_first:
            window[0] = llama.token_bos()
        llama.reset()
        llama.eval(window)
        scores = numpy.array(llama.scores[: options.w], dtype=numpy.float64)
        for at in range(options.w // 2, options.w - 1):
            row = scores[at]
            top = row.max()
            loss += numpy.log(numpy.exp(row - top).sum()) - (row[window[at + 1]] - top)
            counted += 1
    print(json.dumps({"tokens": len(tokens), "counted": counted, "perplexity": float(numpy.exp(loss / counted))}))


if __name__ == "__main__":
    main()
