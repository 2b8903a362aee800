// URL parsing and the form encoding behind isolates/web/url.js.
// https://url.spec.whatwg.org/

#include <ada.h>
#include <simdutf.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "webapi/bytes.h"
#include "webapi/natives.h"

namespace atolld::webapi {
namespace {

using Url = ada::url_aggregator;

/// The standard takes a domain of ASCII as it is; ada 3.4 also wants its labels that begin with
/// "xn--" to be Punycode, and refuses the URL otherwise. Such a URL is parsed with "xn~~" for
/// "xn--" everywhere (`masked`), which changes no length and no character's role.
struct Parsed {
  Url url;
  bool masked = false;

  std::string href() const;
};

constexpr std::string_view kPunycode = "xn--", kMask = "xn~~";

bool matchesAt(std::string_view text, std::size_t at, std::string_view lowerCase) {
  return std::ranges::equal(text.substr(at, lowerCase.size()), lowerCase, {},
                            [](char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; });
}

bool contains(std::string_view text, std::string_view lowerCase) {
  for (std::size_t at = 0; at + lowerCase.size() <= text.size(); ++at) {
    if (matchesAt(text, at, lowerCase)) return true;
  }
  return false;
}

/// `from` and `to` differ in their last two characters; the case of the others stays.
std::string exchanged(std::string_view text, std::string_view from, std::string_view to) {
  std::string made(text);
  for (std::size_t at = 0; at + from.size() <= made.size(); ++at) {
    if (matchesAt(made, at, from)) std::ranges::copy(to.substr(2), made.begin() + at + 2);
  }
  return made;
}

/// Text that may be parsed masked; nothing if that would change what it means.
std::optional<std::string> masked(std::string_view text) {
  const bool ascii = simdutf::validate_ascii(text.data(), text.size());
  if (contains(text, kMask) || (!ascii && contains(text, kPunycode))) return std::nullopt;
  return exchanged(text, kPunycode, kMask);
}

std::string Parsed::href() const {
  return masked ? exchanged(url.get_href(), kMask, kPunycode) : std::string(url.get_href());
}

/// https://url.spec.whatwg.org/#concept-url-parser
std::optional<Parsed> parseText(std::string_view input, const Parsed* base = nullptr) {
  const bool plainBase = base == nullptr || !base->masked;
  auto url = ada::parse<Url>(input, base != nullptr && plainBase ? &base->url : nullptr);
  if (url) return Parsed{*std::move(url)};
  if (plainBase && !contains(input, kPunycode)) return std::nullopt;
  const auto maskedInput = masked(input);
  if (!maskedInput) return std::nullopt;
  url = ada::parse<Url>(*maskedInput, base == nullptr ? nullptr : &base->url);
  // A label made from what is not ASCII: the others had to be Punycode.
  if (!url || contains(url->get_hostname(), kPunycode)) return std::nullopt;
  return Parsed{*std::move(url), true};
}

/// What url.js takes a href apart with: offsets into it and the port, -1 for what is not there.
/// An Int32Array that url.js passes; its order is url.js's.
constexpr std::size_t kComponentCount = 8;

bool giveComponents(v8::Local<v8::Value> out, const ada::url_components& components) {
  if (!out->IsInt32Array()) return false;
  const auto array = out.As<v8::Int32Array>();
  if (array->Length() != kComponentCount) return false;
  const std::array<std::uint32_t, kComponentCount> values{
      components.protocol_end, components.username_end, components.host_start,
      components.host_end,     components.port,         components.pathname_start,
      components.search_start, components.hash_start};
  static_assert(ada::url_components::omitted == 0xffffffffu);  // -1 as an int32.
  std::memcpy(static_cast<char*>(array->Buffer()->Data()) + array->ByteOffset(), values.data(),
              sizeof(values));
  return true;
}

/// The href and its components; `input` itself where nothing was changed.
void giveUrl(const v8::FunctionCallbackInfo<v8::Value>& info, const Parsed& parsed,
             std::string_view inputUtf8, v8::Local<v8::Value> input, v8::Local<v8::Value> out) {
  v8::Isolate* const isolate = info.GetIsolate();
  const std::string unmasked = parsed.masked ? parsed.href() : std::string();
  const std::string_view href = parsed.masked ? unmasked : parsed.url.get_href();
  if (!giveComponents(out, parsed.url.get_components())) {
    return throwTypeError(isolate, "a URL's components need an Int32Array of 8");
  }
  v8::Local<v8::String> text;
  if (href == inputUtf8) {
    info.GetReturnValue().Set(input);
  } else if (stringOfLatin1(isolate, href).ToLocal(&text)) {
    info.GetReturnValue().Set(text);
  }
}

/// parseUrl(input, base or undefined, components) -> href; undefined if it is not a valid URL.
/// The strings are well-formed.
void parseUrl(const v8::FunctionCallbackInfo<v8::Value>& info) noexcept {
  v8::Isolate* const isolate = info.GetIsolate();
  if (!info[0]->IsString()) return throwTypeError(isolate, "parseUrl: no string");
  const std::string input = utf8Of(isolate, info[0].As<v8::String>());
  if (!info[1]->IsString()) {
    const auto url = parseText(input);
    if (url) giveUrl(info, *url, input, info[0], info[2]);
    return;
  }
  const auto base = parseText(utf8Of(isolate, info[1].As<v8::String>()));
  if (!base) return;
  const auto url = parseText(input, &*base);
  if (url) giveUrl(info, *url, input, info[0], info[2]);
}

/// canParseUrl(input, base or undefined) -> boolean
void canParseUrl(const v8::FunctionCallbackInfo<v8::Value>& info) noexcept {
  v8::Isolate* const isolate = info.GetIsolate();
  if (!info[0]->IsString()) return throwTypeError(isolate, "canParseUrl: no string");
  const std::string input = utf8Of(isolate, info[0].As<v8::String>());
  if (info[1]->IsString()) {
    const auto base = parseText(utf8Of(isolate, info[1].As<v8::String>()));
    info.GetReturnValue().Set(base && parseText(input, &*base));
  } else {
    info.GetReturnValue().Set(ada::can_parse(input) || parseText(input));
  }
}

/// The members of a URL that can be set; url.js has the same numbers.
enum class Part : std::uint32_t {
  Protocol,
  Username,
  Password,
  Host,
  Hostname,
  Port,
  Pathname,
  Search,
  Hash
};

void setPart(Url& url, Part part, std::string_view value) {
  switch (part) {
    case Part::Protocol:
      url.set_protocol(value);
      break;
    case Part::Username:
      url.set_username(value);
      break;
    case Part::Password:
      url.set_password(value);
      break;
    case Part::Host:
      url.set_host(value);
      break;
    case Part::Hostname:
      url.set_hostname(value);
      break;
    case Part::Port:
      url.set_port(value);
      break;
    case Part::Pathname:
      url.set_pathname(value);
      break;
    case Part::Search:
      url.set_search(value);
      break;
    case Part::Hash:
      url.set_hash(value);
      break;
  }
}

/// A host that only the standard accepts: see Parsed.
void setMasked(Parsed& parsed, Part part, std::string_view value) {
  const auto href = masked(parsed.href());
  const auto host = masked(value);
  if (!href || !host) return;
  auto url = ada::parse<Url>(*href);
  if (!url) return;
  setPart(*url, part, *host);
  if (!contains(url->get_hostname(), kPunycode)) parsed = {*std::move(url), true};
}

/// setUrlPart(href, part, value, components) -> href, the same if the value was not allowed
void setUrlPart(const v8::FunctionCallbackInfo<v8::Value>& info) noexcept {
  v8::Isolate* const isolate = info.GetIsolate();
  if (!info[0]->IsString() || !info[1]->IsUint32() || !info[2]->IsString()) {
    return throwTypeError(isolate, "setUrlPart: wants a href, a part and a string");
  }
  const std::string href = utf8Of(isolate, info[0].As<v8::String>());
  auto url = parseText(href);
  if (!url) return throwTypeError(isolate, "setUrlPart: the href is not a URL");
  const std::string value = utf8Of(isolate, info[2].As<v8::String>());
  const auto part = static_cast<Part>(info[1].As<v8::Uint32>()->Value());
  const bool host = part == Part::Host || part == Part::Hostname;
  const std::string before(host ? url->url.get_href() : "");
  // What a masked URL is given must not look like the mask.
  if (!url->masked || !contains(value, kMask)) setPart(url->url, part, value);
  if (host && url->url.get_href() == before && contains(value, kPunycode))
    setMasked(*url, part, value);
  giveUrl(info, *url, href, info[0], info[3]);
}

/// urlOrigin(href) -> string, "null" for an opaque one
void urlOrigin(const v8::FunctionCallbackInfo<v8::Value>& info) noexcept {
  v8::Isolate* const isolate = info.GetIsolate();
  if (!info[0]->IsString()) return throwTypeError(isolate, "urlOrigin: no string");
  const auto url = parseText(utf8Of(isolate, info[0].As<v8::String>()));
  std::string origin = url ? url->url.get_origin() : "null";
  if (url && url->masked) origin = exchanged(origin, kMask, kPunycode);
  v8::Local<v8::String> text;
  if (stringOfLatin1(isolate, origin).ToLocal(&text)) {
    info.GetReturnValue().Set(text);
  }
}

// ---- application/x-www-form-urlencoded ----------------------------------------------------------

int hexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/// Plus signs and percent escapes, in `out`'s memory.
std::string_view decodeForm(std::string_view text, std::string& out) {
  if (text.find_first_of("+%") == std::string_view::npos) return text;
  out.clear();
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && hexValue(text[i + 1]) >= 0 &&
        hexValue(text[i + 2]) >= 0) {
      out.push_back(static_cast<char>(hexValue(text[i + 1]) * 16 + hexValue(text[i + 2])));
      i += 2;
    } else {
      out.push_back(text[i] == '+' ? ' ' : text[i]);
    }
  }
  return out;
}

/// parseForm(string) -> [name, value, name, value ...]
/// https://url.spec.whatwg.org/#urlencoded-parsing
void parseForm(const v8::FunctionCallbackInfo<v8::Value>& info) noexcept {
  v8::Isolate* const isolate = info.GetIsolate();
  if (!info[0]->IsString()) return throwTypeError(isolate, "parseForm: no string");
  const std::string input = utf8Of(isolate, info[0].As<v8::String>());
  v8::LocalVector<v8::Value> flat(isolate);
  std::string scratch;
  std::string_view rest = input;
  while (!rest.empty()) {
    const std::string_view piece = rest.substr(0, rest.find('&'));
    rest.remove_prefix(std::min(rest.size(), piece.size() + 1));
    if (piece.empty()) continue;
    const std::size_t equals = piece.find('=');
    const std::string_view name = piece.substr(0, equals);
    const std::string_view value =
        equals == std::string_view::npos ? std::string_view() : piece.substr(equals + 1);
    v8::Local<v8::String> nameText, valueText;
    if (!stringOfUtf8(isolate, decodeForm(name, scratch)).ToLocal(&nameText) ||
        !stringOfUtf8(isolate, decodeForm(value, scratch)).ToLocal(&valueText)) {
      return;
    }
    flat.push_back(nameText);
    flat.push_back(valueText);
  }
  info.GetReturnValue().Set(v8::Array::New(isolate, flat.data(), flat.size()));
}

/// https://url.spec.whatwg.org/#application-x-www-form-urlencoded-percent-encode-set
void encodeForm(std::string_view utf8, std::string& out) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  for (const char c : utf8) {
    const auto byte = static_cast<unsigned char>(c);
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '*' ||
        c == '-' || c == '.' || c == '_') {
      out.push_back(c);
    } else if (c == ' ') {
      out.push_back('+');
    } else {
      out.append({'%', kHex[byte >> 4], kHex[byte & 15]});
    }
  }
}

/// serializeForm([name, value, name, value ...]) -> string
/// https://url.spec.whatwg.org/#urlencoded-serializing
void serializeForm(const v8::FunctionCallbackInfo<v8::Value>& info) noexcept {
  v8::Isolate* const isolate = info.GetIsolate();
  if (!info[0]->IsArray()) return throwTypeError(isolate, "serializeForm: no array");
  const auto flat = info[0].As<v8::Array>();
  const auto context = isolate->GetCurrentContext();
  std::string out;
  for (std::uint32_t i = 0; i < flat->Length(); ++i) {
    v8::Local<v8::Value> text;
    if (!flat->Get(context, i).ToLocal(&text)) return;
    if (!text->IsString()) return throwTypeError(isolate, "serializeForm: no string");
    if (i > 0) out.push_back(i % 2 == 0 ? '&' : '=');
    encodeForm(utf8Of(isolate, text.As<v8::String>()), out);
  }
  v8::Local<v8::String> text;
  if (stringOfLatin1(isolate, out).ToLocal(&text)) info.GetReturnValue().Set(text);
}

constexpr std::array kNatives{
    isolate::Native{"parseUrl", &parseUrl},     isolate::Native{"canParseUrl", &canParseUrl},
    isolate::Native{"setUrlPart", &setUrlPart}, isolate::Native{"urlOrigin", &urlOrigin},
    isolate::Native{"parseForm", &parseForm},   isolate::Native{"serializeForm", &serializeForm}};

}  // namespace

std::span<const isolate::Native> urlNatives() { return kNatives; }

}  // namespace atolld::webapi
