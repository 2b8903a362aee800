// What a script's side asks of the request of an open invocation, as long as the host has it.

#include <ada.h>

#include <algorithm>

#include "coding/codec.h"
#include "webapi/bytes.h"
#include "webapi/effects.h"
#include "webapi/natives.h"

namespace atolld::webapi {
namespace {

using Info = v8::FunctionCallbackInfo<v8::Value>;

/// Fields of requestField(); request.js has the same numbers.
enum Field : std::uint64_t { kMethod = 0, kUrl = 1, kConnection = 2 };

/// True if the URL standard would leave the target as it is: then nothing needs to be parsed.
bool isPlainTarget(std::string_view target) {
  if (!target.starts_with('/')) return false;
  bool query = false;
  for (std::size_t i = 0; i < target.size(); ++i) {
    const char c = target[i];
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '/' || c == '-' || c == '_' || c == '~' || c == '=' || c == '&' ||
                       c == '+' || c == ',' || c == ':' || c == ';' || c == '@' || c == '!' ||
                       c == '$' || c == '*';
    if (plain) continue;
    if (c == '?') {
      query = true;
    } else if (c == '.' && !query) {
      // "/./", "/../", and their endings would be resolved.
      if (target[i - 1] == '/') return false;
    } else if (c != '.') {
      return false;
    }
  }
  return true;
}

bool isPlainAuthority(std::string_view authority) {
  return !authority.empty() && !authority.ends_with(":80") && !authority.ends_with(":443") &&
         std::ranges::all_of(authority,
                             [](char c) {
                               return (c >= 'a' && c <= 'z') || c == '-' || c == '.' || c == ':' ||
                                      (c >= '0' && c <= '9');
                             }) &&
         // An IPv4 address may be written in many ways: let the parser choose one.
         authority.front() >= 'a';
}

std::string urlOf(const http::RequestHead& head) {
  std::string url = head.scheme + "://" + head.authority;
  if (head.target != "*") url += head.target;
  if (isPlainTarget(head.target) && isPlainAuthority(head.authority)) return url;
  const auto parsed = ada::parse<ada::url_aggregator>(url);
  return parsed ? std::string(parsed->get_href()) : url;
}

void setText(const Info& info, std::string_view latin1) {
  v8::Local<v8::String> text;
  if (stringOfLatin1(info.GetIsolate(), latin1).ToLocal(&text)) info.GetReturnValue().Set(text);
}

std::string_view protocolName(http::Version version) {
  switch (version) {
    case http::Version::Http10:
      return "HTTP/1.0";
    case http::Version::Http11:
      return "HTTP/1.1";
    case http::Version::Http2:
      return "HTTP/2";
    case http::Version::Http3:
      return "HTTP/3";
  }
  return "HTTP/1.1";
}

v8::Local<v8::Object> connectionObject(v8::Isolate* isolate, const http::RequestHead& head) {
  const v8::Local<v8::Context> context = isolate->GetCurrentContext();
  const v8::Local<v8::Object> object = v8::Object::New(isolate);
  const auto set = [&](std::string_view name, std::string_view value) {
    v8::Local<v8::String> text;
    if (!stringOfLatin1(isolate, value).ToLocal(&text)) return;
    object->CreateDataProperty(context, internalized(isolate, name), text).FromMaybe(false);
  };
  if (const auto accepted = head.headers.find("accept-encoding")) {
    set("clientAcceptEncoding", *accepted);
  }
  set("httpProtocol", protocolName(head.version));
  if (head.connection != nullptr && head.connection->secure) {
    set("tlsVersion", head.connection->tlsVersion);
    set("tlsCipher", head.connection->tlsCipher);
  }
  return object;
}

/// What of a client's Accept-Encoding a script sees, and so passes on: the codings that a response
/// can be made in as well as read. The client's own is in `cf`.
std::string codingsToPassOn(std::string_view acceptEncoding) {
  std::string kept;
  for (const auto& [format, name] : {std::pair{coding::Format::Gzip, std::string_view("gzip")},
                                     std::pair{coding::Format::Brotli, std::string_view("br")}}) {
    if (!coding::acceptsCoding(acceptEncoding, format)) continue;
    if (!kept.empty()) kept += ", ";
    kept += name;
  }
  return kept.empty() ? "identity" : kept;
}

/// requestField(slot, field)
void requestField(const Info& info) noexcept {
  NativeCall call(info);
  const Invocation* const invocation = call.invocation(0);
  if (invocation == nullptr || invocation->head == nullptr) {
    return call.refuse("requestField: the request has ended");
  }
  const http::RequestHead& head = *invocation->head;
  switch (call.whole(1)) {
    case kMethod:
      return setText(info, head.method);
    case kUrl:
      return setText(info, urlOf(head));
    case kConnection:
      return info.GetReturnValue().Set(connectionObject(info.GetIsolate(), head));
    default:
      return;
  }
}

/// requestHeader(slot, lower-case name) -> the values, combined; null if there is none
void requestHeader(const Info& info) noexcept {
  NativeCall call(info);
  const Invocation* const invocation = call.invocation(0);
  if (invocation == nullptr || invocation->head == nullptr || !info[1]->IsString()) {
    return call.refuse("requestHeader: the request has ended");
  }
  const http::RequestHead& head = *invocation->head;
  const std::string name = call.utf8(1);
  if (name == "host") return setText(info, head.authority);
  // HTTP/2 has no such field for it: scripts ask for it as they know it.
  if (name == "upgrade" && head.webSocket) return setText(info, "websocket");
  std::size_t found = 0;
  std::string combined;
  for (const auto field : head.headers) {
    if (field.name != name) continue;
    if (found++ > 0) combined += ", ";
    combined += field.value;
  }
  if (found > 0 && name == "accept-encoding") return setText(info, codingsToPassOn(combined));
  if (found > 0) return setText(info, combined);
  if (name == "content-length" && head.body == http::BodyKind::Length) {
    return setText(info, std::to_string(head.contentLength));
  }
  info.GetReturnValue().SetNull();
}

/// requestHeaders(slot) -> [name, value, …]
void requestHeaders(const Info& info) noexcept {
  NativeCall call(info);
  v8::Isolate* const isolate = info.GetIsolate();
  const Invocation* const invocation = call.invocation(0);
  if (invocation == nullptr || invocation->head == nullptr) {
    return call.refuse("requestHeaders: the request has ended");
  }
  const http::RequestHead& head = *invocation->head;
  std::vector<v8::Local<v8::Value>> flat;
  flat.reserve(2 * head.headers.size() + 4);
  const auto add = [&](std::string_view name, std::string_view value) {
    v8::Local<v8::String> text;
    if (!stringOfLatin1(isolate, value).ToLocal(&text)) return;
    flat.push_back(internalized(isolate, name));
    flat.push_back(text);
  };
  add("host", head.authority);
  if (head.webSocket) add("upgrade", "websocket");
  for (const auto field : head.headers) {
    if (field.name == "accept-encoding") {
      add(field.name, codingsToPassOn(field.value));
    } else {
      add(field.name, field.value);
    }
  }
  if (head.body == http::BodyKind::Length && !head.headers.find("content-length")) {
    add("content-length", std::to_string(head.contentLength));
  }
  info.GetReturnValue().Set(v8::Array::New(isolate, flat.data(), flat.size()));
}

/// requestBody(slot, form): a body that came whole
void requestBody(const Info& info) noexcept {
  NativeCall call(info);
  const Invocation* const invocation = call.invocation(0);
  const std::uint64_t take = call.whole(1);
  if (invocation == nullptr || !invocation->body || take > 3) {
    return call.refuse("requestBody: the request has ended");
  }
  v8::Local<v8::Value> value;
  if (takeAs(info.GetIsolate()->GetCurrentContext(), invocation->body->view(),
             static_cast<Take>(take))
          .ToLocal(&value)) {
    info.GetReturnValue().Set(value);
  }
}

constexpr std::array kNatives{isolate::Native{"requestField", &requestField},
                              isolate::Native{"requestHeader", &requestHeader},
                              isolate::Native{"requestHeaders", &requestHeaders},
                              isolate::Native{"requestBody", &requestBody}};

}  // namespace

std::span<const isolate::Native> requestNatives() { return kNatives; }

}  // namespace atolld::webapi
