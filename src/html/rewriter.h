#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/result.h"
#include "html/selector.h"
#include "html/tokenizer.h"
#include "html/tree.h"

namespace atolld::html {

/// What a handler puts into the document: bytes, or a stream that whoever drives the rewriter knows
/// by a number.
struct Content {
  std::string bytes;
  std::uint32_t stream = 0;  ///< Not 0: in place of bytes.
};

/// Text as HTML that means it.
std::string escapeText(std::string_view text);

/// Rewrites an HTML document as it streams by. next() stops wherever a handler wants to see
/// something; what is changed then is written with the next call. Everything else comes out as the
/// bytes that came in.
class Rewriter {
 public:
  /// What a handler is called for.
  struct Wants {
    bool element = false;
    bool comments = false;
    bool text = false;
    bool doctype = false;
    bool end = false;
  };
  enum class Event : std::uint8_t {
    NeedsInput,
    Element,
    EndTag,
    Comment,
    Text,
    Doctype,
    End,
    Finished,
    OutOfMemory,
  };

  /// For handlers' changes, the open elements and the token being read together.
  explicit Rewriter(std::size_t memoryBytesMax) : memoryBytesMax_(memoryBytesMax) {}

  /// Handlers are numbered from 0, in the order of these calls; before the first write().
  /// @error InvalidArgument  the selector
  Result<> addSelector(std::string_view selector, Wants wants);
  void addDocument(Wants wants);

  void write(std::string_view bytes) { tokenizer_.write(bytes); }
  void end() { tokenizer_.end(); }
  /// Goes on to the next event. After NeedsInput: write() or end(). Finished is the last.
  Event next();

  /// What came out so far, in order; the caller takes it.
  std::vector<Content> takeOutput();
  std::size_t outputBytes() const noexcept { return outputBytes_; }
  /// Bytes kept, not counting the output.
  std::size_t heldBytes() const noexcept { return tokenizer_.heldBytes() + keptBytes_; }

  // ---- the token of the event, until next() ----

  /// The handlers that want it, in order.
  std::span<const std::uint32_t> handlers() const noexcept { return handlers_; }
  const Token& token() const noexcept { return token_; }
  /// A text's last piece, which is empty.
  bool lastInTextNode() const noexcept { return lastText_; }
  const std::string& tagName() const noexcept { return edits_.name; }
  Namespace tagNamespace() const noexcept { return namespace_; }
  bool removed() const noexcept { return edits_.removed; }
  /// What onEndTag() gave for the element that ends.
  std::uint32_t endTagId() const noexcept { return endTagId_; }
  std::string_view commentText() const noexcept {
    return edits_.hasText ? std::string_view(edits_.text) : token_.text;
  }

  bool hasAttribute(std::string_view lowerName) const;
  std::optional<std::string_view> attribute(std::string_view lowerName) const;
  /// Name and value of each, in order.
  std::vector<std::pair<std::string, std::string>> attributes() const;
  void setAttribute(std::string_view lowerName, std::string_view value);
  void removeAttribute(std::string_view lowerName);

  void setTagName(std::string_view name);
  void setCommentText(std::string_view text);
  enum class Place : std::uint8_t { Before, After, Prepend, Append, Replace, Inner };
  /// False if there is no memory left for it.
  bool insert(Place place, Content content);
  void remove();
  void removeAndKeepContent();
  /// Asks for an EndTag event; 0 if the element has no end tag.
  std::uint32_t onEndTag();

 private:
  struct Handler {
    bool document = false;
    Wants wants;
    std::vector<std::size_t> last;  ///< The last step of each of its selectors.
    std::size_t active = 0;         ///< Open elements it matched.
  };
  struct Step {
    Compound compound;
    bool child = false;
    bool first = false;
  };
  struct EditedAttribute {
    std::string name;
    std::string value;
    std::string raw;  ///< As it stood, while nobody changed it.
  };
  /// What the handlers did to the token.
  struct Edits {
    bool removed = false;     ///< The token itself.
    bool hidesInner = false;  ///< And what is inside of the element.
    bool attributes = false;  ///< The tag must be written anew.
    bool hasText = false;
    std::string name;
    std::string text;
    std::vector<Content> before, replacement, prepend, append, after;
    std::vector<EditedAttribute> list;
    std::uint32_t endTag = 0;
  };
  /// What an open element's end tag brings.
  struct Ending {
    std::string name;  ///< Empty: as it stands.
    bool removed = false;
    bool hidesInner = false;
    std::vector<Content> append, after;
    std::uint32_t id = 0;
    std::size_t bytes = 0;
  };
  /// The matches of an open element: which handlers are in force inside, which steps hold.
  struct Open {
    std::vector<std::uint32_t> matched;
    std::unique_ptr<Ending> ending;
    std::uint32_t children = 0;
    std::unique_ptr<std::unordered_map<std::string, std::uint32_t>> types;
    std::size_t bytes = 0;
  };

  /// Nothing: go on.
  using Maybe = std::optional<Event>;
  Maybe read();
  Maybe readEnd();
  Maybe onStartTag();
  Maybe onEndTag(const Token& tag);
  Maybe onPiece(Event event, bool Wants::* wants);
  void collect(bool Wants::* wants);
  void match();
  Position count();
  void settle();
  void settleStartTag();
  void settlePiece();
  void settleEndTag();
  void writeTag();
  void openElement(std::unique_ptr<Ending> ending);
  void closeTop();
  void emit(std::string_view bytes);
  void emit(std::vector<Content>& contents);
  static std::size_t sizeOf(const std::vector<Content>& contents);
  void listAttributes();

  const std::size_t memoryBytesMax_;
  Tokenizer tokenizer_;
  Tree tree_;
  std::vector<Handler> handlerTable_;
  std::vector<Step> steps_;
  std::size_t words_ = 0;             // Of 64 steps.
  std::vector<std::uint64_t> holds_;  // For each open element: steps that hold for it …
  std::vector<std::uint64_t> above_;  // … and for it or an element around it.
  std::vector<std::uint64_t> now_;    // Of the tag being matched.
  bool countsTypes_ = false;
  std::vector<Open> open_;  // Parallel to the tree's; the first is the document.

  Event event_ = Event::NeedsInput;
  Token token_;
  Edits edits_;
  Namespace namespace_ = Namespace::Html;
  std::vector<std::uint32_t> handlers_;
  std::vector<std::uint32_t> matchedNow_;
  std::uint32_t endTagId_ = 0;
  std::uint32_t lastEndTagId_ = 0;
  bool inText_ = false;
  bool lastText_ = false;
  std::optional<Token> waiting_;  // Was read, and the text before it had to end first.
  bool endTold_ = false;
  std::size_t hidden_ = 0;  // Open elements whose inside is dropped.
  std::size_t keptBytes_ = 0;
  std::vector<Content> output_;
  std::size_t outputBytes_ = 0;
};

}  // namespace atolld::html
