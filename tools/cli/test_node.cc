// The control API on a loopback port, with a real store and without an engine: what the CLI's tests
// talk to. Prints one line of JSON, runs until its standard input ends.
//
// An upload whose main module holds "SYNTAX ERROR" is refused as the engine would refuse it.
#include <poll.h>
#include <unistd.h>

#include <cstdio>
#include <string>
#include <thread>

#include "control/control_handler.h"
#include "listen/listener.h"
#include "loop/mailbox.h"
#include "loop/signal_watcher.h"
#include "telemetry/log.h"

namespace {

using namespace atolld;

Result<> refuseMarked(const deploy::Version& version) {
  for (const deploy::Module& module : version.modules) {
    if (module.content.view().find("SYNTAX ERROR") != std::string_view::npos) {
      return fail(ErrorCode::Script, module.name + ":1: SyntaxError: Unexpected identifier");
    }
  }
  return {};
}

Result<> serve(const std::string& directory) {
  const SystemClock clock;
  ATOLL_TRY(const auto database, store::Database::open({.path = directory + "/db"}, clock));
  std::string secret;
  ATOLL_TRY(const auto owner,
            store::startTenancy(*database, clock, [&](const store::NewToken& token) {
              secret = token.secret;
              return Result<>();
            }));
  const store::ClusterKey key = store::ClusterKey::random();
  deploy::Registry registry(*database, clock, {}, &key);
  store::KvStore kv(*database, clock);
  store::TokenStore tokens(*database, clock);
  store::TenantStore tenants(*database, clock);
  store::AuditLog audit(*database);
  telemetry::TailHub tails;

  ATOLL_TRY(const loop::SocketAddress address, loop::SocketAddress::parse("127.0.0.1:0"));
  ATOLL_TRY(std::vector<loop::Descriptor> sockets, loop::openListenSockets(address, 1));
  ATOLL_TRY(const loop::SocketAddress bound, loop::localAddress(sockets[0].get()));

  loop::Loop loop;
  control::ControlHandler handler(loop,
                                  {.registry = registry,
                                   .kv = kv,
                                   .tokens = tokens,
                                   .tenants = tenants,
                                   .audit = audit,
                                   .tails = tails,
                                   .clock = clock,
                                   .validate = refuseMarked,
                                   .node = {.version = "test", .httpPort = 8080}},
                                  {});
  auto listener = std::make_unique<listen::Listener>(
      loop, listen::ListenerOptions{.socket = std::move(sockets[0])}, handler);
  ATOLL_TRY_VOID(listener->start());
  std::printf("{\"control\":\"http://%s\",\"token\":\"%s\"}\n", bound.toString().c_str(),
              secret.c_str());
  std::fflush(stdout);

  loop::Mailbox mailbox(loop);
  bool stopping = false;
  std::thread watcher([&] {
    char byte = 0;
    while (read(STDIN_FILENO, &byte, 1) > 0) {
    }
    mailbox.post([&] { stopping = true; });
  });
  while (!stopping) {
    loop.run(true);
    loop.runDeferred();
  }
  watcher.join();
  listener.reset();
  mailbox.close();
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  loop::ignoreBrokenPipes();
  telemetry::setLogLevel(telemetry::Level::Warn);
  const Result<> served = argc == 2 ? serve(argv[1]) : fail(ErrorCode::InvalidArgument, "DIR?");
  if (!served) std::fprintf(stderr, "%s\n", served.error().detail.c_str());
  return served ? 0 : 1;
}
