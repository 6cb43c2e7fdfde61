// The real program as a child: built before, started on a free port with a folder of its own, ended by its process.

import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../", import.meta.url));
export const binary = process.env.OFFRECORD_BINARY ?? join(root, "target/debug/offrecord");

/**
 * Starts `offrecord serve`. Without `model` a script plays the interviewer.
 * @param {{ model?: string, data?: string, port?: number, env?: Record<string, string> }} [options]
 */
export async function serve({ model, data = mkdtempSync(join(tmpdir(), "offrecord-browser-")), port = 0, env = {} } = {}) {
  const child = spawn(binary, ["serve", "--offline", "--no-open", "--json", "--port", String(port), "--data-dir", data, ...(model ? ["--model", model] : [])], {
    cwd: root,
    env: { ...process.env, ...(model ? {} : { OFFRECORD_ENGINE: "scripted" }), ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  child.stderr.on("data", (piece) => (said += piece));
  const ended = new Promise((resolve) => child.on("exit", resolve));
  const first = await Promise.race([
    new Promise((resolve) => createInterface({ input: child.stdout }).once("line", resolve)),
    ended.then(() => null),
  ]);
  if (first === null) throw new Error(`offrecord did not start: ${said}`);
  const { url, link, token } = JSON.parse(/** @type {string} */ (first));
  return {
    url,
    link,
    token,
    data,
    kill: async (/** @type {NodeJS.Signals} */ signal = "SIGTERM") => (child.kill(signal), await ended),
    close: async () => {
      child.kill("SIGTERM");
      await ended;
      rmSync(data, { recursive: true, force: true });
    },
  };
}
