#include <algorithm>
#include <array>

#include "base/encoding.h"
#include "webapi/bytes.h"
#include "webapi/header_text.h"
#include "webapi/natives.h"

namespace atolld::webapi {
namespace {

constexpr std::array<bool, 256> makeTokenTable() {
  std::array<bool, 256> table{};
  for (const char c : std::string_view("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"
                                       "ABCDEFGHIJKLMNOPQRSTUVWXYZ")) {
    table[static_cast<unsigned char>(c)] = true;
  }
  return table;
}
constexpr std::array<bool, 256> kToken = makeTokenTable();

constexpr std::string_view kBlanks = "\t\n\r ";

/// headerName(string) -> in lower case; undefined if it is none
void headerName(const v8::FunctionCallbackInfo<v8::Value>& info) noexcept {
  v8::Isolate* const isolate = info.GetIsolate();
  if (!info[0]->IsString()) return;
  const auto name = latin1Of(isolate, info[0].As<v8::String>());
  if (!name || !isHeaderName(*name)) return;
  const std::string lower = toLowerAscii(*name);
  if (lower == *name) return info.GetReturnValue().Set(info[0]);
  v8::Local<v8::String> text;
  if (stringOfLatin1(isolate, lower).ToLocal(&text)) info.GetReturnValue().Set(text);
}

/// headerValue(string) -> without blanks around it; undefined if it is none
void headerValue(const v8::FunctionCallbackInfo<v8::Value>& info) noexcept {
  v8::Isolate* const isolate = info.GetIsolate();
  if (!info[0]->IsString()) return;
  const auto value = latin1Of(isolate, info[0].As<v8::String>());
  if (!value) return;
  const std::string_view trimmed = trimHeaderValue(*value);
  if (!isHeaderValue(trimmed)) return;
  if (trimmed.size() == value->size()) return info.GetReturnValue().Set(info[0]);
  v8::Local<v8::String> text;
  if (stringOfLatin1(isolate, trimmed).ToLocal(&text)) info.GetReturnValue().Set(text);
}

constexpr std::array kNatives{isolate::Native{"headerName", &headerName},
                              isolate::Native{"headerValue", &headerValue}};

}  // namespace

bool isHeaderName(std::string_view name) noexcept {
  return !name.empty() &&
         std::ranges::all_of(name, [](char c) { return kToken[static_cast<unsigned char>(c)]; });
}

bool isHeaderValue(std::string_view value) noexcept {
  if (trimHeaderValue(value).size() != value.size()) return false;
  return std::ranges::none_of(value, [](char c) { return c == '\0' || c == '\r' || c == '\n'; });
}

std::string_view trimHeaderValue(std::string_view value) noexcept {
  const std::size_t first = value.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return value.substr(first, value.find_last_not_of(kBlanks) - first + 1);
}

std::span<const isolate::Native> headerNatives() { return kNatives; }

}  // namespace atolld::webapi
