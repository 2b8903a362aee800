#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace atolld::html {

/// An attribute as it stands in its tag: offsets into Token::raw.
struct Attribute {
  std::uint32_t begin = 0;
  std::uint32_t nameEnd = 0;
  std::uint32_t valueBegin = 0;
  std::uint32_t valueEnd = 0;
  std::uint32_t end = 0;  ///< Behind the closing quote.
};

/// A piece of a document. Whatever the document is, the pieces' raw bytes, joined, are it.
struct Token {
  enum class Kind : std::uint8_t {
    Text,  ///< A part of a text, cut between characters.
    StartTag,
    EndTag,
    Comment,
    Doctype,
    Raw,  ///< Marks around text that are no text: of a CDATA section, or cut off by the end.
  };
  Kind kind = Kind::Raw;
  std::string_view raw;               ///< Valid until the tokenizer's next call.
  std::string_view text;              ///< Of a comment: what it says, within raw.
  std::string name;                   ///< Of a tag, in lower case.
  std::vector<Attribute> attributes;  ///< Of a start tag.
  bool selfClosing = false;
};

/// How text is read after a start tag.
enum class TextMode : std::uint8_t { Data, RawText, Script, PlainText };

/// Splits HTML into tokens as it comes, cut anywhere. Decodes nothing.
/// @spec https://html.spec.whatwg.org/#tokenization
class Tokenizer {
 public:
  void write(std::string_view bytes);
  /// Nothing more will be written.
  void end() { ended_ = true; }

  bool ended() const noexcept { return ended_; }

  /// False if it takes more input to know the next token, or there is none.
  bool next(Token& token);

  /// After a start tag: its text is raw, up to its own end tag.
  void setTextMode(TextMode mode, std::string_view tagName);
  /// Whether "<![CDATA[" begins a CDATA section (in foreign content) or a comment.
  void allowCdata(bool allowed) { cdataAllowed_ = allowed; }
  /// Bytes kept of a token that is not complete.
  std::size_t heldBytes() const noexcept { return buffer_.size() - begin_; }

 private:
  enum class State : std::uint8_t {
    Text,
    Cdata,
    TagName,
    BeforeAttributeName,
    AttributeName,
    AfterAttributeName,
    BeforeValue,
    QuotedValue,
    UnquotedValue,
    AfterQuotedValue,
    Slash,
    Comment,
    BogusComment,
    Doctype,
  };
  /// What stands at a '<' in text.
  enum class Opening : std::uint8_t { Text, Markup, NeedsInput };

  bool readText(Token& token);
  bool emitText(Token& token, std::size_t end);
  Opening open();
  Opening openData();
  Opening openDeclaration();
  Opening openRawEnd();
  Opening openTag(std::size_t nameAt, bool isEnd);
  bool scanScript();
  int matchesAhead(std::size_t at, std::string_view lower, bool delimited) const;
  bool readCdata(Token& token);
  bool readTag(Token& token);
  bool stepTag(char c);
  bool stepAttribute(char c);
  void startAttribute();
  bool readComment(Token& token);
  bool readUntilGreater(Token& token);
  bool emit(Token& token, Token::Kind kind, std::size_t end);
  bool emitRest(Token& token);

  std::string buffer_;
  std::size_t begin_ = 0;  // Of the token.
  std::size_t pos_ = 0;    // Read up to here.
  bool ended_ = false;
  bool cdataAllowed_ = false;
  bool inCdata_ = false;
  State state_ = State::Text;

  TextMode mode_ = TextMode::Data;
  std::string rawName_;  // Whose end tag ends raw text.
  enum class Escape : std::uint8_t { None, Escaped, Double } escape_ = Escape::None;
  std::size_t dashes_ = 0;  // That stand right before pos_.
  bool commentFresh_ = false;
  bool commentBang_ = false;
  std::size_t commentTextAt_ = 0;

  bool isEnd_ = false;
  bool selfClosing_ = false;
  char quote_ = 0;
  std::string name_;
  std::vector<Attribute> attributes_;
};

}  // namespace atolld::html
