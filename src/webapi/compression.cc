// Codecs for scripts' side: CompressionStream, DecompressionStream and the content codings of
// bodies. A step's input and output are bounded, so that a limit or an abort comes between steps.

#include <algorithm>
#include <array>
#include <climits>

#include "coding/tuning.h"
#include "webapi/bytes.h"
#include "webapi/codecs.h"
#include "webapi/effects.h"
#include "webapi/natives.h"

namespace atolld::webapi {
namespace {

using Info = v8::FunctionCallbackInfo<v8::Value>;

/// What one step takes and gives at the most.
constexpr std::size_t kInputBytesMax = 256 * 1024;
constexpr std::size_t kPieceBytesMax = 64 * 1024;

constexpr auto kFormatMax = static_cast<std::uint32_t>(coding::Format::Zstd);

Result<std::unique_ptr<coding::Codec>> make(coding::Format format, bool decoder,
                                            coding::Reading reading, coding::Memory& memory) {
  return decoder ? coding::makeDecoder(format, reading, memory)
                 : coding::makeEncoder(format, memory);
}

}  // namespace

void* BufferQuotaMemory::allocate(std::size_t bytes) noexcept {
  return allocator_.AllocateUninitialized(bytes);
}

void BufferQuotaMemory::release(void* memory, std::size_t bytes) noexcept {
  allocator_.Free(memory, bytes);
}

v8::MaybeLocal<v8::Value> CodecRegistry::create(v8::Isolate* isolate, coding::Format format,
                                                bool decoder, coding::Reading reading) {
  auto held = std::make_unique<HeldCodec>(*isolate->GetArrayBufferAllocator());
  auto made = make(format, decoder, reading, held->memory);
  if (!made && made.error().code == ErrorCode::TooLarge) {
    isolate->LowMemoryNotification();  // As for a buffer: others may be garbage by now.
    made = make(format, decoder, reading, held->memory);
  }
  if (!made) {
    throwRangeError(isolate, made.error().detail);
    return {};
  }
  held->codec = *std::move(made);
  HeldCodec* const codec = held.release();
  {
    const std::scoped_lock lock(mutex_);
    codecs_.insert(codec);
  }
  auto* const keptAlive = new std::shared_ptr<CodecRegistry>(shared_from_this());
  return v8::ArrayBuffer::New(isolate, v8::ArrayBuffer::NewBackingStore(codec, sizeof *codec,
                                                                        &onCollected, keptAlive))
      .As<v8::Value>();
}

HeldCodec* CodecRegistry::find(v8::Local<v8::Value> handle) {
  if (!handle->IsArrayBuffer()) return nullptr;
  auto* const codec = static_cast<HeldCodec*>(handle.As<v8::ArrayBuffer>()->Data());
  const std::scoped_lock lock(mutex_);
  return codecs_.contains(codec) ? codec : nullptr;
}

void CodecRegistry::onCollected(void* data, std::size_t, void* registry) noexcept {
  auto* const self = static_cast<std::shared_ptr<CodecRegistry>*>(registry);
  auto* const codec = static_cast<HeldCodec*>(data);
  {
    const std::scoped_lock lock((*self)->mutex_);
    (*self)->codecs_.erase(codec);
  }
  delete codec;
  delete self;
}

namespace {

/// codecNew(format, decoder, lenient) -> handle
void codecNew(const Info& info) noexcept {
  NativeCall call(info);
  const auto format = info[0]->IsUint32() ? info[0].As<v8::Uint32>()->Value() : kFormatMax + 1;
  if (format > kFormatMax) return call.refuse("codecNew: no such format");
  v8::Local<v8::Value> handle;
  if (call.state()
          .codecs
          ->create(info.GetIsolate(), static_cast<coding::Format>(format), info[1]->IsTrue(),
                   info[2]->IsTrue() ? coding::Reading::Lenient : coding::Reading::Strict)
          .ToLocal(&handle)) {
    info.GetReturnValue().Set(handle);
  }
}

int number(v8::Local<v8::Value> value) {
  return value->IsInt32() ? value.As<v8::Int32>()->Value() : INT_MIN;
}

/// codecTune(handle, format, decoder, level, windowBits, memoryLevel, strategy, dictionary or
/// undefined): a codec that has run nothing yet becomes one with these settings. false: it cannot.
void codecTune(const Info& info) noexcept {
  NativeCall call(info);
  HeldCodec* const held = call.state().codecs->find(info[0]);
  if (held == nullptr || !info[1]->IsUint32()) return call.refuse("codecTune: no codec");
  coding::ZlibTuning tuning{.level = number(info[3]),
                            .windowBits = number(info[4]),
                            .memoryLevel = number(info[5]),
                            .strategy = number(info[6]),
                            .dictionary = {}};
  if (const BufferView view(info[7]); view.ok()) tuning.dictionary = view.bytes();
  const auto format = static_cast<coding::Format>(
      std::min<std::uint32_t>(info[1].As<v8::Uint32>()->Value(), kFormatMax));
  held->codec.reset();
  auto made = info[2]->IsTrue() ? coding::makeTunedDecoder(format, tuning, held->memory)
                                : coding::makeTunedEncoder(format, tuning, held->memory);
  if (made) held->codec = *std::move(made);
  info.GetReturnValue().Set(held->codec != nullptr);
}

/// codecFlush(handle, full): the next runs end where all that was taken can be read
void codecFlush(const Info& info) noexcept {
  NativeCall call(info);
  HeldCodec* const held = call.state().codecs->find(info[0]);
  if (held == nullptr || held->codec == nullptr) return;
  coding::requestFlush(*held->codec,
                       info[1]->IsTrue() ? coding::FlushPoint::Full : coding::FlushPoint::Sync);
}

/// codecRun(handle, bytes, offset, finish) -> a piece of output, or undefined. Takes bytes from
/// `offset` on. A TypeError if they are not in the format.
void codecRun(const Info& info) noexcept {
  NativeCall call(info);
  HeldCodec* const held = call.state().codecs->find(info[0]);
  const BufferView view(info[1]);
  if (held == nullptr || held->codec == nullptr || !view.ok()) {
    return call.refuse("codecRun: no codec, or no bytes");
  }
  // A script may have shrunk or detached its buffer meanwhile.
  std::string_view input =
      view.bytes().substr(std::min<std::uint64_t>(call.whole(2), view.bytes().size()));
  const bool last = input.size() <= kInputBytesMax;
  input = input.substr(0, kInputBytesMax);
  std::array<char, kPieceBytesMax> piece;
  const auto step = held->codec->step(input, piece, last && info[3]->IsTrue());
  held->consumed = step ? step->consumed : 0;
  if (!step) {
    v8::Isolate* const isolate = info.GetIsolate();
    return step.error().code == ErrorCode::TooLarge ? throwRangeError(isolate, step.error().detail)
                                                    : throwTypeError(isolate, step.error().detail);
  }
  held->ended = step->ended;
  if (step->produced == 0) return;
  v8::Local<v8::Uint8Array> output;
  if (uint8ArrayOf(info.GetIsolate(), {piece.data(), step->produced}).ToLocal(&output)) {
    info.GetReturnValue().Set(output);
  }
}

/// codecConsumed(handle) -> how many bytes the last run took
void codecConsumed(const Info& info) noexcept {
  NativeCall call(info);
  const HeldCodec* const held = call.state().codecs->find(info[0]);
  info.GetReturnValue().Set(held == nullptr ? 0.0 : static_cast<double>(held->consumed));
}

/// codecEnded(handle) -> whether the compressed data is complete
void codecEnded(const Info& info) noexcept {
  NativeCall call(info);
  const HeldCodec* const held = call.state().codecs->find(info[0]);
  info.GetReturnValue().Set(held != nullptr && held->ended);
}

/// codecFree(handle): gives the memory back now
void codecFree(const Info& info) noexcept {
  NativeCall call(info);
  if (HeldCodec* const held = call.state().codecs->find(info[0])) held->codec.reset();
}

/// contentCoding(Content-Encoding value) -> the format; undefined for one that is not decoded
void contentCoding(const Info& info) noexcept {
  NativeCall call(info);
  const auto format = coding::findContentCoding(call.utf8(0));
  if (format) info.GetReturnValue().Set(static_cast<std::uint32_t>(*format));
}

/// clientAccepts(slot, format) -> 0 no, 1 yes, 2 the client did not say; body_coding.js has the
/// same numbers
void clientAccepts(const Info& info) noexcept {
  NativeCall call(info);
  const Invocation* const invocation = call.invocation(0);
  const auto format = info[1]->IsUint32() ? info[1].As<v8::Uint32>()->Value() : kFormatMax + 1;
  std::uint32_t said = 1;
  if (invocation != nullptr && invocation->head != nullptr && format <= kFormatMax) {
    const auto accepted = invocation->head->headers.find("accept-encoding");
    said = !accepted ? 2 : coding::acceptsCoding(*accepted, static_cast<coding::Format>(format));
  }
  info.GetReturnValue().Set(said);
}

constexpr std::array kNatives{isolate::Native{"codecNew", &codecNew},
                              isolate::Native{"codecTune", &codecTune},
                              isolate::Native{"codecFlush", &codecFlush},
                              isolate::Native{"codecRun", &codecRun},
                              isolate::Native{"codecConsumed", &codecConsumed},
                              isolate::Native{"codecEnded", &codecEnded},
                              isolate::Native{"codecFree", &codecFree},
                              isolate::Native{"contentCoding", &contentCoding},
                              isolate::Native{"clientAccepts", &clientAccepts}};

}  // namespace

std::span<const isolate::Native> compressionNatives() { return kNatives; }

}  // namespace atolld::webapi
