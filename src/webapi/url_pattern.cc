// Parsing behind isolates/web/url_pattern.js, which does the matching: patterns are ada's to take
// apart, regular expressions V8's. https://urlpattern.spec.whatwg.org/

#include <ada.h>

#include <functional>
#include <string>
#include <vector>

#include "webapi/bytes.h"
#include "webapi/natives.h"

namespace atolld::webapi {
namespace {

using Info = v8::FunctionCallbackInfo<v8::Value>;

/// Regular expressions as ada asks for them. Handles live in the native's scope.
class Regex {
 public:
  using regex_type = v8::Local<v8::RegExp>;

  static std::optional<regex_type> create_instance(std::string_view pattern, bool ignoreCase) {
    v8::Isolate* const isolate = v8::Isolate::GetCurrent();
    const v8::TryCatch tryCatch(isolate);  // A pattern that is none is ada's to report.
    const int flags = v8::RegExp::kUnicodeSets | (ignoreCase ? v8::RegExp::kIgnoreCase : 0);
    v8::Local<v8::String> source;
    regex_type regex;
    if (!stringOfUtf8(isolate, pattern).ToLocal(&source) ||
        !v8::RegExp::New(isolate->GetCurrentContext(), source,
                         static_cast<v8::RegExp::Flags>(flags))
             .ToLocal(&regex)) {
      return std::nullopt;
    }
    return regex;
  }

  /// Asked only whether a protocol's pattern matches one of the special schemes.
  static bool regex_match(std::string_view input, const regex_type& regex) {
    v8::Isolate* const isolate = v8::Isolate::GetCurrent();
    const v8::TryCatch tryCatch(isolate);
    v8::Local<v8::String> text;
    v8::Local<v8::Object> match;
    return stringOfUtf8(isolate, input).ToLocal(&text) &&
           regex->Exec(isolate->GetCurrentContext(), text).ToLocal(&match) && !match->IsNull();
  }

  /// Never asked: matching is JavaScript's.
  static std::optional<std::vector<std::optional<std::string>>> regex_search(std::string_view,
                                                                             const regex_type&) {
    return std::nullopt;
  }
};

using Component = ada::url_pattern_component<Regex>;

/// Members of a URLPatternInit in the order of url_pattern.js.
constexpr std::array kInitMembers{
    &ada::url_pattern_init::protocol, &ada::url_pattern_init::username,
    &ada::url_pattern_init::password, &ada::url_pattern_init::hostname,
    &ada::url_pattern_init::port,     &ada::url_pattern_init::pathname,
    &ada::url_pattern_init::search,   &ada::url_pattern_init::hash,
    &ada::url_pattern_init::base_url};

/// A string, or an array of texts and undefined: a URLPatternInit. Nothing if an array's element
/// cannot be read.
std::optional<std::variant<std::string, ada::url_pattern_init>> inputOf(
    v8::Isolate* isolate, v8::Local<v8::Value> value) {
  if (value->IsString()) return utf8Of(isolate, value.As<v8::String>());
  ada::url_pattern_init init;
  if (!value->IsArray()) return std::nullopt;
  for (std::uint32_t i = 0; i < kInitMembers.size(); ++i) {
    v8::Local<v8::Value> member;
    if (!value.As<v8::Array>()->Get(isolate->GetCurrentContext(), i).ToLocal(&member)) {
      return std::nullopt;
    }
    if (member->IsString()) {
      std::invoke(kInitMembers[i], init) = utf8Of(isolate, member.As<v8::String>());
    }
  }
  return init;
}

v8::Local<v8::Value> textValue(v8::Isolate* isolate, std::string_view utf8) {
  v8::Local<v8::String> text;
  if (stringOfUtf8(isolate, utf8).ToLocal(&text)) return text;
  return v8::String::Empty(isolate);
}

/// [pattern, how it matches, whether it has a group with a regular expression, name of a group, …]
/// where the second is a RegExp, the string to be equal to, or undefined for "anything".
v8::Local<v8::Value> describe(v8::Isolate* isolate, const Component& component) {
  using Type = ada::url_pattern_component_type;
  v8::Local<v8::Value> matcher = v8::Undefined(isolate);
  if (component.type == Type::REGEXP) {
    matcher = component.regexp;
  } else if (component.type != Type::FULL_WILDCARD) {
    matcher = textValue(isolate, component.exact_match_value);
  }
  v8::LocalVector<v8::Value> parts(isolate);
  parts.push_back(textValue(isolate, component.pattern));
  parts.push_back(matcher);
  parts.push_back(v8::Boolean::New(isolate, component.has_regexp_groups));
  for (const std::string& name : component.group_name_list) {
    parts.push_back(textValue(isolate, name));
  }
  return v8::Array::New(isolate, parts.data(), parts.size());
}

/// compileUrlPattern(input, base or undefined, ignoreCase) -> array of 8 components; undefined if
/// it is no pattern. `input` as in inputOf().
void compileUrlPattern(const Info& info) noexcept {
  v8::Isolate* const isolate = info.GetIsolate();
  auto input = inputOf(isolate, info[0]);
  if (!input) return;
  std::string base;
  std::string_view baseView;
  if (info[1]->IsString()) baseView = base = utf8Of(isolate, info[1].As<v8::String>());
  const ada::url_pattern_options options{.ignore_case = info[2]->IsTrue()};
  std::variant<std::string_view, ada::url_pattern_init> given;
  if (const auto* const text = std::get_if<std::string>(&*input)) {
    given = std::string_view(*text);
  } else {
    given = std::get<ada::url_pattern_init>(*std::move(input));
  }
  const auto pattern = ada::parse_url_pattern<Regex>(
      std::move(given), info[1]->IsString() ? &baseView : nullptr, &options);
  if (!pattern) return;
  std::array<v8::Local<v8::Value>, 8> components{describe(isolate, pattern->protocol_component),
                                                 describe(isolate, pattern->username_component),
                                                 describe(isolate, pattern->password_component),
                                                 describe(isolate, pattern->hostname_component),
                                                 describe(isolate, pattern->port_component),
                                                 describe(isolate, pattern->pathname_component),
                                                 describe(isolate, pattern->search_component),
                                                 describe(isolate, pattern->hash_component)};
  info.GetReturnValue().Set(v8::Array::New(isolate, components.data(), components.size()));
}

void give(const Info& info, const std::array<std::string_view, 8>& parts) {
  v8::Isolate* const isolate = info.GetIsolate();
  v8::LocalVector<v8::Value> texts(isolate);
  for (const std::string_view part : parts) texts.push_back(textValue(isolate, part));
  info.GetReturnValue().Set(v8::Array::New(isolate, texts.data(), texts.size()));
}

std::string_view without(std::string_view text, char first) {
  return text.starts_with(first) ? text.substr(1) : text;
}

void giveUrl(const Info& info, std::string_view input, v8::Local<v8::Value> base) {
  ada::result<ada::url_aggregator> url;
  if (base->IsString()) {
    const auto baseUrl =
        ada::parse<ada::url_aggregator>(utf8Of(info.GetIsolate(), base.As<v8::String>()));
    if (!baseUrl) return;
    url = ada::parse<ada::url_aggregator>(input, &*baseUrl);
  } else {
    url = ada::parse<ada::url_aggregator>(input);
  }
  if (!url) return;
  std::string_view protocol = url->get_protocol();
  protocol.remove_suffix(1);  // The colon.
  give(info,
       {protocol, url->get_username(), url->get_password(), url->get_hostname(), url->get_port(),
        url->get_pathname(), without(url->get_search(), '?'), without(url->get_hash(), '#')});
}

/// urlPatternInput(input, base or undefined) -> [protocol … hash] of what is to be matched;
/// undefined if it is no URL. `input` as in inputOf().
/// https://urlpattern.spec.whatwg.org/#url-pattern-match
void urlPatternInput(const Info& info) noexcept {
  const auto input = inputOf(info.GetIsolate(), info[0]);
  if (!input) return;
  if (const auto* const text = std::get_if<std::string>(&*input)) {
    return giveUrl(info, *text, info[1]);
  }
  const auto url = ada::url_pattern_init::process(std::get<ada::url_pattern_init>(*input),
                                                  ada::url_pattern_init::process_type::url, "", "",
                                                  "", "", "", "", "", "");
  if (!url) return;
  std::array<std::string_view, 8> parts;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const std::optional<std::string>& member = std::invoke(kInitMembers[i], *url);
    if (member) parts[i] = *member;
  }
  parts[6] = without(parts[6], '?');
  give(info, parts);
}

constexpr std::array kNatives{isolate::Native{"compileUrlPattern", &compileUrlPattern},
                              isolate::Native{"urlPatternInput", &urlPatternInput}};

}  // namespace

std::span<const isolate::Native> urlPatternNatives() { return kNatives; }

}  // namespace atolld::webapi
