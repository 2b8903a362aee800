// ends: memory_limit script_exception cpu_limit
export default {
  async fetch(request, env, ctx) {
    const kept = [];
    for (;;) {
      const decoder = new TextDecoder('shift_jis');
      decoder.decode(new Uint8Array([0x82]), { stream: true });
      kept.push(decoder);
    }
  },
};
