"""Speed of llama.cpp through llama-cpp-python, in the tests of `offrecord bench speed`.

    pip install --no-binary llama-cpp-python llama-cpp-python==0.3.36     # builds for this machine
    python benches/peers/llama_cpp_speed.py MODEL.gguf pp512 tg64 tg32@d2048 [-t 2] [-r 3] [--flash]

One JSON line per test: tokens per second of each repeat, and the processor cores it had on average (below -t on a
shared machine: compare tokens per second per core then).
"""

import argparse
import ctypes
import json
import re
import time

import llama_cpp


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("tests", nargs="+")
    parser.add_argument("-t", type=int, default=2)
    parser.add_argument("-r", type=int, default=3)
    parser.add_argument("--flash", action="store_true")
    options = parser.parse_args()
    llama = llama_cpp.Llama(
        options.model, n_ctx=4096, n_batch=512, n_ubatch=512, n_threads=options.t, n_threads_batch=options.t,
        flash_attn=options.flash, verbose=False,
    )
    context, words = llama.ctx, llama.n_vocab()

    def decode(first, count):
        tokens = (llama_cpp.llama_token * count)(*[(first + i) * 2654435761 % 2**32 % words for i in range(count)])
        assert llama_cpp.llama_decode(context, llama_cpp.llama_batch_get_one(tokens, count)) == 0
        llama_cpp.llama_synchronize(context)

    def clear():
        llama_cpp.llama_memory_clear(llama_cpp.llama_get_memory(context), True)

    def once(kind, count, depth):
        clear()
        for first in range(0, depth, 512):
            decode(first, min(512, depth - first))
        begun, cpu = time.perf_counter(), time.process_time()
        if kind == "pp":
            for first in range(0, count, 512):
                decode(first, min(512, count - first))
        else:
            for i in range(count):
                decode(depth + i, 1)
        wall = time.perf_counter() - begun
        return count / wall, (time.process_time() - cpu) / wall

    for test in options.tests:
        kind, count, depth = re.fullmatch(r"(pp|tg)(\d+)(?:@d(\d+))?", test).groups()
        runs = [once(kind, int(count), int(depth or 0)) for _ in range(options.r + 1)][1:]
        print(json.dumps({"test": test, "tokens_per_second": [round(r[0], 2) for r in runs],
                          "cores": [round(r[1], 2) for r in runs]}), flush=True)


main()
