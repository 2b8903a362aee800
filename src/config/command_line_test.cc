#include "config/command_line.h"

#include <doctest/doctest.h>

#include <vector>

namespace atolld::config {
namespace {

using Words = std::vector<const char*>;

CommandLine parse(const Words& words) {
  auto parsed = parseCommandLine(words, "1.2.3");
  CAPTURE((parsed ? "" : parsed.error().detail));
  REQUIRE(parsed.has_value());
  REQUIRE(std::holds_alternative<CommandLine>(*parsed));
  return std::get<CommandLine>(*std::move(parsed));
}

std::string errorOf(const Words& words) {
  const auto parsed = parseCommandLine(words, "1.2.3");
  REQUIRE_FALSE(parsed.has_value());
  CHECK(parsed.error().code == ErrorCode::InvalidArgument);
  CHECK(parsed.error().detail.find('\n') == std::string::npos);
  return parsed.error().detail;
}

}  // namespace

TEST_CASE("options stand above the defaults and fill the data directory in") {
  const CommandLine line = parse({"standalone", "--data", "/srv/a", "--http", "0.0.0.0:0",
                                  "--https", "", "--control=[::1]:9", "--admin", "127.0.0.1:10",
                                  "--shards", "2", "--log-level", "warn"});
  CHECK(line.mode == Mode::Standalone);
  CHECK(line.config.dataDir == "/srv/a");
  CHECK(line.config.listen.http->toString() == "0.0.0.0:0");
  CHECK_FALSE(line.config.listen.https.has_value());
  CHECK(line.config.listen.control->toString() == "[::1]:9");
  CHECK(line.config.listen.admin->toString() == "127.0.0.1:10");
  CHECK(line.config.shards == 2);
  CHECK(line.config.log.level == "warn");
  CHECK_FALSE(parse({"standalone"}).config.dataDir.empty());
}

TEST_CASE("a control node serves no scripts and an edge no control API") {
  const CommandLine control = parse({"control"});
  CHECK_FALSE(control.config.listen.http.has_value());
  CHECK_FALSE(control.config.listen.https.has_value());
  const CommandLine edge = parse({"edge", "--join", "https://c:1", "--token", "t"});
  CHECK(edge.join == "https://c:1");
  CHECK(edge.token == "t");
  CHECK_FALSE(edge.config.listen.control.has_value());
}

TEST_CASE("a wrong command line is refused in one line with the mend") {
  const struct {
    Words words;
    std::string_view message;
  } kTable[] = {
      {{}, "no mode given: atolld standalone, control or edge"},
      {{"standlone"}, "unknown mode \"standlone\": did you mean \"standalone\"?"},
      {{"standalone", "--htp", "x"}, "unknown option \"--htp\": did you mean \"--http\"?"},
      {{"standalone", "--htps=1.2.3.4:1"}, "unknown option \"--htps\": did you mean"},
      {{"standalone", "banana"}, "unexpected word \"banana\""},
      {{"standalone", "--http"}, "--http"},
      {{"standalone", "--http", "80"}, "--http: \"80\" is no address: write host:port"},
      {{"standalone", "--shards", "two"}, "--shards"},
      {{"standalone", "--shards", "-3"}, "--shards"},
      {{"standalone", "--shards", "1\ndata_dir=\"x\""}, "--shards"},
      {{"standalone", "--log-level", "loud"}, "--log-level \"loud\" is none of"},
      {{"standalone", "--config", "/nowhere"}, "--config /nowhere: No such file"},
      {{"standalone", "--http", "", "--https", ""}, "listen.http and listen.https are both off"},
      {{"control", "--control", ""}, "listen.control is off"},
      {{"edge", "--token", "t"}, "--join is missing"},
      {{"edge", "--label", "x"}, "--label \"x\" is not KEY=VALUE"},
      {{"edge", "--join", "https://x"}, "--token is missing"},
      {{"standalone", "--join", "https://x"}, "unknown option \"--join\""},
  };
  for (const auto& [words, message] : kTable) {
    CAPTURE(message);
    const std::string error = errorOf(words);
    CAPTURE(error);
    CHECK(error.find(message) != std::string::npos);
  }
}

TEST_CASE("an edge that has joined needs no options; a control node has a fleet address") {
  CHECK(parse({"edge"}).join.empty());
  const CommandLine edge = parse({"edge", "--label", "a=b", "--label", "c=", "--upstream",
                                  "https://x:1", "--upstream", "https://y:2"});
  CHECK(edge.labels == std::vector<std::pair<std::string, std::string>>{{"a", "b"}, {"c", ""}});
  CHECK(edge.upstreams == std::vector<std::string>{"https://x:1", "https://y:2"});
  CHECK_FALSE(parse({"standalone"}).config.listen.fleet.has_value());
  CHECK(parse({"control"}).config.listen.fleet->port == 9092);
  CHECK(parse({"control", "--control", "127.0.0.1:0"}).config.listen.fleet->port == 0);
  CHECK(parse({"control", "--fleet", "127.0.0.1:7"}).config.listen.fleet->port == 7);
}

TEST_CASE("help and version are printouts") {
  for (const Words& words : {Words{"--help"}, Words{"standalone", "--help"}, Words{"--version"}}) {
    const auto parsed = parseCommandLine(words, "1.2.3");
    REQUIRE(parsed.has_value());
    CHECK(std::get<Printout>(*parsed).text.find("atolld") != std::string::npos);
  }
}

}  // namespace atolld::config
