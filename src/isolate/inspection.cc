#include "isolate/inspection.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>
#include <vector>

#include "base/encoding.h"
#include "isolate/isolate_state.h"
#include "isolate/v8_strings.h"
#include "isolate/web_scripts.h"

namespace atolld::isolate {
namespace {

using v8_inspector::StringBuffer;
using v8_inspector::StringView;
using v8_inspector::V8Inspector;

constexpr int kGroup = 1;  // Of contexts: an isolate has one.
/// Where debuggers find the platform's own code; they step over what begins with "node:".
constexpr std::string_view kPlatformUrl = "node:internal/atoll/";

StringView viewOf(std::string_view ascii) {
  return {reinterpret_cast<const std::uint8_t*>(ascii.data()), ascii.size()};
}
StringView viewOf(const std::vector<std::uint16_t>& units) { return {units.data(), units.size()}; }

std::string textOf(v8::Isolate* isolate, const StringView& view) {
  if (view.is8Bit()) {  // ASCII: V8's inspector escapes everything else.
    return {reinterpret_cast<const char*>(view.characters8()), view.length()};
  }
  const v8::HandleScope handleScope(isolate);
  v8::Local<v8::String> text;
  if (!v8::String::NewFromTwoByte(isolate, view.characters16(), v8::NewStringType::kNormal,
                                  static_cast<int>(view.length()))
           .ToLocal(&text)) {
    return {};
  }
  return toUtf8(isolate, text);
}

/// As V8's inspector reads what may hold more than ASCII.
std::vector<std::uint16_t> utf16Of(v8::Isolate* isolate, std::string_view utf8) {
  const v8::HandleScope handleScope(isolate);
  v8::Local<v8::String> text;
  if (!v8::String::NewFromUtf8(isolate, utf8.data(), v8::NewStringType::kNormal,
                               static_cast<int>(utf8.size()))
           .ToLocal(&text)) {
    return {};
  }
  std::vector<std::uint16_t> units(static_cast<std::size_t>(text->Length()));
  text->WriteV2(isolate, 0, static_cast<std::uint32_t>(units.size()), units.data());
  return units;
}

std::string pathEncode(std::string_view path) {
  std::string encoded;
  for (;;) {
    const std::size_t slash = path.find('/');
    encoded += percentEncode(path.substr(0, slash));
    if (slash == std::string_view::npos) return encoded;
    encoded += '/';
    path.remove_prefix(slash + 1);
  }
}

const deploy::Module* findMap(const deploy::Version& version, const std::string& module) {
  const auto found =
      std::ranges::find(version.sourceMaps, deploy::sourceMapName(module), &deploy::Module::name);
  return found == version.sourceMaps.end() ? nullptr : &*found;
}

enum ConsoleSlot : std::uint32_t { kShownMethod, kOwnMethod, kShownConsole };

/// A method of `console`: V8's, which debuggers listen to, and then the platform's own. Not in
/// JavaScript, so that the caller is the innermost frame.
void callConsole(const v8::FunctionCallbackInfo<v8::Value>& info) noexcept {
  v8::Isolate* const isolate = info.GetIsolate();
  const v8::Local<v8::Context> context = isolate->GetCurrentContext();
  const v8::Local<v8::Object> data = info.Data().As<v8::Object>();
  const auto slot = [&](ConsoleSlot index) {
    return data->Get(context, index).ToLocalChecked().As<v8::Object>();
  };
  std::vector<v8::Local<v8::Value>> arguments;
  for (int i = 0; i < info.Length(); ++i) arguments.push_back(info[i]);
  const auto call = [&](ConsoleSlot method, v8::Local<v8::Value> receiver) {
    return slot(method).As<v8::Function>()->Call(
        context, receiver, static_cast<int>(arguments.size()), arguments.data());
  };
  v8::Local<v8::Value> result;
  if (call(kShownMethod, slot(kShownConsole)).IsEmpty()) return;
  if (call(kOwnMethod, info.This()).ToLocal(&result)) info.GetReturnValue().Set(result);
}

/// `internals.onHandlerError(error)`
void onHandlerError(const v8::FunctionCallbackInfo<v8::Value>& info) noexcept {
  stateOf(info.GetIsolate())
      .inspection->reportError(info.GetIsolate()->GetCurrentContext(), info[0]);
}

}  // namespace

Inspection::Inspection(v8::Isolate* isolate, v8::Local<v8::Context> context, Inspector& inspector,
                       const deploy::Version& version)
    : isolate_(isolate),
      context_(isolate, context),
      inspector_(inspector),
      version_(version),
      script_(inspector.script(version.tenant, version.script)),
      v8Inspector_(V8Inspector::create(isolate, this)) {
  const std::string name = script_->tenant() + "/" + script_->script();
  v8_inspector::V8ContextInfo info(context, kGroup, viewOf(name));
  constexpr std::string_view kDefault = R"({"isDefault":true})";
  info.auxData = viewOf(kDefault);
  v8Inspector_->contextCreated(info);
  wrapConsole(context);
  const auto internals = context->GetEmbedderData(kInternalsSlot).As<v8::Object>();
  internals
      ->Set(context, asciiString(isolate, "onHandlerError"),
            v8::Function::New(context, &onHandlerError).ToLocalChecked())
      .Check();
  script_->enter(*this);
  dispatch();  // Who is attached already hears of every module, and its breakpoints hold.
}

Inspection::~Inspection() {
  script_->leave(*this);
  session_.reset();
  v8Inspector_->contextDestroyed(context_.Get(isolate_));
}

void Inspection::dispatch() {
  if (std::exchange(isDispatching_, true)) return;
  while (hasWork()) carryOut(script_->take(*this));
  isDispatching_ = false;
}

void Inspection::carryOut(InspectedScript::Work work) {
  const v8::HandleScope handleScope(isolate_);
  if (work.attachment != attachment_.load()) {
    session_.reset();
    attachment_ = work.attachment;
    frontend_ = std::move(work.frontend);
    if (frontend_ != nullptr) {
      session_ = v8Inspector_->connect(kGroup, this, {work.state.data(), work.state.size()},
                                       V8Inspector::kFullyTrusted);
    }
  }
  for (const std::string& message : work.messages) {
    if (session_ == nullptr) return;
    session_->dispatchProtocolMessage(viewOf(utf16Of(isolate_, message)));
  }
  if (session_ != nullptr) script_->keepState(*this, session_->state());
}

void Inspection::interrupt() {
  isolate_->RequestInterrupt(
      [](v8::Isolate*, void* self) { static_cast<Inspection*>(self)->dispatch(); }, this);
}

/// The thread stays in the slice: what the front-end sends is carried out here.
void Inspection::runMessageLoopOnPause(int) {
  if (std::exchange(isPaused_, true)) return;
  const bool wasDispatching = std::exchange(isDispatching_, true);
  quitsPause_ = false;
  while (!quitsPause_) {
    InspectedScript::Work work = script_->wait(*this, attachment_.load());
    if (work.isClosed || work.frontend == nullptr) quitsPause_ = true;
    carryOut(std::move(work));
  }
  isDispatching_ = wasDispatching;
  isPaused_ = false;
}

std::string Inspection::sourceMapUrl(const std::string& module) const {
  const deploy::Module* const map = findMap(version_, module);
  if (map == nullptr) return {};
  std::string json = inspector_.options().readSourceMap(*map);
  const std::size_t brace = json.find('{');
  if (brace == std::string::npos) return {};
  // Its sources are named as seen from the project; one that has a root of its own keeps it, for
  // the last of two equal names counts.
  const std::string& root = inspector_.options().sourceRoot;
  if (!root.empty()) json.insert(brace + 1, R"("sourceRoot":")" + root + R"(",)");
  return "data:application/json;base64," + toBase64(json);
}

std::unique_ptr<StringBuffer> Inspection::resourceNameToUrl(const StringView& resourceName) {
  const std::string name = textOf(isolate_, resourceName);
  const bool isOwn = std::ranges::contains(version_.modules, name, &deploy::Module::name);
  const std::string& root = inspector_.options().sourceRoot;
  std::string url;
  if (!isOwn) {
    url = std::string(kPlatformUrl) + name;
  } else if (root.empty()) {
    url = "file:///" + script_->tenant() + "/" + script_->script() + "/" + pathEncode(name);
  } else {
    // Bundled code is no file of the project.
    url = root + (findMap(version_, name) != nullptr ? ".atoll/bundled/" : "") + pathEncode(name);
  }
  return StringBuffer::create(viewOf(url));
}

v8::Local<v8::Context> Inspection::ensureDefaultContextInGroup(int) {
  return context_.Get(isolate_);
}

double Inspection::currentTimeMS() {
  return std::chrono::duration<double, std::milli>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

void Inspection::sendResponse(int, std::unique_ptr<StringBuffer> message) {
  sendNotification(std::move(message));
}

void Inspection::sendNotification(std::unique_ptr<StringBuffer> message) {
  if (frontend_ != nullptr) frontend_->onMessage(textOf(isolate_, message->string()));
}

void Inspection::wrapConsole(v8::Local<v8::Context> context) {
  const v8::Local<v8::String> word = asciiString(isolate_, "console");
  v8::Local<v8::Value> own, shown;
  if (!context->Global()->Get(context, word).ToLocal(&own) || !own->IsObject() ||
      !context->GetExtrasBindingObject()->Get(context, word).ToLocal(&shown) ||
      !shown->IsObject()) {
    return;
  }
  const v8::Local<v8::Object> console = own.As<v8::Object>();
  v8::Local<v8::Array> names;
  if (!console->GetOwnPropertyNames(context).ToLocal(&names)) return;
  for (std::uint32_t i = 0; i < names->Length(); ++i) {
    const v8::Local<v8::Value> name = names->Get(context, i).ToLocalChecked();
    v8::Local<v8::Value> ownMethod, shownMethod;
    if (!console->Get(context, name).ToLocal(&ownMethod) || !ownMethod->IsFunction() ||
        !shown.As<v8::Object>()->Get(context, name).ToLocal(&shownMethod) ||
        !shownMethod->IsFunction()) {
      continue;
    }
    std::array<v8::Local<v8::Value>, 3> slots;
    slots[kShownMethod] = shownMethod;
    slots[kOwnMethod] = ownMethod;
    slots[kShownConsole] = shown;
    v8::Local<v8::Function> both;
    if (v8::Function::New(context, &callConsole,
                          v8::Array::New(isolate_, slots.data(), slots.size()))
            .ToLocal(&both)) {
      both->SetName(name.As<v8::String>());
      console->Set(context, name, both).Check();
    }
  }
}

void Inspection::reportError(v8::Local<v8::Context> context, v8::Local<v8::Value> error) {
  const v8::Local<v8::Message> message = v8::Exception::CreateMessage(isolate_, error);
  const v8::Local<v8::StackTrace> stack = message->GetStackTrace();
  const auto text = utf16Of(isolate_, toUtf8(isolate_, message->Get()));
  const auto name = utf16Of(isolate_, toUtf8(isolate_, message->GetScriptResourceName()));
  const auto url = resourceNameToUrl(viewOf(name));
  constexpr std::string_view kUncaught = "Uncaught";
  v8Inspector_->exceptionThrown(
      context, viewOf(kUncaught), error, viewOf(text), url->string(),
      static_cast<unsigned>(message->GetLineNumber(context).FromMaybe(0)),
      static_cast<unsigned>(message->GetStartColumn(context).FromMaybe(0) + 1),
      v8Inspector_->createStackTrace(stack), message->GetScriptOrigin().ScriptId());
}

}  // namespace atolld::isolate
