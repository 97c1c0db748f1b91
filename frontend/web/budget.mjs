/** Fails when what the first page loads is heavier than we allow: 170 kB of JavaScript, gzipped. */
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const BUDGET_BYTES = 170_000;
const dist = join(dirname(fileURLToPath(import.meta.url)), "dist");
const page = readFileSync(join(dist, "index.html"), "utf8");
const scripts = [...page.matchAll(/(?:src|href)="(\/assets\/[^"]+\.js)"/g)].map(([, path]) => path);
if (scripts.length === 0) throw new Error("web/dist/index.html names no script; run `npm run build` first.");
const bytes = scripts.reduce((total, path) => total + gzipSync(readFileSync(join(dist, path)), { level: 9 }).length, 0);
console.log(`The first page loads ${(bytes / 1000).toFixed(1)} kB of JavaScript, gzipped (allowed: ${BUDGET_BYTES / 1000} kB).`);
process.exit(bytes > BUDGET_BYTES ? 1 : 0);
