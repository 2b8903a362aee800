// ends: script_exception 200
export default {
  async fetch(request, env, ctx) {
    Object.prototype[Symbol.iterator] = function* () { for (;;) yield 1; };
    Object.prototype.toJSON = () => { throw new Error('bent'); };
    return new Response(new Blob(['x']).stream());
  },
};
