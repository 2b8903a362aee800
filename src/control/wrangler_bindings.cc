#include "control/wrangler_bindings.h"

#include <nlohmann/json.hpp>

namespace atolld::control::wrangler {
namespace {

struct Fields {
  Json& json;

  void operator()(const deploy::TextBinding& binding) const { json["text"] = binding.value; }
  void operator()(const deploy::JsonBinding& binding) const {
    // Was checked when it came; what does not parse any more is shown as it is.
    Json value = Json::parse(binding.json, nullptr, /*allow_exceptions=*/false);
    json["json"] = value.is_discarded() ? Json(binding.json) : std::move(value);
  }
  void operator()(const deploy::KvBinding& binding) const {
    json["namespace_id"] = binding.namespaceId;
  }
  void operator()(const deploy::ServiceBinding& binding) const {
    json["service"] = binding.service;
    json["environment"] = "production";
    if (!binding.entrypoint.empty()) json["entrypoint"] = binding.entrypoint;
  }
  void operator()(const deploy::SecretBinding&) const {}
  void operator()(const deploy::AssetsBinding&) const {}
};

}  // namespace

Json bindingsJson(const deploy::Version& version) {
  Json list = Json::array();
  for (const deploy::Binding& binding : version.bindings) {
    Json json = {{"name", deploy::bindingName(binding)},
                 {"type", deploy::bindingTypeName(binding)}};
    std::visit(Fields{json}, binding);
    list.push_back(std::move(json));
  }
  return list;
}

}  // namespace atolld::control::wrangler
