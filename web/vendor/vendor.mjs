// Reproduces or checks the vendored libraries from the npm packages pinned in tests/browser/package-lock.json.
//
//   npm ci --prefix tests/browser && node web/vendor/vendor.mjs           writes the files and manifest.json
//   npm ci --prefix tests/browser && node web/vendor/vendor.mjs --check   fails when one byte differs
//
// npm itself checks each package against the lockfile's hash. Two edits are made, both because a page without a
// build step needs them: bare module names become relative files, and pointers to source maps are cut.

import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const packages = join(here, "../../tests/browser/node_modules");

const files = [
  { file: "preact.js", from: "preact/dist/preact.mjs", licence: "preact/LICENSE" },
  { file: "hooks.js", from: "preact/hooks/dist/hooks.mjs", licence: "preact/LICENSE" },
  { file: "htm.js", from: "htm/dist/htm.mjs", licence: "htm/LICENSE" },
  { file: "markdown-it.js", from: "markdown-it/dist/browser/markdown-it.esm.min.mjs", licence: "markdown-it/LICENSE" },
  { file: "dompurify.js", from: "dompurify/dist/purify.es.mjs", licence: "dompurify/LICENSE" },
];

const sha256 = (/** @type {string} */ text) => createHash("sha256").update(text).digest("hex");

/** @param {string} text */
function edit(text) {
  return text.replaceAll(/from\s*"preact"/g, 'from"./preact.js"').replaceAll(/^\/\/# sourceMappingURL=.*$/gm, "").trimEnd() + "\n";
}

/** @type {Map<string, string>} */
const produced = new Map();
const manifest = files.map(({ file, from, licence }) => {
  const name = from.split("/")[0];
  const about = JSON.parse(readFileSync(join(packages, name, "package.json"), "utf8"));
  const original = readFileSync(join(packages, from), "utf8");
  const text = edit(original);
  produced.set(file, text);
  produced.set(`licences/${name}.txt`, readFileSync(join(packages, licence), "utf8"));
  return { file, package: name, version: about.version, licence: about.license, from, source_sha256: sha256(original), sha256: sha256(text) };
});
produced.set("manifest.json", JSON.stringify(manifest, null, 2) + "\n");

if (process.argv.includes("--check")) {
  const wrong = [...produced].filter(([file, text]) => {
    try {
      return readFileSync(join(here, file), "utf8") !== text;
    } catch {
      return true;
    }
  });
  for (const [file] of wrong) console.error(`web/vendor/${file} differs from the pinned package`);
  if (wrong.length > 0) process.exit(1);
  console.log(`${produced.size} vendored files equal the pinned packages`);
} else {
  for (const [file, text] of produced) writeFileSync(join(here, file), text);
  console.log(`wrote ${produced.size} files to web/vendor`);
}
