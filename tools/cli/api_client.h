#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "cli.h"

namespace atolld::cli {

/// Where to send what, and as whom.
struct Endpoint {
  std::string url;    ///< Without a slash at the end.
  std::string token;  ///< May be empty.
};

/// --url and --token, else ATOLL_URL and ATOLL_TOKEN, else what `atoll login` kept, else the node
/// that runs on this machine with its default settings. A kept token goes to the URL it was kept
/// with and nowhere else.
Endpoint findEndpoint(const Globals& globals);
/// ~/.config/atoll/config.json
std::string settingsFile();

/// A module, or any other part of a form.
struct UploadPart {
  std::string name;
  std::string fileName;  ///< Empty: none.
  std::string contentType;
  std::string content;
};

/// The control API. Throws CliError with the server's own message when it refuses, and with what to
/// do when it cannot be reached.
class ApiClient {
 public:
  explicit ApiClient(Endpoint endpoint);
  ~ApiClient();
  ApiClient(const ApiClient&) = delete;
  ApiClient& operator=(const ApiClient&) = delete;

  struct Response {
    int status = 0;
    std::string body;
    std::map<std::string, std::string> headers;  ///< Lower-case names.
    Json json() const;
  };

  /// `path` begins behind /api/v1, already percent-encoded.
  Json get(const std::string& path) { return send("GET", path).json(); }
  Json post(const std::string& path, const Json& body);
  Json postForm(const std::string& path, const std::vector<UploadPart>& parts);
  void remove(const std::string& path) { send("DELETE", path); }
  /// Any answer below 400.
  Response send(const std::string& method, const std::string& path, std::string_view body = {},
                const std::string& contentType = {});
  /// Any answer: the caller looks at the status.
  Response trySend(const std::string& method, const std::string& path, std::string_view body = {},
                   const std::string& contentType = {});

  const Endpoint& endpoint() const noexcept { return endpoint_; }

 private:
  struct Curl;
  Endpoint endpoint_;
  std::unique_ptr<Curl> curl_;
};

}  // namespace atolld::cli
