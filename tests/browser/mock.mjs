// A stand-in for the program: the same routes and events with canned words, so that every state of the page can be
// held still and looked at. The page's own files come from web/, under the same policy as the real server's.

import { createServer } from "node:http";
import { readFile } from "node:fs/promises";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import * as canned from "./canned.mjs";

const web = fileURLToPath(new URL("../../web/", import.meta.url));
const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; " +
  "media-src 'self' blob:; font-src 'self'; worker-src 'self' blob:; frame-src 'self'; form-action 'self'; base-uri 'none'; " +
  "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types dompurify";
const boardPolicy =
  "sandbox allow-scripts; default-src 'none'; script-src 'self'; style-src 'self'; img-src data: blob:; font-src data:; " +
  "form-action 'none'; base-uri 'none'; frame-ancestors 'self'; require-trusted-types-for 'script'";
const types = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".json": "application/json" };

/** Starts it on a free port. `pace`: milliseconds between pieces of a reply. */
export async function startMock({ pace = 5, hold = null, sessions = canned.sessions(), status = canned.status, models = canned.models, content = canned.content, scorecard = canned.scorecard } = {}) {
  const state = { sessions: new Map(sessions.map((session) => [session.id, session])), status, models, content, scorecard, cards: new Map(), boards: new Map(Object.entries(canned.boards())), runs: canned.runs, pace, hold, speech: canned.speech, heard: [], said: [], recordings: new Map(), down: false, drafts: [], log: [] };
  const open = new Set();
  const server = createServer((request, response) => {
    if (state.down) return void request.socket.destroy();
    answer(request, response, state).catch((error) => {
      console.error(error);
      response.writeHead(500).end();
    });
  });
  server.on("connection", (socket) => {
    open.add(socket);
    socket.on("close", () => open.delete(socket));
  });
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    state,
    cut: () => open.forEach((socket) => socket.destroy()),
    close: () => ((state.hold = null), open.forEach((socket) => socket.destroy()), new Promise((closed) => server.close(closed))),
  };
}

async function answer(request, response, state) {
  const { pathname, searchParams } = new URL(request.url, "http://localhost");
  const body = await read(request);
  state.log.push(`${request.method} ${pathname}`);
  if (!pathname.startsWith("/api/")) return file(pathname, response);
  const parts = pathname.split("/").slice(2);
  const [what, id, verb, number] = parts;
  const json = (value, code = 200) => {
    response.writeHead(code, { "content-type": "application/json", "content-security-policy": policy, "cache-control": "no-store" });
    response.end(value === undefined ? "" : JSON.stringify(value));
  };
  const refuse = (code, name, message, hint, more = {}) => json({ error: { code: name, message, hint }, ...more }, code);
  if (what === "status") return json(state.status);
  if (what === "check") return state.slow ? refuse(503, "loading", "The model is still being loaded.", "Wait a few seconds and try again.") : json({ model: "m", reads: 212.4, writes: 9.31, at: 1_795_500_000 });
  if (what === "export") return json({ version: 1, sessions: [] });
  if (what === "content") return json(state.content);
  if (what === "models" && !id && request.method === "POST") {
    if (!body.startsWith?.("GGUF")) return refuse(422, "invalid", "This is not a GGUF model file: it does not begin like one.", "Correct the request and send it again.");
    const name = (searchParams.get("name") ?? "").replace(".gguf", "");
    state.models.push({ id: name, title: name, installed: true, fits: true, size: body.length });
    return json({ id: name, size: body.length });
  }
  if (what === "models" && !id) return json(state.models);
  if (what === "models" && request.method === "DELETE") return ((state.models = state.models.filter((model) => model.id !== id)), json({ freed: 98_362_432 }));
  if (what === "models" && verb === "verify") return verify(response, state, id);
  if (what === "models") return pull(response, state, id);
  if (what === "benches" && !id) return json({ folder: "/home/sam/.local/share/offrecord/bench", runs: state.runs });
  if (what === "benches" && verb === "report") {
    response.writeHead(200, { "content-type": "text/html", "content-security-policy": "sandbox; default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'" });
    return void response.end("<!doctype html><title>Report</title><h1>Report</h1><p>Weighted kappa 0.61</p><script>parent.hacked = true</script>");
  }
  if (what === "benches" && verb === "compare") return id === "broken" || number === "broken" ? refuse(422, "invalid", "These runs cannot be compared: no item was graded in both runs.", "") : json(canned.comparison);
  if (what === "speech" && state.speech === null) return refuse(404, "not_found", "There is nothing at this address.", "");
  if (what === "speech" && !id) return json(state.speech);
  if (what === "speech" && id === "transcriptions") return transcribe(request, body, searchParams, state, json, refuse);
  if (what === "speech" && id === "synthesis") {
    state.said.push(body);
    response.writeHead(200, { "content-type": "audio/wav", "content-security-policy": policy });
    return void response.end(sound([[300, state.spokenFor ?? 0.05]], 16_000, 0.02));
  }
  if (what !== "sessions") return refuse(404, "not_found", "There is nothing at this address.", "");
  if (!id && request.method === "GET") return json([...state.sessions.values()].map(summary).reverse());
  if (!id) {
    const session = canned.fresh(body, `new-${state.sessions.size + 1}`);
    session.asked = body;
    state.sessions.set(session.id, session);
    return json(session, 201);
  }
  const session = state.sessions.get(id);
  if (!session) return refuse(404, "unknown_session", `There is no session ${id}.`, "See the history for the ones that are stored.");
  if (!verb && request.method === "DELETE") return (state.sessions.delete(id), json(undefined, 204));
  if (!verb) return json(session);
  switch (verb) {
    case "turns":
      if (body.expected_seq !== session.next_seq) return refuse(409, "conflict", "this session has moved on in another window", "", { session });
      if (body.board && !Array.isArray(body.board.elements)) return refuse(422, "invalid", "this is not a whiteboard scene", "");
      if (body.board) {
        state.boards.set(`${id}/${session.next_seq}`, body.board);
        session.boards = { ...session.boards, [session.next_seq]: `On the whiteboard: ${body.board.elements.filter((element) => element.type === "text").map((element) => element.text).join(", ")}.` };
      }
      state.spoken = body.spoken;
      session.turns.push({ seq: session.next_seq, role: "candidate", text: body.text, at_ms: session.clock.elapsed_ms });
      session.next_seq += 1;
      session.draft = "";
      session.replying = session.next_seq;
      return reply(response, state, session);
    case "boards":
      return state.boards.has(`${id}/${number}`) ? json(state.boards.get(`${id}/${number}`)) : refuse(404, "not_found", "No whiteboard came with this turn.", "");
    case "reply":
      if (session.replying === null) return json(undefined, 204);
      return reply(response, state, session);
    case "draft":
      session.draft = body.text;
      state.drafts.push(body.text);
      return json(undefined, 204);
    case "recordings":
      if (request.method === "PUT") {
        state.recordings.set(`${id}/${number}`, body);
        return json(undefined, 204);
      }
      if (request.method === "DELETE") {
        session.recordings = session.recordings.filter((one) => one.turn !== Number(number));
        return json(undefined, 204);
      }
      response.writeHead(200, { "content-type": "audio/wav" });
      return void response.end(sound([[300, 1]]));
    case "hint": {
      const hint = { ...canned.hint, seq: session.next_seq - 1 };
      session.hints.push(hint);
      return json(hint);
    }
    case "pause":
    case "resume":
    case "finish":
      session.status = { pause: "paused", resume: "active", finish: "finished" }[verb];
      session.clock.running = session.status === "active";
      return json(session);
    case "scorecards":
      if (request.method === "GET") return Number(number) <= session.scorecards.length ? json(state.cards.get(`${id}/${number}`) ?? state.scorecard) : refuse(404, "unknown_scorecard", "There is no such scorecard.", "");
      return grade(response, state, session, body);
    case "export":
      state.exported = body;
      response.writeHead(200, { "content-type": "text/markdown", "content-disposition": 'attachment; filename="offrecord.md"' });
      return void response.end("# An interview\n");
    default:
      return refuse(404, "not_found", "There is nothing at this address.", "");
  }
}

const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

function stream(response) {
  response.writeHead(200, { "content-type": "text/event-stream", "content-security-policy": policy, "cache-control": "no-store" });
  return (event, data) => !response.destroyed && response.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
}

/** A reply; a second listener hears it from its beginning. `state.hold` stops it: after so many pieces, or at "prefill". */
async function reply(response, state, session) {
  const tell = stream(response);
  const pieces = canned.next(session.turns.length).split(/(?<= )/);
  for (const done of [0, 400, 812, 1204]) {
    tell("prefill", { done, total: 1204 });
    await sleep(state.pace);
    if (state.hold === "prefill" && done === 812) await held(state, "prefill");
  }
  if (state.hold === "error") {
    tell("error", { code: "engine", message: "The model gave no reply.", hint: "Your answer is stored. Ask again." });
    return void response.end();
  }
  for (const [index, text] of pieces.entries()) {
    if (state.hold === index) await held(state, index);
    tell("token", { text });
    await sleep(state.pace);
  }
  const turn = { seq: session.next_seq, role: "interviewer", text: pieces.join(""), at_ms: session.clock.elapsed_ms };
  if (session.replying === turn.seq) {
    session.turns.push(turn);
    session.next_seq += 1;
    session.replying = null;
  }
  tell("done", { turn: session.turns.find((old) => old.seq === turn.seq) ?? session.turns.at(-1) });
  response.end();
}

async function held(state, where) {
  while (state.hold === where) await sleep(10);
}

async function grade(response, state, session, options) {
  if (options.model === "refused") return void response.writeHead(422, { "content-type": "application/json" }).end(JSON.stringify({ error: { code: "other_model", message: "It cannot grade beside the model in use.", hint: "Choose a smaller one." } }));
  const card = { ...state.scorecard, dispute: options.dispute, provenance: { ...state.scorecard.provenance, seed: options.seed ?? 7, model: options.model ?? state.scorecard.provenance.model } };
  const tell = stream(response);
  for (const [index, dimension] of state.scorecard.dimensions.entries()) {
    if (state.hold === `grade-${index}`) await held(state, `grade-${index}`);
    await sleep(state.pace);
    tell("dimension", { dimension });
  }
  session.scorecards.push(session.scorecards.length + 1);
  session.overall = card.overall.score;
  state.cards.set(`${session.id}/${session.scorecards.length}`, card);
  tell("done", { n: session.scorecards.length, scorecard: card });
  response.end();
}

async function pull(response, state, id) {
  const tell = stream(response);
  const model = state.models.find((known) => known.id === id);
  for (let done = 0; done <= 10; done += 1) {
    tell("progress", { done: (model.size * done) / 10, total: model.size, stage: done < 10 ? "download" : "verify" });
    if (state.hold === `pull-${done}`) await held(state, `pull-${done}`);
    await sleep(state.pace);
  }
  model.installed = true;
  tell("done", { id });
  response.end();
}

async function verify(response, state, id) {
  const tell = stream(response);
  const { size } = state.models.find((known) => known.id === id);
  for (let done = 0; done <= 4; done += 1) {
    tell("progress", { done: (size * done) / 4, total: size, stage: "verifying" });
    if (state.hold === `verify-${done}`) await held(state, `verify-${done}`);
    await sleep(state.pace);
  }
  if (state.corrupt) tell("error", { code: "corrupt", message: "The file is not the one it should be.", hint: "Pull it again; what did not match was moved aside." });
  else tell("done", { id, sha256: "cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046", in_catalogue: true });
  response.end();
}

function summary({ id, round, level, problem, title, minutes, status, created_at, overall }) {
  return { id, round, level, problem, title, minutes, status, created_at, overall };
}

/** As many words as there is voice: one for each quarter of a second that is loud. */
const words = "I would put a queue between the two services so that a slow receiver does not hold up the rest and then bound the retries by a budget".split(" ");

async function transcribe(request, wav, searchParams, state, json, refuse) {
  if (wav.toString("latin1", 0, 4) !== "RIFF" || wav.readUInt32LE(24) !== 16_000) return refuse(422, "invalid", "This is not sound that is read here.", "");
  const seconds = (wav.length - 44) / 32_000;
  const entry = { seconds, context: searchParams.get("context"), aborted: false };
  state.heard.push(entry);
  request.socket.on("close", () => (entry.aborted ||= !entry.done));
  if (state.hold === "transcribe") await held(state, "transcribe");
  if (state.deaf) return refuse(503, "busy", "The speech model is busy.", "Try again in a moment.");
  let loud = 0;
  for (let at = 44; at + 8000 <= wav.length; at += 8000) {
    let sum = 0;
    for (let n = at; n < at + 8000; n += 2) sum += Math.abs(wav.readInt16LE(n));
    loud += sum / 4000 > 600 ? 1 : 0;
  }
  const text = state.transcript?.(loud, seconds) ?? Array.from({ length: loud }, (_, n) => words[n % words.length]).join(" ");
  entry.done = true;
  entry.text = text;
  json({ text, segments: [], voice: [], audio_ms: Math.round(seconds * 1000) });
}

/** A WAV file of tones and silence. @param {[number, number][]} parts hertz (0: silence) and seconds */
export function sound(parts, rate = 16_000, loud = 0.4) {
  const samples = parts.flatMap(([hertz, seconds]) => Array.from({ length: Math.round(seconds * rate) }, (_, n) => {
    const t = n / rate;
    // Syllables, so that it is not a hum; a hum is taken for the room.
    const syllable = Math.max(0.15, Math.sin(Math.PI * 4 * t)) * (hertz ? 1 : 0);
    return Math.max(-32_767, Math.min(32_767, Math.round(32_767 * loud * syllable * Math.sin(2 * Math.PI * hertz * t))));
  }));
  const file = Buffer.alloc(44 + samples.length * 2);
  file.write("RIFF", 0);
  file.writeUInt32LE(36 + samples.length * 2, 4);
  file.write("WAVEfmt ", 8);
  file.writeUInt32LE(16, 16);
  file.writeUInt16LE(1, 20);
  file.writeUInt16LE(1, 22);
  file.writeUInt32LE(rate, 24);
  file.writeUInt32LE(rate * 2, 28);
  file.writeUInt16LE(2, 32);
  file.writeUInt16LE(16, 34);
  file.write("data", 36);
  file.writeUInt32LE(samples.length * 2, 40);
  samples.forEach((sample, n) => file.writeInt16LE(sample, 44 + n * 2));
  return file;
}

async function read(request) {
  if (request.headers["content-type"] === "audio/wav") {
    const pieces = [];
    for await (const piece of request) pieces.push(piece);
    return Buffer.concat(pieces);
  }
  let text = "";
  for await (const piece of request) text += piece;
  if (request.headers["content-type"] === "application/octet-stream") return text;
  return text ? JSON.parse(text) : {};
}

async function file(pathname, response) {
  const path = normalize(pathname === "/" ? "/index.html" : pathname);
  try {
    const bytes = await readFile(join(web, path));
    const board = path.endsWith("/board.html");
    response.writeHead(200, { "content-type": types[extname(path)] ?? "application/octet-stream", "content-security-policy": board ? boardPolicy : policy, "cross-origin-resource-policy": path.startsWith("/vendor/excalidraw/") ? "cross-origin" : "same-origin", "x-content-type-options": "nosniff", "referrer-policy": "no-referrer", "cache-control": "no-cache" });
    response.end(bytes);
  } catch {
    response.writeHead(404).end();
  }
}
