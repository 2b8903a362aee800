// Questions to the node's cache, for isolates/web/cache.js.

#include <ada.h>

#include <array>

#include "isolate/cache_question.h"
#include "webapi/effects.h"
#include "webapi/header_text.h"
#include "webapi/natives.h"

namespace atolld::webapi {
namespace {

using Info = v8::FunctionCallbackInfo<v8::Value>;

constexpr std::array kOperations{host::kCacheMatch, host::kCachePut, host::kCacheDelete};

/// cacheAsk(op, slot, operation, cache name, href, [name, value, …] of the request, status,
/// [name, value, …] of the response, body, length); operations are 1, 2 and 3
void cacheAsk(const Info& info) noexcept {
  NativeCall call(info);
  const auto op = call.id(0);
  const Invocation* const invocation = call.invocation(1);
  if (!op || invocation == nullptr) return call.refuse("cacheAsk: the invocation has ended");
  const std::uint64_t operation = call.whole(2);
  const auto url = ada::parse<ada::url_aggregator>(call.utf8(4));
  http::HeaderList request;
  auto head = std::make_unique<http::RequestHead>();
  auto body = call.body(8, *invocation);
  if (operation < 1 || operation > kOperations.size() || !url || !body ||
      !call.headers(5, request) || !call.headers(7, head->headers)) {
    return call.refuse("cacheAsk: a URL, header or body that cannot be stored");
  }
  for (const auto field : request) {
    head->headers.add(host::kRequestMark + std::string(field.name), field.value);
  }
  if (const std::uint64_t status = call.whole(6); status != 0) {
    head->headers.add(host::kStatusField, std::to_string(status));
  }
  head->scheme = host::kCacheScheme;
  head->method = kOperations[operation - 1];
  head->authority = call.utf8(3);
  head->target = std::string(url->get_href().substr(0, url->get_href().find('#')));
  call.emit(host::FetchStart{*op, invocation->id, std::move(head), *std::move(body)});
}

constexpr std::array kNatives{isolate::Native{"cacheAsk", &cacheAsk}};

}  // namespace

std::span<const isolate::Native> cacheNatives() { return kNatives; }

}  // namespace atolld::webapi
