#include "telemetry/metrics.h"

#include <doctest/doctest.h>

using namespace atolld::telemetry;

TEST_CASE("a counter of one name and label set is one counter, rendered as Prometheus reads it") {
  counter("atoll_test_total", "Things.", "kind=\"a\"").add(2);
  counter("atoll_test_total", "Things.", "kind=\"a\"").add();
  counter("atoll_test_total", "Things.", "kind=\"b\"").add();
  gauge("atoll_test_level", "A level.", [] { return 1.5; });
  const std::string text = renderMetrics();
  CHECK(text.find("# TYPE atoll_test_total counter\n"
                  "atoll_test_total{kind=\"a\"} 3\n"
                  "atoll_test_total{kind=\"b\"} 1\n") != std::string::npos);
  collector([] { return std::string("atoll_test_collected 7\n"); });
  CHECK(renderMetrics().find("atoll_test_collected 7\n") != std::string::npos);
  CHECK(text.find("# TYPE atoll_test_level gauge\natoll_test_level 1.5\n") != std::string::npos);
}
