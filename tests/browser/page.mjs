// A page under test: its own context, and everything that must never happen is written down.

import assert from "node:assert/strict";

/**
 * @param {import("playwright-core").Browser} browser
 * @param {import("playwright-core").BrowserContextOptions} [options]
 */
export async function openPage(browser, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, reducedMotion: "reduce", ...options });
  const page = await context.newPage();
  // Only a fault waits so long; a machine of two cores that does other work at the same time must not look like one.
  page.setDefaultTimeout(Number(process.env.OFFRECORD_TEST_PATIENCE_MS ?? 30_000));
  /** @type {string[]} */
  const faults = [];
  /** @type {string[]} */
  const foreign = [];
  page.on("pageerror", (error) => faults.push(`error: ${error.message}`));
  page.on("dialog", (dialog) => (faults.push(`dialog: ${dialog.message()}`), dialog.dismiss()));
  page.on("console", (message) => {
    if (/Content Security Policy|TrustedHTML|Trusted Type/i.test(message.text())) faults.push(`policy: ${message.text()}`);
  });
  page.on("request", (request) => {
    const { hostname, protocol } = new URL(request.url());
    if (protocol.startsWith("http") && hostname !== "127.0.0.1") foreign.push(request.url());
  });
  return {
    page,
    context,
    faults,
    foreign,
    async close() {
      await context.close();
      assert.deepEqual(faults, [], "nothing went wrong in the page");
      assert.deepEqual(foreign, [], "nothing was asked of another host");
    },
  };
}
