// Entrypoints, calls between scripts, env as an import, and modules made of files.
import { env, RpcTarget, waitUntil, withEnv, WorkerEntrypoint } from 'cloudflare:workers';
import program from './program.wasm';
import text from './notes.txt';

declare global {
  namespace Cloudflare {
    interface Env {
      COUNTERS: Service<typeof Counters>;
      PLAIN: Service;
      NAME: string;
    }
  }
}

class Counter extends RpcTarget {
  #value = 0;

  increment(by: number): number {
    return this.#value += by;
  }
  get value(): number {
    return this.#value;
  }
}

export class Counters extends WorkerEntrypoint {
  async open(name: string): Promise<Counter> {
    console.log(name, this.env.NAME);
    this.ctx.waitUntil(Promise.resolve());
    return new Counter();
  }
  describe(): { names: string[]; at: Date } {
    return { names: [], at: new Date() };
  }
  each(callback: (name: string) => void): void {
    callback('one');
  }
}

async function count(): Promise<number> {
  using counter = await env.COUNTERS.open('a');
  const total: number = await counter.increment(2);
  const pipelined: number = await env.COUNTERS.open('b').increment(1);
  const value: number = await counter.value;
  const { names, at } = await env.COUNTERS.describe();
  await env.COUNTERS.each((name) => { console.log(name); });
  return total + pipelined + value + names.length + at.getTime();
}

export default class extends WorkerEntrypoint<Cloudflare.Env> {
  override async fetch(request: Request): Promise<Response> {
    waitUntil(count());
    const instance = new WebAssembly.Instance(program, { env: { log: (x: number) => x } });
    const run = instance.exports['run'] as () => number;
    const name = withEnv({ NAME: 'other' }, () => env.NAME);
    const answer = await this.env.PLAIN.fetch(request.url);
    return new Response(`${text.length} ${run()} ${name} ${await answer.text()}`);
  }
}
