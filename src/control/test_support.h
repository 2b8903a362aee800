#pragma once

#include <doctest/doctest.h>
#include <stdlib.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "control/control_handler.h"
#include "store/database.h"
#include "store/tenant_store.h"
#include "telemetry/log.h"

/// For control's tests: the API on a database of its own, called without a socket.
namespace atolld::control::testing {

// The connection's side of one exchange, as a codec would play it: bytes of the body come once they
// are asked for, the sink hears of the end.
class FakeExchange final : public http::Exchange {
 public:
  void setSink(http::ExchangeSink& given) override { sink = &given; }
  void startBody() override { bodyWanted = true; }
  void consumed(std::size_t bytes) override { consumedBytes += bytes; }
  void respond(const http::ResponseHead& given, Bytes bytes) override {
    CHECK_FALSE(answered);
    head = given;
    body = bytes.toString();
    answered = true;
  }
  void respondHead(const http::ResponseHead&) override { FAIL("the API answers in one go"); }
  void write(Bytes) override { FAIL("the API answers in one go"); }
  void end(http::HeaderList) override { FAIL("the API answers in one go"); }
  void abort() override { FAIL("the API does not abort"); }
  std::size_t bufferedBytes() const override { return 0; }

  http::ExchangeSink* sink = nullptr;
  bool bodyWanted = false;
  bool answered = false;
  std::size_t consumedBytes = 0;
  http::ResponseHead head;
  std::string body;
};

struct Reply {
  int status = 0;
  http::HeaderList headers;
  std::string body;
  Json json() const { return Json::parse(body, nullptr, false); }
  std::string code() const { return json().at("error").at("code"); }
};

using Headers = std::vector<std::pair<std::string, std::string>>;

class Api {
 public:
  explicit Api(HandlerOptions options = {}) {
    telemetry::setLogLevel(telemetry::Level::Off);
    std::string name = (std::filesystem::temp_directory_path() / "atoll-control-XXXXXX").string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    path_ = name;
    database_ = store::Database::open({.path = path_ + "/db"}, clock_).value();
    owner =
        store::startTenancy(*database_, clock_, [](const store::NewToken&) { return Result<>(); })
            .value()
            ->secret;
    registry_.emplace(*database_, clock_);
    kv_.emplace(*database_, clock_);
    tokens_.emplace(*database_, clock_);
    tenants_.emplace(*database_, clock_);
    audit_.emplace(*database_);
    handler.emplace(loop,
                    Services{.registry = *registry_,
                             .kv = *kv_,
                             .tokens = *tokens_,
                             .tenants = *tenants_,
                             .audit = *audit_,
                             .tails = tails_,
                             .clock = clock_,
                             .validate = [this](const deploy::Version& v) { return validate(v); },
                             .kvValueBytesMax = 1000,
                             .node = {.version = "1", .httpPort = 8080}},
                    std::move(options));
  }
  ~Api() {
    handler.reset();
    loop.runUntilClosed();
    database_.reset();
    std::filesystem::remove_all(path_);
  }

  std::unique_ptr<http::RequestHead> head(const std::string& method, const std::string& target,
                                          const std::string& secret, const Headers& headers = {}) {
    auto made = std::make_unique<http::RequestHead>();
    made->method = method;
    made->scheme = "http";
    made->authority = "127.0.0.1:9090";
    made->target = target;
    http::ConnectionInfo connection;
    connection.clientAddress = address;
    made->connection = std::make_shared<const http::ConnectionInfo>(std::move(connection));
    if (!secret.empty()) made->headers.add("authorization", "Bearer " + secret);
    for (const auto& [name, value] : headers) made->headers.set(name, value);
    return made;
  }

  Reply run(std::unique_ptr<http::RequestHead> request, const std::string& body) {
    FakeExchange exchange;
    if (!body.empty()) {
      request->body = http::BodyKind::Length;
      request->contentLength = body.size();
    }
    handler->onRequest(exchange, std::move(request));
    while (!exchange.answered && !exchange.bodyWanted) loop.run(true);
    if (!exchange.answered) {
      for (std::size_t at = 0; at < body.size() && !exchange.answered; at += 1000) {
        exchange.sink->onBody(Bytes(body.substr(at, 1000)));
      }
      if (!exchange.answered) exchange.sink->onBodyEnd({});
    }
    while (!exchange.answered) loop.run(true);
    exchange.sink->onClosed({});
    return {exchange.head.status, exchange.head.headers, exchange.body};
  }

  Reply call(const std::string& method, const std::string& path, const std::string& body = {},
             const Headers& headers = {}) {
    return run(head(method, "/api/v1" + path, token.empty() ? owner : token, headers), body);
  }

  Reply upload(const std::string& path, const std::string& code,
               const std::string& metadata = R"({"main_module":"index.js"})") {
    const std::string body =
        "--b\r\nContent-Disposition: form-data; name=\"metadata\"\r\n\r\n" + metadata +
        "\r\n--b\r\nContent-Disposition: form-data; name=\"index.js\"; filename=\"index.js\"\r\n"
        "Content-Type: application/javascript+module\r\n\r\n" +
        code + "\r\n--b--\r\n";
    return call("POST", path, body, {{"content-type", "multipart/form-data; boundary=b"}});
  }

  std::string newToken(const std::string& role, const std::string& more = "") {
    const Reply made =
        call("POST", "/tokens", R"({"name":"t","role":")" + role + "\"" + more + "}");
    REQUIRE(made.status == 201);
    return made.json().at("token");
  }

  // A token of another tenant.
  std::string stranger() {
    (void)tenants_->create("other");
    return tokens_->create("other", store::Role::Owner, "t").value().secret;
  }

  std::uint64_t logIndex() const { return database_->position().index; }

  std::function<Result<>(const deploy::Version&)> validate = [](const deploy::Version&) {
    return Result<>();
  };
  std::string owner;
  std::string address = "192.0.2.7";
  std::string token;  // Used instead of the owner's, if set.
  loop::Loop loop;
  std::optional<ControlHandler> handler;

 private:
  SystemClock clock_;
  std::string path_;
  std::unique_ptr<store::Database> database_;
  std::optional<deploy::Registry> registry_;
  std::optional<store::KvStore> kv_;
  std::optional<store::TokenStore> tokens_;
  std::optional<store::TenantStore> tenants_;
  std::optional<store::AuditLog> audit_;
  telemetry::TailHub tails_;
};

}  // namespace atolld::control::testing
