#include "api_client.h"

#include <curl/curl.h>

#include <cstdlib>
#include <filesystem>
#include <random>

#include "base/encoding.h"
#include "config/config.h"

namespace atolld::cli {
namespace {

constexpr long kConnectTimeoutSeconds = 10;
constexpr long kTimeoutSeconds = 300;
constexpr const char* kDefaultUrl = "http://127.0.0.1:9090";

std::string environment(const char* name) {
  const char* const value = std::getenv(name);
  return value ? value : "";
}

std::string withoutSlash(std::string url) {
  while (url.ends_with('/')) url.pop_back();
  return url;
}

std::string trimmed(std::string text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back()))) text.pop_back();
  std::size_t start = 0;
  while (start < text.size() && std::isspace(static_cast<unsigned char>(text[start]))) ++start;
  return text.substr(start);
}

bool isLoopbackUrl(const std::string& url) {
  for (const char* const prefix : {"http://127.", "http://localhost", "http://[::1]"}) {
    if (url.starts_with(prefix)) return true;
  }
  return false;
}

std::string newBoundary() {
  std::random_device random;
  std::string boundary = "atoll";
  for (int i = 0; i < 4; ++i) boundary += std::to_string(random());
  return boundary;
}

std::size_t onBytes(char* data, std::size_t size, std::size_t count, void* target) noexcept {
  static_cast<std::string*>(target)->append(data, size * count);
  return size * count;
}

std::size_t onHeader(char* data, std::size_t size, std::size_t count, void* target) noexcept {
  const std::string_view line(data, size * count);
  auto& headers = *static_cast<std::map<std::string, std::string>*>(target);
  if (const std::size_t colon = line.find(':'); colon != std::string_view::npos) {
    headers[toLowerAscii(line.substr(0, colon))] = trimmed(std::string(line.substr(colon + 1)));
  }
  return size * count;
}

std::string messageOf(const ApiClient::Response& response) {
  const Json body = Json::parse(response.body, nullptr, /*allow_exceptions=*/false);
  if (body.is_object() && body.contains("error") && body["error"].is_object()) {
    return body["error"].value("message", "the server gave no reason");
  }
  return "the server answered " + std::to_string(response.status) +
         ": is this the control address of an atolld?";
}

}  // namespace

std::string settingsFile() {
  const std::string config = environment("XDG_CONFIG_HOME");
  const std::string home = environment("HOME");
  return (!config.empty() ? config : home + "/.config") + "/atoll/config.json";
}

Endpoint findEndpoint(const Globals& globals) {
  Endpoint kept;
  const std::string path = settingsFile();
  std::error_code ignored;
  if (std::filesystem::exists(path, ignored)) {
    const Json json = Json::parse(readFile(path), nullptr, /*allow_exceptions=*/false);
    if (!json.is_object()) throw CliError(path + " is damaged: run `atoll login` again");
    kept = {withoutSlash(json.value("url", "")), json.value("token", "")};
  }
  Endpoint endpoint;
  endpoint.url = !globals.url.empty()                ? globals.url
                 : !environment("ATOLL_URL").empty() ? environment("ATOLL_URL")
                 : !kept.url.empty()                 ? kept.url
                                                     : kDefaultUrl;
  endpoint.url = withoutSlash(endpoint.url);
  if (!endpoint.url.starts_with("http://") && !endpoint.url.starts_with("https://")) {
    throw CliError("\"" + endpoint.url + "\" is no URL: write http://127.0.0.1:9090", 2);
  }
  endpoint.token = globals.token.empty() ? environment("ATOLL_TOKEN") : globals.token;
  if (endpoint.token.empty() && endpoint.url == kept.url) endpoint.token = kept.token;
  if (endpoint.token.empty() && isLoopbackUrl(endpoint.url)) {
    const std::string file = config::tokenFile(config::defaultDataDir());
    if (std::filesystem::exists(file, ignored)) endpoint.token = trimmed(readFile(file));
  }
  if (endpoint.token.find_first_of("\r\n") != std::string::npos) {
    throw CliError("the token holds a line break", 2);
  }
  return endpoint;
}

struct ApiClient::Curl {
  Curl() : handle(curl_easy_init()) {
    if (!handle) throw CliError("libcurl could not start");
  }
  ~Curl() { curl_easy_cleanup(handle); }
  Curl(const Curl&) = delete;
  Curl& operator=(const Curl&) = delete;
  CURL* handle;
};

ApiClient::ApiClient(Endpoint endpoint) : endpoint_(std::move(endpoint)) {}
ApiClient::~ApiClient() = default;

Json ApiClient::Response::json() const {
  if (body.empty()) return Json();
  Json parsed = Json::parse(body, nullptr, /*allow_exceptions=*/false);
  if (parsed.is_discarded()) {
    throw CliError("the server's answer is no JSON: is this the control address of an atolld?");
  }
  return parsed;
}

Json ApiClient::post(const std::string& path, const Json& body) {
  return send("POST", path, body.dump(), "application/json").json();
}

Json ApiClient::postForm(const std::string& path, const std::vector<UploadPart>& parts) {
  const std::string boundary = newBoundary();
  std::string body;
  for (const UploadPart& part : parts) {
    body += "--" + boundary + "\r\nContent-Disposition: form-data; name=\"" + part.name + "\"";
    if (!part.fileName.empty()) body += "; filename=\"" + part.fileName + "\"";
    if (!part.contentType.empty()) body += "\r\nContent-Type: " + part.contentType;
    body += "\r\n\r\n" + part.content + "\r\n";
  }
  body += "--" + boundary + "--\r\n";
  return send("POST", path, body, "multipart/form-data; boundary=" + boundary).json();
}

ApiClient::Response ApiClient::send(const std::string& method, const std::string& path,
                                    std::string_view body, const std::string& contentType) {
  Response response = trySend(method, path, body, contentType);
  if (response.status < 400) return response;
  std::string message = messageOf(response);
  if (response.status == 401) message += " (run `atoll login`, or set --token or ATOLL_TOKEN)";
  throw CliError(message);
}

ApiClient::Response ApiClient::trySend(const std::string& method, const std::string& path,
                                       std::string_view body, const std::string& contentType) {
  if (!curl_) curl_ = std::make_unique<Curl>();
  CURL* const handle = curl_->handle;
  curl_easy_reset(handle);  // Keeps the connection.
  Response response;
  const std::string url = endpoint_.url + "/api/v1" + path;
  char errorText[CURL_ERROR_SIZE] = "";
  curl_easy_setopt(handle, CURLOPT_URL, url.c_str());
  curl_easy_setopt(handle, CURLOPT_CUSTOMREQUEST, method.c_str());
  curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, errorText);
  curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT, kConnectTimeoutSeconds);
  curl_easy_setopt(handle, CURLOPT_TIMEOUT, kTimeoutSeconds);
  curl_easy_setopt(handle, CURLOPT_USERAGENT, "atoll");
  curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
  if (isLoopbackUrl(endpoint_.url)) curl_easy_setopt(handle, CURLOPT_NOPROXY, "*");
  curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, &onBytes);
  curl_easy_setopt(handle, CURLOPT_WRITEDATA, &response.body);
  curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, &onHeader);
  curl_easy_setopt(handle, CURLOPT_HEADERDATA, &response.headers);

  curl_slist* headers = nullptr;
  const auto addHeader = [&](const std::string& line) {
    headers = curl_slist_append(headers, line.c_str());
  };
  if (!endpoint_.token.empty()) addHeader("Authorization: Bearer " + endpoint_.token);
  if (method != "GET" && method != "DELETE") {
    curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
    curl_easy_setopt(handle, CURLOPT_POSTFIELDS, body.empty() ? "" : body.data());
    addHeader("Content-Type: " +
              (contentType.empty() ? std::string("application/octet-stream") : contentType));
  }
  curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers);
  const CURLcode code = curl_easy_perform(handle);
  curl_slist_free_all(headers);
  if (code != CURLE_OK && response.status == 0) {
    const std::string why = *errorText ? errorText : curl_easy_strerror(code);
    throw CliError("cannot reach " + endpoint_.url + ": " + why +
                   " (is atolld running? --url or ATOLL_URL says where)");
  }
  long status = 0;
  curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
  response.status = static_cast<int>(status);
  return response;
}

}  // namespace atolld::cli
