// ends: subrequest_limit wall_limit cpu_limit script_exception
// config: {"kv_namespaces": [{"binding": "KV"}]}
export default {
  async fetch(request, env, ctx) {
    for (let i = 0; ; ++i) await env.KV.put('k' + i % 10, 'x'.repeat(1000));
  },
};
