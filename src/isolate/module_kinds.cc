#include <array>
#include <cstring>
#include <format>

#include "base/check.h"
#include "isolate/bounded_cache.h"
#include "isolate/code_cache.h"
#include "isolate/hardening.h"
#include "isolate/isolate.h"
#include "isolate/isolate_state.h"
#include "isolate/module_entry.h"
#include "isolate/module_graph.h"
#include "isolate/script_error.h"
#include "isolate/source_text.h"
#include "isolate/v8_strings.h"

/// The half of ModuleGraph that differs by module type.
namespace atolld::isolate {
namespace {

using deploy::ModuleType;

v8::Local<v8::Value> arrayBufferOf(v8::Isolate* isolate, std::string_view bytes) {
  std::unique_ptr<v8::BackingStore> store = v8::ArrayBuffer::NewBackingStore(
      isolate, bytes.size(), v8::BackingStoreInitializationMode::kUninitialized,
      v8::BackingStoreOnFailureMode::kReturnNull);
  if (store == nullptr) return {};
  if (!bytes.empty()) std::memcpy(store->Data(), bytes.data(), bytes.size());
  return v8::ArrayBuffer::New(isolate, std::move(store));
}

/// Compiled Wasm by content hash: another isolate takes it over in microseconds, and the machine
/// code is in memory once.
BoundedCache<std::shared_ptr<const v8::CompiledWasmModule>>& wasmModules() {
  constexpr std::size_t kWireBytesMax = 128ull * 1024 * 1024;
  static auto* const modules =
      new BoundedCache<std::shared_ptr<const v8::CompiledWasmModule>>(kWireBytesMax);
  return *modules;
}

v8::MaybeLocal<v8::WasmModuleObject> compileWasm(v8::Isolate* isolate,
                                                 const deploy::Module& module) {
  if (!module.hash.empty()) {
    if (const auto shared = wasmModules().find(module.hash)) {
      return v8::WasmModuleObject::FromCompiledModule(isolate, **shared);
    }
  }
  IsolateState& state = stateOf(isolate);
  const std::string_view bytes = module.content.view();
  if (definesSharedMemory(bytes)) {
    isolate->ThrowException(v8::Exception::TypeError(asciiString(
        isolate, "it defines a shared memory, which is not available: build it without threads")));
    return {};
  }
  state.wasmCompileAllowed = true;
  const v8::MaybeLocal<v8::WasmModuleObject> compiled = v8::WasmModuleObject::Compile(
      isolate, {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
  state.wasmCompileAllowed = false;
  v8::Local<v8::WasmModuleObject> object;
  if (compiled.ToLocal(&object) && !module.hash.empty()) {
    wasmModules().put(module.hash,
                      std::make_shared<const v8::CompiledWasmModule>(object->GetCompiledModule()),
                      bytes.size());
  }
  return compiled;
}

struct CodeUse {
  bool taken = false;     ///< Compiled code was; else the source was compiled.
  bool wantsMore = true;  ///< There is better code to store once the first event was handled.
};

/// A source with its compiled code, if there is any: `compile(source, options)` then takes the code
/// over, or compiles if V8 does not accept it.
template <class Compile>
CodeUse compileCached(const deploy::Module& module, v8::Local<v8::String> text,
                      const v8::ScriptOrigin& origin, Compile compile) {
  const std::string key = CodeCache::key(module);
  const std::optional<CompiledCode> found =
      key.empty() ? std::nullopt : CodeCache::shared().find(key);
  if (!found) {
    v8::ScriptCompiler::Source source(text, origin);
    compile(source, v8::ScriptCompiler::kNoCompileOptions);
    return {.taken = false, .wantsMore = !key.empty()};
  }
  // V8 deletes the CachedData with the source; the bytes stay ours.
  const std::string_view code = found->code.view();
  auto* const data = new v8::ScriptCompiler::CachedData(
      reinterpret_cast<const std::uint8_t*>(code.data()), static_cast<int>(code.size()));
  v8::ScriptCompiler::Source source(text, origin, data);
  compile(source, v8::ScriptCompiler::kConsumeCodeCache);
  if (!source.GetCachedData()->rejected) return {.taken = true, .wantsMore = !found->complete};
  CodeCache::shared().reject(key);
  return {};
}

}  // namespace

Result<> ModuleGraph::compile(v8::Local<v8::Context> context, Entry& entry) {
  if (entry.module == nullptr) {
    const v8::TryCatch tryCatch(v8_);
    v8::Local<v8::Array> names;
    if (!entry.value.Get(v8_).As<v8::Object>()->GetOwnPropertyNames(context).ToLocal(&names)) {
      return fail(ErrorCode::Internal, describeException(context, tryCatch));
    }
    std::vector<v8::Local<v8::String>> exportNames;
    for (std::uint32_t i = 0; i < names->Length(); ++i) {
      exportNames.push_back(names->Get(context, i).ToLocalChecked().As<v8::String>());
      entry.exportNames.emplace_back(v8_, exportNames.back());
    }
    makeSynthetic(entry, exportNames);
    return {};
  }
  switch (entry.module->type) {
    case ModuleType::EsModule:
      return compileEsModule(context, entry);
    case ModuleType::CommonJs:
      return compileCommonJs(context, entry);
    default:
      return compileValue(context, entry);
  }
}

void ModuleGraph::makeSynthetic(Entry& entry,
                                const std::vector<v8::Local<v8::String>>& exportNames) {
  remember(entry, v8::Module::CreateSyntheticModule(v8_, utf8String(v8_, entry.name),
                                                    v8::MemorySpan<const v8::Local<v8::String>>(
                                                        exportNames.data(), exportNames.size()),
                                                    &onEvaluateSynthetic));
}

v8::ScriptOrigin ModuleGraph::originOf(const Entry& entry, bool isModule) {
  v8::Local<v8::Value> sourceMap;
  if (const auto& inspection = stateOf(v8_).inspection; inspection != nullptr) {
    const std::string url = inspection->sourceMapUrl(entry.name);
    if (!url.empty()) sourceMap = utf8String(v8_, url);
  }
  return {utf8String(v8_, entry.name), 0, 0, false, -1, sourceMap, false, false, isModule};
}

Result<> ModuleGraph::compileEsModule(v8::Local<v8::Context> context, Entry& entry) {
  const v8::TryCatch tryCatch(v8_);
  const v8::ScriptOrigin origin = originOf(entry, /*isModule=*/true);
  v8::Local<v8::String> text;
  v8::Local<v8::Module> module;
  if (sourceString(v8_, entry.module->content, entry.module->hash).ToLocal(&text)) {
    v8::MaybeLocal<v8::Module> compiled;
    const CodeUse use = compileCached(*entry.module, text, origin, [&](auto& source, auto options) {
      compiled = v8::ScriptCompiler::CompileModule(v8_, &source, options);
    });
    if (compiled.ToLocal(&module)) {
      noteCodeUse(entry, use.taken, use.wantsMore);
      remember(entry, module);
      return {};
    }
  }
  std::string detail = describeException(context, tryCatch);
  if (detail.contains("Cannot use import statement") ||
      detail.contains("Unexpected token 'export'")) {
    detail += "\n(the module was uploaded as an ES module)";
  }
  return fail(ErrorCode::Script, std::move(detail));
}

Result<> ModuleGraph::compileCommonJs(v8::Local<v8::Context> context, Entry& entry) {
  const v8::TryCatch tryCatch(v8_);
  const v8::ScriptOrigin origin = originOf(entry, /*isModule=*/false);
  v8::Local<v8::String> text;
  v8::Local<v8::Function> function;
  if (sourceString(v8_, entry.module->content, entry.module->hash).ToLocal(&text)) {
    std::array parameters{asciiString(v8_, "exports"), asciiString(v8_, "require"),
                          asciiString(v8_, "module")};
    v8::MaybeLocal<v8::Function> compiled;
    const CodeUse use = compileCached(*entry.module, text, origin, [&](auto& source, auto options) {
      compiled = v8::ScriptCompiler::CompileFunction(context, &source, parameters.size(),
                                                     parameters.data(), 0, nullptr, options);
    });
    if (compiled.ToLocal(&function)) {
      noteCodeUse(entry, use.taken, use.wantsMore);
      entry.function.Reset(v8_, function);
      makeSynthetic(entry, {asciiString(v8_, "default")});
      return {};
    }
  }
  return fail(ErrorCode::Script, describeException(context, tryCatch));
}

Result<> ModuleGraph::compileValue(v8::Local<v8::Context> context, Entry& entry) {
  const v8::TryCatch tryCatch(v8_);
  const deploy::Module& module = *entry.module;
  v8::MaybeLocal<v8::Value> made;
  switch (module.type) {
    case ModuleType::Wasm:
      made = compileWasm(v8_, module);
      break;
    case ModuleType::Data: {
      const v8::Local<v8::Value> buffer = arrayBufferOf(v8_, module.content.view());
      if (buffer.IsEmpty()) {
        return fail(ErrorCode::Script,
                    std::format("{}: {} bytes do not fit into the script's memory limit",
                                entry.name, module.content.size()));
      }
      made = buffer;
      break;
    }
    case ModuleType::Text:
    case ModuleType::Json: {
      v8::Local<v8::String> text;
      if (!sourceString(v8_, module.content, module.hash).ToLocal(&text)) break;
      if (module.type == ModuleType::Text) {
        made = text.As<v8::Value>();
      } else {
        made = v8::JSON::Parse(context, text);
      }
      break;
    }
    case ModuleType::EsModule:
    case ModuleType::CommonJs:
    case ModuleType::SourceMap:
      ATOLL_CHECK(false);
  }
  v8::Local<v8::Value> value;
  if (!made.ToLocal(&value)) {
    std::string text = tryCatch.HasCaught() ? exceptionText(context, tryCatch.Exception())
                                            : std::string("it could not be read");
    // V8 names the C++ function that was called.
    constexpr std::string_view kCaller = "WasmModuleObject::Compile(): ";
    if (const std::size_t at = text.find(kCaller); at != std::string::npos) {
      text.erase(at, kCaller.size());
    }
    return fail(ErrorCode::Script, std::format("{}: {}", entry.name, text));
  }
  entry.value.Reset(v8_, value);
  makeSynthetic(entry, {asciiString(v8_, "default")});
  return {};
}

void ModuleGraph::noteCodeUse(Entry& entry, bool taken, bool wantsMore) {
  entry.codeIsStored = !wantsMore;
  codeToStore_ = codeToStore_ || wantsMore;
  compiledAny_ = compiledAny_ || !taken;
}

void ModuleGraph::storeCode(bool complete) {
  codeToStore_ = false;
  for (const auto& [name, entry] : entries_) {
    if (entry->compiled.IsEmpty() || entry->codeIsStored || entry->module == nullptr) continue;
    const v8::HandleScope scope(v8_);
    const v8::Local<v8::Module> module = entry->compiled.Get(v8_);
    std::unique_ptr<v8::ScriptCompiler::CachedData> code;
    if (!entry->function.IsEmpty()) {
      code.reset(v8::ScriptCompiler::CreateCodeCacheForFunction(entry->function.Get(v8_)));
    } else if (module->IsSourceTextModule() && module->GetStatus() == v8::Module::kEvaluated) {
      code.reset(v8::ScriptCompiler::CreateCodeCache(module->GetUnboundModuleScript()));
    }
    if (code == nullptr) continue;
    CodeCache::shared().put(
        CodeCache::key(*entry->module),
        {reinterpret_cast<const char*>(code->data), static_cast<std::size_t>(code->length)},
        complete);
  }
}

// ---- values and CommonJS ------------------------------------------------------------------------

v8::MaybeLocal<v8::Value> ModuleGraph::valueOf(v8::Local<v8::Context> context, Entry& entry) {
  if (entry.module != nullptr && entry.module->type == ModuleType::CommonJs) {
    return runCommonJs(context, entry);
  }
  return entry.value.Get(v8_);
}

v8::MaybeLocal<v8::Value> ModuleGraph::runCommonJs(v8::Local<v8::Context> context, Entry& entry) {
  const v8::Local<v8::String> exportsKey = asciiString(v8_, "exports");
  if (entry.moduleObject.IsEmpty()) {
    const v8::Local<v8::Object> module = v8::Object::New(v8_);
    const v8::Local<v8::Object> exports = v8::Object::New(v8_);
    v8::Local<v8::Function> require;
    if (module->CreateDataProperty(context, exportsKey, exports).IsNothing() ||
        !v8::Function::New(context, &onRequire, utf8String(v8_, entry.name), 1,
                           v8::ConstructorBehavior::kThrow)
             .ToLocal(&require)) {
      return {};
    }
    entry.moduleObject.Reset(v8_, module);
    std::array arguments{v8::Local<v8::Value>(exports), v8::Local<v8::Value>(require),
                         v8::Local<v8::Value>(module)};
    if (entry.function.Get(v8_)
            ->Call(context, exports, arguments.size(), arguments.data())
            .IsEmpty()) {
      entry.moduleObject.Reset();  // As in Node: the next require() tries again.
      return {};
    }
  }
  return entry.moduleObject.Get(v8_)->Get(context, exportsKey);
}

v8::MaybeLocal<v8::Value> ModuleGraph::require(v8::Local<v8::Context> context,
                                               std::string_view specifier,
                                               std::string_view referrer) {
  const auto throwError = [&](std::string_view detail) -> v8::MaybeLocal<v8::Value> {
    v8_->ThrowError(utf8String(v8_, std::format("cannot require '{}': {}", specifier, detail)));
    return {};
  };
  const Result<Entry*> found = find(specifier, referrer, context);
  if (!found) return throwError(found.error().detail);
  Entry& entry = **found;
  if (const Result<> compiled = compileAll(context, entry); !compiled) {
    return throwError(compiled.error().detail);
  }
  const v8::Local<v8::Module> module = entry.compiled.Get(v8_);
  if (entry.module == nullptr) return defaultOr(context, entry.value.Get(v8_).As<v8::Object>());
  if (!module->IsSourceTextModule()) return valueOf(context, entry);
  if (const Result<> linked = instantiate(context, entry); !linked) {
    return throwError(linked.error().detail);
  }
  if (module->GetStatus() == v8::Module::kEvaluating) {
    return throwError("it is still being evaluated (a cycle); import it");
  }
  if (module->IsGraphAsync()) return throwError("it uses top-level await; import it");
  v8::Local<v8::Value> evaluated;
  if (!module->Evaluate(context).ToLocal(&evaluated)) return {};
  const auto promise = evaluated.As<v8::Promise>();
  if (promise->State() == v8::Promise::kRejected) {
    promise->MarkAsHandled();
    v8_->ThrowException(promise->Result());
    return {};
  }
  const auto exports = module->GetModuleNamespace().As<v8::Object>();
  if (!requireGivesDefault_) return exports;
  return defaultOr(context, exports);
}

v8::MaybeLocal<v8::Value> ModuleGraph::defaultOr(v8::Local<v8::Context> context,
                                                 v8::Local<v8::Object> exports) {
  const v8::Local<v8::String> key = asciiString(v8_, "default");
  bool has = false;
  if (!exports->HasOwnProperty(context, key).To(&has)) return {};
  return has ? exports->Get(context, key) : exports.As<v8::Value>();
}

void ModuleGraph::onRequire(const v8::FunctionCallbackInfo<v8::Value>& info) noexcept {
  v8::Isolate* const isolate = info.GetIsolate();
  ModuleGraph& graph = *stateOf(isolate).modules;
  if (!info[0]->IsString()) {
    isolate->ThrowException(
        v8::Exception::TypeError(asciiString(isolate, "require() takes a module name")));
    return;
  }
  v8::Local<v8::Value> value;
  if (graph
          .require(isolate->GetCurrentContext(), toUtf8(isolate, info[0]),
                   toUtf8(isolate, info.Data()))
          .ToLocal(&value)) {
    info.GetReturnValue().Set(value);
  }
}

}  // namespace atolld::isolate
