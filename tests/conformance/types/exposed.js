// What a live isolate exposes, as JSON, for the declarations to be held against.

import * as workers from 'cloudflare:workers';
import * as sockets from 'cloudflare:sockets';

const keyOf = (key) => (typeof key === 'symbol' ? `[${key.description}]` : key);
const kHidden = ['prototype', 'length', 'name', 'arguments', 'caller'];

function kindOf({ get, set, value, writable }) {
  if (get || set) return set ? 'writable' : 'readonly';
  if (typeof value === 'function' && !isClass(value)) return 'method';
  return writable ? 'writable' : 'readonly';
}

const isClass = (value) => typeof value === 'function' && /^[A-Z]/.test(value.name) &&
  Object.hasOwn(value, 'prototype');

/** Members of an object and of what it inherits from, up to the language's own. */
function membersOf(object, hidden = kInherited) {
  const members = { __proto__: null };
  const ends = [Object.prototype, Error.prototype, Function.prototype, Promise.prototype, null];
  for (let each = object; !ends.includes(each); each = Object.getPrototypeOf(each)) {
    for (const key of Reflect.ownKeys(each)) {
      const name = keyOf(key);
      if (!hidden.has(name)) members[name] ??= kindOf(Object.getOwnPropertyDescriptor(each, key));
    }
  }
  return members;
}

function ownOf(object) {
  const members = { __proto__: null };
  for (const key of Reflect.ownKeys(object)) {
    if (kHidden.includes(key)) continue;
    members[keyOf(key)] = kindOf(Object.getOwnPropertyDescriptor(object, key));
  }
  return members;
}

/** What has no members of its own to describe: bindings, and the global object in itself. */
const kDeep = new Set([globalThis, workers.env, workers.exports]);
const kInherited = new Set(['constructor', '[Symbol.toStringTag]']);

function describe(value) {
  if (typeof value === 'function' && !isClass(value)) return { kind: 'function' };
  if (isClass(value)) {
    return { kind: 'class', statics: ownOf(value), members: membersOf(value.prototype) };
  }
  const isObject = typeof value === 'object' && value !== null;
  return { kind: 'object', members: isObject ? membersOf(value) : {} };
}

function valuesOf(object) {
  const values = {};
  for (const name of Object.getOwnPropertyNames(object)) {
    values[name] = kDeep.has(object[name]) ? { kind: 'object', members: {} }
      : describe(object[name]);
  }
  return values;
}

/** Objects of the interfaces that have no constructor in the global scope. */
async function instances(env, ctx) {
  const made = { ExecutionContext: ctx, KVNamespace: env.KV, Scheduler: scheduler,
    DigestStream: new crypto.DigestStream('SHA-256'), Socket: sockets.connect('127.0.0.1:9') };
  made.Socket.opened.catch(() => {});
  made.Socket.closed.catch(() => {});
  const keep = (name) => (value) => { made[name] = value; };
  await new HTMLRewriter()
    .on('p', { element(element) {
      made.Element = element;
      element.onEndTag(keep('EndTag'));
    }, text: keep('Text'), comments: keep('Comment') })
    .onDocument({ doctype: keep('Doctype'), end: keep('DocumentEnd') })
    .transform(new Response('<!doctype html><p>text<!-- comment --></p>')).text();
  const described = {};
  for (const name in made) described[name] = membersOf(made[name]);
  return described;
}

export default {
  async fetch(request, env, ctx) {
    const globals = valuesOf(globalThis);
    globals.WebAssembly = { kind: 'namespace', values: valuesOf(WebAssembly) };
    // Some members are each object's own.
    for (const name in globals) {
      const { prototype } = globalThis[name] ?? {};
      if (prototype === Event.prototype || prototype instanceof Event) {
        Object.assign(globals[name].members, ownOf(new Event('x')));
      }
    }
    Object.assign(globals.WebSocketPair.members, ownOf(new WebSocketPair()));
    const imports = { 'cloudflare:workers': valuesOf(workers),
      'cloudflare:sockets': valuesOf(sockets) };
    Object.assign(imports['cloudflare:workers'].WorkerEntrypoint.members,
      ownOf(new class extends workers.WorkerEntrypoint {}(ctx, env)));
    return Response.json({ globals, interfaces: await instances(env, ctx), imports });
  },
};
