// Speech as arithmetic: rates, files, voice and silence, pieces, words in the box, patience, sentences. No browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { facts } from "../../web/speech/facts.js";
import { afterSign, longSilence, objection, patience, quiet } from "../../web/speech/patience.js";
import { resampler } from "../../web/speech/resample.js";
import { sentences } from "../../web/speech/sentences.js";
import { land, spokenEnd } from "../../web/speech/tail.js";
import { utterances } from "../../web/speech/utterances.js";
import { frame, voiceActivity } from "../../web/speech/voice.js";
import { pcm16, wav } from "../../web/speech/wav.js";

/** @param {number} rate @param {number} hertz @param {number} seconds @param {number} [loud] */
const tone = (rate, hertz, seconds, loud = 0.5) => Float32Array.from({ length: Math.round(rate * seconds) }, (_, n) => loud * Math.sin((2 * Math.PI * hertz * n) / rate));

/** Power of one frequency, in decibels against full scale. @param {Float32Array} samples @param {number} rate @param {number} hertz */
function power(samples, rate, hertz) {
  let re = 0;
  let im = 0;
  for (let n = 0; n < samples.length; n += 1) {
    re += samples[n] * Math.cos((2 * Math.PI * hertz * n) / rate);
    im += samples[n] * Math.sin((2 * Math.PI * hertz * n) / rate);
  }
  return 20 * Math.log10((2 * Math.hypot(re, im)) / samples.length + 1e-12);
}

/** @param {Float32Array} samples @param {number} rate @param {number} size of the pieces, as an audio thread hands them over */
function through(samples, rate, size = 128) {
  const { push, flush } = resampler(rate);
  const out = [];
  for (let at = 0; at < samples.length; at += size) out.push(...push(samples.subarray(at, at + size)));
  out.push(...flush());
  return Float32Array.from(out);
}

for (const rate of [8000, 11_025, 22_050, 32_000, 44_100, 48_000, 96_000]) {
  test(`${rate} samples a second become 16,000: what can be held is kept, the rest is gone`, () => {
    const kept = through(tone(rate, 1000, 1), rate);
    assert.ok(Math.abs(kept.length - 16_000) <= 40, `${kept.length} samples for a second`);
    assert.ok(Math.abs(power(kept.slice(800, 15_200), 16_000, 1000) - 20 * Math.log10(0.5)) < 0.1, "a tone keeps its loudness and pitch");
    const level = through(new Float32Array(rate).fill(0.25), rate).slice(800, 15_200);
    assert.ok(level.every((sample) => Math.abs(sample - 0.25) < 1e-3), "a level stays a level");
    if (rate > 24_000) {
      const folded = through(tone(rate, 12_000, 1), rate).slice(800, 15_200);
      assert.ok(power(folded, 16_000, 4000) < -60, "12 kHz do not come back as 4");
      assert.ok(Math.max(...folded.map(Math.abs)) < 0.002);
    }
  });
}

test("the size of the pieces changes nothing", () => {
  const sound = tone(44_100, 440, 0.5);
  const whole = through(sound, 44_100, sound.length);
  for (const size of [1, 37, 128, 4096]) {
    const pieces = through(sound, 44_100, size);
    assert.equal(pieces.length, whole.length);
    assert.ok(pieces.every((sample, n) => Math.abs(sample - whole[n]) < 1e-6));
  }
});

test("a file has a head that says what it is, and what is too loud is cut, not wrapped", async () => {
  const bytes = new DataView(await wav([pcm16(Float32Array.of(0, 1.7, -3)), pcm16(Float32Array.of(0.5))]).arrayBuffer());
  const text = (/** @type {number} */ at) => String.fromCharCode(...Array.from({ length: 4 }, (_, n) => bytes.getUint8(at + n)));
  assert.deepEqual([text(0), text(8), text(12), text(36)], ["RIFF", "WAVE", "fmt ", "data"]);
  assert.deepEqual([bytes.byteLength, bytes.getUint32(4, true), bytes.getUint32(40, true)], [52, 44, 8]);
  assert.deepEqual([bytes.getUint16(20, true), bytes.getUint16(22, true), bytes.getUint32(24, true), bytes.getUint32(28, true), bytes.getUint16(32, true), bytes.getUint16(34, true)], [1, 1, 16_000, 32_000, 2, 16]);
  assert.deepEqual([44, 46, 48, 50].map((at) => bytes.getInt16(at, true)), [0, 32_767, -32_767, 16_384]);
});

/** Noise that is the same each time. @param {number} seed */
function noise(seed) {
  let state = seed;
  return () => ((state = (state * 1_664_525 + 1_013_904_223) >>> 0) / 2 ** 31 - 1);
}

/** Something like speech: syllables of five a second, with a gap every two seconds. @param {number} seconds @param {number} [loud] @param {number} [hiss] */
function speech(seconds, loud = 0.3, hiss = 0.001) {
  const random = noise(7);
  return Float32Array.from({ length: seconds * 16_000 }, (_, n) => {
    const t = n / 16_000;
    const syllable = Math.max(0, Math.sin(2 * Math.PI * 2.5 * t)) ** 0.5 * (t % 2 < 1.75 ? 1 : 0);
    return loud * syllable * (0.7 * Math.sin(2 * Math.PI * 140 * t) + 0.3 * Math.sin(2 * Math.PI * 900 * t)) + hiss * random();
  });
}

/** @param {number} seconds @param {number} hiss */
const room = (seconds, hiss) => {
  const random = noise(3);
  return Float32Array.from({ length: seconds * 16_000 }, () => hiss * random());
};

/** @param {Float32Array[]} parts */
const then = (...parts) => Float32Array.from(parts.flatMap((part) => Array.from(part)));

/** Seconds taken for speech. @param {Float32Array} samples @param {number} [raised] */
function spoken(samples, raised) {
  const voice = voiceActivity();
  let frames = 0;
  for (let at = 0; at + frame <= samples.length; at += frame) frames += voice(samples.subarray(at, at + frame), raised).speaking ? 1 : 0;
  return frames * 0.02;
}

test("a voice is heard in a quiet and in a loud room, and at a distance", () => {
  for (const [loud, hiss] of [[0.3, 0.0005], [0.3, 0.02], [0.03, 0.001], [0.9, 0.1]]) {
    const found = spoken(then(room(2, hiss), speech(6, loud, hiss), room(3, hiss)));
    assert.ok(found > 4.5 && found < 7.5, `${found} s of 6 at ${loud} in ${hiss}`);
  }
});

test("silence, a noise that stays and a click are no voice", () => {
  assert.equal(spoken(new Float32Array(16_000 * 20)), 0, "digital silence");
  assert.equal(spoken(room(20, 0.001)), 0, "a quiet room");
  assert.equal(spoken(room(60, 0.1)), 0, "a fan");
  const click = room(10, 0.001);
  click.fill(0.9, 80_000, 80_320);
  assert.equal(spoken(click), 0, "a knock");
});

test("while the machine speaks, its echo is not a voice; a person close by is", () => {
  assert.equal(spoken(then(room(2, 0.001), speech(4, 0.04)), 24), 0);
  assert.ok(spoken(then(room(2, 0.001), speech(4, 0.4)), 24) > 2.5);
});

/** @param {Float32Array} samples */
function cut(samples) {
  /** @type {import("../../web/speech/utterances.js").Utterance[]} */
  const found = [];
  const cutter = utterances({ onUtterance: (one) => found.push(one) });
  for (let at = 0; at < samples.length; at += 1000) cutter.push(samples.subarray(at, at + 1000));
  const growing = cutter.current();
  cutter.close();
  return { found, growing, spans: cutter.takeSpans(), cutter };
}

test("speech is cut where the speaker takes a breath, with its first sound and without the silence", () => {
  const { found, growing, spans } = cut(then(room(2, 0.001), speech(3), room(2, 0.001), speech(4), room(2, 0.001)));
  assert.equal(growing, null);
  assert.equal(found.length, 2);
  for (const [index, [from, to]] of [[2000, 5000], [7000, 11_000]].entries()) {
    assert.ok(found[index].startMs > from - 400 && found[index].startMs < from, `begins at ${found[index].startMs}`);
    assert.ok(found[index].endMs > to - 300 && found[index].endMs < to + 700, `ends at ${found[index].endMs}`);
  }
  for (const { samples, startMs, endMs } of found) assert.equal(samples.length, ((endMs - startMs) * 16_000) / 1000);
  assert.ok(found[0].startMs < 2000, "the first sound is in it");
  assert.equal(spans.length >= 2, true);
});

test("a three-minute answer without a breath is cut before thirty seconds, and no sample is lost", () => {
  const whole = speech(180);
  const { found } = cut(whole);
  assert.ok(found.length >= 6, `${found.length} pieces`);
  assert.ok(found.every(({ samples }) => samples.length <= 28 * 16_000));
  const total = found.reduce((sum, { samples }) => sum + samples.length, 0);
  assert.ok(total > 178 * 16_000 && total <= 180 * 16_000, `${total / 16_000} s of 180`);
});

test("an hour of silence gives nothing and keeps nothing", () => {
  const second = room(1, 0.001);
  const cutter = utterances({ onUtterance: () => assert.fail("nothing was said") });
  setFlagsFromString("--expose-gc");
  const collect = /** @type {() => void} */ (runInNewContext("gc"));
  const memory = () => (collect(), process.memoryUsage().heapUsed + process.memoryUsage().arrayBuffers);
  for (let n = 0; n < 60; n += 1) cutter.push(second);
  const before = memory();
  for (let n = 60; n < 3600; n += 1) cutter.push(second);
  const grown = memory() - before;
  assert.ok(grown < 2_000_000, `${grown} bytes more than after a minute; an hour of sound has 230 million`);
  assert.equal(cutter.current(), null);
  assert.deepEqual(cutter.takeSpans(), []);
  assert.equal(cutter.now(), 3_600_000);
});

test("while deaf nothing is kept, and afterwards only what is said then", () => {
  /** @type {any[]} */
  const found = [];
  const cutter = utterances({ onUtterance: (one) => found.push(one) });
  cutter.push(room(2, 0.001));
  cutter.push(speech(3, 0.04), { deaf: true, raised: 24 });
  assert.equal(cutter.current(), null);
  cutter.push(room(1, 0.001));
  cutter.push(speech(2));
  cutter.push(room(1, 0.001));
  assert.deepEqual(found.map((one) => [one.startMs, one.endMs]).length, 1, JSON.stringify(found.map((one) => [one.startMs, one.endMs])));
  assert.ok(found[0].startMs > 5500, `${found[0].startMs}`);
});

test("times of an answer are facts of when somebody spoke", () => {
  assert.equal(facts([], 0), null);
  assert.deepEqual(facts([[3000, 5000], [5400, 9000], [12_000, 14_500]], 1000), { speaking_ms: 8100, first_word_ms: 2000, longest_ms: 5600 });
  assert.deepEqual(facts([[500, 900]], 2000), { speaking_ms: 400, first_word_ms: 0, longest_ms: 400 }, "who speaks before the question ends has not waited");
});

test("the newest reading replaces the one before it, and never what the person wrote", () => {
  let box = { text: "Typed.", tail: "" };
  box = land(box, "I would", false);
  assert.deepEqual(box, { text: "Typed. I would", tail: " I would" });
  box = land(box, "I would shard by", false);
  box = land(box, "I'd shard by customer.", true);
  assert.deepEqual(box, { text: "Typed. I'd shard by customer.", tail: "" });
  box = land(box, "", false);
  assert.equal(box.text, "Typed. I'd shard by customer.", "nothing heard adds nothing, not even a space");
  assert.deepEqual(land({ text: "", tail: "" }, " Hello ", true), { text: "Hello", tail: "" });
  assert.deepEqual(land({ text: "A\n", tail: "" }, "b", true), { text: "A\nb", tail: "" });
});

test("what the person changed stands; only what was said after it is added", () => {
  const edited = { text: "Typed. I would chart by", tail: " I would shard by" };
  assert.deepEqual(land(edited, "I would shard by customer", false), edited, "no reading undoes it");
  assert.deepEqual(land(edited, "I would shard by customer id.", true), { text: "Typed. I would chart by customer id.", tail: "" });
  assert.deepEqual(land(edited, "I would shard.", true), { text: "Typed. I would chart by", tail: "" });
  assert.deepEqual(land({ text: "", tail: " all gone" }, "all gone now", true), { text: "now", tail: "" });
});

test("the spoken sign of the end is heard at the end only, and is not part of the answer", () => {
  for (const [heard, words] of [
    ["So I take the queue. That's my answer.", "So I take the queue."],
    ["I take the queue, that is my final answer", "I take the queue"],
    ["End of answer.", ""],
    ["It holds. That’s my answer!", "It holds."],
  ]) assert.deepEqual(spokenEnd(heard), { ended: true, words });
  for (const heard of ["That's my answer to the first part.", "my answer", "what is my answer", ""]) assert.deepEqual(spokenEnd(heard), { ended: false, words: heard });
});

test("for eight seconds nothing is said; nothing is sent unless that was asked for, and then there is time to object", () => {
  const now = { silent: 0, said: true, holding: false, sendAfterSilence: false, signed: null };
  assert.deepEqual(patience({ ...now, silent: quiet - 1 }), { say: "", sendsIn: null, send: false });
  assert.deepEqual(patience({ ...now, silent: quiet }), { say: "take-time", sendsIn: null, send: false });
  assert.deepEqual(patience({ ...now, silent: 3_600_000 }), { say: "take-time", sendsIn: null, send: false }, "an hour of silence sends nothing");
  assert.ok(longSilence >= 8000 && objection >= 5000);
  const asked = { ...now, sendAfterSilence: true };
  assert.equal(patience({ ...asked, silent: longSilence - 1 }).sendsIn, null);
  assert.deepEqual(patience({ ...asked, silent: longSilence + 1000 }), { say: "take-time", sendsIn: objection - 1000, send: false });
  assert.equal(patience({ ...asked, silent: longSilence + objection }).send, true);
  assert.equal(patience({ ...asked, silent: 60_000, said: false }).send, false, "an empty answer is never sent");
  assert.deepEqual(patience({ ...asked, silent: 60_000, holding: true }), { say: "", sendsIn: null, send: false }, "still thinking holds");
  assert.deepEqual(patience({ ...now, signed: 1000 }), { say: "", sendsIn: afterSign - 1000, send: false });
  assert.equal(patience({ ...now, signed: afterSign }).send, true);
  assert.equal(patience({ ...now, said: false, signed: afterSign }).send, false);
});

test("a reply is spoken sentence by sentence, the first as soon as it is whole", () => {
  const reply = "You said 3.5 seconds, e.g. at peak. What happens to “the queue?” Then say:\n- what you **drop**\n- who pays";
  let taken = 0;
  /** @type {[number, string][]} */
  const spoken = [];
  for (let length = 1; length <= reply.length; length += 1) {
    const found = sentences(reply.slice(0, length), taken, false);
    taken = found.taken;
    for (const sentence of found.sentences) spoken.push([length, sentence]);
  }
  assert.deepEqual(spoken.map(([, sentence]) => sentence), ["You said 3.5 seconds, e.g. at peak.", "What happens to “the queue?”", "Then say:", "- what you drop"]);
  assert.ok(spoken[0][0] <= reply.indexOf("What") , "at once, not at the end");
  assert.deepEqual(sentences(reply, taken, true).sentences, ["- who pays"]);
  assert.deepEqual(sentences("", 0, true), { sentences: [], taken: 0 });
  assert.deepEqual(sentences("Is it A. B is out.", 0, true).sentences, ["Is it A. B is out."]);
});
