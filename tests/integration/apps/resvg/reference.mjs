// The same picture by the same package under another runtime: SVG on stdin, PNG on stdout.
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { text } from 'node:stream/consumers';
import { initWasm, Resvg } from '@resvg/resvg-wasm';

const wasm = createRequire(import.meta.url).resolve('@resvg/resvg-wasm/index_bg.wasm');
await initWasm(await readFile(wasm));
process.stdout.write(new Resvg(await text(process.stdin)).render().asPng());
