"""The program with a server of others as interviewer and judge: llama.cpp's, with a real model, on this machine."""

import json
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from program import SMALL, Serving, model_path, run

HERE = Path(__file__).parent
ANSWER = (
    "I would first ask how many events a second there are. We kept two copies of each event in two zones, because a zone "
    "had failed twice, and a follower takes over when the leader dies. I measured the lag before and after."
)


class LlamaServer(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        command = [sys.executable, str(HERE / "llama_server.py"), model_path()]
        cls.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        cls.url = cls.process.stdout.readline().strip()
        cls.host = cls.url.removeprefix("http://")

    @classmethod
    def tearDownClass(cls):
        cls.process.kill()
        cls.process.wait()
        cls.process.stdout.close()

    def test_an_interview_and_its_grade(self):
        serving = Serving("--interviewer", self.url, "--judge", self.url)
        try:
            self.assertEqual(serving.first["leaves_for"], self.host)
            new = {"round": "system-design", "level": "senior", "minutes": 15, "mode": "realistic", "seed": 3}
            session = serving.api("POST", "/api/sessions", new)
            self.assertEqual(session["leaves_for"], self.host)
            path = f"/api/sessions/{session['id']}"
            for _ in range(3):
                seq = serving.api("GET", path)["next_seq"]
                name, data = serving.events("POST", path + "/turns", {"text": ANSWER, "expected_seq": seq})[-1]
                self.assertEqual(name, "done", data)
                self.assertTrue(data["turn"]["text"])
            serving.api("POST", path + "/finish")
            name, data = serving.events("POST", path + "/scorecards", {})[-1]
            self.assertEqual(name, "done", data)
            card = data["scorecard"]
            self.assertEqual(card["provenance"]["leaves_for"], self.host)
            self.assertEqual(card["provenance"]["kernel"], "remote")
            scored = [d for d in card["dimensions"] if d["status"] == "scored"]
            self.assertTrue(scored, card)
            judged = [item["p_yes"] for d in scored for item in d["checklist"] if item["p_yes"] is not None]
            self.assertTrue(judged and all(0 <= p <= 1 for p in judged), card)
            for quote in (q for d in scored for q in d["evidence"]):
                self.assertIn(quote["quote"], ANSWER)
        finally:
            serving.close()

    def test_marks_of_many_answers_at_a_time(self):
        with tempfile.TemporaryDirectory() as folder:
            data = Path(folder) / "answers.jsonl"
            rows = [
                {"id": str(k), "dataset": "d", "question_id": str(k % 4), "question": f"What does part {k % 4} do when the leader dies?",
                 "reference_answer": "A follower takes over.", "answer": ANSWER if k % 2 else "It waits for somebody to restart it, I think.",
                 "score": k % 2, "score_min": 0, "score_max": 1}
                for k in range(16)
            ]
            data.write_text("".join(json.dumps(row) + "\n" for row in rows))
            marks = {}
            for together in ("1", "8"):
                output = Path(folder) / f"out-{together}"
                done = run("--json", "bench", "grading", "--data", str(data), "--judge", self.url, "--concurrency", together,
                           "--calibration", "none", "--output", str(output))
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertIn(f"Text leaves this process for {self.host}.", done.stderr)
                self.assertIn("does not say how likely a whole text is", done.stderr)
                results = json.loads(done.stdout)
                self.assertEqual((results["status"], results["datasets"]["d"]["n"]), ("success", 16), results)
                self.assertEqual(results["provenance"]["leaves_for"], self.host)
                marks[together] = [json.loads(line)["predicted"] for line in (output / "samples.jsonl").read_text().splitlines()]
            # A server batches, and batches round otherwise: near, not equal.
            for alone, together in zip(marks["1"], marks["8"]):
                self.assertAlmostEqual(alone, together, delta=0.05)

    def test_the_same_model_here_and_there_judges_alike(self):
        with tempfile.TemporaryDirectory() as folder:
            transcript = Path(folder) / "t.json"
            turns = [{"seq": 0, "role": "interviewer", "text": "How would you build it?"}, {"seq": 1, "role": "candidate", "text": ANSWER}]
            transcript.write_text(json.dumps({"version": 1, "round": "system-design", "level": "senior", "minutes": 15, "turns": turns}))
            there = run("--json", "grade", str(transcript), "--judge", self.url)
            here = run("--json", "grade", str(transcript), "--model", SMALL)
            self.assertEqual((there.returncode, here.returncode), (0, 0), there.stderr + here.stderr)
            told = [
                {item["id"]: item["p_yes"] for d in json.loads(card.stdout)["dimensions"] for item in d["checklist"] if item["p_yes"] is not None}
                for card in (there, here)
            ]
            both = sorted(told[0].keys() & told[1].keys())
            self.assertGreater(len(both), 3, told)
            apart = [abs(told[0][k] - told[1][k]) for k in both]
            self.assertLess(sum(apart) / len(apart), 0.1, list(zip(both, apart)))


if __name__ == "__main__":
    unittest.main()
