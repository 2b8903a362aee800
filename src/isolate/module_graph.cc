#include "isolate/module_graph.h"

#include <array>
#include <format>
#include <unordered_set>

#include "base/check.h"
#include "deploy/compatibility.h"
#include "isolate/isolate.h"
#include "isolate/isolate_state.h"
#include "isolate/module_entry.h"
#include "isolate/module_names.h"
#include "isolate/process.h"
#include "isolate/script_error.h"
#include "isolate/v8_strings.h"

namespace atolld::isolate {

ModuleGraph::ModuleGraph(Isolate& isolate, std::shared_ptr<const deploy::Version> version)
    : isolate_(isolate),
      v8_(isolate.v8()),
      version_(std::move(version)),
      requireGivesDefault_(
          deploy::featuresOf(version_->compatibilityDate, version_->compatibilityFlags)
              .has(deploy::Feature::RequireDefault)) {
  for (const deploy::Module& module : version_->modules) {
    // A name that cannot be normalized cannot be imported; the registry refuses such uploads.
    const Result<std::string> name = normalizeModuleName(module.name);
    if (!name) continue;
    auto entry = std::make_unique<Entry>();
    entry->name = *name;
    entry->module = &module;
    entries_.try_emplace(*name, std::move(entry));
  }
}

ModuleGraph::~ModuleGraph() = default;

void ModuleGraph::installHooks(v8::Isolate* isolate) {
  isolate->SetHostImportModuleDynamicallyCallback(&onImport);
  isolate->SetHostInitializeImportMetaObjectCallback(&onImportMeta);
}

// ---- finding ------------------------------------------------------------------------------------

Result<ModuleGraph::Entry*> ModuleGraph::find(std::string_view specifier, std::string_view referrer,
                                              v8::Local<v8::Context> context) {
  const Result<std::string> name = resolveModuleName(specifier, referrer);
  if (!name) {
    return fail(ErrorCode::Script, std::format("'{}' points outside of the upload: imports reach "
                                               "uploaded modules only",
                                               specifier));
  }
  if (const auto it = entries_.find(*name); it != entries_.end()) return it->second.get();
  // Bundlers mark Wasm imports so: "./x.wasm?module".
  if (const std::size_t query = name->find('?'); query != std::string::npos) {
    if (const auto it = entries_.find(name->substr(0, query)); it != entries_.end()) {
      return it->second.get();
    }
  }
  const bool relative = specifier.starts_with('.') || specifier.starts_with('/');
  if (!relative) {
    if (Entry* const builtin = findBuiltin(specifier, context)) return builtin;
    const Result<std::string> beside = resolveModuleName("./" + std::string(specifier), referrer);
    if (beside && entries_.contains(*beside)) {
      return fail(
          ErrorCode::Script,
          std::format("there is no module '{}'. Write './{}' for the module beside this one",
                      specifier, specifier));
    }
    return fail(
        ErrorCode::Script,
        std::format("there is no module '{}' in the upload. Bundle packages into the script "
                    "(as `atoll deploy` does), or upload a module of that name",
                    specifier));
  }
  for (const std::string_view suffix : {".js", ".mjs", "/index.js", ".json"}) {
    if (!entries_.contains(*name + std::string(suffix))) continue;
    return fail(ErrorCode::Script,
                std::format("there is no module '{}' in the upload. Did you mean "
                            "'{}{}'?",
                            *name, specifier, suffix));
  }
  return fail(ErrorCode::Script,
              std::format("there is no module '{}' in the upload. Add the file to "
                          "the deploy or correct the path",
                          *name));
}

ModuleGraph::Entry* ModuleGraph::findBuiltin(std::string_view specifier,
                                             v8::Local<v8::Context> context) {
  v8::Local<v8::Object> exports;
  if (!process().guest.builtinModule(isolate_, context, specifier).ToLocal(&exports))
    return nullptr;
  auto entry = std::make_unique<Entry>();
  entry->name = specifier;
  entry->value.Reset(v8_, exports);
  Entry* const added = entry.get();
  entries_.emplace(specifier, std::move(entry));
  return added;
}

void ModuleGraph::remember(Entry& entry, v8::Local<v8::Module> module) {
  entry.compiled.Reset(v8_, module);
  byIdentity_.emplace(module->GetIdentityHash(), &entry);
}

ModuleGraph::Entry* ModuleGraph::entryOf(v8::Local<v8::Module> module) {
  const auto [begin, end] = byIdentity_.equal_range(module->GetIdentityHash());
  for (auto it = begin; it != end; ++it) {
    if (it->second->compiled == module) return it->second;
  }
  return nullptr;
}

// ---- linking ------------------------------------------------------------------------------------

Result<> ModuleGraph::link(v8::Local<v8::Context> context) {
  const Result<std::string> name = normalizeModuleName(version_->mainModule);
  const auto it = name ? entries_.find(*name) : entries_.end();
  if (it == entries_.end()) {
    return fail(ErrorCode::InvalidArgument,
                std::format("the main module '{}' is not among the uploaded modules",
                            version_->mainModule));
  }
  Entry& main = *it->second;
  if (main.module->type != deploy::ModuleType::EsModule &&
      main.module->type != deploy::ModuleType::CommonJs) {
    return fail(ErrorCode::InvalidArgument,
                std::format("the main module '{}' is not JavaScript", version_->mainModule));
  }
  ATOLL_TRY_VOID(compileAll(context, main));
  ATOLL_TRY_VOID(instantiate(context, main));
  ATOLL_TRY_VOID(checkDefaultExport(context, main));
  main_ = &main;
  return {};
}

Result<> ModuleGraph::compileUnimported(v8::Local<v8::Context> context) {
  // In the upload's order, so that the first error is the same each time. By name: compiling may
  // add entries of the platform's modules.
  for (const deploy::Module& module : version_->modules) {
    const Result<std::string> name = normalizeModuleName(module.name);
    const auto it = name ? entries_.find(*name) : entries_.end();
    if (it != entries_.end()) ATOLL_TRY_VOID(compileAll(context, *it->second));
  }
  return {};
}

Result<> ModuleGraph::compileAll(v8::Local<v8::Context> context, Entry& root) {
  if (root.closed) return {};
  // A list, not recursion: import chains are as deep as a tenant likes. An earlier attempt may have
  // failed half-way, so what is scanned already is walked again.
  std::vector<Entry*> todo{&root};
  std::unordered_set<Entry*> seen;
  while (!todo.empty()) {
    Entry& entry = *todo.back();
    todo.pop_back();
    if (entry.closed || !seen.insert(&entry).second) continue;
    if (entry.compiled.IsEmpty()) ATOLL_TRY_VOID(compile(context, entry));
    if (!entry.scanned) ATOLL_TRY_VOID(scanRequests(context, entry));
    for (const auto& [specifier, target] : entry.requests) todo.push_back(target);
  }
  for (Entry* const entry : seen) entry->closed = true;
  return {};
}

Result<> ModuleGraph::scanRequests(v8::Local<v8::Context> context, Entry& entry) {
  const v8::Local<v8::Module> module = entry.compiled.Get(v8_);
  if (module->IsSourceTextModule()) {
    const v8::Local<v8::FixedArray> requests = module->GetModuleRequests();
    for (int i = 0; i < requests->Length(); ++i) {
      const auto request = requests->Get(context, i).As<v8::ModuleRequest>();
      const std::string specifier = toUtf8(v8_, request->GetSpecifier());
      const Result<Entry*> found = find(specifier, entry.name, context);
      if (!found) {
        v8::Location at = module->SourceOffsetToLocation(request->GetSourceOffset());
        return fail(ErrorCode::Script, std::format("{}:{}:{}: cannot import '{}': {}", entry.name,
                                                   at.GetLineNumber() + 1, at.GetColumnNumber() + 1,
                                                   specifier, found.error().detail));
      }
      entry.requests.emplace(specifier, *found);
    }
  }
  entry.scanned = true;
  return {};
}

Result<> ModuleGraph::instantiate(v8::Local<v8::Context> context, Entry& root) {
  const v8::TryCatch tryCatch(v8_);
  const v8::Local<v8::Module> module = root.compiled.Get(v8_);
  if (module->GetStatus() != v8::Module::kUninstantiated) return {};
  if (!module->InstantiateModule(context, &onResolve).FromMaybe(false)) {
    return fail(ErrorCode::Script, describeException(context, tryCatch));
  }
  return {};
}

Result<> ModuleGraph::checkDefaultExport(v8::Local<v8::Context> context, Entry& main) {
  const v8::TryCatch tryCatch(v8_);
  // `has` may be asked before evaluation, `get` would throw.
  const auto exports = main.compiled.Get(v8_)->GetModuleNamespace().As<v8::Object>();
  const bool hasDefault = exports->Has(context, asciiString(v8_, "default")).FromMaybe(false);
  const bool canListen = main.module->content.view().contains("addEventListener");
  // A CommonJS module's export is known only once it has run.
  isServiceWorker_ =
      canListen && (!hasDefault || main.module->type == deploy::ModuleType::CommonJs);
  if (hasDefault || isServiceWorker_) return {};
  return fail(
      ErrorCode::Script,
      std::format("{} has no default export. Add one with the handlers: export default {{ "
                  "async fetch(request, env, ctx) {{ return new Response(\"hello\"); }} }};",
                  main.name));
}

v8::MaybeLocal<v8::Module> ModuleGraph::onResolve(v8::Local<v8::Context>,
                                                  v8::Local<v8::String> specifier,
                                                  v8::Local<v8::FixedArray>,
                                                  v8::Local<v8::Module> referrer) {
  v8::Isolate* const isolate = v8::Isolate::GetCurrent();
  ModuleGraph& graph = *stateOf(isolate).modules;
  Entry* const from = graph.entryOf(referrer);
  ATOLL_CHECK(from != nullptr);
  const auto it = from->requests.find(toUtf8(isolate, specifier));
  ATOLL_CHECK(it != from->requests.end());  // compileAll() saw every request.
  return it->second->compiled.Get(isolate);
}

// ---- evaluating ---------------------------------------------------------------------------------

Result<v8::Local<v8::Object>> ModuleGraph::evaluate(v8::Local<v8::Context> context) {
  ATOLL_CHECK(main_ != nullptr);
  v8::TryCatch tryCatch(v8_);
  const v8::Local<v8::Module> module = main_->compiled.Get(v8_);
  v8::Local<v8::Value> result;
  if (!module->Evaluate(context).ToLocal(&result)) {
    return fail(ErrorCode::Script, describeException(context, tryCatch));
  }
  v8_->PerformMicrotaskCheckpoint();
  if (tryCatch.HasTerminated()) return fail(ErrorCode::Script, "execution was ended");
  const auto promise = result.As<v8::Promise>();
  if (promise->State() == v8::Promise::kRejected) {
    promise->MarkAsHandled();
    const std::string thrown = describeThrown(context, promise->Result());
    // Only an Error knows its place.
    return fail(ErrorCode::Script, promise->Result()->IsNativeError()
                                       ? thrown
                                       : "a module threw at top level: " + thrown);
  }
  if (promise->State() == v8::Promise::kPending) {
    const auto [modules, messages] = module->GetStalledTopLevelAwaitMessages(v8_);
    std::string where = main_->name;
    if (!messages.empty()) {
      where = std::format("{}:{}", toUtf8(v8_, messages.front()->GetScriptResourceName()),
                          messages.front()->GetLineNumber(context).FromMaybe(0));
    }
    return fail(ErrorCode::Script,
                where +
                    ": this top-level await waits for something that only comes while a request "
                    "is handled (a fetch, a timer, KV). Move it into the handler");
  }
  return module->GetModuleNamespace().As<v8::Object>();
}

v8::MaybeLocal<v8::Value> ModuleGraph::onEvaluateSynthetic(v8::Local<v8::Context> context,
                                                           v8::Local<v8::Module> module) {
  v8::Isolate* const isolate = v8::Isolate::GetCurrent();
  ModuleGraph& graph = *stateOf(isolate).modules;
  Entry* const entry = graph.entryOf(module);
  ATOLL_CHECK(entry != nullptr);
  v8::Local<v8::Value> value;
  if (!graph.valueOf(context, *entry).ToLocal(&value)) return {};
  bool ok = true;
  if (entry->module != nullptr) {
    ok = module->SetSyntheticModuleExport(isolate, asciiString(isolate, "default"), value)
             .FromMaybe(false);
  } else {
    const auto exports = value.As<v8::Object>();
    for (const v8::Global<v8::String>& name : entry->exportNames) {
      v8::Local<v8::Value> member;
      if (!exports->Get(context, name.Get(isolate)).ToLocal(&member)) return {};
      ok = ok &&
           module->SetSyntheticModuleExport(isolate, name.Get(isolate), member).FromMaybe(false);
    }
  }
  if (!ok) return {};
  v8::Local<v8::Promise::Resolver> resolver;
  if (!v8::Promise::Resolver::New(context).ToLocal(&resolver) ||
      resolver->Resolve(context, v8::Undefined(isolate)).IsNothing()) {
    return {};
  }
  return resolver->GetPromise();
}

// ---- import() and import.meta -------------------------------------------------------------------

/// Gives the namespace's promise, or leaves a JS exception pending.
v8::MaybeLocal<v8::Promise> ModuleGraph::import(v8::Local<v8::Context> context,
                                                std::string_view specifier,
                                                std::string_view referrer) {
  const auto throwError = [&](std::string_view text) -> v8::MaybeLocal<v8::Promise> {
    v8_->ThrowException(v8::Exception::TypeError(utf8String(v8_, text)));
    return {};
  };
  const Result<Entry*> found = find(specifier, referrer, context);
  if (!found) {
    return throwError(std::format("cannot import '{}': {}", specifier, found.error().detail));
  }
  Entry& entry = **found;
  if (const Result<> linked = compileAll(context, entry); !linked) {
    return throwError(linked.error().detail);
  }
  if (const Result<> linked = instantiate(context, entry); !linked) {
    return throwError(linked.error().detail);
  }
  const v8::Local<v8::Module> module = entry.compiled.Get(v8_);
  v8::Local<v8::Value> evaluated;
  if (!module->Evaluate(context).ToLocal(&evaluated)) return {};
  // The namespace comes when evaluation has: with top-level await that may be later.
  v8::Local<v8::Function> giveNamespace;
  const auto give = [](const v8::FunctionCallbackInfo<v8::Value>& info) {
    info.GetReturnValue().Set(info.Data());
  };
  if (!v8::Function::New(context, give, module->GetModuleNamespace(), 0,
                         v8::ConstructorBehavior::kThrow)
           .ToLocal(&giveNamespace)) {
    return {};
  }
  return evaluated.As<v8::Promise>()->Then(context, giveNamespace);
}

v8::MaybeLocal<v8::Promise> ModuleGraph::onImport(v8::Local<v8::Context> context,
                                                  v8::Local<v8::Data>,
                                                  v8::Local<v8::Value> referrer,
                                                  v8::Local<v8::String> specifier,
                                                  v8::Local<v8::FixedArray>) {
  v8::Isolate* const isolate = v8::Isolate::GetCurrent();
  v8::Local<v8::Promise::Resolver> resolver;
  if (!v8::Promise::Resolver::New(context).ToLocal(&resolver)) return {};
  // In a microtask: the module asked for may be the one that is being evaluated right now, which V8
  // would not evaluate again.
  std::array<v8::Local<v8::Value>, 3> job{resolver, specifier, referrer};
  v8::Local<v8::Function> run;
  if (!v8::Function::New(context, &onImportJob, v8::Array::New(isolate, job.data(), job.size()), 0,
                         v8::ConstructorBehavior::kThrow)
           .ToLocal(&run)) {
    return {};
  }
  isolate->EnqueueMicrotask(run);
  return resolver->GetPromise();
}

void ModuleGraph::onImportJob(const v8::FunctionCallbackInfo<v8::Value>& info) noexcept {
  v8::Isolate* const isolate = info.GetIsolate();
  const v8::Local<v8::Context> context = isolate->GetCurrentContext();
  const auto job = info.Data().As<v8::Array>();
  v8::Local<v8::Value> resolver, specifier, referrer;
  if (!job->Get(context, 0).ToLocal(&resolver) || !job->Get(context, 1).ToLocal(&specifier) ||
      !job->Get(context, 2).ToLocal(&referrer)) {
    return;
  }
  const v8::TryCatch tryCatch(isolate);
  v8::Local<v8::Promise> promise;
  // What becomes of the settling can only fail by termination, which unwinds by itself.
  const auto target = resolver.As<v8::Promise::Resolver>();
  if (stateOf(isolate)
          .modules->import(context, toUtf8(isolate, specifier), toUtf8(isolate, referrer))
          .ToLocal(&promise)) {
    target->Resolve(context, promise).FromMaybe(false);
  } else if (tryCatch.HasCaught() && tryCatch.CanContinue()) {
    target->Reject(context, tryCatch.Exception()).FromMaybe(false);
  }
}

void ModuleGraph::onImportMeta(v8::Local<v8::Context> context, v8::Local<v8::Module> module,
                               v8::Local<v8::Object> meta) {
  v8::Isolate* const isolate = v8::Isolate::GetCurrent();
  ModuleGraph* const graph = stateOf(isolate).modules.get();
  Entry* const entry = graph == nullptr ? nullptr : graph->entryOf(module);
  if (entry == nullptr) return;
  // Nothing to fetch there: it makes `new URL("./x", import.meta.url)` work.
  meta->CreateDataProperty(context, asciiString(isolate, "url"),
                           utf8String(isolate, "file:///" + entry->name))
      .Check();
}

}  // namespace atolld::isolate
