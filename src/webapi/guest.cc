#include "webapi/guest.h"

#include <utility>

#include "deploy/compatibility.h"
#include "isolate/builtin_scripts.h"
#include "webapi/bytes.h"
#include "webapi/guest_state.h"
#include "webapi/natives.h"

namespace atolld::webapi {
namespace {

/// Names in `internals.entries`, in the order of Entry.
constexpr std::array<std::string_view, static_cast<std::size_t>(Entry::kCount)> kEntryNames{
    "begin",
    "load",
    "fetch",
    "scheduled",
    "opDone",
    "opFailed",
    "bodyChunk",
    "bodyEnd",
    "bodyAccepted",
    "bodyGone",
    "timerFired",
    "clientGone",
    "invocationOver",
    "unhandledRejection",
    "rejectionHandled",
    "uncaughtException",
    "builtinModule",
    "socketMessage",
    "socketClosed",
    "socketSent"};

template <class... Fs>
struct Overloaded : Fs... {
  using Fs::operator()...;
};

/// Kinds of bindings; context.js has the same numbers.
enum BindingKind : int { kTextBinding = 0, kJsonBinding = 1, kKvBinding = 2, kServiceBinding = 3 };

/// bindings() -> [kind, name, value, ...]
void bindings(const v8::FunctionCallbackInfo<v8::Value>& info) noexcept {
  v8::Isolate* const isolate = info.GetIsolate();
  std::vector<v8::Local<v8::Value>> flat;
  const auto add = [&](BindingKind kind, std::string_view name, std::string_view value) {
    v8::Local<v8::String> nameText, valueText;
    if (!stringOfUtf8(isolate, name).ToLocal(&nameText) ||
        !stringOfUtf8(isolate, value).ToLocal(&valueText)) {
      return false;
    }
    flat.insert(flat.end(), {v8::Integer::New(isolate, kind), nameText, valueText});
    return true;
  };
  const auto addBinding =
      Overloaded{[&](const deploy::TextBinding& b) { return add(kTextBinding, b.name, b.value); },
                 [&](const deploy::SecretBinding& b) { return add(kTextBinding, b.name, b.value); },
                 [&](const deploy::JsonBinding& b) { return add(kJsonBinding, b.name, b.json); },
                 [&](const deploy::KvBinding& b) { return add(kKvBinding, b.name, b.namespaceId); },
                 // By its place among the bindings, for serviceStart().
                 [&](const deploy::ServiceBinding& b) {
                   return add(kServiceBinding, b.name, std::to_string(flat.size() / 3));
                 },
                 [&](const deploy::AssetsBinding& b) {
                   return add(kServiceBinding, b.name, std::to_string(flat.size() / 3));
                 }};
  for (const auto& binding : isolate::Isolate::from(isolate).version()->bindings) {
    if (!std::visit(addBinding, binding)) return;
  }
  info.GetReturnValue().Set(v8::Array::New(isolate, flat.data(), flat.size()));
}

/// placeOf(error) -> [file, line, column], as far as it is known where it was thrown
void placeOf(const v8::FunctionCallbackInfo<v8::Value>& info) noexcept {
  v8::Isolate* const isolate = info.GetIsolate();
  const auto context = isolate->GetCurrentContext();
  const v8::Local<v8::Message> message = v8::Exception::CreateMessage(isolate, info[0]);
  const v8::Local<v8::Value> file = message->GetScriptResourceName();
  std::array<v8::Local<v8::Value>, 3> place{
      file->IsString() ? file : v8::String::Empty(isolate).As<v8::Value>(),
      v8::Integer::New(isolate, message->GetLineNumber(context).FromMaybe(0)),
      v8::Integer::New(isolate, message->GetStartColumn(context).FromMaybe(-1) + 1)};
  info.GetReturnValue().Set(v8::Array::New(isolate, place.data(), place.size()));
}

/// Brands of objects; inspect.js has the same numbers.
enum Brand : int { kNoBrand, kDate, kRegExp, kMap, kSet, kArrayBuffer };

/// brandOf(value) -> what it is whatever its prototype says. Without an exception thrown and
/// caught, which a debugger that steps over console.log() would lose its way by.
void brandOf(const v8::FunctionCallbackInfo<v8::Value>& info) noexcept {
  const v8::Local<v8::Value> value = info[0];
  info.GetReturnValue().Set(int{value->IsDate()          ? kDate
                                : value->IsRegExp()      ? kRegExp
                                : value->IsMap()         ? kMap
                                : value->IsSet()         ? kSet
                                : value->IsArrayBuffer() ? kArrayBuffer
                                                         : kNoBrand});
}

/// namedKeys(object) -> the keys of its enumerable properties that are no indices
void namedKeys(const v8::FunctionCallbackInfo<v8::Value>& info) noexcept {
  const auto context = info.GetIsolate()->GetCurrentContext();
  v8::Local<v8::Array> keys;
  if (info[0]->IsObject() &&
      info[0]
          .As<v8::Object>()
          ->GetPropertyNames(context, v8::KeyCollectionMode::kOwnOnly, v8::ONLY_ENUMERABLE,
                             v8::IndexFilter::kSkipIndices)
          .ToLocal(&keys)) {
    info.GetReturnValue().Set(keys);
  }
}

/// features() -> what the version's date and flags switch on: feature f is bit f
void features(const v8::FunctionCallbackInfo<v8::Value>& info) noexcept {
  const auto& version = isolate::Isolate::from(info.GetIsolate()).version();
  if (version == nullptr) return info.GetReturnValue().Set(0);
  info.GetReturnValue().Set(
      deploy::featuresOf(version->compatibilityDate, version->compatibilityFlags).bits());
}

constexpr std::array kOwnNatives{
    isolate::Native{"brandOf", &brandOf}, isolate::Native{"namedKeys", &namedKeys},
    isolate::Native{"bindings", &bindings}, isolate::Native{"features", &features},
    isolate::Native{"placeOf", &placeOf}};

std::vector<isolate::Native> allNatives() {
  std::vector<isolate::Native> all;
  for (const std::span<const isolate::Native> natives :
       {std::span<const isolate::Native>(kOwnNatives),
        base64Natives(),
        bytesNatives(),
        cacheNatives(),
        cipherNatives(),
        cloneNatives(),
        compressionNatives(),
        deriveNatives(),
        digestNatives(),
        effectNatives(),
        encodingNatives(),
        fetchNatives(),
        formDataNatives(),
        headerNatives(),
        htmlNatives(),
        keyNatives(),
        keyUseNatives(),
        kvNatives(),
        legacyTextNatives(),
        nodeBufferNatives(),
        nodeHashNatives(),
        nodeKeyNatives(),
        requestNatives(),
        rpcNatives(),
        serviceNatives(),
        urlNatives(),
        urlPatternNatives(),
        webSocketNatives()}) {
    all.insert(all.end(), natives.begin(), natives.end());
  }
  for (std::size_t i = 0; i < all.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) ATOLL_CHECK(all[i].name != all[j].name);
  }
  return all;
}

/// What was thrown, as text for whoever deploys.
std::string describeThrown(const v8::TryCatch& tryCatch) {
  if (tryCatch.Message().IsEmpty()) return "the script failed to load";
  std::string text = utf8Of(v8::Isolate::GetCurrent(), tryCatch.Message()->Get());
  constexpr std::string_view kUncaught = "Uncaught ";
  return text.starts_with(kUncaught) ? text.substr(kUncaught.size()) : text;
}

class WebGuest final : public isolate::Guest {
 public:
  std::span<const isolate::Native> natives() const override {
    static const std::vector<isolate::Native> all = allNatives();
    return all;
  }

  std::span<const isolate::WebScript> scripts() const override { return isolate::builtinScripts(); }

  std::unique_ptr<State> attach(isolate::Isolate& isolate, v8::Local<v8::Context> context,
                                v8::Local<v8::Object> internals) const override {
    auto state = std::make_unique<GuestState>();
    v8::Isolate* const v8 = isolate.v8();
    v8::Local<v8::Value> entries;
    ATOLL_CHECK(internals->Get(context, internalized(v8, "entries")).ToLocal(&entries) &&
                entries->IsObject());
    for (std::size_t i = 0; i < kEntryNames.size(); ++i) {
      v8::Local<v8::Value> entry;
      ATOLL_CHECK(
          entries.As<v8::Object>()->Get(context, internalized(v8, kEntryNames[i])).ToLocal(&entry));
      ATOLL_CHECK(entry->IsFunction());
      state->entries[i].Reset(v8, entry.As<v8::Function>());
    }
    return state;
  }

  void beforeLoad(isolate::Isolate& isolate, v8::Local<v8::Context> context,
                  bool isServiceWorker) const override {
    std::array<v8::Local<v8::Value>, 1> arguments{v8::Boolean::New(isolate.v8(), isServiceWorker)};
    GuestState::of(isolate).call(context, Entry::Begin, arguments);
  }

  Result<> onLoaded(isolate::Isolate& isolate, v8::Local<v8::Context> context,
                    v8::Local<v8::Object> mainNamespace) const override {
    v8::Isolate* const v8 = isolate.v8();
    const v8::TryCatch tryCatch(v8);
    std::array<v8::Local<v8::Value>, 1> arguments{mainNamespace};
    if (!GuestState::of(isolate).call(context, Entry::Load, arguments)) {
      return fail(ErrorCode::Script, describeThrown(tryCatch));
    }
    return {};
  }

  void deliver(isolate::Isolate& isolate, v8::Local<v8::Context> context,
               host::Event&& event) const override {
    deliverEvent(GuestState::of(isolate), context, std::move(event));
  }

  void onUnhandledRejection(isolate::Isolate& isolate, v8::Local<v8::Context> context,
                            v8::Local<v8::Promise> promise,
                            v8::Local<v8::Value> reason) const override {
    std::array<v8::Local<v8::Value>, 2> arguments{promise, reason};
    GuestState::of(isolate).call(context, Entry::UnhandledRejection, arguments);
  }

  void onRejectionHandled(isolate::Isolate& isolate, v8::Local<v8::Context> context,
                          v8::Local<v8::Promise> promise,
                          v8::Local<v8::Value> reason) const override {
    std::array<v8::Local<v8::Value>, 2> arguments{promise, reason};
    GuestState::of(isolate).call(context, Entry::RejectionHandled, arguments);
  }

  void onUncaughtException(isolate::Isolate& isolate, v8::Local<v8::Context> context,
                           v8::Local<v8::Value> exception) const override {
    std::array<v8::Local<v8::Value>, 1> arguments{exception};
    GuestState::of(isolate).call(context, Entry::UncaughtException, arguments);
  }

  v8::MaybeLocal<v8::Object> builtinModule(isolate::Isolate& isolate,
                                           v8::Local<v8::Context> context,
                                           std::string_view specifier) const override {
    v8::Isolate* const v8 = isolate.v8();
    v8::Local<v8::String> name;
    if (!stringOfUtf8(v8, specifier).ToLocal(&name)) return {};
    std::array<v8::Local<v8::Value>, 1> arguments{name};
    const auto function =
        GuestState::of(isolate).entries[static_cast<std::size_t>(Entry::BuiltinModule)].Get(v8);
    v8::Local<v8::Value> exports;
    if (!function->Call(context, v8::Undefined(v8), 1, arguments.data()).ToLocal(&exports) ||
        !exports->IsObject()) {
      return {};
    }
    return exports.As<v8::Object>();
  }
};

}  // namespace

const isolate::Guest& guest() {
  static const WebGuest instance;
  return instance;
}

}  // namespace atolld::webapi
