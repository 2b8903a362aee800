/// webapi_bench [SECONDS]: what one request costs inside an isolate, without any network:
/// nanoseconds a slice of the commonest handlers, hot.
#include <time.h>

#include <cstdio>
#include <string>

#include "webapi/test_script.h"

namespace atolld::webapi {
namespace {

struct Case {
  const char* name;
  const char* source;
  bool post = false;
};

constexpr Case kCases[] = {
    {"hello, sync", "export default { fetch() { return new Response('Hello World'); } };"},
    {"hello, async", "export default { async fetch() { return new Response('Hello World'); } };"},
    {"hello, headers",
     "export default { fetch() { return new Response('Hello World', { headers: "
     "{ 'content-type': 'text/html', 'x-powered-by': 'atoll' } }); } };"},
    {"route by url",
     "export default { fetch(request) { return new Response(request.method + request.url); } };"},
    {"json echo",
     "export default { async fetch(request) { return Response.json(await request.json()); } };",
     true},
    {"body handed back", "export default { fetch(r) { return new Response(r.body); } };", true},
};

double cpuNanos() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

void measure(const Case& c, double seconds) {
  TestScript script(c.source);
  const std::string json = "{\"name\":\"" + std::string(1000, 'x') + "\"}";
  host::Outbox outbox;
  std::size_t slices = 0;
  double spent = 0;
  while (spent < seconds * 1e9) {
    constexpr std::size_t kBatch = 1000;
    std::vector<host::FetchEvent> requests;
    for (std::size_t i = 0; i < kBatch; ++i) {
      requests.push_back(c.post ? script.post(json, "application/json") : script.request("/path"));
    }
    const double start = cpuNanos();
    for (host::FetchEvent& request : requests) {
      host::Event event(std::move(request));
      outbox.clear();
      ATOLL_CHECK(script.isolate().run({&event, 1}, outbox).has_value());
      ATOLL_CHECK(outbox.size() == 2);
    }
    spent += cpuNanos() - start;
    slices += kBatch;
  }
  std::printf("%-20s %7.0f ns\n", c.name, spent / static_cast<double>(slices));
}

}  // namespace
}  // namespace atolld::webapi

int main(int argc, char** argv) {
  const double seconds = argc > 1 ? std::stod(argv[1]) : 0.5;
  for (const auto& c : atolld::webapi::kCases) atolld::webapi::measure(c, seconds);
}
