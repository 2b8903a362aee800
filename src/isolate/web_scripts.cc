#include "isolate/web_scripts.h"

#include <array>
#include <string>

#include "isolate/v8_strings.h"

namespace atolld::isolate {
namespace {

const WebScripts& webScripts(v8::Isolate* isolate) {
  return *static_cast<const WebScripts*>(isolate->GetData(kWebScriptsDataSlot));
}

v8::Local<v8::Object> contextObject(v8::Local<v8::Context> context, ContextSlot slot) {
  return context->GetEmbedderData(slot).As<v8::Object>();
}

}  // namespace

void setContextObjects(v8::Local<v8::Context> context, v8::Local<v8::Object> native,
                       v8::Local<v8::Object> internals, v8::Local<v8::Object> loadedScripts) {
  context->SetEmbedderData(kNativeSlot, native);
  context->SetEmbedderData(kInternalsSlot, internals);
  context->SetEmbedderData(kLoadedScriptsSlot, loadedScripts);
}

void setWebScripts(v8::Isolate* isolate, const WebScripts& scripts) {
  isolate->SetData(kWebScriptsDataSlot, const_cast<WebScripts*>(&scripts));
}

v8::MaybeLocal<v8::Value> runWebScript(v8::Local<v8::Context> context, std::size_t index) {
  v8::Isolate* const isolate = v8::Isolate::GetCurrent();
  const auto& [guest, references] = webScripts(isolate);
  v8::EscapableHandleScope scope(isolate);
  const v8::Local<v8::String> name = asciiString(isolate, guest.scripts()[index].name);
  const auto loaded = contextObject(context, kLoadedScriptsSlot);
  v8::Local<v8::Value> value;
  bool known = false;
  if (!loaded->HasOwnProperty(context, name).To(&known)) return {};
  if (known) return scope.EscapeMaybe(loaded->Get(context, name));

  v8::Local<v8::String> text;
  if (!v8::String::NewExternalOneByte(isolate, &references.source(index)).ToLocal(&text)) return {};
  const v8::ScriptOrigin origin(name);
  v8::ScriptCompiler::Source source(text, origin);
  std::array parameters{asciiString(isolate, "native"), asciiString(isolate, "internals")};
  v8::Local<v8::Function> body;
  if (!v8::ScriptCompiler::CompileFunction(context, &source, parameters.size(), parameters.data())
           .ToLocal(&body)) {
    return {};
  }
  std::array arguments{v8::Local<v8::Value>(contextObject(context, kNativeSlot)),
                       v8::Local<v8::Value>(contextObject(context, kInternalsSlot))};
  if (!body->Call(context, v8::Undefined(isolate), arguments.size(), arguments.data())
           .ToLocal(&value) ||
      loaded->CreateDataProperty(context, name, value).IsNothing()) {
    return {};
  }
  return scope.Escape(value);
}

void loadScriptCallback(const v8::FunctionCallbackInfo<v8::Value>& info) noexcept {
  v8::Isolate* const isolate = info.GetIsolate();
  const std::string name = toUtf8(isolate, info[0]);
  const auto scripts = webScripts(isolate).guest.scripts();
  for (std::size_t i = 0; i < scripts.size(); ++i) {
    if (scripts[i].name != name) continue;
    v8::Local<v8::Value> value;
    if (runWebScript(isolate->GetCurrentContext(), i).ToLocal(&value)) {
      info.GetReturnValue().Set(value);
    }
    return;
  }
  isolate->ThrowError(utf8String(isolate, "there is no built-in script named '" + name + "'"));
}

void lazyValueGetter(v8::Local<v8::Name> name, const v8::PropertyCallbackInfo<v8::Value>& info) {
  v8::Isolate* const isolate = info.GetIsolate();
  const v8::Local<v8::Context> context = isolate->GetCurrentContext();
  const auto internals = contextObject(context, kInternalsSlot);
  v8::Local<v8::Value> make, value, key = name;
  if (internals->Get(context, asciiString(isolate, "makeLazy")).ToLocal(&make) &&
      make->IsFunction() &&
      make.As<v8::Function>()->Call(context, v8::Undefined(isolate), 1, &key).ToLocal(&value)) {
    info.GetReturnValue().Set(value);
  }
}

void defineLazyCallback(const v8::FunctionCallbackInfo<v8::Value>& info) noexcept {
  v8::Isolate* const isolate = info.GetIsolate();
  if (!info[0]->IsObject() || !info[1]->IsString()) {
    isolate->ThrowError("defineLazy: an object and a name are needed");
    return;
  }
  // The property carries no data: a function there would go into the snapshot a second time, with
  // a context of its own.
  const bool defined =
      info[0]
          .As<v8::Object>()
          ->SetLazyDataProperty(isolate->GetCurrentContext(), info[1].As<v8::String>(),
                                &lazyValueGetter, {}, v8::DontEnum)
          .FromMaybe(false);
  info.GetReturnValue().Set(defined);
}

}  // namespace atolld::isolate
