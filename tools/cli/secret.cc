#include "api_client.h"
#include "base/encoding.h"
#include "commands.h"

namespace atolld::cli {
namespace {

std::string secretsPath(const std::string& script) {
  return "/scripts/" + percentEncode(script) + "/secrets";
}

void change(const Globals& globals, const ScriptOptions& options, const std::string& name,
            const Json& value, bool isVersion, const std::string& what) {
  const std::string script = requireScript(options);
  ApiClient client(findEndpoint(globals));
  const Json body = {{"secrets", {{name, value}}},
                     {"deploy", !isVersion},
                     {"message", "Secret " + name + " " + what}};
  const auto response = client.send("PATCH", secretsPath(script), body.dump(), "application/json");
  const Json answer = response.json();
  std::string line = "Secret " + name + " of " + script + " " + what;
  if (isVersion) {
    line += " in version " + answer.at("version").at("number").dump() +
            ", which is not deployed: `atoll activate` does that";
  }
  say(globals, line);
  sayJson(globals, answer);
}

}  // namespace

void putSecret(const Globals& globals, const ScriptOptions& options, const std::string& name,
               const std::optional<std::string>& value, bool isVersion) {
  std::string text = value ? *value : readStdin();
  if (!value && text.ends_with('\n')) text.pop_back();
  if (!value && text.ends_with('\r')) text.pop_back();
  if (text.empty()) throw CliError("the value is empty: write it to standard input", 2);
  change(globals, options, name, text, isVersion, "set");
}

void deleteSecret(const Globals& globals, const ScriptOptions& options, const std::string& name,
                  bool isVersion) {
  change(globals, options, name, nullptr, isVersion, "removed");
}

void listSecrets(const Globals& globals, const ScriptOptions& options) {
  const std::string script = requireScript(options);
  ApiClient client(findEndpoint(globals));
  const Json answer = client.get(secretsPath(script));
  for (const Json& secret : answer.at("secrets")) {
    say(globals, secret.at("name").get<std::string>());
  }
  if (answer.at("secrets").empty()) {
    say(globals, "No secrets yet: `atoll secret put NAME` makes one.");
  }
  sayJson(globals, answer);
}

}  // namespace atolld::cli
