// What a test tried for a row of the threat table, in the same line as tests/trust/tier.rs writes.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export const full = process.env.FULL === "1";

/** @param {string} row @param {string} what @param {number} inputs */
export function tried(row, what, inputs) {
  const folder = process.env.OFFRECORD_TRUST_RECORD;
  if (!folder) return;
  mkdirSync(folder, { recursive: true });
  const name = `${row}-browser-${what}`.replaceAll(/[^A-Za-z0-9-]/g, "_").slice(0, 200);
  writeFileSync(join(folder, `${name}.tsv`), `${row}\t${what}\t${inputs}\t0\t${full ? "full" : "quick"}\tbrowser\t\n`);
}
