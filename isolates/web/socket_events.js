// What the host says of open WebSockets, by their ids. src/isolate/host.h

const { MapPrototypeDelete, MapPrototypeGet, MapPrototypeSet } = internals.primordials;
const { enter, kTakeBytes } = internals.kernel;
const { entries } = internals;

/** By the host's id: objects with an invocation and onMessage(), onClosed(), onSent(). */
const sockets = new Map();
let lastSocketId = 0;

function newSocketId() {
  lastSocketId = lastSocketId === 0xffffffff ? 1 : lastSocketId + 1;
  return lastSocketId;
}

function openSocket(id, socket) {
  MapPrototypeSet(sockets, id, socket);
}

function closeSocket(id) {
  MapPrototypeDelete(sockets, id);
}

function enterSocket(id) {
  const socket = MapPrototypeGet(sockets, id);
  if (socket !== undefined) enter(socket.invocation);
  return socket;
}

/** Event: a message; `text` is undefined for a binary one, which native.takeBytes() gives. */
function onSocketMessage(id, text) {
  const socket = enterSocket(id);
  if (socket !== undefined) socket.onMessage(text ?? native.takeBytes(kTakeBytes));
}

function onSocketClosed(id, code, reason, clean) {
  const socket = enterSocket(id);
  if (socket !== undefined) socket.onClosed(code, reason, clean);
}

function onSocketSent(id, bytes) {
  const socket = enterSocket(id);
  if (socket !== undefined) socket.onSent(bytes);
}

internals.socketEvents = { closeSocket, newSocketId, openSocket };
entries.socketClosed = onSocketClosed;
entries.socketMessage = onSocketMessage;
entries.socketSent = onSocketSent;
