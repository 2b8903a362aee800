// Streams of every kind, compression, text, blobs, and Web Crypto.

const encoder = new TextEncoder();

function numbers(count: number): ReadableStream<Uint8Array> {
  let next = 0;
  return new ReadableStream<Uint8Array>({
    pull(controller) {
      if (next === count) controller.close();
      else controller.enqueue(encoder.encode(`${next++}\n`));
    },
  });
}

const upper = new TransformStream<string, string>({
  transform(chunk, controller) {
    controller.enqueue(chunk.toUpperCase());
  },
});

async function lines(stream: ReadableStream<Uint8Array>): Promise<string[]> {
  const out: string[] = [];
  for await (const text of stream.pipeThrough(new TextDecoderStream()).pipeThrough(upper)) {
    out.push(text);
  }
  return out;
}

async function firstBytes(body: ReadableStream<Uint8Array>): Promise<Uint8Array | undefined> {
  const reader = body.getReader({ mode: 'byob' });
  const { value, done } = await reader.read(new Uint8Array(16), { min: 4 });
  reader.releaseLock();
  return done ? undefined : value;
}

async function sign(secret: string, text: string): Promise<string> {
  const key = await crypto.subtle.importKey('raw', encoder.encode(secret),
    { name: 'HMAC', hash: 'SHA-256' }, false, ['sign', 'verify']);
  const mac = await crypto.subtle.sign('HMAC', key, encoder.encode(text));
  const pair = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true,
    ['sign', 'verify']);
  const jwk = await crypto.subtle.exportKey('jwk', pair.publicKey);
  const digest = new crypto.DigestStream('SHA-256');
  await numbers(3).pipeTo(digest);
  const same = crypto.subtle.timingSafeEqual(mac, await digest.digest);
  return `${jwk.kty} ${same} ${crypto.randomUUID()} ${crypto.getRandomValues(new Uint8Array(4))}`;
}

export default {
  async fetch(request: Request): Promise<Response> {
    const { readable, writable } = new FixedLengthStream(4);
    const writer = writable.getWriter();
    await writer.write(encoder.encode('four'));
    await writer.close();
    console.log(await lines(readable), await firstBytes(request.body!), await sign('s', 't'));
    const blob = new Blob(['a', new Uint8Array(1)], { type: 'text/plain' });
    const channel = new MessageChannel();
    channel.port1.onmessage = (event) => console.log(event.data);
    channel.port2.postMessage(structuredClone({ at: new Date() }), []);
    const body = blob.stream().pipeThrough(new CompressionStream('gzip'));
    return new Response(body, { headers: new Headers({ 'content-encoding': 'gzip' }),
      encodeBody: 'manual' });
  },
};
