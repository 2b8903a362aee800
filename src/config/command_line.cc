#include "config/command_line.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <charconv>
#include <vector>

#include "base/suggest.h"

namespace atolld::config {
namespace {

struct Options {
  std::string config, data, http, https, control, admin, fleet, logLevel, join, token;
  std::string shards, name, region;
  std::vector<std::string> labels, upstreams;
};

constexpr std::uint16_t kFleetPort = 9092;
constexpr std::array<std::string_view, 4> kModes{"standalone", "control", "edge", "verify-log"};

void addOptions(CLI::App& app, Options& options, bool edge) {
  app.add_option("--config", options.config, "Configuration file (edge-config/defaults.toml)")
      ->type_name("FILE");
  app.add_option("--data", options.data, "Directory of the node's state")->type_name("DIR");
  app.add_option("--http", options.http, "HTTP address; \"\" for none")->type_name("HOST:PORT");
  app.add_option("--https", options.https, "HTTPS address")->type_name("HOST:PORT");
  app.add_option("--control", options.control, "Control API address")->type_name("HOST:PORT");
  app.add_option("--admin", options.admin, "Health and metrics address")->type_name("HOST:PORT");
  app.add_option("--fleet", options.fleet, "Address for other nodes")->type_name("HOST:PORT");
  app.add_option("--shards", options.shards, "Event loops; 0 for one per core")->type_name("N");
  app.add_option("--log-level", options.logLevel, "debug, info, warn or error")->type_name("LEVEL");
  if (edge) {
    app.add_option("--join", options.join, "The control plane's URL")->type_name("URL");
    app.add_option("--token", options.token, "One-time join token")->type_name("TOKEN");
    app.add_option("--name", options.name, "This node's name in the fleet")->type_name("NAME");
    app.add_option("--region", options.region, "Where it is")->type_name("WORD");
    app.add_option("--label", options.labels, "What rollouts choose it by")->type_name("KEY=VALUE");
    app.add_option("--upstream", options.upstreams,
                   "Whom to follow, the preferred one first; else the control plane")
        ->type_name("URL");
  }
}

// CLI11's texts end in a full stop here and there and may be long; ours are one line.
std::string oneLine(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  while (!text.empty() && (text.back() == ' ' || text.back() == '.')) text.pop_back();
  return text;
}

std::unexpected<Error> unknownOption(const CLI::App& command, const std::string& word) {
  std::vector<std::string> names;
  for (const CLI::Option* const option : command.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  const std::vector<std::string_view> views(names.begin(), names.end());
  const std::string bare = word.substr(0, word.find('='));
  const std::string mend = didYouMean(bare, views);
  const std::string kind = word.starts_with("-") ? "unknown option \"" : "unexpected word \"";
  return fail(
      ErrorCode::InvalidArgument,
      kind + bare + "\"" +
          (mend.empty() ? ": atolld " + command.get_name() + " --help lists the options" : mend));
}

Result<> apply(const CLI::App& command, const Options& options, Config& config) {
  const auto given = [&](const char* name) { return command.get_option(name)->count() > 0; };
  const auto address = [&](const char* name, const std::string& text,
                           std::optional<Address>& slot) -> Result<> {
    if (!given(name)) return {};
    if (text.empty()) {
      slot = std::nullopt;
      return {};
    }
    Result<Address> parsed = parseAddress(text);
    if (!parsed) return fail(parsed.error(), name);
    slot = *std::move(parsed);
    return {};
  };
  ATOLL_TRY_VOID(address("--http", options.http, config.listen.http));
  ATOLL_TRY_VOID(address("--https", options.https, config.listen.https));
  ATOLL_TRY_VOID(address("--control", options.control, config.listen.control));
  ATOLL_TRY_VOID(address("--admin", options.admin, config.listen.admin));
  ATOLL_TRY_VOID(address("--fleet", options.fleet, config.listen.fleet));
  if (given("--shards")) {
    const char* const end = options.shards.data() + options.shards.size();
    const auto [stop, error] = std::from_chars(options.shards.data(), end, config.shards);
    if (error != std::errc() || stop != end || config.shards > 1024) {
      return fail(ErrorCode::InvalidArgument, "--shards is a number from 0 (one per core) to 1024");
    }
  }
  if (given("--log-level")) {
    constexpr std::array<std::string_view, 4> kLevels{"debug", "info", "warn", "error"};
    if (std::find(kLevels.begin(), kLevels.end(), options.logLevel) == kLevels.end()) {
      return fail(ErrorCode::InvalidArgument,
                  "--log-level \"" + options.logLevel + "\" is none of: debug info warn error");
    }
    config.log.level = options.logLevel;
  }
  if (given("--data")) {
    if (options.data.empty()) {
      return fail(ErrorCode::InvalidArgument, "--data is empty: name a directory");
    }
    config.dataDir = options.data;
  }
  if (config.dataDir.empty()) config.dataDir = defaultDataDir();
  return {};
}

Result<> checkInspect(const CommandLine& line) {
  const std::optional<Address>& inspect = line.config.listen.inspect;
  if (!inspect) return {};
  const char* const wrong =
      line.mode != Mode::Standalone ? "it is for development, on a standalone node"
      : !inspect->isLoopback()      ? "a debugger may do all: name an address of loopback"
      : line.config.shards != 1     ? "set shards = 1, so that one isolate answers every request"
                                    : nullptr;
  if (wrong == nullptr) return {};
  return fail(ErrorCode::InvalidArgument, std::string("listen.inspect: ") + wrong);
}

Result<> checkMode(CommandLine& line) {
  ATOLL_TRY_VOID(checkInspect(line));
  const Config::Listen& listen = line.config.listen;
  switch (line.mode) {
    case Mode::Control:
      line.config.listen.http = line.config.listen.https = std::nullopt;
      if (!listen.control) {
        return fail(ErrorCode::InvalidArgument,
                    "listen.control is off: a control node has nothing else to serve; set it");
      }
      if (!listen.fleet) {
        const std::uint16_t port = listen.control->port == 0 ? std::uint16_t{0} : kFleetPort;
        line.config.listen.fleet = Address{listen.control->host, port};
      }
      return {};
    case Mode::Edge:
      line.config.listen.control = std::nullopt;
      // Whether it has joined already is known once its data directory is read.
      if (line.join.empty() != line.token.empty()) {
        return fail(ErrorCode::InvalidArgument,
                    std::string(line.join.empty() ? "--join" : "--token") +
                        " is missing: atolld edge --join URL --token TOKEN");
      }
      break;
    case Mode::VerifyLog:
      return {};
    case Mode::Standalone:
      break;
  }
  if (!listen.http && !listen.https) {
    return fail(ErrorCode::InvalidArgument,
                "listen.http and listen.https are both off: nothing would be served; set one");
  }
  return {};
}

}  // namespace

Result<std::variant<CommandLine, Printout>> parseCommandLine(std::span<const char* const> arguments,
                                                             std::string_view version) {
  CLI::App app("atolld: an edge function server", "atolld");
  app.set_version_flag("--version", "atolld " + std::string(version));
  Options options;
  constexpr std::array<const char*, kModes.size()> kAbout{
      "Edge and control plane in one process", "Control plane: API and log",
      "Edge node: serves what a control plane sends it",
      "Check the log of a data directory that no node is using"};
  std::array<CLI::App*, kModes.size()> commands{};
  for (std::size_t i = 0; i < kModes.size(); ++i) {
    commands[i] = app.add_subcommand(std::string(kModes[i]), kAbout[i]);
    addOptions(*commands[i], options, kModes[i] == "edge");
    commands[i]->allow_extras();
  }
  app.allow_extras();

  // CLI11 wants the words in reverse.
  std::vector<std::string> words(arguments.rbegin(), arguments.rend());
  try {
    app.parse(std::move(words));
  } catch (const CLI::CallForHelp&) {
    const auto asked = app.get_subcommands();
    return Printout{asked.empty() ? app.help() : asked.front()->help("atolld")};
  } catch (const CLI::CallForVersion&) {
    return Printout{"atolld " + std::string(version) + "\n"};
  } catch (const CLI::ParseError& error) {
    return fail(ErrorCode::InvalidArgument, oneLine(error.what()));
  }

  const auto parsed = app.get_subcommands();
  if (const auto extras = app.remaining(); parsed.empty() && !extras.empty()) {
    return fail(ErrorCode::InvalidArgument,
                "unknown mode \"" + extras.front() + "\"" + didYouMean(extras.front(), kModes));
  }
  if (parsed.size() != 1) {
    return fail(ErrorCode::InvalidArgument,
                parsed.empty() ? "no mode given: atolld standalone, control or edge"
                               : "two modes given: choose one of standalone, control and edge");
  }
  const CLI::App& command = *parsed.front();
  if (const auto extras = app.remaining(true); !extras.empty()) {
    return unknownOption(command, extras.front());
  }

  CommandLine line;
  line.mode = command.get_name() == "standalone" ? Mode::Standalone
              : command.get_name() == "control"  ? Mode::Control
              : command.get_name() == "edge"     ? Mode::Edge
                                                 : Mode::VerifyLog;
  if (command.get_option("--config")->count() > 0) {
    ATOLL_TRY(line.config, loadConfig(options.config));
  }
  ATOLL_TRY_VOID(apply(command, options, line.config));
  line.join = options.join;
  line.token = options.token;
  line.name = options.name;
  line.region = options.region;
  line.upstreams = options.upstreams;
  for (const std::string& label : options.labels) {
    const std::size_t equals = label.find('=');
    if (equals == std::string::npos || equals == 0) {
      return fail(ErrorCode::InvalidArgument, "--label \"" + label + "\" is not KEY=VALUE");
    }
    line.labels.emplace_back(label.substr(0, equals), label.substr(equals + 1));
  }
  ATOLL_TRY_VOID(checkMode(line));
  return line;
}

}  // namespace atolld::config
