#include "html/tokenizer.h"

#include <algorithm>
#include <utility>

#include "base/encoding.h"

namespace atolld::html {
namespace {

bool isSpace(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\f' || c == '\r'; }
bool isLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

/// How many bytes at the end of `text` begin a UTF-8 character that is not complete.
std::size_t openBytes(std::string_view text) {
  for (std::size_t back = 1; back <= std::min<std::size_t>(3, text.size()); ++back) {
    const auto byte = static_cast<unsigned char>(text[text.size() - back]);
    if ((byte & 0xC0) == 0x80) continue;
    const std::size_t length = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC0 ? 2 : 1;
    return length > back ? back : 0;
  }
  return 0;
}

}  // namespace

void Tokenizer::write(std::string_view bytes) {
  if (begin_ > 0) {
    buffer_.erase(0, begin_);
    pos_ -= begin_;
    commentTextAt_ -= std::min(commentTextAt_, begin_);
    begin_ = 0;
  }
  buffer_ += bytes;
}

void Tokenizer::setTextMode(TextMode mode, std::string_view tagName) {
  mode_ = mode;
  rawName_ = tagName;
  escape_ = Escape::None;
  dashes_ = 0;
}

bool Tokenizer::next(Token& token) {
  for (;;) {
    switch (state_) {
      case State::Text:
        if (readText(token)) return true;
        if (state_ == State::Text) return false;
        break;
      case State::Cdata:
        return readCdata(token);
      case State::Comment:
        return readComment(token);
      case State::BogusComment:
      case State::Doctype:
        return readUntilGreater(token);
      default:
        return readTag(token);
    }
  }
}

bool Tokenizer::emit(Token& token, Token::Kind kind, std::size_t end) {
  token.kind = kind;
  token.raw = std::string_view(buffer_).substr(begin_, end - begin_);
  token.text = {};
  begin_ = pos_ = end;
  return true;
}

/// The document ended inside of a token, which is none then.
bool Tokenizer::emitRest(Token& token) {
  if (!ended_ || begin_ == buffer_.size()) return false;
  state_ = State::Text;
  return emit(token, Token::Kind::Raw, buffer_.size());
}

// ---- Text

bool Tokenizer::emitText(Token& token, std::size_t end) {
  if (!ended_ && end == buffer_.size()) {
    end -= openBytes(std::string_view(buffer_).substr(begin_, end - begin_));
  }
  if (end == begin_) return false;
  const std::size_t readTo = pos_;
  emit(token, Token::Kind::Text, end);
  pos_ = std::max(readTo, end);
  return true;
}

/// A piece of text; or false, and then a state that reads markup, or no input is left.
bool Tokenizer::readText(Token& token) {
  if (mode_ == TextMode::PlainText) {
    pos_ = buffer_.size();
    return emitText(token, pos_);
  }
  for (;;) {
    const bool found =
        mode_ == TextMode::Script && escape_ != Escape::None
            ? scanScript()
            : (pos_ = std::min(buffer_.find('<', pos_), buffer_.size())) < buffer_.size();
    if (!found) return emitText(token, pos_);
    const std::size_t at = pos_;
    const Opening opening = open();
    if (opening == Opening::Text) {
      pos_ = std::max(pos_, at + 1);
      continue;
    }
    if (at > begin_) {
      // The text before it first. What was found is looked at again.
      state_ = State::Text;
      pos_ = at;
      return emitText(token, at);
    }
    return false;
  }
}

Tokenizer::Opening Tokenizer::open() {
  if (mode_ == TextMode::Data) return openData();
  return openRawEnd();
}

Tokenizer::Opening Tokenizer::openData() {
  const std::size_t left = buffer_.size() - pos_;
  if (left < 2) return ended_ ? Opening::Text : Opening::NeedsInput;
  const char c = buffer_[pos_ + 1];
  if (isLetter(c)) return openTag(pos_ + 1, false);
  if (c == '!') return openDeclaration();
  if (c == '?') {
    state_ = State::BogusComment;
    commentTextAt_ = pos_ + 1;
    return Opening::Markup;
  }
  if (c != '/') return Opening::Text;
  if (left < 3) return ended_ ? Opening::Text : Opening::NeedsInput;
  const char d = buffer_[pos_ + 2];
  if (isLetter(d)) return openTag(pos_ + 2, true);
  state_ = State::BogusComment;
  commentTextAt_ = pos_ + 2;
  return Opening::Markup;
}

/// 1 if `lower` stands there in any case (followed by what may follow a tag's name, if
/// `delimited`), 0 if not, -1 if it takes more input to tell.
int Tokenizer::matchesAhead(std::size_t at, std::string_view lower, bool delimited) const {
  const std::string_view there = std::string_view(buffer_).substr(at, lower.size());
  if (!equalsIgnoringCase(there, lower.substr(0, there.size()))) return 0;
  if (there.size() < lower.size()) return ended_ ? 0 : -1;
  if (!delimited) return 1;
  const std::size_t next = at + lower.size();
  if (next == buffer_.size()) return ended_ ? 0 : -1;
  const char c = buffer_[next];
  return isSpace(c) || c == '/' || c == '>' ? 1 : 0;
}

Tokenizer::Opening Tokenizer::openDeclaration() {
  const std::size_t at = pos_ + 2;
  const auto commentAt = [this](State state, std::size_t textAt) {
    state_ = state;
    commentTextAt_ = textAt;
    dashes_ = 0;
    commentFresh_ = true;
    commentBang_ = false;
    return Opening::Markup;
  };
  const int dashes = matchesAhead(at, "--", false);
  const int doctype = matchesAhead(at, "doctype", false);
  const int cdata = cdataAllowed_ ? matchesAhead(at, "[cdata[", false) : 0;
  if (dashes < 0 || doctype < 0 || cdata < 0) return Opening::NeedsInput;
  if (dashes > 0) {
    const Opening opening = commentAt(State::Comment, at + 2);
    pos_ = at + 2;
    return opening;
  }
  if (doctype > 0) return commentAt(State::Doctype, at + 7);
  if (cdata > 0 && buffer_.compare(at, 7, "[CDATA[") == 0) {
    state_ = State::Cdata;
    inCdata_ = false;
    return Opening::Markup;
  }
  return commentAt(State::BogusComment, at);
}

/// In raw text only the end tag of the element it is in is markup.
Tokenizer::Opening Tokenizer::openRawEnd() {
  const auto verdict = [](int matches) {
    return matches < 0 ? Opening::NeedsInput : matches > 0 ? Opening::Markup : Opening::Text;
  };
  if (mode_ == TextMode::Script) {
    if (escape_ == Escape::None) {
      const int opens = matchesAhead(pos_, "<!--", false);
      if (opens < 0) return Opening::NeedsInput;
      if (opens > 0) {
        escape_ = Escape::Escaped;
        dashes_ = 2;
        pos_ += 4;
        return Opening::Text;
      }
    } else {
      // "<script" in an escaped script makes that a script inside of it, whose end tag is text.
      const std::string_view turn = escape_ == Escape::Escaped ? "<script" : "</script";
      const int turns = matchesAhead(pos_, turn, true);
      if (turns < 0) return Opening::NeedsInput;
      if (turns > 0) {
        escape_ = escape_ == Escape::Escaped ? Escape::Double : Escape::Escaped;
        dashes_ = 0;
        pos_ += turn.size();
        return Opening::Text;
      }
      if (escape_ == Escape::Double) return Opening::Text;
    }
  }
  const Opening found = verdict(matchesAhead(pos_, "</" + rawName_, true));
  return found == Opening::Markup ? openTag(pos_ + 2, true) : found;
}

/// To the next '<' of an escaped script; "-->" ends the escape on the way.
bool Tokenizer::scanScript() {
  for (; pos_ < buffer_.size(); ++pos_) {
    const char c = buffer_[pos_];
    if (c == '<') {
      dashes_ = 0;
      return true;
    }
    if (c == '-') {
      ++dashes_;
    } else {
      if (c == '>' && dashes_ >= 2) {
        escape_ = Escape::None;
        dashes_ = 0;
        pos_ = std::min(buffer_.find('<', pos_), buffer_.size());
        return pos_ < buffer_.size();
      }
      dashes_ = 0;
    }
  }
  return false;
}

bool Tokenizer::readCdata(Token& token) {
  constexpr std::string_view kOpen = "<![CDATA[", kClose = "]]>";
  if (!inCdata_) {
    inCdata_ = true;
    return emit(token, Token::Kind::Raw, begin_ + kOpen.size());
  }
  const std::size_t close = buffer_.find(kClose, begin_);
  if (close == begin_) {
    state_ = State::Text;
    return emit(token, Token::Kind::Raw, begin_ + kClose.size());
  }
  std::size_t end = close;
  if (close == std::string::npos) {
    end = buffer_.size();
    if (!ended_) end -= std::min(end - begin_, kClose.size() - 1);
    // What is left behind never begins in the middle of a character.
    while (end > begin_ && end < buffer_.size() && (buffer_[end] & 0xC0) == 0x80) --end;
  }
  pos_ = end;
  return emitText(token, end);
}

// ---- Tags

Tokenizer::Opening Tokenizer::openTag(std::size_t nameAt, bool isEnd) {
  isEnd_ = isEnd;
  selfClosing_ = false;
  name_.clear();
  attributes_.clear();
  state_ = State::TagName;
  pos_ = nameAt;
  return Opening::Markup;
}

bool Tokenizer::readTag(Token& token) {
  for (; pos_ < buffer_.size(); ++pos_) {
    if (!stepTag(buffer_[pos_])) continue;
    state_ = State::Text;
    if (isEnd_) mode_ = TextMode::Data;
    token.name = name_;
    std::swap(token.attributes, attributes_);
    token.selfClosing = selfClosing_;
    return emit(token, isEnd_ ? Token::Kind::EndTag : Token::Kind::StartTag, pos_ + 1);
  }
  return emitRest(token);
}

void Tokenizer::startAttribute() {
  const auto at = static_cast<std::uint32_t>(pos_ - begin_);
  attributes_.push_back({at, at, at, at, at});
  state_ = State::AttributeName;
}

/// True with the tag's last character.
bool Tokenizer::stepTag(char c) {
  switch (state_) {
    case State::TagName:
      if (isSpace(c)) {
        state_ = State::BeforeAttributeName;
      } else if (c == '/') {
        state_ = State::Slash;
      } else if (c == '>') {
        return true;
      } else {
        name_ += toLowerAscii(c);
      }
      return false;
    case State::Slash:
      if (c == '>') {
        selfClosing_ = true;
        return true;
      }
      [[fallthrough]];
    case State::AfterQuotedValue:
    case State::BeforeAttributeName:
      if (c == '>') return true;
      if (isSpace(c)) {
        state_ = State::BeforeAttributeName;
      } else if (c == '/') {
        state_ = State::Slash;
      } else {
        startAttribute();  // Even at '=', which then is its name's first character.
      }
      return false;
    default:
      return stepAttribute(c);
  }
}

/// The same, in an attribute.
bool Tokenizer::stepAttribute(char c) {
  const auto at = static_cast<std::uint32_t>(pos_ - begin_);
  switch (state_) {
    case State::AttributeName:
      if (!isSpace(c) && c != '/' && c != '>' && (c != '=' || at == attributes_.back().begin)) {
        return false;
      }
      [[fallthrough]];
    case State::AfterAttributeName: {
      Attribute& attribute = attributes_.back();
      if (state_ == State::AttributeName) {
        attribute.nameEnd = attribute.valueBegin = attribute.valueEnd = attribute.end = at;
      }
      state_ = State::AfterAttributeName;
      if (c == '>') return true;
      if (c == '=') {
        state_ = State::BeforeValue;
      } else if (c == '/') {
        state_ = State::Slash;
      } else if (!isSpace(c)) {
        startAttribute();
      }
      return false;
    }
    case State::BeforeValue: {
      if (isSpace(c)) return false;
      Attribute& attribute = attributes_.back();
      if (c == '>') {
        attribute.valueBegin = attribute.valueEnd = attribute.end = at;
        return true;
      }
      const bool quoted = c == '"' || c == '\'';
      quote_ = c;
      attribute.valueBegin = at + (quoted ? 1 : 0);
      state_ = quoted ? State::QuotedValue : State::UnquotedValue;
      return false;
    }
    case State::QuotedValue:
      if (c != quote_) return false;
      attributes_.back().valueEnd = at;
      attributes_.back().end = at + 1;
      state_ = State::AfterQuotedValue;
      return false;
    case State::UnquotedValue:
      if (!isSpace(c) && c != '>') return false;
      attributes_.back().valueEnd = attributes_.back().end = at;
      state_ = State::BeforeAttributeName;
      return c == '>';
    default:
      return false;
  }
}

// ---- Comments

bool Tokenizer::readComment(Token& token) {
  for (; pos_ < buffer_.size(); ++pos_) {
    const char c = buffer_[pos_];
    if (c == '>' && (dashes_ >= 2 || commentFresh_ || commentBang_)) {
      const std::size_t tail = commentBang_ ? 3 : std::min<std::size_t>(dashes_, 2);
      const std::size_t textAt = commentTextAt_ - begin_;
      const std::size_t textEnd = std::max(textAt, pos_ - tail - begin_);
      state_ = State::Text;
      emit(token, Token::Kind::Comment, pos_ + 1);
      token.text = token.raw.substr(textAt, textEnd - textAt);
      return true;
    }
    if (c == '-') {
      dashes_ = commentBang_ ? 1 : dashes_ + 1;
      commentBang_ = false;
      continue;
    }
    commentBang_ = c == '!' && dashes_ >= 2;
    commentFresh_ = false;
    dashes_ = 0;
  }
  return emitRest(token);
}

bool Tokenizer::readUntilGreater(Token& token) {
  const std::size_t end = buffer_.find('>', pos_);
  if (end == std::string::npos) {
    pos_ = buffer_.size();
    return emitRest(token);
  }
  const std::size_t textAt = commentTextAt_ - begin_;
  const bool doctype = state_ == State::Doctype;
  state_ = State::Text;
  emit(token, doctype ? Token::Kind::Doctype : Token::Kind::Comment, end + 1);
  const std::size_t size = token.raw.size() - 1;
  token.text = textAt < size ? token.raw.substr(textAt, size - textAt) : std::string_view();
  return true;
}

}  // namespace atolld::html
