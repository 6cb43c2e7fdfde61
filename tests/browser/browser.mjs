// Chromium for the tests: one place that knows how it is started.

import { chromium } from "playwright-core";

const places = [process.env.CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/** @param {string[]} args */
export function launch(args = []) {
  const executablePath = places.find(Boolean);
  return chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-background-networking", ...args] });
}
