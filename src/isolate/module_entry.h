#pragma once

#include <v8.h>

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "isolate/module_graph.h"

namespace atolld::isolate {

/// One module in one isolate.
struct ModuleGraph::Entry {
  std::string name;
  const deploy::Module* module = nullptr;  ///< Null: one the platform provides.
  v8::Global<v8::Module> compiled;
  bool codeIsStored = true;  ///< Or is not worth it.
  bool scanned = false;      ///< `requests` is complete.
  bool closed = false;       ///< So is that of everything reachable from here.
  std::unordered_map<std::string, Entry*> requests;  ///< Specifier -> what it stands for.
  std::vector<v8::Global<v8::String>> exportNames;   ///< Of a module the platform provides.
  /// The value of any module that is not an ES module; module.exports of a CommonJS one.
  v8::Global<v8::Value> value;
  // CommonJS only.
  v8::Global<v8::Function> function;
  v8::Global<v8::Object> moduleObject;  ///< Set when it began to run: cycles see what is there.
};

}  // namespace atolld::isolate
