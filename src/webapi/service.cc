// Calls of other scripts of the tenant: service bindings, and a script's own exports.

#include <ada.h>

#include "webapi/bytes.h"
#include "webapi/effects.h"
#include "webapi/natives.h"

namespace atolld::webapi {
namespace {

using Info = v8::FunctionCallbackInfo<v8::Value>;

constexpr std::size_t kPropsBytesMax = 64 * 1024;

/// Where `index` leads: a service binding by its place among the version's bindings, or, for
/// anything else, the script's own `entrypoint`.
std::unique_ptr<host::Service> serviceOf(const NativeCall& call, const Info& info) {
  auto service = std::make_unique<host::Service>();
  if (!info[2]->IsUint32()) {
    service->call.entrypoint = call.utf8(3);
    service->call.props = call.utf8(4);
    return service->call.props.size() > kPropsBytesMax ? nullptr : std::move(service);
  }
  const auto& bindings = isolate::Isolate::from(info.GetIsolate()).version()->bindings;
  const std::uint32_t index = info[2].As<v8::Uint32>()->Value();
  if (index >= bindings.size()) return nullptr;
  service->isAssets = std::holds_alternative<deploy::AssetsBinding>(bindings[index]);
  if (service->isAssets) return service;
  const auto* const binding = std::get_if<deploy::ServiceBinding>(&bindings[index]);
  if (binding == nullptr) return nullptr;
  service->script = binding->service;
  service->call.entrypoint = binding->entrypoint;
  service->call.props = binding->props;
  return service;
}

/// serviceStart(op, slot, binding number or undefined, own entrypoint, own props, isRpc, method,
/// href, [name, value, …] or null, body, length)
void serviceStart(const Info& info) noexcept {
  NativeCall call(info);
  const auto op = call.id(0);
  const Invocation* const invocation = call.invocation(1);
  if (!op || invocation == nullptr) return call.refuse("serviceStart: the invocation has ended");
  auto service = serviceOf(call, info);
  const auto url = ada::parse<ada::url_aggregator>(call.utf8(7));
  auto head = std::make_unique<http::RequestHead>();
  auto body = call.body(9, *invocation);
  const bool isHttp = url && (url->get_protocol() == "http:" || url->get_protocol() == "https:");
  if (!service || !isHttp || !body || !call.headers(8, head->headers)) {
    return call.refuse("serviceStart: a service, URL, header or body that cannot be sent");
  }
  service->call.isRpc = info[5]->IsTrue();
  head->method = call.utf8(6);
  const std::string_view protocol = url->get_protocol();
  head->scheme = protocol.substr(0, protocol.size() - 1);
  head->authority = url->get_host();
  head->target = std::string(url->get_pathname()) + std::string(url->get_search());
  call.emit(
      host::FetchStart{*op, invocation->id, std::move(head), *std::move(body), std::move(service)});
}

constexpr std::array kNatives{isolate::Native{"serviceStart", &serviceStart}};

}  // namespace

std::span<const isolate::Native> serviceNatives() { return kNatives; }

}  // namespace atolld::webapi
