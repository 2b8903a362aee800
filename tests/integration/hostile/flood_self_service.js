// ends: script_exception subrequest_limit over_capacity 200
// config: {"services": [{"binding": "SELF", "service": "flood-self-service"}]}
export default {
  async fetch(request, env, ctx) {
    return env.SELF.fetch(request);
  },
};
