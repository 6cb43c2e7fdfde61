// What holds without a browser: types, vendored bytes, and which file may touch markup.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL("./", import.meta.url));
const web = fileURLToPath(new URL("../../web/", import.meta.url));
const own = readdirSync(web, { recursive: true }).map(String).filter((path) => !path.startsWith("vendor"));

/** @param {string} command @param {string[]} args */
function run(command, args) {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd: here, encoding: "utf8" });
  assert.equal(status, 0, stdout + stderr);
}

test("the types fit", () => run(join(here, "node_modules/.bin/tsc"), ["--project", "jsconfig.json"]));

test("the vendored libraries are the pinned packages, byte by byte", () => run("node", [join(web, "vendor/vendor.mjs"), "--check"]));

test("no file assigns markup, and none carries an inline handler, style or script", () => {
  for (const path of own.filter((path) => /\.(js|html)$/.test(path))) {
    const text = readFileSync(join(web, path), "utf8");
    for (const sink of [/innerHTML/, /outerHTML/, /insertAdjacentHTML/, /document\.write/, /dangerouslySetInnerHTML/, /\beval\(/, /new Function/, /createContextualFragment/]) {
      assert.doesNotMatch(text, sink, `${path} uses ${sink}`);
    }
    if (path.endsWith(".html")) {
      assert.doesNotMatch(text, /<script(?![^>]*\ssrc=)[^>]*>/, `${path} has an inline script`);
      assert.doesNotMatch(text, /\sstyle=|<style|\son\w+=/, `${path} has an inline style or handler`);
    }
  }
});

test("only markdown.js turns text into elements", () => {
  const users = own.filter((path) => path.endsWith(".js") && /vendor\/(markdown-it|dompurify)\.js/.test(readFileSync(join(web, path), "utf8")));
  assert.deepEqual(users, ["markdown.js"]);
});

test("no address of another host", () => {
  for (const path of own.filter((path) => /\.(js|css|html)$/.test(path))) {
    const addresses = readFileSync(join(web, path), "utf8").match(/(?:https?:)?\/\/[a-z0-9.-]+\.[a-z]{2,}/gi) ?? [];
    assert.deepEqual(addresses, [], path);
  }
});

test("nothing can record or carry a picture: the camera's stream has no sink but a video element", () => {
  for (const path of own.filter((path) => path.endsWith(".js"))) {
    const text = readFileSync(join(web, path), "utf8");
    assert.doesNotMatch(text, /MediaRecorder|RTCPeerConnection|captureStream|drawImage|ImageCapture|MediaStreamTrackProcessor|createImageBitmap|VideoFrame/, path);
  }
});
