#include <curl/curl.h>

#include <algorithm>
#include <ctime>
#include <utility>

#include "api_client.h"
#include "base/encoding.h"
#include "commands.h"
#include "tail_watch.h"

namespace atolld::cli {
namespace {

Json filtersOf(const TailOptions& options) {
  Json filters = Json::array();
  if (options.samplingRate < 1) filters.push_back({{"sampling_rate", options.samplingRate}});
  Json outcomes = Json::array();
  for (const std::string& status : options.statuses) {
    if (status == "error") {
      for (const char* const name : {"exception", "exceededCpu", "exceededMemory",
                                     "exceededWallTime", "loadShed", "internalError", "unknown"}) {
        outcomes.push_back(name);
      }
    } else {
      outcomes.push_back(status);
    }
  }
  if (!outcomes.empty()) filters.push_back({{"outcome", std::move(outcomes)}});
  if (!options.methods.empty()) filters.push_back({{"method", options.methods}});
  if (!options.addresses.empty()) filters.push_back({{"client_ip", options.addresses}});
  if (!options.search.empty()) filters.push_back({{"query", options.search}});
  if (!options.version.empty()) filters.push_back({{"scriptVersion", options.version}});
  if (!options.header.empty()) {
    const std::size_t colon = std::min(options.header.find(':'), options.header.size());
    Json header = {{"key", options.header.substr(0, colon)}};
    if (colon < options.header.size()) header["query"] = options.header.substr(colon + 1);
    filters.push_back({{"header", std::move(header)}});
  }
  return filters;
}

std::string timeText(const Json& millis) {
  const std::int64_t value = millis.is_number() ? millis.get<std::int64_t>() : 0;
  const std::time_t seconds = static_cast<std::time_t>(value / 1000);
  std::tm parts{};
  localtime_r(&seconds, &parts);
  char text[16];
  std::strftime(text, sizeof text, "%H:%M:%S", &parts);
  return text;
}

std::string cpuText(const Json& item) {
  const std::int64_t micros = item.value("cpuTimeMicros", std::int64_t{0});
  char text[32];
  std::snprintf(text, sizeof text, "%lld.%lld", static_cast<long long>(micros / 1000),
                static_cast<long long>(micros % 1000 / 100));
  return text;
}

// What scripts print goes to a terminal: nothing in it may command one, C1 controls (U+0080 to
// U+009F) included. The text is valid UTF-8, as JSON is.
std::string printable(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const bool isC1 =
        byte == 0xc2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xa0;
    if (isC1) {
      ++i;
    } else if ((byte >= 0x20 && byte != 0x7f) || byte == '\n' || byte == '\t') {
      out += text[i];
    }
  }
  return out;
}

std::string prettyText(const Json& item) {
  const Json event = item.value("event", Json::object());
  if (event.contains("lost")) return "! " + event.value("message", "") + "\n";
  const Json request = event.value("request", Json::object());
  const Json response = event.value("response", Json::object());
  std::string text = timeText(item.value("eventTimestamp", Json())) + " " +
                     request.value("method", "") + " " + request.value("url", "") + " " +
                     item.value("outcome", "");
  if (response.contains("status")) text += " " + response["status"].dump();
  text += " (" + timesText(item) + ")";
  if (item.contains("node")) text += " @" + item.value("node", "");
  text += "\n";
  for (const Json& log : item.value("logs", Json::array())) {
    text += "  (" + log.value("level", "log") + ")";
    for (const Json& part : log.value("message", Json::array())) {
      text += " " + (part.is_string() ? part.get<std::string>() : part.dump());
    }
    text += "\n";
  }
  if (item.value("truncated", false)) text += "  (more was logged than is shown)\n";
  for (const Json& thrown : item.value("exceptions", Json::array())) {
    const std::string stack = thrown.value("stack", "");
    text +=
        "  x " +
        (stack.empty() ? thrown.value("name", "") + ": " + thrown.value("message", "") : stack) +
        "\n";
  }
  return printable(text);
}

struct Frames {
  const std::function<void(const Json&)>& onItem;
  CURL* handle = nullptr;
  std::string message;
};

std::size_t onFrame(char* bytes, std::size_t, std::size_t count, void* context) noexcept {
  auto& frames = *static_cast<Frames*>(context);
  const curl_ws_frame* const frame = curl_ws_meta(frames.handle);
  if (frame == nullptr || (frame->flags & CURLWS_TEXT) == 0) return count;
  frames.message.append(bytes, count);
  if (frame->bytesleft != 0 || (frame->flags & CURLWS_CONT) != 0) return count;
  const Json item =
      Json::parse(std::exchange(frames.message, {}), nullptr, /*allow_exceptions=*/false);
  if (item.is_object()) frames.onItem(item);
  return count;
}

}  // namespace

std::string timesText(const Json& item) {
  return "cpu " + cpuText(item) + " ms, wall " + item.value("wallTime", Json(0)).dump() + " ms";
}

std::string watchTail(ApiClient& client, const std::string& script, const Json& filters,
                      const std::function<void(const Json&)>& onItem) {
  const Json leave =
      client.post("/scripts/" + percentEncode(script) + "/tails", {{"filters", filters}});
  const std::string url = leave.at("url");
  Frames frames{.onItem = onItem, .handle = curl_easy_init(), .message = {}};
  if (frames.handle == nullptr) throw CliError("libcurl could not start");
  curl_slist* headers = curl_slist_append(nullptr, "Sec-WebSocket-Protocol: trace-v1");
  char errorText[CURL_ERROR_SIZE] = "";
  curl_easy_setopt(frames.handle, CURLOPT_URL, url.c_str());
  curl_easy_setopt(frames.handle, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(frames.handle, CURLOPT_ERRORBUFFER, errorText);
  curl_easy_setopt(frames.handle, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(frames.handle, CURLOPT_PROTOCOLS_STR, "ws,wss");
  curl_easy_setopt(frames.handle, CURLOPT_NOPROXY, "*");
  curl_easy_setopt(frames.handle, CURLOPT_WRITEFUNCTION, &onFrame);
  curl_easy_setopt(frames.handle, CURLOPT_WRITEDATA, &frames);
  const CURLcode code = curl_easy_perform(frames.handle);
  curl_slist_free_all(headers);
  curl_easy_cleanup(frames.handle);
  if (code == CURLE_OK) return "the node has ended it";
  return *errorText ? errorText : curl_easy_strerror(code);
}

void tail(const Globals& globals, const TailOptions& options) {
  const std::string script = requireScript(options.script);
  ApiClient client(findEndpoint(globals));
  std::fprintf(stderr, "Watching %s; Ctrl-C ends it.\n", script.c_str());
  const auto show = [&globals](const Json& item) {
    const std::string text = globals.json
                                 ? item.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n"
                                 : prettyText(item);
    std::fwrite(text.data(), 1, text.size(), stdout);
    std::fflush(stdout);
  };
  throw CliError("the tail is over: " + watchTail(client, script, filtersOf(options), show));
}

}  // namespace atolld::cli
