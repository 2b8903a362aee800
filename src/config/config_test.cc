#include "config/config.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "config/keys.h"

namespace atolld::config {
namespace {

std::string readSource(const std::string& name) {
  const char* const root = std::getenv("ATOLL_SOURCE");
  std::ifstream file(std::string(root ? root : ".") + "/" + name);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::string errorOf(std::string_view toml) {
  const auto parsed = parseConfig(toml, "edge.toml");
  REQUIRE_FALSE(parsed.has_value());
  CHECK(parsed.error().code == ErrorCode::InvalidArgument);
  CHECK(parsed.error().detail.find('\n') == std::string::npos);
  return parsed.error().detail;
}

class TempDir {
 public:
  TempDir() {
    std::string name = (std::filesystem::temp_directory_path() / "atoll-config-XXXXXX").string();
    path_ = mkdtemp(name.data());
  }
  ~TempDir() { std::filesystem::remove_all(path_); }
  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(path_ + "/" + name) << text;
    return path_ + "/" + name;
  }

 private:
  std::string path_;
};

}  // namespace

TEST_CASE("defaults.toml is what the table says, and parses to the built-in defaults") {
  const std::string file = readSource("edge-config/defaults.toml");
  INFO("after a change of keys.cc, run what config_schema.cc says");
  CHECK(file == defaultsToml());
  CHECK(parseConfig(file, "defaults.toml").value() == Config{});
  CHECK(parseConfig("", "empty.toml").value() == Config{});
}

TEST_CASE("the JSON schema is what the table says, and names every key with its bounds") {
  const std::string file = readSource("edge-config/schema/atolld.schema.json");
  CHECK(file == configSchema());
  const auto schema = nlohmann::json::parse(file);
  for (const Key& key : keys()) {
    CAPTURE(key.name);
    std::string pointer = "/properties/" + std::string(key.name);
    if (const auto dot = pointer.find('.'); dot != std::string::npos) {
      pointer.replace(dot, 1, "/properties/");
    }
    const auto& property = schema.at(nlohmann::json::json_pointer(pointer));
    CHECK(property.at("description") == key.about);
    if (property.at("type") == "integer") {
      CHECK(property.at("minimum") == key.min);
      CHECK(property.at("maximum") == key.max);
      CHECK(property.at("default") >= key.min);
      CHECK(property.at("default") <= key.max);
      CHECK(key.min < key.max);
    }
  }
}

TEST_CASE("every example configuration parses") {
  const char* const root = std::getenv("ATOLL_SOURCE");
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(std::string(root ? root : ".") +
                                                               "/edge-config/examples")) {
    if (entry.path().extension() != ".toml") continue;
    const auto parsed = loadConfig(entry.path().string());
    CAPTURE(entry.path().string());
    CAPTURE((parsed ? "" : parsed.error().detail));
    CHECK(parsed.has_value());
    ++count;
  }
  CHECK(count >= 2);
}

TEST_CASE("parseConfig sets what the file says and leaves the rest") {
  const Config config = parseConfig(R"(
data_dir = "/srv/atoll"
shards = 3
default_domain = "Workers.Example.com"
[listen]
http = "0.0.0.0:80"
https = ""
control = "[::1]:9000"
idle_timeout_ms = 5000
[http]
head_bytes_max = 65536
[log]
level = "debug"
)",
                                    "edge.toml")
                            .value();
  CHECK(config.dataDir == "/srv/atoll");
  CHECK(config.shards == 3);
  CHECK(config.defaultDomain == "workers.example.com");
  CHECK(config.listen.http->toString() == "0.0.0.0:80");
  CHECK_FALSE(config.listen.https.has_value());
  CHECK(config.listen.control->toString() == "[::1]:9000");
  CHECK(config.listen.control->isLoopback());
  CHECK_FALSE(config.listen.http->isLoopback());
  CHECK(config.listen.idleTimeout == std::chrono::seconds(5));
  CHECK(config.http.headBytesMax == 65536);
  CHECK(config.http.bodyBytesMax == Config{}.http.bodyBytesMax);
  CHECK(config.log.level == "debug");
}

TEST_CASE("a wrong file is refused in one line with file, line, key and mend") {
  const struct {
    std::string_view toml, message;
  } kTable[] = {
      {"shards = 1\nshard = 2", "edge.toml:2: unknown key \"shard\": did you mean \"shards\"?"},
      {"[listen]\n\nhtpp = \"\"",
       "edge.toml:3: unknown key \"listen.htpp\": did you mean "
       "\"listen.http\"?"},
      {"[lisen]\nhttp = \"\"", "edge.toml:1: unknown key \"lisen\""},
      {"http = \"127.0.0.1:80\"",
       "edge.toml:1: \"http\" is a section: write [http] on a line of "
       "its own"},
      {"[http]\nisolate_pool = 3",
       "edge.toml:2: unknown key \"http.isolate_pool\": did you mean "
       "\"script.isolate_pool\"?"},
      {"shards = \"2\"", "edge.toml:1: shards is a string: write a number, 0 to 1024"},
      {"shards = 1.5", "edge.toml:1: shards is a fraction: write a number, 0 to 1024"},
      {"shards = -1", "edge.toml:1: shards = -1 is out of range: 0 to 1024"},
      {"shards = 99999", "edge.toml:1: shards = 99999 is out of range: 0 to 1024"},
      {"data_dir = 7", "edge.toml:1: data_dir is a whole number: put it in quotes"},
      {"data_dir = true", "edge.toml:1: data_dir is a boolean: put it in quotes"},
      {"[log]\nlevel = \"loud\"",
       "edge.toml:2: log.level = \"loud\" is none of: debug info warn "
       "error"},
      {"[listen]\nhttp = \"8080\"",
       "edge.toml:2: listen.http = \"8080\" is no address: write "
       "host:port, as 127.0.0.1:8080"},
      {"[listen]\nhttp = 8080",
       "edge.toml:2: listen.http is a whole number: write \"host:port\", "
       "or \"\" for none"},
      {"default_domain = \"a..b\"", "edge.toml:1: default_domain = \"a..b\" is no domain name"},
      {"shards = ", "edge.toml:1: this is no TOML: "},
      {"shards = 1\nshards = 2", "edge.toml:2: this is no TOML: "},
      {"a = \"\xff\"", "edge.toml:1: this is no TOML: "},
      {"[[tls.certificates]]\nhosts = [\"a.b\"]\n",
       "edge.toml:1: tls.certificates.certificate is "
       "missing: name a PEM file"},
      {"[[tls.certificates]]\nhost = [\"a.b\"]\n",
       "edge.toml:2: unknown key "
       "\"tls.certificates.host\": did you mean "
       "\"hosts\"?"},
      {"[tls.certificates]\nhosts = 1", "\"tls.certificates\" is a list"},
      {"[[tls.certificates]]\ncertificate = \"/none\"\nkey = \"/none\"",
       "edge.toml:2: tls.certificates.certificate = \"/none\" cannot be read: No such file"},
  };
  for (const auto& [toml, message] : kTable) {
    CAPTURE(toml);
    const std::string error = errorOf(toml);
    CAPTURE(error);
    CHECK(error.find(message) != std::string::npos);
  }
}

TEST_CASE("certificate paths are relative to the file and hosts are checked") {
  const TempDir dir;
  dir.write("a.pem", "x");
  dir.write("a.key", "x");
  const std::string text =
      "[[tls.certificates]]\ncertificate = \"a.pem\"\nkey = \"a.key\"\nhosts = ";
  const std::string good = dir.write("good.toml", text + "[\"A.example\", \"*.b.example\"]");
  const Config config = loadConfig(good).value();
  REQUIRE(config.tls.certificates.size() == 1);
  CHECK(config.tls.certificates[0].hosts == std::vector<std::string>{"a.example", "*.b.example"});
  CHECK(std::filesystem::path(config.tls.certificates[0].keyFile).is_absolute());
  CHECK(std::filesystem::exists(config.tls.certificates[0].certificateFile));
  for (const char* const hosts : {"[]", "[\"\"]", "[\"*\"]", "[\"a.*.b\"]", "[1]", "[\"a b\"]"}) {
    CAPTURE(hosts);
    CHECK_FALSE(loadConfig(dir.write("bad.toml", text + hosts)).has_value());
  }
}

TEST_CASE("a file that is not there is refused by name") {
  const auto missing = loadConfig("/nowhere/edge.toml");
  REQUIRE_FALSE(missing.has_value());
  CHECK(missing.error().detail == "--config /nowhere/edge.toml: No such file or directory");
  CHECK_FALSE(loadConfig("/").has_value());
}

TEST_CASE("parseAddress takes IP literals and localhost with a port, and nothing else") {
  CHECK(parseAddress("127.0.0.1:0").value() == Address{"127.0.0.1", 0});
  CHECK(parseAddress("localhost:80").value() == Address{"127.0.0.1", 80});
  CHECK(parseAddress("[::]:65535").value() == Address{"::", 65535});
  for (std::string_view hostile : {"",
                                   ":",
                                   ":80",
                                   "80",
                                   "127.0.0.1",
                                   "127.0.0.1:",
                                   "127.0.0.1:65536",
                                   "127.0.0.1:-1",
                                   "127.0.0.1: 80",
                                   "127.0.0.1:80 ",
                                   "::1:80",
                                   "[::1]",
                                   "[::1:80",
                                   "[127.0.0.1]:80",
                                   "example.com:80",
                                   "*:80",
                                   "127.1:80",
                                   "300.0.0.1:80",
                                   "[]:80",
                                   "http://127.0.0.1:80"}) {
    CAPTURE(hostile);
    const auto parsed = parseAddress(hostile);
    REQUIRE_FALSE(parsed.has_value());
    CHECK(parsed.error().code == ErrorCode::InvalidArgument);
  }
}

}  // namespace atolld::config
