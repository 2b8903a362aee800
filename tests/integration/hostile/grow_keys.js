// ends: memory_limit script_exception cpu_limit
export default {
  async fetch(request, env, ctx) {
    const kept = [], kind = { name: 'AES-GCM', length: 256 };
    for (;;) kept.push(await crypto.subtle.generateKey(kind, true, ['encrypt']));
  },
};
