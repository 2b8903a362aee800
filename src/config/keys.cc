#include "config/keys.h"

namespace atolld::config {
namespace {

constexpr std::uint64_t kMega = 1024 * 1024;
constexpr std::uint64_t kGiga = 1024 * kMega;
constexpr std::uint64_t kHourMillis = 3'600'000;

// A captureless lambda per member: the one place where a key's name meets its member.
#define SLOT(member) [](Config& c) -> Slot { return &c.member; }

constexpr Key kKeys[] = {
    {"data_dir", SLOT(dataDir),
     "Directory of the node's state. Empty: $XDG_DATA_HOME/atoll, or ~/.local/share/atoll."},
    {"shards", SLOT(shards),
     "Event loops, each with its own thread, listeners and isolates. 0: one per core.", 0, 1024},
    {"default_domain", SLOT(defaultDomain),
     "Scripts answer on <script>.<tenant>.<this domain> without a route; the default tenant's on "
     "<script>.<this domain> too. localhost resolves to this machine everywhere."},

    {"process.supervise", SLOT(process.supervise),
     "on: the server runs in a child process and is started again when it ends by itself. For "
     "where "
     "nothing else does so.",
     0, 0, "off|on"},
    {"process.contain", SLOT(process.contain),
     "on: the process gives up capabilities, new programs and files outside of its own before it "
     "runs scripts. full: dangerous system calls too (seccomp), for a microsecond or two of each "
     "request. The log says what is in force.",
     0, 0, "off|on|full"},
    {"listen.http", SLOT(listen.http),
     "host:port for HTTP/1.1 and HTTP/2 in the clear. Port 0 picks a free one, \"\" turns it off. "
     "Loopback until you decide otherwise."},
    {"listen.https", SLOT(listen.https),
     "host:port for TLS. Without certificates below, those of an authority made for development."},
    {"listen.control", SLOT(listen.control),
     "host:port of the control API. Keep it on loopback or behind TLS: tokens pass through it."},
    {"listen.admin", SLOT(listen.admin),
     "host:port of health and metrics, for the operator's own network only."},
    {"listen.fleet", SLOT(listen.fleet),
     "host:port at which other nodes get the log, with certificates on both sides. On a control "
     "node \"\" stands for port 9092 of listen.control's host; an edge that has it is a relay."},
    {"listen.inspect", SLOT(listen.inspect),
     "host:port at which debuggers (Chrome's DevTools, VS Code) find the scripts. For development "
     "only: a debugger stops what it debugs. Loopback, and with shards = 1."},
    {"listen.connections_max", SLOT(listen.connectionsMax),
     "Open connections per shard and address; further ones wait unaccepted and idle ones are "
     "closed "
     "for them. Bounds memory and descriptors.",
     1, 10'000'000},
    {"listen.handshake_timeout_ms", SLOT(listen.handshakeTimeout),
     "Milliseconds for a TLS handshake. Real clients need a few round trips.", 100, kHourMillis},
    {"listen.head_timeout_ms", SLOT(listen.headTimeout),
     "Milliseconds from a request's first byte to the end of its head: ends slow-loris attacks.",
     100, kHourMillis},
    {"listen.body_timeout_ms", SLOT(listen.bodyTimeout),
     "Milliseconds within which a request body that is waited for must make progress.", 100,
     kHourMillis},
    {"listen.write_timeout_ms", SLOT(listen.writeTimeout),
     "Milliseconds within which a client must take some of a response that waits for it.", 100,
     kHourMillis},
    {"listen.progress_bytes_per_second_min", SLOT(listen.progressBytesPerSecondMin),
     "Bytes per second, in the mean over the two times above, that count as progress: ends clients "
     "that trickle on purpose, spares slow lines.",
     0, kMega},
    {"listen.idle_timeout_ms", SLOT(listen.idleTimeout),
     "Milliseconds a kept-alive connection may wait for its next request. Longer than the 60 s of "
     "common load balancers, so that they close first.",
     100, kHourMillis},
    {"listen.linger_timeout_ms", SLOT(listen.lingerTimeout),
     "Milliseconds a client gets to read our last words before the socket is closed.", 0, 60'000},
    {"listen.drain_timeout_ms", SLOT(listen.drainTimeout),
     "Milliseconds that requests in flight get to finish after SIGTERM.", 0, kHourMillis},

    {"http.head_bytes_max", SLOT(http.headBytesMax),
     "Bytes of all header fields of a request together; 431 above it. What hosted Workers accept.",
     1024, 16 * kMega},
    {"http.target_bytes_max", SLOT(http.targetBytesMax),
     "Bytes of path and query; 414 above it. What hosted Workers accept.", 256, kMega},
    {"http.header_count_max", SLOT(http.headerCountMax),
     "Header fields of a request; 431 above it. Many tiny fields cost more than one long one.", 8,
     65'536},
    {"http.body_bytes_max", SLOT(http.bodyBytesMax),
     "Bytes of a request body; 413 above it. Bodies are streamed, so this bounds no memory.", 0,
     1024 * kGiga},
    {"http.receive_window_bytes", SLOT(http.receiveWindowBytes),
     "Bytes of a request body held for a script that does not read, per request; then the client "
     "must wait.",
     16 * 1024, 64 * kMega},
    {"http.concurrent_streams_max", SLOT(http.concurrentStreamsMax),
     "Requests open at once on one HTTP/2 connection. 100 is the least RFC 9113 recommends.", 1,
     65'536},
    {"http.pipelined_max", SLOT(http.pipelinedMax),
     "HTTP/1.1 requests that may wait behind the one being answered; then reading stops.", 1,
     65'536},

    {"script.cpu_ms_max", SLOT(script.cpuTimeMax),
     "Milliseconds of CPU per invocation; cpu_limit (503) above it. The hosted default.", 1,
     kHourMillis},
    {"script.startup_cpu_ms_max", SLOT(script.startupCpuTimeMax),
     "Milliseconds of CPU of a script's top level when it is deployed; a deploy above it is "
     "refused. The hosted figure.",
     1, kHourMillis},
    {"script.slice_quantum_ms", SLOT(script.sliceQuantum),
     "Milliseconds that a script may run without a break before another thread takes over the "
     "requests of its event loop. 0: never, a busy script then holds up its neighbours.",
     0, 1'000},
    {"script.spare_threads_max", SLOT(script.spareThreadsMax),
     "Threads for such takeovers, made when first needed: as many scripts can be busy at once "
     "without holding up others.",
     0, 1'000},
    {"script.wall_ms_max", SLOT(script.wallTimeMax),
     "Milliseconds until a response must have begun; wall_limit (503) above it.", 1,
     24 * kHourMillis},
    {"script.wait_until_ms_max", SLOT(script.waitUntilTimeMax),
     "Milliseconds that waitUntil() promises get after the response. The hosted figure.", 0,
     kHourMillis},
    {"script.concurrent_max", SLOT(script.concurrentMax),
     "Requests open at once in one isolate; over_capacity (503) above it. Each holds some "
     "kilobytes outside of the heap limit.",
     1, 10'000'000},
    {"script.queue_max", SLOT(script.queueMax),
     "Requests and other events that wait for one isolate; over_capacity (503) above it. At a "
     "tenth of a millisecond each the last one waits 200 ms.",
     1, 10'000'000},
    {"script.shard_queue_max", SLOT(script.shardQueueMax),
     "Requests and other events that wait for all isolates of a shard; above it the newest request "
     "of the tenant with the most of them gets over_capacity (503). Each holds some kilobytes.",
     1, 10'000'000},
    {"script.heap_bytes_max", SLOT(script.heapBytesMax),
     "Bytes of one isolate's JavaScript heap; memory_limit (503) above it. The hosted figure.",
     16 * kMega, 4 * kGiga},
    {"script.buffer_bytes_max", SLOT(script.bufferBytesMax),
     "Bytes of one isolate's array buffers and Wasm memories together; memory_limit (503) above "
     "it.",
     kMega, 4 * kGiga},
    {"script.isolates_max", SLOT(script.isolatesMax),
     "Isolates of the node, idle ones included, shared out evenly among its shards; the least "
     "recently used idle one goes first. 0: one for every 4 MB of the memory the process may use; "
     "an idle one takes 1 to 4.",
     0, 100'000},
    {"script.memory_bytes_max", SLOT(script.memoryBytesMax),
     "Bytes of memory of the whole process above which idle isolates go, the least recently used "
     "first. 0: three quarters of the memory the process may use.",
     0, 1024 * kGiga},
    {"script.isolate_pool", SLOT(script.isolatePool),
     "Isolates made ahead per shard, so that a cold request does not wait for one.", 0, 1'000},
    {"script.size_bytes_max", SLOT(script.sizeBytesMax),
     "Bytes of all modules of an upload. The hosted figure.", 1024, kGiga},
    {"script.modules_max", SLOT(script.modulesMax),
     "Modules of an upload. Bundled code has a few; a thousand is a mistake in the rules.", 1,
     100'000},
    {"script.bindings_max", SLOT(script.bindingsMax), "Members of env. The hosted figure.", 0,
     10'000},
    {"script.binding_bytes_max", SLOT(script.bindingBytesMax),
     "Bytes of one text or JSON binding. The hosted figure; bigger data belongs in KV.", 1,
     16 * kMega},
    {"script.errors", SLOT(script.errors),
     "What browsers see of a script's exceptions: \"shown\" with stack and source is for "
     "development only, for it shows code to whoever asks.",
     0, 0, "hidden|shown"},
    {"script.source_root", SLOT(script.sourceRoot),
     "URL of the directory, with a / at its end, that debuggers find the sources of scripts in "
     "(listen.inspect)."},

    {"outbound.allow_networks", SLOT(outbound.allowNetworks),
     "Networks besides the public Internet that scripts may connect to, separated by blanks, as "
     "\"10.1.0.0/16 fd00::/8\". Without it private, link-local and loopback networks, cloud "
     "metadata and this node's own addresses are out of their reach."},

    {"kv.value_bytes_max", SLOT(kv.valueBytesMax),
     "Bytes of a KV value written through the API. At most 25 MiB, the hosted figure.", 1,
     25 * kMega},

    {"cache.block_bytes", SLOT(cache.blockBytes),
     "Bytes of memory for uncompressed database blocks. KV reads that miss it go to the disk.",
     kMega, 1024 * kGiga},

    {"control.body_bytes_max", SLOT(control.bodyBytesMax),
     "Bytes of one control API request: an upload with its encoding around it.", 64 * 1024, kGiga},
    {"control.pending_bytes_max", SLOT(control.pendingBytesMax),
     "Bytes of control API request bodies held at once; over_capacity (503) above it.", kMega,
     64 * kGiga},
    {"control.hostname", SLOT(control.hostname),
     "Hostname that clients may use for the control API. Empty: only localhost and IP addresses, "
     "so "
     "that no website can reach it through a name of its own (DNS rebinding)."},
    {"control.threads", SLOT(control.threads),
     "Threads that check uploads: each takes a core and an isolate meanwhile.", 1, 256},
    {"control.calls_per_second", SLOT(control.callsPerSecond),
     "Control API calls with one token in the long run, ten seconds' worth at once; more are "
     "answered 429. 0: no limit.",
     0, 1'000'000},
    {"control.auth_failures_per_minute", SLOT(control.authFailuresPerMinute),
     "Control API calls from one address, or IPv6 network, with a token that is not known; more "
     "are answered 429 whatever the token. 0: no limit.",
     0, 1'000'000},
    {"control.audit_records_max", SLOT(control.auditRecordsMax),
     "Newest records of the audit log that are kept for a tenant, and as many again of its changes "
     "to KV values. Every node holds them: some 200 bytes each.",
     1, 1'000'000},

    {"replication.log_entries_max", SLOT(replication.logEntriesMax),
     "Entries of the log that are kept for followers; twice as many while one that is connected "
     "needs them. Who is further behind fetches a checkpoint.",
     1, 1'000'000'000},
    {"replication.age_max_ms", SLOT(replication.ageMax),
     "Milliseconds of age of an edge's knowledge above which /readyz says 503. 0: it is ready "
     "however old that is.",
     0, 365 * 24 * kHourMillis},

    {"log.level", SLOT(log.level), "Least severe message that is written.", 0, 0,
     "debug|info|warn|error"},
};

#undef SLOT

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

std::string sectionOf(std::string_view name) {
  const std::size_t dot = name.find('.');
  return dot == std::string_view::npos ? "" : std::string(name.substr(0, dot));
}

std::string valueText(const Slot& slot) {
  struct Text {
    std::string operator()(const std::string* v) const { return quoted(*v); }
    std::string operator()(const std::uint64_t* v) const { return std::to_string(*v); }
    std::string operator()(const std::chrono::milliseconds* v) const {
      return std::to_string(v->count());
    }
    std::string operator()(const std::optional<Address>* v) const {
      return quoted(*v ? (*v)->toString() : "");
    }
  };
  return std::visit(Text{}, slot);
}

bool isNumber(const Slot& slot) {
  return std::holds_alternative<std::uint64_t*>(slot) ||
         std::holds_alternative<std::chrono::milliseconds*>(slot);
}

void appendComment(std::string& out, std::string text) {
  constexpr std::size_t kWidth = 96;
  while (!text.empty()) {
    std::size_t cut = text.size();
    if (cut > kWidth) cut = text.rfind(' ', kWidth);
    out += "# " + text.substr(0, cut) + "\n";
    text.erase(0, std::min(cut + 1, text.size()));
  }
}

void replaceAll(std::string& text, std::string_view what, std::string_view with) {
  for (std::size_t i = text.find(what); i != std::string::npos;
       i = text.find(what, i + with.size())) {
    text.replace(i, what.size(), with);
  }
}

std::string enumText(std::string_view choices) {
  std::string list(choices);
  replaceAll(list, "|", "\", \"");
  return "[\"" + list + "\"]";
}

// One property, without the indentation of its first line.
std::string schemaProperty(const Key& key, Config& defaults) {
  const Slot slot = key.slot(defaults);
  std::string out = "{ \"type\": ";
  if (isNumber(slot)) {
    out += "\"integer\", \"minimum\": " + std::to_string(key.min) +
           ", \"maximum\": " + std::to_string(key.max);
  } else {
    out += "\"string\"";
    if (!key.choices.empty()) out += ", \"enum\": " + enumText(key.choices);
  }
  return out + ", \"default\": " + valueText(slot) + ",\n  \"description\": " + quoted(key.about) +
         " }";
}

// A list of tables, so it is none of the keys above; it stands behind section "listen".
constexpr std::string_view kTlsSchema =
    R"({ "type": "object", "additionalProperties": false, "properties": { "certificates": {
  "type": "array", "items": { "type": "object", "additionalProperties": false,
    "required": ["hosts", "certificate", "key"], "properties": {
      "hosts": { "type": "array", "minItems": 1, "items": { "type": "string" },
        "description": "Hostnames, exact or *.suffix, whose SNI picks this certificate." },
      "certificate": { "type": "string", "description": "PEM file, the leaf first." },
      "key": { "type": "string", "description": "PEM file." } } } } } })";

constexpr std::string_view kCertificatesToml = R"(
# Certificates, each for the hostnames whose SNI picks it; files are PEM, paths relative to this
# file. The first answers clients that send no SNI. TLS 1.2 and 1.3 are spoken.
# [[tls.certificates]]
# hosts = ["example.com", "*.example.com"]
# certificate = "example.com.pem"
# key = "example.com.key"
)";

std::string indented(std::string_view text, std::string_view lineBreak) {
  std::string out(text);
  replaceAll(out, "\n", lineBreak);
  return out;
}

}  // namespace

std::span<const Key> keys() { return kKeys; }

std::string defaultsToml() {
  Config defaults;
  std::string out =
      "# Every key of the configuration of atolld, with its default, unit and reason. A file of "
      "your own\n# needs only what differs. Made from src/config/keys.cc; a test keeps the two "
      "equal.\n";
  std::string section;
  for (const Key& key : kKeys) {
    if (const std::string next = sectionOf(key.name); next != section) {
      if (section == "listen") out += kCertificatesToml;
      section = next;
      out += "\n[" + section + "]\n";
    }
    out += '\n';
    std::string about(key.about);
    const Slot slot = key.slot(defaults);
    if (isNumber(slot)) {
      about += " (" + std::to_string(key.min) + " to " + std::to_string(key.max) + ")";
    } else if (!key.choices.empty()) {
      std::string choices(key.choices);
      replaceAll(choices, "|", ", ");
      about += " (" + choices + ")";
    }
    appendComment(out, about);
    const std::size_t prefix = section.empty() ? 0 : section.size() + 1;
    out += std::string(key.name.substr(prefix)) + " = " + valueText(slot) + "\n";
  }
  return out;
}

std::string configSchema() {
  Config defaults;
  std::string top;
  std::string sections;
  std::string section;
  std::string body;
  const auto closeSection = [&] {
    if (section.empty()) return;
    replaceAll(body, "\n", "\n      ");
    sections += ",\n    \"" + section +
                "\": { \"type\": \"object\", \"additionalProperties\": false, \"properties\": {" +
                body + " } }";
  };
  for (const Key& key : kKeys) {
    const std::string next = sectionOf(key.name);
    if (next != section) {
      closeSection();
      if (section == "listen") {
        sections += ",\n    \"tls\": " + indented(kTlsSchema, "\n    ");
      }
      section = next;
      body.clear();
    }
    if (section.empty()) {
      std::string property = schemaProperty(key, defaults);
      replaceAll(property, "\n", "\n    ");
      top += (top.empty() ? "\n    " : ",\n    ") + quoted(key.name) + ": " + property;
    } else {
      body += (body.empty() ? "\n" : ",\n") + quoted(key.name.substr(section.size() + 1)) + ": " +
              schemaProperty(key, defaults);
    }
  }
  closeSection();
  return "{\n  \"$schema\": \"https://json-schema.org/draft/2020-12/schema\",\n"
         "  \"title\": \"Configuration of atolld\",\n"
         "  \"type\": \"object\",\n  \"additionalProperties\": false,\n  \"properties\": {" +
         top + sections + "\n  }\n}\n";
}

}  // namespace atolld::config
