"""The official `openai` client against `offrecord serve` with a real model."""

import json
import time
import unittest

import openai

from program import SMALL, Serving

ASK = [{"role": "user", "content": "Name three colours."}]


class Client(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.serving = Serving("--model", SMALL)
        cls.client = openai.OpenAI(base_url=cls.serving.url + "/v1", api_key=cls.serving.token, max_retries=0, timeout=60)

    @classmethod
    def tearDownClass(cls):
        cls.client.close()
        cls.serving.close()

    def create(self, **more):
        return self.client.chat.completions.create(**{"model": SMALL, "messages": ASK, "max_tokens": 24, "temperature": 0, **more})

    def test_models(self):
        models = self.client.models.list().data
        self.assertEqual([(m.id, m.object, m.owned_by) for m in models], [(SMALL, "model", "local")])
        self.assertEqual(self.client.models.retrieve(SMALL).id, SMALL)
        with self.assertRaises(openai.NotFoundError):
            self.client.models.retrieve("gpt-4")

    def test_whole(self):
        answer = self.create()
        self.assertEqual(answer.object, "chat.completion")
        self.assertTrue(answer.id.startswith("chatcmpl-"))
        self.assertEqual(answer.model, SMALL)
        choice = answer.choices[0]
        self.assertTrue(choice.message.content)
        self.assertEqual(choice.message.role, "assistant")
        self.assertIn(choice.finish_reason, ("stop", "length"))
        usage = answer.usage
        self.assertEqual(usage.total_tokens, usage.prompt_tokens + usage.completion_tokens)
        self.assertGreater(usage.prompt_tokens, 5)
        self.assertLessEqual(usage.completion_tokens, 24)

    def test_stream(self):
        whole = self.create().choices[0].message.content
        chunks = list(self.create(stream=True, stream_options={"include_usage": True}))
        self.assertEqual("".join(c.choices[0].delta.content or "" for c in chunks if c.choices), whole)
        self.assertEqual({c.id for c in chunks}, {chunks[0].id})
        self.assertEqual(chunks[0].choices[0].delta.role, "assistant")
        self.assertEqual([c.choices[0].finish_reason for c in chunks if c.choices][:-1].count(None), len(chunks) - 2)
        self.assertEqual(chunks[-1].choices, [])
        self.assertGreater(chunks[-1].usage.completion_tokens, 0)
        plain = list(self.create(stream=True))
        self.assertTrue(all(c.usage is None for c in plain))

    def test_json_schema(self):
        schema = {
            "type": "object",
            "properties": {"colour": {"type": "string", "enum": ["red", "green", "blue"]}, "warm": {"type": "boolean"}},
            "required": ["colour", "warm"],
            "additionalProperties": False,
        }
        named = {"type": "json_schema", "json_schema": {"name": "answer", "strict": True, "schema": schema}}
        answer = json.loads(self.create(response_format=named).choices[0].message.content)
        self.assertIn(answer["colour"], ("red", "green", "blue"))
        self.assertIsInstance(answer["warm"], bool)

    def test_seed(self):
        said = [self.create(temperature=1, seed=seed).choices[0].message.content for seed in (1, 1, 2)]
        self.assertEqual(said[0], said[1])
        self.assertNotEqual(said[0], said[2])

    def test_stop(self):
        whole = self.create().choices[0].message.content
        word = whole.split()[1]
        stopped = self.create(stop=word)
        self.assertEqual(stopped.choices[0].message.content, whole[: whole.index(word)])
        self.assertEqual(stopped.choices[0].finish_reason, "stop")

    def test_max_tokens(self):
        for name in ("max_tokens", "max_completion_tokens"):
            answer = self.create(**{"max_tokens": openai.omit, name: 3})
            self.assertEqual((answer.usage.completion_tokens, answer.choices[0].finish_reason), (3, "length"))

    def test_logprobs(self):
        answer = self.create(logprobs=True, top_logprobs=5, max_tokens=4)
        content = answer.choices[0].logprobs.content
        self.assertEqual("".join(t.token for t in content), answer.choices[0].message.content)
        for token in content:
            self.assertLessEqual(token.logprob, 0)
            self.assertEqual(len(token.top_logprobs), 5)
            # Greedy: the chosen token is the likeliest.
            self.assertAlmostEqual(token.top_logprobs[0].logprob, token.logprob, places=4)
            self.assertEqual(bytes(token.bytes).decode(errors="replace"), token.token)
        self.assertEqual(self.create(logprobs=True, max_tokens=1).choices[0].logprobs.content[0].top_logprobs, [])
        self.assertIsNone(self.create(max_tokens=1).choices[0].logprobs)

    def test_errors(self):
        for wrong in ({"temperature": 9}, {"max_tokens": 0}, {"n": 3}, {"top_logprobs": 50, "logprobs": True},
                      {"messages": []}, {"messages": [{"role": "robot", "content": "x"}]},
                      {"tools": [{"type": "function", "function": {"name": "f", "parameters": {}}}]}):
            with self.assertRaises(openai.BadRequestError, msg=wrong) as raised:
                self.create(**wrong)
            self.assertEqual(raised.exception.body["type"], "invalid_request_error")
            self.assertTrue(raised.exception.body["message"])
        with self.assertRaises(openai.NotFoundError):
            self.create(model="gpt-4")
        with self.assertRaises(openai.BadRequestError):
            self.create(messages=[{"role": "user", "content": "word " * 20000}])
        with self.assertRaises(openai.AuthenticationError):
            openai.OpenAI(base_url=self.serving.url + "/v1", api_key="wrong", max_retries=0).models.list()
        with self.assertRaises(openai.NotFoundError):
            self.client.embeddings.create(model=SMALL, input="x")

    def test_a_stream_that_is_closed_stops_the_model(self):
        stream = self.create(stream=True, max_tokens=1024, messages=[{"role": "user", "content": "Count to a thousand."}])
        next(iter(stream))
        stream.close()
        begun = time.monotonic()
        self.create(max_tokens=1)
        self.assertLess(time.monotonic() - begun, 20, "the next request waits for a reply that nobody reads")

    def test_completions(self):
        answer = self.client.completions.create(model=SMALL, prompt="One, two, three,", max_tokens=4, temperature=0, logprobs=2, echo=True)
        choice = answer.choices[0]
        self.assertTrue(choice.text.startswith("One, two, three, four"), choice.text)
        told = choice.logprobs
        self.assertEqual("".join(told.tokens), choice.text)
        self.assertEqual(len(told.tokens), len(told.token_logprobs))
        self.assertEqual(told.text_offset[:2], [0, len(told.tokens[0])])
        self.assertIsNone(told.token_logprobs[0])
        self.assertTrue(all(p <= 0 for p in told.token_logprobs[1:]))
        # Two likeliest, and the one that stands there if it is neither.
        self.assertTrue(all(len(t) in (2, 3) for t in told.top_logprobs[1:]))
        self.assertEqual(answer.object, "text_completion")
        both = self.client.completions.create(model=SMALL, prompt=["One, two,", "Red, green,"], max_tokens=2, temperature=0)
        self.assertEqual([c.index for c in both.choices], [0, 1])
        spoken = self.client.completions.create(model=SMALL, prompt="One, two, three,", max_tokens=4, temperature=0, stream=True)
        self.assertEqual("One, two, three," + "".join(c.choices[0].text for c in spoken if c.choices), choice.text)


if __name__ == "__main__":
    unittest.main()
