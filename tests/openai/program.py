"""The program under test: started, asked, ended."""

import json
import os
import subprocess
import tempfile
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = os.environ.get("OFFRECORD_PROGRAM", str(ROOT / "target/debug/offrecord"))
SMALL = "smollm2-135m-instruct-q4_1"


def environment(**more):
    """This process's environment without what would change the program, except where its models are."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("OFFRECORD_", "HF_")) or k == "OFFRECORD_MODELS_DIR"}
    return kept | more


def run(*args, **more):
    """Runs a command of the program to its end."""
    return subprocess.run([PROGRAM, *args], capture_output=True, text=True, env=environment(**more), timeout=300)


def model_path(model=SMALL):
    """Where the installed model lies."""
    shown = run("--json", "models", "show", model)
    assert shown.returncode == 0, f"install the models first (tests/install-models.sh): {shown.stderr}"
    return json.loads(shown.stdout)["path"]


class Serving:
    """`offrecord serve` on a free port, offline."""

    def __init__(self, *flags, **more):
        self.folder = tempfile.TemporaryDirectory()
        args = ["serve", "--json", "--no-open", "--port", "0", "--offline", "--data-dir", self.folder.name, *flags]
        models = run("--json", "doctor")
        folder = json.loads(models.stdout)["facts"]["models_dir"]
        self.process = subprocess.Popen(
            [PROGRAM, *args, "--models-dir", folder],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=environment(**more),
        )
        self.first = json.loads(self.process.stdout.readline())
        self.url, self.token = self.first["url"], self.first["token"]
        while self.api("GET", "/api/status")["model"]["state"] == "loading":
            pass

    def raw(self, method, path, body=None):
        """Bytes of an answer."""
        request = urllib.request.Request(
            self.url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=300) as answer:
            return answer.read()

    def api(self, method, path, body=None):
        """An answer that is JSON."""
        return json.loads(self.raw(method, path, body))

    def events(self, method, path, body=None):
        """An answer that is a stream of events: pairs of name and data."""
        found = []
        for frame in self.raw(method, path, body).decode().split("\n\n"):
            lines = dict(line.split(": ", 1) for line in frame.splitlines() if ": " in line and not line.startswith(":"))
            if "event" in lines:
                found.append((lines["event"], json.loads(lines["data"])))
        return found

    def close(self):
        self.process.terminate()
        self.process.wait(timeout=20)
        self.process.stdout.close()
        self.folder.cleanup()
