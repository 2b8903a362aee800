#include <cstdio>

#include "api_client.h"
#include "base/encoding.h"
#include "commands.h"
#include "project.h"

namespace atolld::cli {
namespace {

constexpr std::uint64_t kPageKeys = 1000;

std::string namespacePath(const std::string& id) { return "/kv/namespaces/" + percentEncode(id); }

std::string valuePath(const std::string& id, const std::string& key) {
  return namespacePath(id) + "/values/" + percentEncode(key);
}

// The id behind an id or a title.
std::string findNamespace(ApiClient& client, const std::string& name) {
  const Json list = client.get("/kv/namespaces");
  for (const Json& kv : list.at("namespaces")) {
    if (kv.at("id") == name || kv.at("title") == name) return kv.at("id");
  }
  throw CliError("there is no KV namespace \"" + name + "\": `atoll kv namespace list` shows them");
}

std::string findNamespace(ApiClient& client, const KvOptions& options) {
  if (!options.namespaceName.empty()) return findNamespace(client, options.namespaceName);
  if (options.binding.empty()) {
    throw CliError("which namespace? Give --namespace with an id or title, or --binding", 2);
  }
  const Project project = loadProject(".", options.environment);
  for (const ProjectKv& kv : project.kv) {
    if (kv.binding != options.binding) continue;
    return kv.id.empty() ? findNamespace(client, project.name + "-" + kv.binding) : kv.id;
  }
  throw CliError("the project has no KV binding \"" + options.binding + "\"", 2);
}

}  // namespace

void listNamespaces(const Globals& globals) {
  ApiClient client(findEndpoint(globals));
  const Json answer = client.get("/kv/namespaces");
  for (const Json& kv : answer.at("namespaces")) {
    say(globals, kv.at("id").get<std::string>() + "  " + kv.at("title").get<std::string>());
  }
  if (answer.at("namespaces").empty()) {
    say(globals, "No KV namespaces yet: `atoll kv namespace create TITLE` makes one.");
  }
  sayJson(globals, answer);
}

void createNamespace(const Globals& globals, const std::string& title) {
  ApiClient client(findEndpoint(globals));
  const Json answer = client.post("/kv/namespaces", {{"title", title}});
  say(globals, "Created " + answer.at("id").get<std::string>() + "  " + title);
  sayJson(globals, answer);
}

void deleteNamespace(const Globals& globals, const std::string& name, bool yes) {
  if (!yes) {
    throw CliError("this removes the namespace " + name + " with all its keys: add --yes to do it",
                   2);
  }
  ApiClient client(findEndpoint(globals));
  const std::string id = findNamespace(client, name);
  client.remove(namespacePath(id));
  say(globals, "Deleted " + id);
  sayJson(globals, {{"deleted", id}});
}

void getKey(const Globals& globals, const KvOptions& options, const std::string& key,
            const std::string& path) {
  ApiClient client(findEndpoint(globals));
  const auto response = client.send("GET", valuePath(findNamespace(client, options), key));
  Json answer = {{"key", key}};
  if (const auto header = response.headers.find("expiration"); header != response.headers.end()) {
    answer["expiration"] = Json::parse(header->second, nullptr, false);
  }
  if (const auto header = response.headers.find("cf-kv-metadata");
      header != response.headers.end()) {
    answer["metadata"] = Json::parse(header->second, nullptr, false);
  }
  if (!path.empty()) {
    writeFile(path, response.body);
    say(globals, "Wrote " + sizeText(response.body.size()) + " to " + path);
    answer["path"] = path;
  } else if (globals.json) {
    answer["value"] = response.body;
  } else {
    // The value as it is: what reads us must get its very bytes.
    std::fwrite(response.body.data(), 1, response.body.size(), stdout);
  }
  sayJson(globals, answer);
}

void putKey(const Globals& globals, const KvOptions& options, const KvPutOptions& put) {
  if (put.value && !put.path.empty()) {
    throw CliError("give the value or --path, not both", 2);
  }
  std::string query;
  const auto add = [&](const char* name, const std::string& value) {
    query += (query.empty() ? "?" : "&") + std::string(name) + "=" + percentEncode(value);
  };
  if (put.ttlSeconds) add("expiration_ttl", std::to_string(*put.ttlSeconds));
  if (put.expiration) add("expiration", std::to_string(*put.expiration));
  if (!put.metadata.empty()) add("metadata", put.metadata);
  const std::string value = put.value           ? *put.value
                            : !put.path.empty() ? readFile(put.path)
                                                : readStdin();
  ApiClient client(findEndpoint(globals));
  const auto response =
      client.send("PUT", valuePath(findNamespace(client, options), put.key) + query, value,
                  "application/octet-stream");
  say(globals, "Put " + put.key + " (" + sizeText(value.size()) + ")");
  sayJson(globals, response.json());
}

void listKeys(const Globals& globals, const KvOptions& options, const std::string& prefix,
              std::uint64_t limit) {
  ApiClient client(findEndpoint(globals));
  const std::string path = namespacePath(findNamespace(client, options)) + "/keys";
  Json keys = Json::array();
  std::string cursor;
  bool complete = false;
  while (!complete && keys.size() < limit) {
    std::string query = "?limit=" + std::to_string(std::min(limit - keys.size(), kPageKeys));
    if (!prefix.empty()) query += "&prefix=" + percentEncode(prefix);
    if (!cursor.empty()) query += "&cursor=" + percentEncode(cursor);
    const Json page = client.get(path + query);
    for (const Json& key : page.at("keys")) {
      say(globals, key.at("name").get<std::string>());
      keys.push_back(key);
    }
    complete = page.at("list_complete");
    if (!complete) cursor = page.at("cursor");
  }
  if (!complete) say(globals, "… and more: raise --limit");
  sayJson(globals, {{"keys", std::move(keys)}, {"list_complete", complete}});
}

void deleteKey(const Globals& globals, const KvOptions& options, const std::string& key) {
  ApiClient client(findEndpoint(globals));
  client.remove(valuePath(findNamespace(client, options), key));
  say(globals, "Deleted " + key);
  sayJson(globals, {{"deleted", key}});
}

}  // namespace atolld::cli
