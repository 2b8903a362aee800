#include <algorithm>
#include <cstdlib>

#include "api_client.h"
#include "base/encoding.h"
#include "commands.h"
#include "project.h"

namespace atolld::cli {
namespace {

std::string scriptPath(const std::string& script) { return "/scripts/" + percentEncode(script); }

std::string shareText(const Json& deployment) {
  std::string text;
  for (const Json& share : deployment.at("versions")) {
    text += (text.empty() ? "" : ", ") + shortId(share.at("version_id").get<std::string>());
    if (share.at("percentage") != 100) text += " " + share.at("percentage").dump() + "%";
  }
  return text;
}

// The id behind an id, the beginning of one, or a version's number.
std::string resolveVersion(ApiClient& client, const std::string& script,
                           const std::string& wanted) {
  const Json answer = client.get(scriptPath(script) + "/versions");
  std::vector<std::string> matching;
  for (const Json& version : answer.at("versions")) {
    const std::string id = version.at("id");
    // A number is a number first: 3 means version 3, not the one whose id begins with 3.
    if (version.at("number").dump() == wanted) return id;
    if (wanted.size() >= 4 && id.starts_with(wanted)) matching.push_back(id);
  }
  if (matching.size() == 1) return matching.front();
  throw CliError(matching.empty() ? "script " + script + " has no version " + wanted +
                                        ": `atoll versions` lists them"
                                  : "more than one version of " + script + " begins with " +
                                        wanted + ": give more of the id");
}

void sayDeployed(const Globals& globals, const std::string& script, const Json& answer) {
  say(globals, "Deployed " + script + ": " + shareText(answer.at("deployment")));
  sayJson(globals, answer);
}

}  // namespace

std::string requireScript(const ScriptOptions& options) {
  if (!options.script.empty()) return options.script;
  std::string name = projectName(".", options.environment);
  if (name.empty()) {
    throw CliError("which script? Name it, or run this in a directory with a wrangler.jsonc", 2);
  }
  return name;
}

void listScripts(const Globals& globals) {
  ApiClient client(findEndpoint(globals));
  const Json answer = client.get("/scripts");
  for (const Json& script : answer.at("scripts")) {
    const Json& deployment = script.at("deployment");
    say(globals, script.at("name").get<std::string>() + "  " +
                     (deployment.is_null() ? "not deployed" : shareText(deployment)));
  }
  if (answer.at("scripts").empty()) say(globals, "No scripts yet: `atoll deploy` makes one.");
  sayJson(globals, answer);
}

void listVersions(const Globals& globals, const ScriptOptions& options) {
  const std::string script = requireScript(options);
  ApiClient client(findEndpoint(globals));
  Json answer = client.get(scriptPath(script) + "/versions");
  const Json deployment = client.get(scriptPath(script)).at("deployment");
  for (Json& version : answer.at("versions")) {
    double percentage = 0;
    if (!deployment.is_null()) {
      for (const Json& share : deployment.at("versions")) {
        if (share.at("version_id") == version.at("id")) percentage = share.at("percentage");
      }
    }
    version["percentage"] = percentage;
    std::string line =
        version.at("number").dump() + "  " + shortId(version.at("id").get<std::string>()) + "  " +
        version.at("created_at").get<std::string>() + "  " + sizeText(version.at("size_bytes"));
    if (percentage > 0) line += "  deployed " + Json(percentage).dump() + "%";
    if (const std::string message = version.at("message"); !message.empty()) line += "  " + message;
    say(globals, line);
  }
  sayJson(globals, answer);
}

void listDeployments(const Globals& globals, const ScriptOptions& options) {
  const std::string script = requireScript(options);
  ApiClient client(findEndpoint(globals));
  const Json answer = client.get(scriptPath(script) + "/deployments");
  for (const Json& deployment : answer.at("deployments")) {
    std::string line = deployment.at("number").dump() + "  " +
                       deployment.at("created_at").get<std::string>() + "  " +
                       shareText(deployment);
    if (const std::string message = deployment.at("message"); !message.empty()) {
      line += "  " + message;
    }
    say(globals, line);
  }
  sayJson(globals, answer);
}

void rollback(const Globals& globals, ScriptOptions options, const std::vector<std::string>& words,
              const std::string& message) {
  std::string version;
  if (words.size() == 2) {
    options.script = words[0];
    version = words[1];
  } else if (words.size() == 1) {
    const bool known = !options.script.empty() || findConfigFile(".").has_value();
    (known ? version : options.script) = words[0];
  }
  const std::string script = requireScript(options);
  ApiClient client(findEndpoint(globals));
  Json body = Json::object();
  if (!version.empty()) body["version_id"] = resolveVersion(client, script, version);
  if (!message.empty()) body["message"] = message;
  sayDeployed(globals, script, client.post(scriptPath(script) + "/rollback", body));
}

void deployVersions(const Globals& globals, const ScriptOptions& options,
                    const std::vector<std::string>& shares, const std::string& message) {
  const std::string script = requireScript(options);
  ApiClient client(findEndpoint(globals));
  Json versions = Json::array();
  for (const std::string& share : shares) {
    const std::size_t at = share.find('@');
    double percentage = 100;
    if (at != std::string::npos) {
      char* end = nullptr;
      const std::string number = share.substr(at + 1);
      percentage = std::strtod(number.c_str(), &end);
      if (number.empty() || (*end != '\0' && std::string_view(end) != "%")) {
        throw CliError(share + ": write VERSION@PERCENT, as 3@90", 2);
      }
    }
    versions.push_back({{"version_id", resolveVersion(client, script, share.substr(0, at))},
                        {"percentage", percentage}});
  }
  Json body = {{"versions", std::move(versions)}};
  if (!message.empty()) body["message"] = message;
  sayDeployed(globals, script, client.post(scriptPath(script) + "/deployments", body));
}

void deleteScript(const Globals& globals, const ScriptOptions& options, bool yes) {
  const std::string script = requireScript(options);
  if (!yes) {
    throw CliError(
        "this removes " + script + " with its versions, deployments and routes: add --yes to do it",
        2);
  }
  ApiClient(findEndpoint(globals)).remove(scriptPath(script));
  say(globals, "Deleted " + script);
  sayJson(globals, {{"deleted", script}});
}

void listRoutes(const Globals& globals) {
  ApiClient client(findEndpoint(globals));
  const Json answer = client.get("/routes");
  for (const Json& route : answer.at("routes")) {
    say(globals,
        route.at("pattern").get<std::string>() + "  " + route.at("script").get<std::string>());
  }
  if (answer.at("routes").empty()) {
    say(globals, "No routes yet: scripts answer on their default names.");
  }
  sayJson(globals, answer);
}

void addRoute(const Globals& globals, const std::string& pattern, const ScriptOptions& options) {
  const std::string script = requireScript(options);
  ApiClient client(findEndpoint(globals));
  const Json answer = client.post("/routes", {{"pattern", pattern}, {"script", script}});
  say(globals, "Added " + answer.at("pattern").get<std::string>() + " to " + script);
  sayJson(globals, answer);
}

void removeRoute(const Globals& globals, const std::string& pattern) {
  ApiClient(findEndpoint(globals)).remove("/routes?pattern=" + percentEncode(pattern));
  say(globals, "Removed " + pattern);
  sayJson(globals, {{"removed", pattern}});
}

}  // namespace atolld::cli
