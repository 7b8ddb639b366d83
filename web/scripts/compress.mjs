// Writes FILE.br and FILE.gz beside each text file of the build, so that the Python server only picks one.
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const out = process.env.TOCSIN_WEB_OUT ?? new URL("../../src/tocsin/api/static", import.meta.url).pathname;
const text = /\.(js|css|html|svg|json|txt|webmanifest)$/;

for (const name of readdirSync(out, { recursive: true })) {
  const file = join(out, name);
  if (!text.test(name) || !statSync(file).isFile()) continue;
  const body = readFileSync(file);
  // Below about one packet nothing is gained on the wire.
  if (body.length < 1000) continue;
  const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: body.length };
  writeFileSync(`${file}.br`, brotliCompressSync(body, { params }));
  writeFileSync(`${file}.gz`, gzipSync(body, { level: 9 }));
}
