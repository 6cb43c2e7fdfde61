// Bundles the whiteboard once into web/vendor/excalidraw, with its licences and a manifest of hashes.
//
//   npm ci --ignore-scripts --prefix vendor/excalidraw && node vendor/excalidraw/bundle.mjs           writes
//   npm ci --ignore-scripts --prefix vendor/excalidraw && node vendor/excalidraw/bundle.mjs --check   fails when one byte differs
//
// Left out: every language but English, pictures of diagrams (mermaid), the font subsetter, and all fonts but the two
// that the board offers, which are put into the file, because the frame may fetch nothing.

import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync, readdirSync, existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const out = join(here, "../../web/vendor/excalidraw");
const fonts = /"\.\/fonts\/(\w+)\/([\w-]+\.woff2)"/g;
const kept = new Set(["Excalifont", "Nunito"]);
const left = /^(@excalidraw\/mermaid-to-excalidraw|image-blob-reduce|pica|canvas-roundrect-polyfill)$|subset-(shared|worker)|\/data\/image-/;

const prune = {
  name: "prune",
  setup(/** @type {any} */ to) {
    to.onResolve({ filter: /.*/ }, (/** @type {any} */ asked) => {
      const locale = /\/locales\//.test(asked.path) && !/\/en-/.test(asked.path);
      return left.test(asked.path) || locale ? { path: asked.path, namespace: "left-out" } : undefined;
    });
    to.onLoad({ filter: /.*/, namespace: "left-out" }, () => ({ contents: "export default {};" }));
    to.onLoad({ filter: /excalidraw\/dist\/prod\/[^/]*\.js$/ }, (/** @type {any} */ { path }) => {
      const folder = dirname(path);
      const text = readFileSync(path, "utf8")
        .replaceAll(fonts, (_, family, file) => (kept.has(family) ? JSON.stringify(`data:font/woff2;base64,${readFileSync(join(folder, "fonts", family, file)).toString("base64")}`) : '"local:"'))
        .replaceAll("https://esm.sh/", "about:blank#");
      return { contents: text, loader: "js" };
    });
  },
};

const built = await build({
  absWorkingDir: here,
  entryPoints: { board: "frame.jsx" },
  outdir: "out",
  bundle: true,
  minify: true,
  write: false,
  metafile: true,
  format: "iife",
  jsx: "automatic",
  target: "es2022",
  conditions: ["production"],
  legalComments: "none",
  define: { "process.env.NODE_ENV": '"production"', "import.meta.url": '"about:blank"', "import.meta.env": "{}" },
  plugins: [prune],
});
const style = await build({ absWorkingDir: here, stdin: { contents: '@import "@excalidraw/excalidraw/index.css"; @import "./frame.css";', loader: "css", resolveDir: here }, bundle: true, minify: true, write: false, conditions: ["production"], legalComments: "none", external: ["*.woff2"], loader: { ".woff2": "empty" } });

/** @type {Map<string, string>} */
const produced = new Map();
produced.set("board.js", built.outputFiles[0].text);
produced.set("board.css", style.outputFiles[0].text.replaceAll(/@font-face\{[^}]*\}/g, ""));

const used = new Set(Object.keys(built.metafile.inputs).map((path) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.slice(0, 2)).filter(Boolean).map((match) => match.join("\n")));
const packages = [...used].map((line) => line.split("\n")).map(([folder, name]) => ({ folder: join(here, folder), name }));
const about = packages
  .map(({ folder, name }) => {
    const { version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    const file = readdirSync(folder).find((file) => /^licen[cs]e/i.test(file));
    const own = join(here, "licences", `${(name.startsWith("@radix-ui/") ? "-radix-ui" : name.replaceAll(/[@/]/g, "-"))}.txt`);
    const text = file ? readFileSync(join(folder, file), "utf8") : existsSync(own) ? readFileSync(own, "utf8") : `No licence file in the package; its package.json says: ${license}\n`;
    return { name, version, licence: typeof license === "string" ? license : (license?.type ?? "see its text"), text: text.replaceAll("\r\n", "\n") };
  })
  .filter((one, at, all) => all.findIndex((other) => other.name === one.name && other.version === one.version) === at)
  .sort((a, b) => a.name.localeCompare(b.name) || a.version.localeCompare(b.version));
const faces = readFileSync(join(here, "licences/fonts.txt"), "utf8");
produced.set("licences.txt", `${about.map(({ name, version, licence, text }) => `${name} ${version} (${licence})\n\n${text.trim()}\n`).join("\n----\n\n")}\n----\n\n${faces}`);
const sha256 = (/** @type {string} */ text) => createHash("sha256").update(text).digest("hex");
produced.set("manifest.json", JSON.stringify({ files: Object.fromEntries([...produced].map(([file, text]) => [file, sha256(text)])), packages: about.map(({ name, version, licence }) => ({ name, version, licence })) }, null, 2) + "\n");

if (process.argv.includes("--check")) {
  const wrong = [...produced].filter(([file, text]) => !existsSync(join(out, file)) || readFileSync(join(out, file), "utf8") !== text);
  for (const [file] of wrong) console.error(`web/vendor/excalidraw/${file} differs from what the pinned packages give`);
  if (wrong.length > 0) process.exit(1);
  console.log(`${produced.size} files equal the pinned packages`);
} else {
  mkdirSync(out, { recursive: true });
  for (const [file, text] of produced) writeFileSync(join(out, file), text);
  console.log([...produced].map(([file, text]) => `${file}: ${text.length} bytes`).join("\n"));
}
