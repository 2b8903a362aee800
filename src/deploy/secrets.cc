#include "deploy/secrets.h"

#include <algorithm>
#include <format>
#include <string>
#include <utility>

namespace atolld::deploy {
namespace {

/// Whose secret it is: a sealed text that is moved elsewhere does not open there.
std::string contextOf(const Version& version, const SecretBinding& secret) {
  return "secret" + ('\0' + version.tenant) + '\0' + version.script + '\0' + secret.name;
}

Error noKey(const SecretBinding& secret) {
  return {ErrorCode::Unavailable,
          std::format("secret {}: this node has no cluster key", secret.name)};
}

const Binding* findBinding(const std::vector<Binding>& bindings, std::string_view name) {
  const auto found = std::ranges::find(bindings, name, bindingName);
  return found == bindings.end() ? nullptr : &*found;
}

}  // namespace

Result<> sealSecrets(const store::ClusterKey* key, Version& version) {
  for (Binding& binding : version.bindings) {
    auto* const secret = std::get_if<SecretBinding>(&binding);
    if (!secret || !secret->sealed.empty()) continue;
    if (!key) return std::unexpected(noKey(*secret));
    secret->sealed = key->seal(contextOf(version, *secret), secret->value);
  }
  return {};
}

void reuseSealed(const store::ClusterKey* key, Version& version,
                 const std::vector<Binding>& before) {
  if (!key) return;
  for (Binding& binding : version.bindings) {
    auto* const secret = std::get_if<SecretBinding>(&binding);
    const Binding* const earlier = secret ? findBinding(before, secret->name) : nullptr;
    const auto* const same = earlier ? std::get_if<SecretBinding>(earlier) : nullptr;
    if (!same || same->sealed == secret->sealed) continue;
    const Result<std::string> value = key->open(contextOf(version, *secret), same->sealed);
    if (value && *value == secret->value) secret->sealed = same->sealed;
  }
}

Result<> openSecrets(const store::ClusterKey* key, Version& version) {
  for (Binding& binding : version.bindings) {
    auto* const secret = std::get_if<SecretBinding>(&binding);
    if (!secret || secret->sealed.empty()) continue;
    if (!key) return std::unexpected(noKey(*secret));
    auto value = key->open(contextOf(version, *secret), secret->sealed);
    if (!value) return fail(value.error(), std::format("secret {}", secret->name));
    secret->value = *std::move(value);
  }
  return {};
}

Result<> inheritBindings(Upload& upload, const std::vector<Binding>& before) {
  for (const Upload::Inherited& wanted : upload.inherited) {
    const Binding* const found =
        findBinding(before, wanted.from.empty() ? wanted.name : wanted.from);
    if (!found) {
      return fail(ErrorCode::NotFound,
                  std::format("binding {}: the version before has none to inherit", wanted.name));
    }
    if (std::holds_alternative<SecretBinding>(*found) && bindingName(*found) != wanted.name) {
      return fail(
          ErrorCode::InvalidArgument,
          std::format("binding {}: a secret cannot be inherited under another name", wanted.name));
    }
    Binding copy = *found;
    std::visit([&](auto& binding) { binding.name = wanted.name; }, copy);
    upload.bindings.push_back(std::move(copy));
  }
  for (const Binding& binding : before) {
    const bool isKept =
        std::ranges::find(upload.keptTypes, bindingTypeName(binding)) != upload.keptTypes.end();
    if (isKept && !findBinding(upload.bindings, bindingName(binding))) {
      upload.bindings.push_back(binding);
    }
  }
  return {};
}

}  // namespace atolld::deploy
