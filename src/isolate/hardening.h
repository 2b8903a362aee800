#pragma once

#include <v8.h>

#include <string_view>

namespace atolld::isolate {

/// Takes from a fresh context what would share memory, tell the time or escape the memory limits:
/// SharedArrayBuffer in every form (no other agent could use one anyway). For the snapshot; what it
/// gives is for hardenWebAssembly().
v8::Local<v8::Function> hardenContext(v8::Local<v8::Context> context);
/// The rest, in a context out of the snapshot, before any script of a tenant runs.
void hardenWebAssembly(v8::Local<v8::Context> context, v8::Local<v8::Function> harden);

/// Whether a Wasm module defines a shared memory: V8 does not count those as anybody's. False for
/// what is not Wasm: V8 refuses that itself. (Importing one is harmless: there is none to pass.)
bool definesSharedMemory(std::string_view wasm) noexcept;

}  // namespace atolld::isolate
