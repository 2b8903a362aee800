// ends: script_exception subrequest_limit over_capacity 200
export default {
  async fetch(request, env, ctx) {
    return fetch(request);
  },
};
