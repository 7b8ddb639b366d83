// Measures the build against its budget: entry script at most 160 kB gzip, all of the board at most 200 KiB.
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, gzipSync } from "node:zlib";

const out = process.env.TOCSIN_WEB_OUT ?? new URL("../../src/tocsin/api/static", import.meta.url).pathname;
const html = readFileSync(join(out, "index.html"), "utf8");
const rows = [];
for (const name of readdirSync(out, { recursive: true })) {
  const file = join(out, name);
  if (/\.(br|gz)$/.test(name) || name.startsWith(".") || !statSync(file).isFile()) continue;
  const body = readFileSync(file);
  rows.push({
    name,
    raw: body.length,
    gzip: gzipSync(body, { level: 9 }).length,
    brotli: brotliCompressSync(body).length,
    board: name === "index.html" || html.includes(name),
  });
}
const sum = (list, key) => list.reduce((total, row) => total + row[key], 0);
const board = rows.filter((row) => row.board);
const entry = board.filter((row) => row.name.endsWith(".js"));
console.table(rows);
console.log(
  `entry js ${sum(entry, "gzip")} B gzip; board ${sum(board, "gzip")} B gzip, ${sum(board, "brotli")} B brotli`,
);
if (sum(entry, "gzip") > 160_000 || sum(board, "gzip") > 200 * 1024) {
  console.error("over budget");
  process.exit(1);
}
