// Outbound requests, and the questions about URLs that fetch() and Request ask.

#include <ada.h>

#include <algorithm>
#include <array>

#include "webapi/bytes.h"
#include "webapi/effects.h"
#include "webapi/header_text.h"
#include "webapi/natives.h"

namespace atolld::webapi {
namespace {

using Info = v8::FunctionCallbackInfo<v8::Value>;
using Url = ada::url_aggregator;

/// Framing and the connection are the host's business, and Host is the URL's.
constexpr std::array<std::string_view, 10> kHostHeaders{
    "connection", "content-length",   "expect",  "host",    "keep-alive",
    "te",         "proxy-connection", "trailer", "upgrade", "transfer-encoding"};

/// As navigator.userAgent has it.
constexpr std::string_view kUserAgent = "Atoll";

std::optional<Url> parse(const NativeCall& call, const Info& info, int index) {
  if (!info[index]->IsString()) return std::nullopt;
  auto url = ada::parse<Url>(call.utf8(index));
  if (!url) return std::nullopt;
  return *std::move(url);
}

bool isHttp(const Url& url) {
  return url.get_protocol() == "http:" || url.get_protocol() == "https:";
}

/// resolveUrl(text, base or undefined) -> href; undefined if it is none
void resolveUrl(const Info& info) noexcept {
  NativeCall call(info);
  if (!info[0]->IsString()) return;
  std::string href;
  if (info[1]->IsString()) {
    const auto base = parse(call, info, 1);
    if (!base) return;
    auto url = ada::parse<Url>(call.utf8(0), &*base);
    if (!url) return;
    // A fragment outlives a redirect that has none of its own.
    if (!url->has_hash() && base->has_hash()) url->set_hash(base->get_hash());
    href = std::string(url->get_href());
  } else {
    const auto url = parse(call, info, 0);
    if (!url) return;
    href = std::string(url->get_href());
  }
  v8::Local<v8::String> text;
  if (stringOfUtf8(info.GetIsolate(), href).ToLocal(&text)) info.GetReturnValue().Set(text);
}

/// urlIsHttp(href)
void urlIsHttp(const Info& info) noexcept {
  NativeCall call(info);
  const auto url = parse(call, info, 0);
  info.GetReturnValue().Set(url && isHttp(*url));
}

/// urlHasCredentials(href)
void urlHasCredentials(const Info& info) noexcept {
  NativeCall call(info);
  const auto url = parse(call, info, 0);
  info.GetReturnValue().Set(url && url->has_credentials());
}

/// urlSameOrigin(href, href)
void urlSameOrigin(const Info& info) noexcept {
  NativeCall call(info);
  const auto a = parse(call, info, 0), b = parse(call, info, 1);
  info.GetReturnValue().Set(a && b && isHttp(*a) && a->get_origin() == b->get_origin());
}

/// fetchStart(op, slot, method, href, [name, value, …] or null, body, length, socket or 0)
void fetchStart(const Info& info) noexcept {
  NativeCall call(info);
  const auto op = call.id(0);
  const Invocation* const invocation = call.invocation(1);
  if (!op || invocation == nullptr) return call.refuse("fetchStart: the invocation has ended");
  auto head = std::make_unique<http::RequestHead>();
  head->method = call.utf8(2);
  const auto url = parse(call, info, 3);
  http::HeaderList headers;
  auto body = call.body(5, *invocation);
  if (!url || !isHttp(*url) || !isHeaderName(head->method) || !body || !call.headers(4, headers)) {
    return call.refuse("fetchStart: a method, URL, header or body that cannot be sent");
  }
  const std::string_view protocol = url->get_protocol();
  head->scheme = protocol.substr(0, protocol.size() - 1);
  head->authority = url->get_host();
  head->target = std::string(url->get_pathname()) + std::string(url->get_search());
  for (const auto field : headers) {
    if (std::ranges::find(kHostHeaders, field.name) != kHostHeaders.end()) continue;
    head->headers.add(field.name, field.value);
  }
  // https://fetch.spec.whatwg.org/#concept-fetch and #concept-http-network-or-cache-fetch
  if (!headers.find("accept")) head->headers.add("accept", "*/*");
  if (!headers.find("user-agent")) head->headers.add("user-agent", kUserAgent);
  if (const auto* const bytes = std::get_if<Bytes>(&*body)) {
    head->body = http::BodyKind::Length;
    head->contentLength = bytes->size();
  } else if (const auto* const flowing = std::get_if<host::BodyRef>(&*body)) {
    head->body = flowing->length ? http::BodyKind::Length : http::BodyKind::Unknown;
    head->contentLength = flowing->length.value_or(0);
  }
  call.emit(host::FetchStart{*op, invocation->id, std::move(head), *std::move(body), nullptr,
                             call.id(7).value_or(0)});
}

/// connectStart(op, slot, secure, "host:port", body)
void connectStart(const Info& info) noexcept {
  NativeCall call(info);
  const auto op = call.id(0), body = call.id(4);
  const Invocation* const invocation = call.invocation(1);
  if (!op || !body || invocation == nullptr) {
    return call.refuse("connectStart: the invocation has ended");
  }
  auto head = std::make_unique<http::RequestHead>();
  head->method = "CONNECT";
  head->scheme = info[2]->IsTrue() ? "tls" : "tcp";
  head->authority = call.utf8(3);
  head->body = http::BodyKind::Unknown;
  call.emit(host::FetchStart{*op, invocation->id, std::move(head), host::BodyRef{.id = *body}});
}

constexpr std::array kNatives{isolate::Native{"resolveUrl", &resolveUrl},
                              isolate::Native{"urlIsHttp", &urlIsHttp},
                              isolate::Native{"urlHasCredentials", &urlHasCredentials},
                              isolate::Native{"urlSameOrigin", &urlSameOrigin},
                              isolate::Native{"fetchStart", &fetchStart},
                              isolate::Native{"connectStart", &connectStart}};

}  // namespace

std::span<const isolate::Native> fetchNatives() { return kNatives; }

}  // namespace atolld::webapi
