// ends: script_exception 200 script_no_response internal
export default {
  async fetch(request, env, ctx) {
    for (const C of [Object, Array, Promise, Map, Set, String, Uint8Array, Headers, Response]) {
      for (const name of Object.getOwnPropertyNames(C.prototype)) {
        try {
          C.prototype[name] = () => { throw new Error('bent'); };
        } catch {}
      }
    }
    return new Response('bent');
  },
};
