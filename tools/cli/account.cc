#include <unistd.h>

#include <cctype>
#include <cstdio>
#include <filesystem>

#include "api_client.h"
#include "base/encoding.h"
#include "commands.h"

namespace atolld::cli {
namespace {

std::string describe(const Json& me, const std::string& url) {
  return "tenant " + me.at("tenant").get<std::string>() + ", role " +
         me.at("role").get<std::string>() + ", at " + url;
}

std::string tokensPath(const TokenOptions& options) {
  return options.tenant.empty() ? "/tokens"
                                : "/tenants/" + percentEncode(options.tenant) + "/tokens";
}

}  // namespace

void login(const Globals& globals) {
  Globals asked = globals;
  if (asked.token.empty() && !isatty(STDIN_FILENO)) {
    asked.token = readStdin();
    while (!asked.token.empty() && std::isspace(static_cast<unsigned char>(asked.token.back()))) {
      asked.token.pop_back();
    }
  }
  ApiClient client(findEndpoint(asked));
  const Endpoint& endpoint = client.endpoint();
  if (endpoint.token.empty()) {
    throw CliError(
        "no token: give --token, or pipe it in; a standalone node keeps the owner's in "
        "its data directory",
        2);
  }
  const Json me = client.get("/whoami");
  const Json kept = {{"url", endpoint.url}, {"token", endpoint.token}};
  writeFile(settingsFile(), kept.dump(2) + "\n", /*secret=*/true);
  say(globals, "Logged in: " + describe(me, endpoint.url));
  sayJson(globals, me);
}

void logout(const Globals& globals) {
  std::error_code error;
  const bool removed = std::filesystem::remove(settingsFile(), error);
  if (error) throw CliError(settingsFile() + ": " + error.message());
  say(globals, removed ? "Logged out" : "There was no login");
  sayJson(globals, {{"logged_out", removed}});
}

void whoami(const Globals& globals) {
  ApiClient client(findEndpoint(globals));
  const Json me = client.get("/whoami");
  say(globals, describe(me, client.endpoint().url));
  sayJson(globals, me);
}

void listTokens(const Globals& globals, const TokenOptions& options) {
  ApiClient client(findEndpoint(globals));
  const Json answer = client.get(tokensPath(options));
  for (const Json& token : answer.at("tokens")) {
    std::string line =
        token.at("id").get<std::string>() + "  " + token.at("role").get<std::string>() + "  " +
        token.at("created_at").get<std::string>() + "  " + token.at("name").get<std::string>();
    if (token.contains("script")) line += "  for " + token["script"].get<std::string>() + " only";
    say(globals, line);
  }
  sayJson(globals, answer);
}

void createToken(const Globals& globals, const TokenOptions& options) {
  Json body = {{"name", options.name}, {"role", options.role}};
  if (!options.script.empty()) body["script"] = options.script;
  ApiClient client(findEndpoint(globals));
  const Json answer = client.post(tokensPath(options), body);
  if (!globals.json) {
    // The secret alone on stdout, so that it can be piped; it is never shown again.
    warn("token " + answer.at("id").get<std::string>() + " (" + options.role +
         "); keep it, it is shown this once:");
    say(globals, answer.at("token").get<std::string>());
  }
  sayJson(globals, answer);
}

void revokeToken(const Globals& globals, const TokenOptions& options, const std::string& id) {
  ApiClient(findEndpoint(globals)).remove(tokensPath(options) + "/" + percentEncode(id));
  say(globals, "Revoked " + id);
  sayJson(globals, {{"revoked", id}});
}

namespace {

// For people: of a version's id the beginning tells enough.
std::string withShortIds(std::string_view text) {
  constexpr std::size_t kIdDigits = 64;
  std::string out;
  while (!text.empty()) {
    const std::string_view word = text.substr(0, text.find(' '));
    const bool isId = word.size() == kIdDigits &&
                      word.find_first_not_of("0123456789abcdef") == std::string_view::npos;
    out += isId ? shortId(word) : std::string(word);
    text.remove_prefix(word.size());
    if (text.empty()) break;
    out += ' ';
    text.remove_prefix(1);
  }
  return out;
}

}  // namespace

void listAudit(const Globals& globals, const AuditOptions& options) {
  ApiClient client(findEndpoint(globals));
  std::string path = options.tenant.empty()
                         ? std::string("/audit")
                         : "/tenants/" + percentEncode(options.tenant) + "/audit";
  path += "?limit=" + std::to_string(options.limit);
  if (options.before > 0) path += "&before=" + std::to_string(options.before);
  const Json answer = client.get(path);
  if (answer.at("records").empty()) say(globals, "No changes are on record.");
  for (const Json& record : answer.at("records")) {
    const std::string token = record.value("token_id", "");
    say(globals, std::to_string(record.at("index").get<std::uint64_t>()) + "  " +
                     record.at("time").get<std::string>() + "  " +
                     record.at("action").get<std::string>() + "  " +
                     withShortIds(record.at("subject").get<std::string>()) + "  by " +
                     (token.empty() ? "" : token + " ") + record.at("role").get<std::string>());
  }
  sayJson(globals, answer);
}

void listTenants(const Globals& globals) {
  ApiClient client(findEndpoint(globals));
  const Json answer = client.get("/tenants");
  for (const Json& tenant : answer.at("tenants")) {
    const std::string state = tenant.value("state", "");
    say(globals, tenant.at("name").get<std::string>() + "  " +
                     tenant.at("created_at").get<std::string>() +
                     (state.empty() ? "" : "  " + state));
  }
  sayJson(globals, answer);
}

void createTenant(const Globals& globals, const std::string& name) {
  ApiClient client(findEndpoint(globals));
  const Json answer = client.post("/tenants", {{"name", name}});
  say(globals, "Created " + name +
                   ". Its first token: atoll tokens create owner --role owner --tenant " + name);
  sayJson(globals, answer);
}

void deleteTenant(const Globals& globals, const std::string& name, bool yes) {
  if (!yes) {
    throw CliError(
        "this removes " + name + " with its tokens, scripts, routes and KV: add --yes to do it", 2);
  }
  ApiClient(findEndpoint(globals)).remove("/tenants/" + percentEncode(name));
  say(globals, "Deleted " + name);
  sayJson(globals, {{"deleted", name}});
}

}  // namespace atolld::cli
