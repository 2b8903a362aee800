// HTML rewriting: a document that no handler changes comes out as it went in, however it is cut,
// and the same handlers see the same things.

#include <algorithm>
#include <string>

#include "base/check.h"
#include "fuzz.h"
#include "html/rewriter.h"

namespace {

using namespace atolld;
using namespace atolld::html;
using Event = Rewriter::Event;

constexpr std::size_t kMemoryBytesMax = 64 * 1024;

struct Outcome {
  std::string output;
  std::string log;  // Texts joined: where they are cut is not theirs to say.
};

Outcome run(const std::vector<std::string_view>& pieces, std::string_view selector, bool edits) {
  Rewriter rewriter(kMemoryBytesMax);
  const Rewriter::Wants all{.element = true, .comments = true, .text = true};
  if (!rewriter.addSelector(selector, all)) (void)rewriter.addSelector("*", all);
  rewriter.addDocument({.comments = true, .doctype = true, .end = true});
  Outcome outcome;
  std::size_t next = 0;
  for (;;) {
    const Event event = rewriter.next();
    for (const Content& content : rewriter.takeOutput()) outcome.output += content.bytes;
    switch (event) {
      case Event::NeedsInput:
        if (next < pieces.size()) {
          rewriter.write(pieces[next++]);
        } else {
          rewriter.end();
        }
        break;
      case Event::Finished:
      case Event::OutOfMemory:
        return outcome;
      case Event::Text:
        if (!rewriter.lastInTextNode()) outcome.log += rewriter.token().raw;
        break;
      case Event::Element:
        outcome.log += "<" + rewriter.tagName();
        for (const auto& [name, value] : rewriter.attributes()) outcome.log += name + value;
        (void)rewriter.onEndTag();
        if (edits) {
          rewriter.setAttribute("x", "y");
          (void)rewriter.insert(Rewriter::Place::Append, {"[]"});
          if (outcome.log.size() % 3 == 0) rewriter.remove();
        }
        break;
      default:
        outcome.log += static_cast<char>('0' + static_cast<int>(event));
        break;
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input = fuzz::asText(data, size);
  const std::uint8_t mode = fuzz::takeByte(input);
  const std::size_t line = std::min(input.find('\n'), input.size());
  const std::string_view selector = input.substr(0, line);
  const std::string_view page = input.substr(std::min(line + 1, input.size()));
  const Outcome whole = run({page}, selector, false);
  ATOLL_CHECK(whole.output == page);
  for (const std::uint32_t seed : {0u, std::uint32_t{mode}}) {
    const Outcome cut = run(fuzz::split(page, seed), selector, false);
    ATOLL_CHECK(cut.output == page && cut.log == whole.log);
  }
  (void)run(fuzz::split(page, mode), selector, true);
  return 0;
}
