// ends: subrequest_limit wall_limit cpu_limit
export default {
  async fetch(request, env, ctx) {
    for (;;) await caches.default.match('http://x.example/');
  },
};
