#include <cstdio>

#include "api_client.h"
#include "base/encoding.h"
#include "commands.h"

namespace atolld::cli {
namespace {

std::string padded(std::string text, std::size_t width) {
  text.resize(std::max(width, text.size()), ' ');
  return text + "  ";
}

std::string textOf(const Json& node, const char* member) {
  const auto found = node.find(member);
  if (found == node.end() || found->is_null()) return "-";
  return found->is_string() ? found->get<std::string>() : found->dump();
}

}  // namespace

void listNodes(const Globals& globals) {
  ApiClient client(findEndpoint(globals));
  const Json answer = client.get("/nodes");
  const auto line = [&](auto text) {
    say(globals, padded(text("name", "NAME"), 16) + padded(text("region", "REGION"), 10) +
                     padded(text("state", "STATE"), 13) + padded(text("health", "HEALTH"), 8) +
                     padded(text("cpu_percent", "CPU %"), 6) +
                     padded(text("requests_per_second", "REQ/S"), 6) +
                     padded(text("isolates", "ISOLATES"), 8) + padded(text("index", "INDEX"), 8) +
                     padded(text("lag_ms", "LAG MS"), 6) + padded(text("age_ms", "AGE MS"), 6) +
                     text("upstream", "UPSTREAM"));
  };
  if (answer.at("nodes").empty()) {
    say(globals, "No nodes yet: `atoll nodes token` makes a token to join with.");
  } else {
    line([](const char*, const char* title) { return std::string(title); });
  }
  for (const Json& node : answer.at("nodes")) {
    line([&](const char* member, const char*) { return textOf(node, member); });
  }
  sayJson(globals, answer);
}

void createJoinToken(const Globals& globals, std::uint64_t lifetimeSeconds) {
  ApiClient client(findEndpoint(globals));
  const Json answer = client.post("/nodes/tokens", {{"lifetime_seconds", lifetimeSeconds}});
  if (!globals.json) {
    // The token alone on stdout, so that it can be piped.
    warn("good for one node, for " + std::to_string(lifetimeSeconds) + " s: atolld edge --join " +
         client.endpoint().url + " --token TOKEN");
    say(globals, answer.at("token").get<std::string>());
  }
  sayJson(globals, answer);
}

void drainNode(const Globals& globals, const std::string& name, bool isDrained) {
  ApiClient client(findEndpoint(globals));
  const Json answer = client.post(
      "/nodes/" + percentEncode(name) + (isDrained ? "/drain" : "/undrain"), Json::object());
  say(globals, isDrained ? "Drained " + name + ": its /readyz says 503, connections close"
                         : "Undrained " + name + ": it is ready for traffic again");
  sayJson(globals, answer);
}

void makeBackup(const Globals& globals) {
  ApiClient client(findEndpoint(globals));
  const Json answer = client.post("/backups", Json::object());
  say(globals, answer.at("directory").get<std::string>());
  sayJson(globals, answer);
}

void removeNode(const Globals& globals, const std::string& name) {
  ApiClient(findEndpoint(globals)).remove("/nodes/" + percentEncode(name));
  say(globals, "Removed " + name + ": its certificate is good for nothing now");
  sayJson(globals, {{"removed", name}});
}

}  // namespace atolld::cli
