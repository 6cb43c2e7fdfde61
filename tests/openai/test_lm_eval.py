"""lm-evaluation-harness with local task files against `offrecord serve` with a real model: both of its interfaces."""

import json
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from program import SMALL, Serving

HERE = Path(__file__).parent


class LmEval(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.serving = Serving("--model", SMALL)

    @classmethod
    def tearDownClass(cls):
        cls.serving.close()

    def results(self, model, path, task, *more, args=""):
        with tempfile.TemporaryDirectory() as folder:
            url = f"{self.serving.url}{path}"
            command = [
                sys.executable, "-m", "lm_eval", "run", "--model", model, "--tasks", task, "--include_path", str(HERE / "tasks"),
                "--model_args", f"model={SMALL},base_url={url},max_retries=1{args}", "--output_path", folder, *more,
            ]
            offline = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "HF_HOME": folder, "OPENAI_API_KEY": self.serving.token}
            done = subprocess.run(command, cwd=HERE, env=os.environ | offline, capture_output=True, text=True, timeout=300)
            self.assertEqual(done.returncode, 0, done.stdout[-3000:] + done.stderr[-3000:])
            written = next(Path(folder).rglob("results_*.json"))
            return json.loads(written.read_text())["results"][task]

    def test_loglikelihood_by_completions(self):
        """Multiple choice: needs `echo`, `logprobs` and a tokenizer, all of which the server gives."""
        token = f",tokenizer_backend=remote,tokenized_requests=False,auth_token={self.serving.token}"
        results = self.results("local-completions", "/v1/completions", "offrecord_choice", args=token)
        # Sixteen continuations that anyone would choose; a coin would get half of them.
        self.assertGreaterEqual(results["acc,none"], 0.8, results)

    def test_generation_by_completions(self):
        results = self.results("local-completions", "/v1/completions", "offrecord_generate", args=",tokenizer_backend=None")
        self.assertGreaterEqual(results["exact_match,first_word"], 0.3, results)

    def test_generation_by_chat(self):
        results = self.results("local-chat-completions", "/v1/chat/completions", "offrecord_generate", "--apply_chat_template")
        self.assertIn("exact_match,first_word", results)


if __name__ == "__main__":
    unittest.main()
