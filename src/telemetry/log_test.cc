#include "telemetry/log.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <string>

using namespace atolld::telemetry;

namespace {

/// What `action` writes to stderr.
template <class Action>
std::string captured(Action action) {
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  std::fflush(stderr);
  const int before = dup(STDERR_FILENO);
  dup2(ends[1], STDERR_FILENO);
  action();
  std::fflush(stderr);
  dup2(before, STDERR_FILENO);
  close(before);
  close(ends[1]);
  std::string text(4096, '\0');
  const ssize_t count = read(ends[0], text.data(), text.size());
  close(ends[0]);
  text.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
  return text;
}

}  // namespace

TEST_CASE("a log line is one line of JSON, whatever a script printed") {
  const std::string line = captured([] {
    log(Level::Info, "console",
        {{"text", std::string_view("a \"quote\"\n\x01\\ and an end")},
         {"count", std::int64_t{3}},
         {"ok", true}});
  });
  CHECK(line.starts_with(R"({"time":")"));
  CHECK(line.ends_with("}\n"));
  CHECK(line.find('\n') == line.size() - 1);
  CHECK(line.find(R"("event":"console","text":"a \"quote\"\u000a\u0001\\ and an end","count":3,)"
                  R"("ok":true})") != std::string::npos);
}

TEST_CASE("lines below the level are not written") {
  setLogLevel(Level::Warn);
  CHECK(captured([] { log(Level::Info, "quiet"); }).empty());
  CHECK_FALSE(logs(Level::Info));
  CHECK(logs(Level::Error));
  setLogLevel(Level::Info);
}
