#include "isolate/hardening.h"

#include <algorithm>
#include <cstdint>
#include <optional>

#include "base/check.h"
#include "isolate/v8_strings.h"

namespace atolld::isolate {
namespace {

// `buffer` is a SharedArrayBuffer: the constructor itself is not installed, but any shared Wasm
// memory would lead to it, and its growable instances are seen by no memory limit. The descriptor
// is read once, in the order of the specification, so that a getter cannot answer twice.
constexpr std::string_view kScript = R"js(
(buffer) => {
  const prototype = Object.getPrototypeOf(buffer);
  delete prototype.constructor;
  delete prototype.grow;
  delete Atomics.waitAsync;
  const { defineProperty } = Object;
  const { construct } = Reflect;
  const TypeErrorClass = TypeError;
  // WebAssembly is not there yet: V8 adds it to a context that comes out of a snapshot.
  return (WebAssembly) => {
    const RealMemory = WebAssembly.Memory;
    const Memory = {
      Memory: function (descriptor) {
        if (new.target === undefined) {
          throw new TypeErrorClass("WebAssembly.Memory must be invoked with 'new'");
        }
        if (descriptor === null ||
            (typeof descriptor !== "object" && typeof descriptor !== "function")) {
          return construct(RealMemory, [descriptor], new.target);
        }
        const { address, index, initial, maximum, minimum, shared } = descriptor;
        if (shared) throw new TypeErrorClass("WebAssembly.Memory: shared memory is not available");
        const checked = { __proto__: null };
        if (address !== undefined) checked.address = address;
        if (index !== undefined) checked.index = index;
        if (initial !== undefined) checked.initial = initial;
        if (maximum !== undefined) checked.maximum = maximum;
        if (minimum !== undefined) checked.minimum = minimum;
        return construct(RealMemory, [checked], new.target);
      },
    }.Memory;
    defineProperty(Memory, "prototype", { value: RealMemory.prototype, writable: false });
    for (const [object, name] of [[RealMemory.prototype, "constructor"], [WebAssembly, "Memory"]]) {
      defineProperty(object, name,
        { value: Memory, writable: true, enumerable: false, configurable: true });
    }
  };
}
)js";

/// An unsigned LEB128 number of at most 32 bits off the front of `bytes`.
std::optional<std::uint32_t> takeNumber(std::string_view& bytes) noexcept {
  std::uint32_t value = 0;
  for (unsigned shift = 0; shift < 35 && !bytes.empty(); shift += 7) {
    const auto byte = static_cast<unsigned char>(bytes.front());
    bytes.remove_prefix(1);
    value |= static_cast<std::uint32_t>(byte & 0x7fu) << shift;
    if ((byte & 0x80u) == 0) return value;
  }
  return std::nullopt;
}

}  // namespace

v8::Local<v8::Function> hardenContext(v8::Local<v8::Context> context) {
  v8::Isolate* const isolate = v8::Isolate::GetCurrent();
  // Our own script, the same each time: it cannot fail.
  const auto harden = v8::Script::Compile(context, asciiString(isolate, kScript))
                          .ToLocalChecked()
                          ->Run(context)
                          .ToLocalChecked()
                          .As<v8::Function>();
  v8::Local<v8::Value> buffer = v8::SharedArrayBuffer::New(isolate, 0);
  return harden->Call(context, v8::Undefined(isolate), 1, &buffer)
      .ToLocalChecked()
      .As<v8::Function>();
}

void hardenWebAssembly(v8::Local<v8::Context> context, v8::Local<v8::Function> harden) {
  v8::Isolate* const isolate = v8::Isolate::GetCurrent();
  v8::Local<v8::Value> object =
      context->Global()->Get(context, asciiString(isolate, "WebAssembly")).ToLocalChecked();
  ATOLL_CHECK(!harden->Call(context, v8::Undefined(isolate), 1, &object).IsEmpty());
}

bool definesSharedMemory(std::string_view wasm) noexcept {
  constexpr std::size_t kHeaderBytes = 8;
  constexpr unsigned char kMemorySection = 5;
  constexpr unsigned char kSharedFlag = 2;
  wasm.remove_prefix(std::min(wasm.size(), kHeaderBytes));
  while (!wasm.empty()) {
    const auto id = static_cast<unsigned char>(wasm.front());
    wasm.remove_prefix(1);
    const std::optional<std::uint32_t> size = takeNumber(wasm);
    if (!size || *size > wasm.size()) return false;
    std::string_view section = wasm.substr(0, *size);
    wasm.remove_prefix(*size);
    if (id != kMemorySection) continue;
    const std::optional<std::uint32_t> count = takeNumber(section);
    for (std::uint32_t i = 0; count && i < *count && !section.empty(); ++i) {
      const auto flags = static_cast<unsigned char>(section.front());
      section.remove_prefix(1);
      if ((flags & kSharedFlag) != 0) return true;
      // The bounds, 64-bit ones included: bytes up to one without a continuation bit.
      for (int bound = (flags & 1) != 0 ? 2 : 1; bound > 0; --bound) {
        while (!section.empty() && (static_cast<unsigned char>(section.front()) & 0x80u) != 0) {
          section.remove_prefix(1);
        }
        if (!section.empty()) section.remove_prefix(1);
      }
    }
  }
  return false;
}

}  // namespace atolld::isolate
