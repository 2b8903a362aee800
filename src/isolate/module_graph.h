#pragma once

#include <v8.h>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "deploy/deployment.h"

namespace atolld::isolate {

class Isolate;

/// The modules of one version inside one isolate: finds, compiles, links and evaluates them.
/// Modules are compiled when something first imports them. Inside a slice only.
class ModuleGraph {
 public:
  /// `isolate` is borrowed for the graph's life.
  ModuleGraph(Isolate& isolate, std::shared_ptr<const deploy::Version> version);
  ~ModuleGraph();
  ModuleGraph(const ModuleGraph&) = delete;
  ModuleGraph& operator=(const ModuleGraph&) = delete;

  /// Compiles the main module and all it imports, links them, and makes sure that the main module
  /// has a default export or listens for events. Runs nothing of them.
  /// @error Script, InvalidArgument (the version names no such main module)
  Result<> link(v8::Local<v8::Context> context);
  /// Evaluates what link() linked and gives the main module's namespace.
  /// @error Script: an exception at top level, or a top-level await that waits for I/O.
  Result<v8::Local<v8::Object>> evaluate(v8::Local<v8::Context> context);

  /// Compiles, with their imports, the modules that link() did not reach: import() and require()
  /// may.
  Result<> compileUnimported(v8::Local<v8::Context> context);

  /// Known after link(): the main module exports no handlers, or cannot, and listens for events
  /// (the older form of a script).
  bool isServiceWorker() const noexcept { return isServiceWorker_; }

  bool hasCodeToStore() const noexcept { return codeToStore_; }
  /// Whether any module was compiled from its source.
  bool compiledAny() const noexcept { return compiledAny_; }
  /// Puts what was compiled here into the process's code cache; `complete`: after an event.
  void storeCode(bool complete);

  /// Sets V8's hooks for `import()` and `import.meta`.
  static void installHooks(v8::Isolate* isolate);

 private:
  struct Entry;

  Result<Entry*> find(std::string_view specifier, std::string_view referrer,
                      v8::Local<v8::Context> context);
  Entry* findBuiltin(std::string_view specifier, v8::Local<v8::Context> context);
  Result<> compile(v8::Local<v8::Context> context, Entry& entry);
  v8::ScriptOrigin originOf(const Entry& entry, bool isModule);
  Result<> compileEsModule(v8::Local<v8::Context> context, Entry& entry);
  Result<> compileCommonJs(v8::Local<v8::Context> context, Entry& entry);
  Result<> compileValue(v8::Local<v8::Context> context, Entry& entry);
  void noteCodeUse(Entry& entry, bool taken, bool wantsMore);
  Result<> scanRequests(v8::Local<v8::Context> context, Entry& entry);
  Result<> compileAll(v8::Local<v8::Context> context, Entry& root);
  Result<> instantiate(v8::Local<v8::Context> context, Entry& root);
  Result<> checkDefaultExport(v8::Local<v8::Context> context, Entry& main);
  /// The value of a module that is not an ES module. Empty: a JS exception is pending.
  v8::MaybeLocal<v8::Value> valueOf(v8::Local<v8::Context> context, Entry& entry);
  v8::MaybeLocal<v8::Value> runCommonJs(v8::Local<v8::Context> context, Entry& entry);
  v8::MaybeLocal<v8::Value> require(v8::Local<v8::Context> context, std::string_view specifier,
                                    std::string_view referrer);
  /// The default export where there is one, else all of them.
  v8::MaybeLocal<v8::Value> defaultOr(v8::Local<v8::Context> context,
                                      v8::Local<v8::Object> exports);
  v8::MaybeLocal<v8::Promise> import(v8::Local<v8::Context> context, std::string_view specifier,
                                     std::string_view referrer);
  void makeSynthetic(Entry& entry, const std::vector<v8::Local<v8::String>>& exportNames);
  void remember(Entry& entry, v8::Local<v8::Module> module);
  Entry* entryOf(v8::Local<v8::Module> module);

  // V8 calls these.
  static v8::MaybeLocal<v8::Module> onResolve(v8::Local<v8::Context> context,
                                              v8::Local<v8::String> specifier,
                                              v8::Local<v8::FixedArray> attributes,
                                              v8::Local<v8::Module> referrer);
  static v8::MaybeLocal<v8::Value> onEvaluateSynthetic(v8::Local<v8::Context> context,
                                                       v8::Local<v8::Module> module);
  static v8::MaybeLocal<v8::Promise> onImport(v8::Local<v8::Context> context,
                                              v8::Local<v8::Data> options,
                                              v8::Local<v8::Value> referrer,
                                              v8::Local<v8::String> specifier,
                                              v8::Local<v8::FixedArray> attributes);
  static void onImportJob(const v8::FunctionCallbackInfo<v8::Value>& info) noexcept;
  static void onImportMeta(v8::Local<v8::Context> context, v8::Local<v8::Module> module,
                           v8::Local<v8::Object> meta);
  static void onRequire(const v8::FunctionCallbackInfo<v8::Value>& info) noexcept;

  Isolate& isolate_;
  v8::Isolate* v8_;
  std::shared_ptr<const deploy::Version> version_;
  std::unordered_map<std::string, std::unique_ptr<Entry>> entries_;  ///< By normal name.
  std::unordered_multimap<int, Entry*> byIdentity_;
  Entry* main_ = nullptr;
  bool codeToStore_ = false;
  bool compiledAny_ = false;
  bool isServiceWorker_ = false;
  const bool requireGivesDefault_;
};

}  // namespace atolld::isolate
