// SVG in, PNG out: a WebAssembly program from npm doing visible work.
import { initWasm, Resvg } from '@resvg/resvg-wasm';
import wasm from '@resvg/resvg-wasm/index_bg.wasm';

const ready = initWasm(wasm);

export default {
  async fetch(request) {
    if (request.method !== 'POST') return new Response('POST an SVG\n', { status: 405 });
    await ready;
    const picture = new Resvg(await request.text()).render();
    return new Response(picture.asPng(), { headers: { 'content-type': 'image/png' } });
  },
};
