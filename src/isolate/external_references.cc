#include "isolate/external_references.h"

#include <algorithm>

#include "base/check.h"
#include "isolate/web_scripts.h"

namespace atolld::isolate {
namespace {

/// FNV-1a: no enemy chooses these texts, so any mix will do.
void mix(std::uint64_t& hash, std::string_view text) {
  for (const char c : text) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  }
  hash = (hash ^ 0xff) * 0x100000001b3;  // Ends the text: "a","bc" is not "ab","c".
}

bool isAscii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

}  // namespace

ExternalReferences::ExternalReferences(const Guest& guest) {
  fingerprint_ = 0xcbf29ce484222325;
  mix(fingerprint_, v8::V8::GetVersion());
  for (const Native& native : guest.natives()) {
    mix(fingerprint_, native.name);
    addresses_.push_back(reinterpret_cast<std::intptr_t>(native.callback));
  }
  addresses_.push_back(reinterpret_cast<std::intptr_t>(&loadScriptCallback));
  addresses_.push_back(reinterpret_cast<std::intptr_t>(&defineLazyCallback));
  addresses_.push_back(reinterpret_cast<std::intptr_t>(&lazyValueGetter));
  for (const WebScript& script : guest.scripts()) {
    ATOLL_CHECK(isAscii(script.source));
    mix(fingerprint_, script.name);
    mix(fingerprint_, script.source);
    mix(fingerprint_, script.eager ? "eager" : "lazy");
    sources_.push_back(std::make_unique<StaticSource>(script.source));
    // V8 writes the address of the base class into the string.
    v8::String::ExternalOneByteStringResource* const resource = sources_.back().get();
    addresses_.push_back(reinterpret_cast<std::intptr_t>(resource));
  }
  addresses_.push_back(0);
}

}  // namespace atolld::isolate
