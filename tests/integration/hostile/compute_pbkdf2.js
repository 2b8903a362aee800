// ends: cpu_limit
export default {
  async fetch(request, env, ctx) {
    const { subtle } = crypto;
    const key = await subtle.importKey('raw', new Uint8Array(1), 'PBKDF2', false, ['deriveBits']);
    for (;;) {
      await subtle.deriveBits({ name: 'PBKDF2', hash: 'SHA-512', salt: new Uint8Array(1),
        iterations: 1e6 }, key, 256);
    }
  },
};
