#include "control/whole_answer.h"

#include <utility>

namespace atolld::control {
namespace {

class IgnoringSink final : public http::ExchangeSink {
 public:
  void onBody(Bytes) override {}
  void onBodyEnd(http::HeaderList) override {}
  void onDrained() override {}
  void onClosed(const Result<>&) override {}
};

}  // namespace

void answerWhole(http::Exchange& exchange, int status, std::string_view contentType,
                 std::string text) {
  static IgnoringSink sink;
  exchange.setSink(sink);
  http::ResponseHead head;
  head.status = status;
  head.headers.add("content-type", contentType);
  if (status == 405) head.headers.add("allow", "GET, HEAD");
  exchange.respond(head, Bytes(std::move(text)));
}

}  // namespace atolld::control
