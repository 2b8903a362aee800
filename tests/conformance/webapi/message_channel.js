/** The next message event of a port, which is started. */
function next(port) {
  return new Promise((resolve) => {
    port.addEventListener("message", resolve, { once: true });
    port.start();
  });
}

test("A MessageChannel delivers clones in order, in tasks of their own", async () => {
  const { port1, port2 } = new MessageChannel();
  const sent = { n: 1, bytes: new Uint8Array([1, 2]) };
  port1.postMessage(sent);
  sent.n = 2;
  port1.postMessage("second");
  const first = await next(port2);
  same([first.type, first.data.n, first.data.bytes, first.isTrusted], ["message", 1,
    new Uint8Array([1, 2]), true]);
  same((await next(port2)).data, "second");
  const order = [];
  port2.onmessage = () => order.push("message");
  port1.postMessage(3);
  await null;
  order.push("after a microtask");
  await scheduler.wait(1);
  same(order, ["after a microtask", "message"]);
});

test("Messages wait until a port is started, and end when either is closed", async () => {
  const { port1, port2 } = new MessageChannel();
  let heard = 0;
  port2.addEventListener("message", () => heard++);
  port1.postMessage(1);
  await scheduler.wait(1);
  same(heard, 0);
  port2.start();
  await scheduler.wait(1);
  same(heard, 1);
  port1.close();
  port1.postMessage(2);
  port2.postMessage(2);
  await scheduler.wait(1);
  same(heard, 1);
});

test("Ports and buffers move with a message, and can be used only once", async () => {
  const outer = new MessageChannel(), inner = new MessageChannel();
  const buffer = new ArrayBuffer(4);
  inner.port1.postMessage("early");
  outer.port1.postMessage({ port: inner.port2, buffer }, [inner.port2, buffer]);
  same(buffer.byteLength, 0);
  const { data, ports } = await next(outer.port2);
  ok(data.port instanceof MessagePort && data.port === ports[0] && data.port !== inner.port2);
  ok(Object.isFrozen(ports));
  same(data.buffer.byteLength, 4);
  same((await next(data.port)).data, "early");
  throws("DataCloneError", () => outer.port1.postMessage(0, [inner.port2]));
  throws("DataCloneError", () => outer.port1.postMessage(inner.port1), "MessagePort");
  throws("DataCloneError", () => outer.port1.postMessage(0, [outer.port1]), "itself");
  throws("DataCloneError", () => outer.port1.postMessage(() => {}, [inner.port1]));
  const twice = new MessageChannel();
  structuredClone({ get a() { structuredClone(0, { transfer: [twice.port1] }); return 1; } },
    { transfer: [twice.port1] });
  const moved = structuredClone({ port: inner.port1 }, { transfer: [inner.port1] });
  moved.port.postMessage("late");
  same((await next(data.port)).data, "late");
});

test("A MessagePort checks its receiver and cannot be made by a script", () => {
  throws("TypeError", () => new MessagePort());
  throws("TypeError", () => MessagePort.prototype.postMessage.call({}, 1));
  throws("TypeError", () => new MessageChannel().port1.postMessage());
  throws("TypeError", () => Object.getOwnPropertyDescriptor(MessageChannel.prototype,
    "port1").get.call({}));
});
