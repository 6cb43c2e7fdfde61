"""The wait for a reply over HTTP: from the end of a 300-word answer to the first word, 2,000 tokens of transcript in the cache.

    pip install --no-binary llama-cpp-python "llama-cpp-python[server]==0.3.36"     # builds for this machine
    python -m llama_cpp.server --model MODEL.gguf --n_ctx 4096 --n_threads 2 --n_threads_batch 2 --n_batch 512 --port 8081
    offrecord serve --no-open --port 8082 --model ID
    python benches/peers/reply.py llama=http://127.0.0.1:8081 ours=http://127.0.0.1:8082#TOKEN [-r 5]

Each server gets the same messages in turn: first the transcript (read into its prompt cache, not counted), then per round
another answer after it. The text is of `benches/golden`. One JSON line per server: milliseconds of each round, tokens as the
server counts them.
"""

import argparse
import json
import pathlib
import statistics
import time
import tomllib
import urllib.request

GOLDEN = pathlib.Path(__file__).parents[1] / "golden"
SYSTEM = "You are an experienced engineering interviewer. You listen closely, you are friendly and brief."


def turns(name):
    with open(GOLDEN / f"{name}.toml", "rb") as file:
        return [(turn["role"], turn["text"]) for turn in tomllib.load(file)["turn"]]


def transcript(characters):
    """Turns of one interview up to a question, so many characters or a little more."""
    messages, length = [{"role": "system", "content": SYSTEM}], 0
    for role, text in turns("api-quota-a1") + turns("api-quota-a2"):
        role = "assistant" if role == "interviewer" else "user"
        if length > characters and role == "assistant":
            return messages + [{"role": role, "content": text}]
        messages.append({"role": role, "content": text})
        length += len(text)
    return messages


def answers(words):
    """Answers of other interviews, so many words each."""
    for path in sorted(GOLDEN.glob("*.toml")):
        if not path.stem.startswith("api-quota"):
            said = " ".join(text for role, text in turns(path.stem) if role == "candidate").split()
            if len(said) >= words:
                yield " ".join(said[:words])


def ask(server, messages):
    """Milliseconds to the first word, and tokens of the prompt where the server tells them."""
    url, _, token = server.partition("#")
    body = {"messages": messages, "max_tokens": 1, "temperature": 0, "stream": True, "stream_options": {"include_usage": True}}
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token or 'none'}"}
    request = urllib.request.Request(f"{url}/v1/chat/completions", json.dumps(body).encode(), headers)
    begun, first, tokens = time.perf_counter(), None, None
    with urllib.request.urlopen(request, timeout=120) as answer:
        for line in answer:
            if not line.startswith(b"data: {"):
                continue
            chunk = json.loads(line[6:])
            tokens = (chunk.get("usage") or {}).get("prompt_tokens", tokens)
            if first is None and any(choice.get("delta", {}).get("content") for choice in chunk.get("choices", [])):
                first = (time.perf_counter() - begun) * 1e3
    return first, tokens


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("servers", nargs="+", metavar="NAME=URL[#TOKEN]")
    parser.add_argument("-r", type=int, default=5)
    parser.add_argument("-c", type=int, default=7800, help="characters of transcript")
    parser.add_argument("-w", type=int, default=300, help="words of an answer")
    options = parser.parse_args()
    servers = dict(server.split("=", 1) for server in options.servers)
    before = transcript(options.c)
    times, tokens = {name: [] for name in servers}, {}
    for name, server in servers.items():
        tokens[name] = [ask(server, before)[1]]
    for _, answer in zip(range(options.r), answers(options.w)):
        for name, server in servers.items():
            first, count = ask(server, before + [{"role": "user", "content": answer}])
            times[name].append(round(first, 1))
            tokens[name].append(count)
    for name in servers:
        print(json.dumps({"server": name, "median_ms": statistics.median(times[name]), "ms": times[name], "tokens": tokens[name]}))


if __name__ == "__main__":
    main()
