// What a script finds on an Atoll node: nothing that is not there, and all that is.
// Language features come from tsconfig's "lib" ("es2024" and newer without "dom").

/// <reference lib="esnext.disposable" />
/// <reference path="./events.d.ts" />
/// <reference path="./streams.d.ts" />
/// <reference path="./text.d.ts" />
/// <reference path="./fetch.d.ts" />
/// <reference path="./files.d.ts" />
/// <reference path="./sockets.d.ts" />
/// <reference path="./crypto.d.ts" />
/// <reference path="./performance.d.ts" />
/// <reference path="./console.d.ts" />
/// <reference path="./html.d.ts" />
/// <reference path="./wasm.d.ts" />
/// <reference path="./globals.d.ts" />
/// <reference path="./workers.d.ts" />
/// <reference path="./kv.d.ts" />
/// <reference path="./rpc.d.ts" />
/// <reference path="./modules.d.ts" />
