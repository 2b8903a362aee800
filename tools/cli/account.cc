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

void listTokens(const Globals& globals) {
  ApiClient client(findEndpoint(globals));
  const Json answer = client.get("/tokens");
  for (const Json& token : answer.at("tokens")) {
    std::string line =
        token.at("id").get<std::string>() + "  " + token.at("role").get<std::string>() + "  " +
        token.at("created_at").get<std::string>() + "  " + token.at("name").get<std::string>();
    if (token.contains("script")) line += "  for " + token["script"].get<std::string>() + " only";
    say(globals, line);
  }
  sayJson(globals, answer);
}

void createToken(const Globals& globals, const std::string& name, const std::string& role,
                 const std::string& script) {
  Json body = {{"name", name}, {"role", role}};
  if (!script.empty()) body["script"] = script;
  ApiClient client(findEndpoint(globals));
  const Json answer = client.post("/tokens", body);
  if (!globals.json) {
    // The secret alone on stdout, so that it can be piped; it is never shown again.
    warn("token " + answer.at("id").get<std::string>() + " (" + role +
         "); keep it, it is shown "
         "this once:");
    say(globals, answer.at("token").get<std::string>());
  }
  sayJson(globals, answer);
}

void revokeToken(const Globals& globals, const std::string& id) {
  ApiClient(findEndpoint(globals)).remove("/tokens/" + percentEncode(id));
  say(globals, "Revoked " + id);
  sayJson(globals, {{"revoked", id}});
}

}  // namespace atolld::cli
