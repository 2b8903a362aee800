// ends: script_hung
export default {
  async fetch(request, env, ctx) {
    let resolve;
    const a = new Promise((r) => { resolve = r; });
    await Promise.all([a, a.then(() => resolve())]);
  },
};
