// ends: memory_limit script_exception cpu_limit
export default {
  async fetch(request, env, ctx) {
    const through = (bytes, stream) =>
      new Response(new Blob([bytes]).stream().pipeThrough(stream)).arrayBuffer();
    const small = await through(new Uint8Array(5e7), new CompressionStream('gzip'));
    const kept = [];
    for (;;) kept.push(await through(small, new DecompressionStream('gzip')));
  },
};
