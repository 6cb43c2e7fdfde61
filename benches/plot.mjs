// Draws docs/pictures/speed.svg from the tables of one machine: `node benches/plot.mjs [MACHINE]`.
//
// Reads benches/results/MACHINE.csv (rows of `offrecord bench speed --csv --work`) and MACHINE.peers.csv (`model, test, memory_gb_per_s,
// ours, llama_cpp`, one row per pair that was measured in one run). What is not in the tables is not drawn.
import { readFileSync, writeFileSync } from "node:fs";

const machine = process.argv[2] ?? "epyc-zen5-2-cores";
const here = new URL("./results/", import.meta.url);

function table(name) {
  const [head, ...lines] = readFileSync(new URL(name, here), "utf8").trim().split("\n").map((line) => line.split(","));
  return lines.map((cells) => Object.fromEntries(head.map((key, i) => [key, cells[i]])));
}

const MODELS = [["1.5b", "1.5B", "#3b6fb6"], ["0.5b", "0.5B", "#2e8b6f"], ["135m", "135M", "#b3632a"]];
const TESTS = [["pp512", "reading 512 tokens"], ["tg", "writing"], ["tg@d2048", "writing after 2,048"]];
const sized = (name) => MODELS.find(([part]) => name.includes(part));
const round = (ratio) => ratio.toFixed(ratio < 2 ? 2 : 1);
const text = (x, y, words, more = "") => `<text x="${x}" y="${y}" ${more}>${words}</text>`;

/** Bars: how many times as fast as llama.cpp; one bar per model, a thin line from the lowest to the highest pair. */
function ratios(peers, left, top, width) {
  const out = [text(left, top - 14, "Times the speed of llama.cpp, same file, same run", 'class="title"')];
  const most = Math.ceil(Math.max(...peers.map((row) => row.ours / row.llama_cpp)));
  const x = (value) => left + 150 + (value / most) * (width - 250);
  let y = top;
  for (const [test, name] of TESTS) {
    out.push(text(left, y + 26, name));
    for (const [part, label, colour] of MODELS) {
      const all = peers.filter((row) => row.test === test && row.model.includes(part)).map((row) => row.ours / row.llama_cpp);
      if (all.length === 0) continue;
      const [low, high] = [Math.min(...all), Math.max(...all)];
      out.push(`<rect x="${x(0)}" y="${y}" width="${x(low) - x(0)}" height="12" fill="${colour}"/>`);
      if (high > low) out.push(`<rect x="${x(low)}" y="${y + 4}" width="${x(high) - x(low)}" height="4" fill="${colour}"/>`);
      const figure = high - low < 0.05 ? round(low) : `${round(low)} to ${round(high)}`;
      out.push(text(x(high) + 5, y + 10, `${label}: ${figure}`, 'class="small"'));
      y += 15;
    }
    y += 12;
  }
  out.push(`<line x1="${x(1)}" x2="${x(1)}" y1="${top - 4}" y2="${y - 8}" class="one"/>`, text(x(1) + 3, y + 4, "llama.cpp", 'class="small"'));
  return [out, y];
}

/** Bars: bytes of weights read per second when writing (file size times tokens per second), of what memory gave in the same minutes.
 * Only the 1.5B: smaller models lie partly in the caches. */
function limits(peers, left, top, width) {
  const out = [text(left, top - 14, "Writing with the 1.5B, which no cache holds: share of what memory allows", 'class="title"')];
  const x = (value) => left + 150 + value * (width - 250);
  let y = top;
  for (const row of peers.filter((row) => row.test === "tg" && row.model.includes("1.5b") && row.memory_gb_per_s)) {
    const [, label, colour] = sized(row.model);
    const share = (row.file_gb * row.ours) / row.memory_gb_per_s;
    out.push(text(left, y + 10, `${label}, ${row.memory_gb_per_s} GB/s`, 'class="small"'));
    out.push(`<rect x="${x(0)}" y="${y}" width="${x(share) - x(0)}" height="12" fill="${colour}"/>`);
    out.push(text(x(share) + 5, y + 10, `${Math.round(share * 100)} %`, 'class="small"'));
    y += 16;
  }
  out.push(`<line x1="${x(1)}" x2="${x(1)}" y1="${top - 4}" y2="${y}" class="one"/>`);
  return [out, y + 8];
}

/** Lines: milliseconds to the first word of the reply against the length of the transcript. */
function waits(rows, left, top, width) {
  const out = [text(left, top - 14, "First word of the reply (ms) against the transcript (tokens); dashed: answer not read while typed", 'class="title"')];
  const points = rows.flatMap((row) => {
    const match = row.test.match(/^reply400@d(\d+)(\+draft)?$/);
    return match ? [{ model: row.model, depth: Number(match[1]), drafted: Boolean(match[2]), ms: Number(row.mean) }] : [];
  });
  const height = 190;
  const [depths, times] = [points.map((p) => p.depth), points.map((p) => p.ms)];
  const scale = (value, low, high, from, to) => from + ((Math.log(value) - Math.log(low)) / (Math.log(high) - Math.log(low))) * (to - from);
  const x = (depth) => scale(depth, Math.min(...depths), Math.max(...depths), left + 50, left + width - 60);
  const y = (ms) => scale(ms, Math.min(...times), Math.max(...times), top + height, top);
  for (const ms of [10, 30, 100, 300, 1000, 3000].filter((ms) => ms >= Math.min(...times) && ms <= Math.max(...times))) {
    out.push(`<line x1="${left + 50}" x2="${left + width - 60}" y1="${y(ms)}" y2="${y(ms)}" class="grid"/>`, text(left, y(ms) + 4, ms.toLocaleString("en"), 'class="small"'));
  }
  for (const depth of [...new Set(depths)].sort((a, b) => a - b)) out.push(text(x(depth) - 12, top + height + 18, depth.toLocaleString("en"), 'class="small"'));
  for (const [part, label, colour] of MODELS) {
    for (const drafted of [false, true]) {
      const line = points.filter((p) => p.model.includes(part) && p.drafted === drafted).sort((a, b) => a.depth - b.depth);
      if (line.length === 0) continue;
      const path = line.map((p) => `${x(p.depth).toFixed(1)},${y(p.ms).toFixed(1)}`).join(" ");
      out.push(`<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="2"${drafted ? "" : ' stroke-dasharray="5 4"'}/>`);
      for (const p of line) out.push(`<circle cx="${x(p.depth).toFixed(1)}" cy="${y(p.ms).toFixed(1)}" r="3" fill="${colour}"/>`);
      const last = line.at(-1);
      out.push(text(x(last.depth) + 8, y(last.ms) + 4, label, 'class="small"'));
    }
  }
  return [out, top + height + 30];
}

const peers = table(`${machine}.peers.csv`);
const rows = table(`${machine}.csv`);
const width = 760;
const parts = [];
let top = 40;
for (const draw of [() => ratios(peers, 20, top, width), () => limits(peers, 20, top, width), () => waits(rows, 20, top, width)]) {
  const [shapes, bottom] = draw();
  parts.push(...shapes);
  top = bottom + 44;
}
const style = `text{font:13px system-ui,sans-serif;fill:#1c1c1a}.title{font-weight:600}.small{font-size:11px}.one{stroke:#777;stroke-dasharray:2 3}.grid{stroke:#8884}
@media (prefers-color-scheme:dark){text{fill:#e8e6e1}rect.ground{fill:#191a1c}}`;
writeFileSync(
  new URL("../docs/pictures/speed.svg", import.meta.url),
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width + 40} ${top - 20}" role="img" aria-label="Speed against llama.cpp, against memory, and against the length of the transcript: the numbers are in benches/results"><style>${style}</style><rect class="ground" width="100%" height="100%" fill="#fbfaf7"/>\n${parts.join("\n")}\n</svg>\n`,
);
