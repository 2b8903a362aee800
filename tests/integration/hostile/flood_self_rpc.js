// ends: script_exception memory_limit cpu_limit over_capacity 200
// config: {"services": [{"binding": "SELF", "service": "flood-self-rpc"}]}
import { WorkerEntrypoint } from 'cloudflare:workers';
export default class extends WorkerEntrypoint {
  async fetch() {
    return new Response(await this.env.SELF.again(0));
  }
  async again(n) {
    return (await Promise.all([this.env.SELF.again(n + 1), this.env.SELF.again(n + 1)])).length;
  }
}
