#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace atolld::config {

/// An IP literal and a port; port 0 lets the kernel pick one.
struct Address {
  std::string host;  ///< "127.0.0.1" or "::1", without brackets.
  std::uint16_t port = 0;

  std::string toString() const;  ///< "127.0.0.1:80", "[::1]:80".
  bool isLoopback() const;
  bool operator==(const Address&) const = default;
};

/// @error InvalidArgument says what to write instead.
Result<Address> parseAddress(std::string_view text);

/// A TLS certificate and the hostnames (exact or "*.") whose SNI picks it.
struct Certificate {
  std::vector<std::string> hosts;
  std::string certificateFile;  ///< PEM, the chain leaf first; absolute.
  std::string keyFile;          ///< PEM; absolute.

  bool operator==(const Certificate&) const = default;
};

/// Everything an operator can say, validated, with units in the names. Immutable once parsed.
/// edge-config/defaults.toml lists every key with its unit and reason; keys.cc is the one table
/// behind that file, the schema and the parser.
struct Config {
  std::string dataDir;       ///< Empty: defaultDataDir().
  std::uint64_t shards = 0;  ///< 0: one per core.
  std::string defaultDomain = "localhost";

  struct Process {
    std::string supervise = "off";
    std::string contain = "on";
    bool operator==(const Process&) const = default;
  } process;

  /// As listen::ListenLimits, with the addresses.
  struct Listen {
    std::optional<Address> http = Address{"127.0.0.1", 8080};
    std::optional<Address> https = Address{"127.0.0.1", 8443};
    std::optional<Address> control = Address{"127.0.0.1", 9090};
    std::optional<Address> admin = Address{"127.0.0.1", 9091};
    std::optional<Address> fleet;
    std::optional<Address> inspect;
    std::uint64_t connectionsMax = 20'000;
    std::chrono::milliseconds handshakeTimeout{10'000};
    std::chrono::milliseconds headTimeout{15'000};
    std::chrono::milliseconds bodyTimeout{30'000};
    std::chrono::milliseconds writeTimeout{30'000};
    std::uint64_t progressBytesPerSecondMin = 128;
    std::chrono::milliseconds idleTimeout{75'000};
    std::chrono::milliseconds lingerTimeout{2'000};
    std::chrono::milliseconds drainTimeout{30'000};
    bool operator==(const Listen&) const = default;
  } listen;

  struct Tls {
    std::vector<Certificate> certificates;
    bool operator==(const Tls&) const = default;
  } tls;

  /// As http::ServerLimits.
  struct Http {
    std::uint64_t headBytesMax = 128 * 1024;
    std::uint64_t targetBytesMax = 16 * 1024;
    std::uint64_t headerCountMax = 256;
    std::uint64_t bodyBytesMax = 500ull * 1024 * 1024;
    std::uint64_t receiveWindowBytes = 256 * 1024;
    std::uint64_t concurrentStreamsMax = 128;
    std::uint64_t pipelinedMax = 32;
    bool operator==(const Http&) const = default;
  } http;

  struct Script {
    std::chrono::milliseconds cpuTimeMax{30'000};
    std::chrono::milliseconds startupCpuTimeMax{1'000};
    std::chrono::milliseconds sliceQuantum{2};
    std::uint64_t spareThreadsMax = 32;
    std::chrono::milliseconds wallTimeMax{300'000};
    std::chrono::milliseconds waitUntilTimeMax{30'000};
    std::uint64_t concurrentMax = 10'000;
    std::string errors = "hidden";  ///< Or "shown".
    std::string sourceRoot;
    std::uint64_t queueMax = 2'000;
    std::uint64_t shardQueueMax = 10'000;
    std::uint64_t heapBytesMax = 128ull * 1024 * 1024;
    std::uint64_t bufferBytesMax = 128ull * 1024 * 1024;
    std::uint64_t isolatesMax = 0;
    std::uint64_t memoryBytesMax = 0;
    std::uint64_t isolatePool = 4;
    std::uint64_t sizeBytesMax = 64ull * 1024 * 1024;
    std::uint64_t modulesMax = 1'000;
    std::uint64_t bindingsMax = 128;
    std::uint64_t bindingBytesMax = 5 * 1024;
    bool operator==(const Script&) const = default;
  } script;

  /// As upstream::AddressRules.
  struct Outbound {
    std::string allowNetworks;  ///< Separated by blanks.
    bool operator==(const Outbound&) const = default;
  } outbound;

  struct Kv {
    std::uint64_t valueBytesMax = 25ull * 1024 * 1024;
    bool operator==(const Kv&) const = default;
  } kv;

  struct Cache {
    std::uint64_t blockBytes = 256ull * 1024 * 1024;
    bool operator==(const Cache&) const = default;
  } cache;

  struct Control {
    std::uint64_t bodyBytesMax = 100ull * 1024 * 1024;
    std::uint64_t pendingBytesMax = 512ull * 1024 * 1024;
    std::string hostname;
    std::uint64_t threads = 2;
    std::uint64_t callsPerSecond = 1000;
    std::uint64_t authFailuresPerMinute = 60;
    std::uint64_t auditRecordsMax = 5000;
    bool operator==(const Control&) const = default;
  } control;

  struct Replication {
    std::uint64_t logEntriesMax = 1'000'000;
    std::chrono::milliseconds ageMax{0};
    bool operator==(const Replication&) const = default;
  } replication;

  struct Log {
    std::string level = "info";
    bool operator==(const Log&) const = default;
  } log;

  bool operator==(const Config&) const = default;
};

/// `$XDG_DATA_HOME/atoll`, else `~/.local/share/atoll`; "atoll-data" where there is no home.
std::string defaultDataDir();
/// Where a standalone node keeps the owner's token: the CLI on the same machine looks here.
std::string tokenFile(std::string_view dataDir);
/// What clients may trust while there are no certificates of the operator's.
std::string developmentCaFile(std::string_view dataDir);

/// Parses edge-config TOML on top of the defaults. Relative certificate paths are taken from the
/// file's directory.
/// @param fileName  as shown in errors.
/// @error InvalidArgument  one line: file:line, the key, and the mend.
Result<Config> parseConfig(std::string_view toml, std::string_view fileName);
/// The same, from a file. @error InvalidArgument also when it cannot be read.
Result<Config> loadConfig(const std::string& path);

}  // namespace atolld::config
