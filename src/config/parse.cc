#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <toml++/toml.hpp>

#include "base/encoding.h"
#include "base/suggest.h"
#include "config/config.h"
#include "config/keys.h"

namespace atolld::config {
namespace {

std::string_view typeName(const toml::node& node) {
  if (node.is_string()) return "a string";
  if (node.is_integer()) return "a whole number";
  if (node.is_floating_point()) return "a fraction";
  if (node.is_boolean()) return "a boolean";
  if (node.is_table()) return "a table";
  if (node.is_array()) return "an array";
  return "a date or time";
}

std::string range(const Key& key) {
  return std::to_string(key.min) + " to " + std::to_string(key.max);
}

// A hostname in lower case, or one with a "*." in front.
bool isHostPattern(std::string_view host) {
  if (host.starts_with("*.")) host.remove_prefix(2);
  if (host.empty() || host.size() > 253 || host.front() == '.' || host.back() == '.') return false;
  return host.find("..") == std::string_view::npos &&
         std::all_of(host.begin(), host.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
                  c == '_';
         });
}

class Parser {
 public:
  explicit Parser(std::string_view fileName) : fileName_(fileName) {
    for (const Key& key : keys()) names_.push_back(key.name);
    names_.push_back("tls.certificates");
  }

  Result<Config> parse(std::string_view text) {
    toml::table root;
    try {
      root = toml::parse(text, std::string(fileName_));
    } catch (const toml::parse_error& error) {
      return refuse(error.source(), "this is no TOML: " + std::string(error.description()));
    }
    ATOLL_TRY_VOID(readTable(root, ""));
    return std::move(config_);
  }

 private:
  std::unexpected<Error> refuse(const toml::source_region& at, const std::string& what) const {
    return fail(ErrorCode::InvalidArgument,
                std::string(fileName_) + ":" + std::to_string(at.begin.line) + ": " + what);
  }

  bool isSection(std::string_view name) const {
    return std::any_of(names_.begin(), names_.end(), [&](std::string_view key) {
      return key.size() > name.size() && key.starts_with(name) && key[name.size()] == '.';
    });
  }

  Result<> readTable(const toml::table& table, const std::string& prefix) {
    for (const auto& [tomlKey, node] : table) {
      const std::string name = prefix + std::string(tomlKey.str());
      const toml::source_region& at = tomlKey.source();
      if (name == "tls.certificates") {
        ATOLL_TRY_VOID(readCertificates(node));
        continue;
      }
      if (isSection(name)) {
        const toml::table* const section = node.as_table();
        if (!section) {
          return refuse(at,
                        "\"" + name + "\" is a section: write [" + name + "] on a line of its own");
        }
        ATOLL_TRY_VOID(readTable(*section, name + "."));
        continue;
      }
      const auto key =
          std::find_if(keys().begin(), keys().end(), [&](const Key& k) { return k.name == name; });
      if (key == keys().end()) return unknownKey(at, name, prefix);
      ATOLL_TRY_VOID(readValue(*key, node, at));
    }
    return {};
  }

  Result<> unknownKey(const toml::source_region& at, const std::string& name,
                      const std::string& prefix) const {
    // The right key in the wrong section is a commoner mistake than any typing error.
    const std::string_view last = std::string_view(name).substr(prefix.size());
    for (const std::string_view known : names_) {
      const std::size_t dot = known.find('.');
      const bool sameLeaf =
          dot == std::string_view::npos ? known == last : known.substr(dot + 1) == last;
      if (sameLeaf) {
        return refuse(at,
                      "unknown key \"" + name + "\": did you mean \"" + std::string(known) + "\"?");
      }
    }
    const std::string suggestion = didYouMean(name, names_);
    return refuse(
        at, "unknown key \"" + name + "\"" +
                (suggestion.empty() ? ": edge-config/defaults.toml lists every key" : suggestion));
  }

  Result<> readValue(const Key& key, const toml::node& node, const toml::source_region& at) {
    const Slot slot = key.slot(config_);
    const std::string name(key.name);
    if (auto* const* text = std::get_if<std::string*>(&slot))
      return readText(key, node, at, **text);
    if (auto* const* address = std::get_if<std::optional<Address>*>(&slot)) {
      const auto value = node.value_exact<std::string>();
      if (!value) {
        return refuse(at, name + " is " + std::string(typeName(node)) +
                              ": write \"host:port\", or \"\" for none");
      }
      if (value->empty()) {
        **address = std::nullopt;
        return {};
      }
      Result<Address> parsed = parseAddress(*value);
      if (!parsed) return refuse(at, name + " = " + parsed.error().detail);
      **address = *std::move(parsed);
      return {};
    }
    const auto number = node.value_exact<std::int64_t>();
    if (!number) {
      return refuse(
          at, name + " is " + std::string(typeName(node)) + ": write a number, " + range(key));
    }
    if (*number < 0 || static_cast<std::uint64_t>(*number) < key.min ||
        static_cast<std::uint64_t>(*number) > key.max) {
      return refuse(at, name + " = " + std::to_string(*number) + " is out of range: " + range(key));
    }
    if (auto* const* count = std::get_if<std::uint64_t*>(&slot)) {
      **count = static_cast<std::uint64_t>(*number);
    } else {
      *std::get<std::chrono::milliseconds*>(slot) = std::chrono::milliseconds(*number);
    }
    return {};
  }

  Result<> readText(const Key& key, const toml::node& node, const toml::source_region& at,
                    std::string& slot) const {
    const std::string name(key.name);
    auto value = node.value_exact<std::string>();
    if (!value) {
      return refuse(at, name + " is " + std::string(typeName(node)) + ": put it in quotes");
    }
    if (value->find('\0') != std::string::npos) return refuse(at, name + " holds a NUL byte");
    if (!key.choices.empty() &&
        ("|" + std::string(key.choices) + "|").find("|" + *value + "|") == std::string::npos) {
      std::string choices(key.choices);
      std::replace(choices.begin(), choices.end(), '|', ' ');
      return refuse(at, name + " = \"" + *value + "\" is none of: " + choices);
    }
    if (key.name == "default_domain" || (key.name == "control.hostname" && !value->empty())) {
      *value = toLowerAscii(*value);
      if (!isHostPattern(*value) || value->starts_with("*.")) {
        return refuse(at, name + " = \"" + *value +
                              "\" is no domain name: write one as "
                              "\"localhost\" or \"workers.example.com\"");
      }
    }
    slot = *std::move(value);
    return {};
  }

  Result<> readCertificates(const toml::node& node) {
    const toml::array* const list = node.as_array();
    if (!list) {
      return refuse(node.source(),
                    "\"tls.certificates\" is a list: write [[tls.certificates]] for each");
    }
    for (const toml::node& item : *list) {
      const toml::table* const table = item.as_table();
      if (!table) {
        return refuse(item.source(), "tls.certificates holds " + std::string(typeName(item)) +
                                         ": write [[tls.certificates]] for each");
      }
      ATOLL_TRY(Certificate certificate, readCertificate(*table));
      config_.tls.certificates.push_back(std::move(certificate));
    }
    return {};
  }

  Result<Certificate> readCertificate(const toml::table& table) const {
    static constexpr std::string_view kNames[] = {"hosts", "certificate", "key"};
    for (const auto& [tomlKey, node] : table) {
      const std::string_view name = tomlKey.str();
      if (std::find(std::begin(kNames), std::end(kNames), name) == std::end(kNames)) {
        return refuse(tomlKey.source(), "unknown key \"tls.certificates." + std::string(name) +
                                            "\"" + didYouMean(name, kNames));
      }
    }
    Certificate certificate;
    ATOLL_TRY(certificate.certificateFile, readFileName(table, "certificate"));
    ATOLL_TRY(certificate.keyFile, readFileName(table, "key"));
    const toml::node* const hostsNode = table.get("hosts");
    const toml::array* const hosts = hostsNode ? hostsNode->as_array() : nullptr;
    if (!hosts || hosts->empty()) {
      return refuse(hostsNode ? hostsNode->source() : table.source(),
                    "tls.certificates.hosts is missing: list the hostnames, as "
                    "[\"example.com\", \"*.example.com\"]");
    }
    for (const toml::node& host : *hosts) {
      const std::string name = toLowerAscii(host.value_exact<std::string>().value_or(""));
      if (!isHostPattern(name)) {
        return refuse(host.source(), "tls.certificates.hosts holds \"" + name +
                                         "\", which is no hostname: write \"example.com\" or "
                                         "\"*.example.com\"");
      }
      certificate.hosts.push_back(name);
    }
    return certificate;
  }

  Result<std::string> readFileName(const toml::table& table, const char* name) const {
    const toml::node* const node = table.get(name);
    const std::string full = "tls.certificates." + std::string(name);
    const auto value = node ? node->value_exact<std::string>() : std::nullopt;
    if (!value || value->empty()) {
      return refuse(node ? node->source() : table.source(), full + " is missing: name a PEM file");
    }
    std::error_code ignored;
    const std::filesystem::path path =
        std::filesystem::absolute(std::filesystem::path(fileName_).parent_path() / *value, ignored);
    if (!std::ifstream(path)) {
      return refuse(node->source(),
                    full + " = \"" + path.string() + "\" cannot be read: " + std::strerror(errno));
    }
    return path.lexically_normal().string();
  }

  std::string_view fileName_;
  std::vector<std::string_view> names_;
  Config config_;
};

}  // namespace

Result<Config> parseConfig(std::string_view toml, std::string_view fileName) {
  return Parser(fileName).parse(toml);
}

Result<Config> loadConfig(const std::string& path) {
  const auto refuse = [&](const char* why) {
    return fail(ErrorCode::InvalidArgument, "--config " + path + ": " + why);
  };
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) return refuse("is a directory, not a file");
  std::ifstream file(path, std::ios::binary);
  if (!file) return refuse(std::strerror(errno));
  std::ostringstream text;
  text << file.rdbuf();
  return parseConfig(text.str(), path);
}

}  // namespace atolld::config
