// ends: subrequest_limit cpu_limit memory_limit
export default {
  async fetch(request, env, ctx) {
    const all = [];
    for (let i = 0; ; ++i) all.push(fetch('http://127.0.0.1:1/' + i).catch(() => {}));
  },
};
