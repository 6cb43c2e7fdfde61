// T1 and T2 in a real browser: pages under another name that points here, and pages on other ports of this machine. The
// rules themselves are tested route by route in tests/http_gate.rs.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { test } from "node:test";
import { launch } from "./browser.mjs";
import { serve } from "./server.mjs";
import { tried } from "./tally.mjs";

const paths = ["/", "/app.js", "/healthz", "/api/status", "/api/sessions", "/api/content", "/api/models", "/v1/models"];

test("a page under another name that points here gets empty refusals", async () => {
  const program = await serve();
  // Newer browsers stop such a page by themselves; the program must not rely on that.
  const own = "--disable-features=LocalNetworkAccessChecks,BlockInsecurePrivateNetworkRequests";
  const browser = await launch(["--host-resolver-rules=MAP evil.test 127.0.0.1,MAP *.evil.test 127.0.0.1", own]);
  try {
    const port = new URL(program.url).port;
    let attempts = 0;
    for (const name of ["evil.test", "localhost.evil.test", "127.0.0.1.evil.test"]) {
      const page = await (await browser.newContext()).newPage();
      const origin = `http://${name}:${port}`;
      const direct = await page.goto(`${origin}/`).catch(() => null);
      if (direct) assert.equal(direct.status(), 403);
      // What a rebinding page has: a document of its own from the same name and port, loaded before the name moved.
      await page.route(`${origin}/trap`, (route) => route.fulfill({ contentType: "text/html", body: "<p>trap" }));
      await page.goto(`${origin}/trap`);
      for (const path of paths) {
        for (const method of ["GET", "POST"]) {
          const [status, length] = await page.evaluate(
            async ([path, method, token]) => {
              const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json" };
              const answer = await fetch(path, { method, headers, body: method === "POST" ? "{}" : undefined });
              return [answer.status, (await answer.text()).length];
            },
            [path, method, program.token],
          );
          assert.deepEqual([status, length], [403, 0], `${method} ${origin}${path}`);
          attempts += 1;
        }
      }
      await page.context().close();
    }
    tried("T1", "requests of a rebound page in Chromium, with the right key", attempts);
  } finally {
    await browser.close();
    await program.close();
  }
});

/** What a page elsewhere can make a browser do. Each gets the program's address and a session's id. */
const attacks = [
  "form",
  "no-cors fetch",
  "cors fetch",
  "image",
  "beacon",
  "socket",
  "frame",
  "navigation",
  "script",
  "link",
];

/** Runs in the attacker's page. @param {{ attack: string, url: string, id: string }} options */
async function attempt({ attack, url, id }) {
  const target = `${url}/api/sessions/${id}/finish`;
  const json = JSON.stringify({ round: "behavioural", level: "senior", minutes: 15, mode: "realistic" });
  /** @param {string} tag @param {Record<string, string>} properties */
  const add = (tag, properties) =>
    new Promise((resolve) => {
      const element = Object.assign(document.createElement(tag), properties, { onload: resolve, onerror: resolve });
      document.body.append(element);
      setTimeout(resolve, 1500);
    });
  if (attack === "form") {
    for (const [action, method, name] of [[target, "post", ""], [`${url}/api/sessions`, "post", json]]) {
      const form = Object.assign(document.createElement("form"), { action, method, enctype: "text/plain", target: "sink" });
      form.append(Object.assign(document.createElement("input"), { name, value: "" }));
      document.body.append(Object.assign(document.createElement("iframe"), { name: "sink" }), form);
      form.submit();
    }
    await new Promise((resolve) => setTimeout(resolve, 800));
  } else if (attack === "no-cors fetch") {
    await fetch(target, { method: "POST", mode: "no-cors", credentials: "include" }).catch(() => null);
    await fetch(`${url}/api/sessions`, { method: "POST", mode: "no-cors", credentials: "include", body: json }).catch(() => null);
  } else if (attack === "cors fetch") {
    for (const method of ["POST", "DELETE", "PUT"]) {
      const headers = { "Content-Type": "application/json" };
      const read = await fetch(target, { method, headers, credentials: "include", body: json }).then(() => true, () => false);
      if (read) return "an answer was read";
    }
    const list = await fetch(`${url}/api/sessions`, { credentials: "include" }).then((answer) => answer.text(), () => "");
    if (list) return `a list was read: ${list}`;
  } else if (attack === "image") await add("img", { src: target });
  else if (attack === "beacon") navigator.sendBeacon(target, new Blob([json], { type: "text/plain" }));
  else if (attack === "socket") {
    const opened = await new Promise((resolve) => {
      const socket = new WebSocket(target.replace("http", "ws"));
      socket.onopen = () => resolve(true);
      socket.onerror = () => resolve(false);
    });
    if (opened) return "a socket was opened";
  } else if (attack === "frame") {
    await add("iframe", { src: `${url}/`, name: "framed" });
    try {
      if (document.querySelector("iframe")?.contentDocument?.body?.innerText) return "a frame was read";
    } catch {
      /* as it should be */
    }
  } else if (attack === "navigation") window.open(target);
  else if (attack === "script") await add("script", { src: `${url}/api/sessions` });
  else if (attack === "link") await add("link", { rel: "stylesheet", href: `${url}/api/sessions/${id}` });
  await new Promise((resolve) => setTimeout(resolve, 200));
  return "";
}

test("a page on another port of this machine changes and reads nothing", async () => {
  const program = await serve();
  const attacker = createServer((_, answer) => answer.writeHead(200, { "Content-Type": "text/html" }).end("<body>trap")).listen(0);
  const browser = await launch();
  try {
    const bearer = { Authorization: `Bearer ${program.token}`, "Content-Type": "application/json" };
    for (let tries = 0; ; tries += 1) {
      const status = await (await fetch(`${program.url}/api/status`, { headers: bearer })).json();
      if (status.model.state === "ready") break;
      assert.ok(tries < 500, "the model is not ready");
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    const body = JSON.stringify({ round: "behavioural", level: "senior", minutes: 15, mode: "realistic" });
    const { id } = await (await fetch(`${program.url}/api/sessions`, { method: "POST", headers: bearer, body })).json();
    const state = async () => (await fetch(`${program.url}/api/sessions`, { headers: bearer })).text();
    const before = await state();
    const context = await browser.newContext();
    // Signed in, as the person's own browser is.
    const own = await context.newPage();
    await own.goto(program.link);
    await own.getByRole("button", { name: /Start interview/ }).waitFor();
    const { port } = /** @type {import("node:net").AddressInfo} */ (attacker.address());
    let attempts = 0;
    for (const host of ["localhost", "127.0.0.1"]) {
      for (const attack of attacks) {
        const page = await context.newPage();
        await page.goto(`http://${host}:${port}/`);
        for (const url of [program.url, program.url.replace("127.0.0.1", "localhost")]) {
          assert.equal(await page.evaluate(attempt, { attack, url, id }), "", `${attack} from ${host} to ${url}`);
          attempts += 1;
        }
        await page.close();
        assert.equal(await state(), before, `${attack} from ${host} changed something`);
      }
    }
    tried("T2", "attacks of a page on another port in Chromium, signed in", attempts);
  } finally {
    await browser.close();
    attacker.close();
    await program.close();
  }
});
