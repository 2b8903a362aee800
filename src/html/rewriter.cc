#include "html/rewriter.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/check.h"
#include "base/encoding.h"

namespace atolld::html {
namespace {

/// What an open element costs besides its name.
constexpr std::size_t kElementBytes = 128;

bool bitAt(const std::vector<std::uint64_t>& bits, std::size_t from, std::size_t i) {
  return (bits[from + i / 64] >> (i % 64) & 1) != 0;
}

}  // namespace

std::string escapeText(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    if (c == '<') {
      out += "&lt;";
    } else if (c == '>') {
      out += "&gt;";
    } else if (c == '&') {
      out += "&amp;";
    } else {
      out += c;
    }
  }
  return out;
}

// ---- Handlers

Result<> Rewriter::addSelector(std::string_view selector, Wants wants) {
  ATOLL_TRY(SelectorList list, parseSelector(selector));
  Handler handler{.wants = wants};
  for (ComplexSelector& one : list.selectors) {
    bool first = true;
    for (ComplexSelector::Step& step : one.steps) {
      steps_.push_back({std::move(step.compound), step.child, first});
      first = false;
    }
    handler.last.push_back(steps_.size() - 1);
  }
  handlerTable_.push_back(std::move(handler));
  countsTypes_ = countsTypes_ || list.countsTypes;
  words_ = (steps_.size() + 63) / 64;
  return {};
}

void Rewriter::addDocument(Wants wants) {
  handlerTable_.push_back({.document = true, .wants = wants});
}

void Rewriter::collect(bool Wants::* wants) {
  handlers_.clear();
  for (std::size_t i = 0; i < handlerTable_.size(); ++i) {
    const Handler& handler = handlerTable_[i];
    if (handler.wants.*wants && (handler.document || handler.active > 0)) {
      handlers_.push_back(static_cast<std::uint32_t>(i));
    }
  }
}

// ---- Events

Rewriter::Event Rewriter::next() {
  if (open_.empty()) {
    open_.emplace_back();  // The document.
    holds_.resize(words_);
    above_.resize(words_);
  }
  settle();
  for (;;) {
    if (heldBytes() > memoryBytesMax_) return Event::OutOfMemory;
    if (const Maybe event = read()) {
      event_ = *event;
      return event_;
    }
  }
}

Rewriter::Maybe Rewriter::read() {
  if (waiting_) {
    token_ = *std::exchange(waiting_, std::nullopt);
  } else if (!tokenizer_.next(token_)) {
    return tokenizer_.ended() ? readEnd() : Event::NeedsInput;
  }
  if (token_.kind == Token::Kind::Text) {
    inText_ = true;
    lastText_ = false;
    return onPiece(Event::Text, &Wants::text);
  }
  if (std::exchange(inText_, false)) {
    collect(&Wants::text);
    if (!handlers_.empty()) {
      waiting_ = std::exchange(token_, Token{.kind = Token::Kind::Text});
      lastText_ = true;
      edits_ = {};
      return Event::Text;
    }
  }
  switch (token_.kind) {
    case Token::Kind::StartTag:
      return onStartTag();
    case Token::Kind::EndTag:
      return onEndTag(token_);
    case Token::Kind::Comment:
      return onPiece(Event::Comment, &Wants::comments);
    case Token::Kind::Doctype:
      return onPiece(Event::Doctype, &Wants::doctype);
    default:
      emit(token_.raw);
      return std::nullopt;
  }
}

Rewriter::Maybe Rewriter::readEnd() {
  token_ = {};
  edits_ = {};
  if (std::exchange(inText_, false)) {
    collect(&Wants::text);
    lastText_ = true;
    if (!handlers_.empty()) return Event::Text;
  }
  if (!std::exchange(endTold_, true)) {
    hidden_ = 0;
    collect(&Wants::end);
    if (!handlers_.empty()) return Event::End;
  }
  return Event::Finished;
}

Rewriter::Maybe Rewriter::onPiece(Event event, bool Wants::* wants) {
  collect(wants);
  if (handlers_.empty()) {
    emit(token_.raw);
    return std::nullopt;
  }
  edits_ = {};
  return event;
}

Rewriter::Maybe Rewriter::onStartTag() {
  for (std::size_t broken = tree_.countBroken(token_); broken > 0; --broken) closeTop();
  namespace_ = tree_.namespaceFor(token_);
  match();
  handlers_.clear();
  for (const std::uint32_t i : matchedNow_) {
    if (handlerTable_[i].wants.element) handlers_.push_back(i);
  }
  if (!handlers_.empty()) {
    edits_ = {};
    edits_.name = token_.name;
    return Event::Element;
  }
  emit(token_.raw);
  if (tree_.open(token_, tokenizer_)) openElement(nullptr);
  return std::nullopt;
}

Position Rewriter::count() {
  Open& around = open_.back();
  Position position{.ofAll = ++around.children};
  if (!countsTypes_) return position;
  if (!around.types) {
    around.types = std::make_unique<std::unordered_map<std::string, std::uint32_t>>();
  }
  const auto [place, isNew] = around.types->try_emplace(token_.name, 0);
  if (isNew) {
    around.bytes += kElementBytes + token_.name.size();
    keptBytes_ += kElementBytes + token_.name.size();
  }
  position.ofType = ++place->second;
  return position;
}

void Rewriter::match() {
  const Position position = count();
  now_.assign(words_, 0);
  const std::size_t around = (open_.size() - 1) * words_;
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    const Step& step = steps_[i];
    if (!step.first && !bitAt(step.child ? holds_ : above_, around, i - 1)) continue;
    if (step.compound.matches(token_, position)) now_[i / 64] |= std::uint64_t{1} << (i % 64);
  }
  matchedNow_.clear();
  for (std::size_t i = 0; i < handlerTable_.size(); ++i) {
    const bool matched = std::ranges::any_of(
        handlerTable_[i].last, [this](std::size_t last) { return bitAt(now_, 0, last); });
    if (matched) matchedNow_.push_back(static_cast<std::uint32_t>(i));
  }
}

/// The start tag is written; what follows is inside of its element.
void Rewriter::openElement(std::unique_ptr<Ending> ending) {
  Open opened{.matched = matchedNow_, .ending = std::move(ending)};
  for (const std::uint32_t i : opened.matched) ++handlerTable_[i].active;
  if (opened.ending && opened.ending->hidesInner) ++hidden_;
  const std::size_t around = (open_.size() - 1) * words_;
  for (std::size_t i = 0; i < words_; ++i) {
    holds_.push_back(now_[i]);
    above_.push_back(now_[i] | above_[around + i]);
  }
  opened.bytes =
      kElementBytes + token_.name.size() + words_ * 16 + (opened.ending ? opened.ending->bytes : 0);
  keptBytes_ += opened.bytes;
  open_.push_back(std::move(opened));
}

void Rewriter::closeTop() {
  Open& top = open_.back();
  for (const std::uint32_t i : top.matched) --handlerTable_[i].active;
  if (top.ending && top.ending->hidesInner && hidden_ > 0) --hidden_;
  keptBytes_ -= top.bytes;
  open_.pop_back();
  holds_.resize(holds_.size() - words_);
  above_.resize(above_.size() - words_);
  tree_.close(1, tokenizer_);
}

Rewriter::Maybe Rewriter::onEndTag(const Token& tag) {
  edits_ = {};
  edits_.name = tag.name;
  const std::size_t closed = tree_.countClosed(tag.name);
  if (closed == 0) {
    emit(tag.raw);
    return std::nullopt;
  }
  for (std::size_t i = 1; i < closed; ++i) closeTop();
  const Ending* const ending = open_.back().ending.get();
  if (ending != nullptr && !ending->name.empty()) edits_.name = ending->name;
  if (ending == nullptr || ending->id == 0) {
    settleEndTag();
    return std::nullopt;
  }
  endTagId_ = ending->id;
  handlers_.clear();
  return Event::EndTag;
}

// ---- What was changed, written

void Rewriter::settle() {
  switch (std::exchange(event_, Event::NeedsInput)) {
    case Event::Element:
      return settleStartTag();
    case Event::EndTag:
      return settleEndTag();
    case Event::Comment:
    case Event::Text:
    case Event::Doctype:
      return settlePiece();
    case Event::End:
      return emit(edits_.append);
    default:
      return;
  }
}

void Rewriter::settlePiece() {
  emit(edits_.before);
  emit(edits_.replacement);
  if (edits_.hasText) {
    emit("<!--");
    emit(edits_.text);
    emit("-->");
  } else if (!edits_.removed) {
    emit(token_.raw);
  }
  emit(edits_.after);
}

void Rewriter::settleStartTag() {
  emit(edits_.before);
  emit(edits_.replacement);
  if (!edits_.removed) writeTag();
  if (!tree_.open(token_, tokenizer_)) return emit(edits_.after);
  emit(edits_.prepend);
  const bool renamed = edits_.name != token_.name;
  std::unique_ptr<Ending> ending;
  if (renamed || edits_.removed || edits_.hidesInner || !edits_.append.empty() ||
      !edits_.after.empty() || edits_.endTag != 0) {
    ending = std::make_unique<Ending>();
    if (renamed) ending->name = edits_.name;
    ending->removed = edits_.removed;
    ending->hidesInner = edits_.hidesInner;
    ending->append = std::move(edits_.append);
    ending->after = std::move(edits_.after);
    ending->id = edits_.endTag;
    ending->bytes = sizeof(Ending) + sizeOf(ending->append) + sizeOf(ending->after);
  }
  openElement(std::move(ending));
}

void Rewriter::settleEndTag() {
  const std::unique_ptr<Ending> ending = std::move(open_.back().ending);
  const bool hid = ending && ending->hidesInner && hidden_ > 0;
  closeTop();
  if (hid) --hidden_;
  if (ending) emit(ending->append);
  emit(edits_.before);
  emit(edits_.replacement);
  if (!edits_.removed && !(ending && ending->removed)) {
    if (edits_.name == token_.name) {
      emit(token_.raw);
    } else {
      emit("</" + edits_.name + ">");
    }
  }
  emit(edits_.after);
  if (ending) emit(ending->after);
}

void Rewriter::writeTag() {
  if (!edits_.attributes && edits_.name == token_.name) return emit(token_.raw);
  listAttributes();
  std::string tag = "<" + edits_.name;
  for (const EditedAttribute& one : edits_.list) {
    tag += ' ';
    if (!one.raw.empty()) {
      tag += one.raw;
      continue;
    }
    tag += one.name + "=\"";
    for (const char c : one.value) {
      if (c == '"') {
        tag += "&quot;";
      } else {
        tag += c;
      }
    }
    tag += '"';
  }
  emit(tag + (token_.selfClosing ? " />" : ">"));
}

void Rewriter::emit(std::string_view bytes) {
  if (hidden_ > 0 || bytes.empty()) return;
  if (output_.empty() || output_.back().stream != 0) output_.emplace_back();
  output_.back().bytes += bytes;
  outputBytes_ += bytes.size();
}

void Rewriter::emit(std::vector<Content>& contents) {
  for (Content& content : contents) {
    if (content.stream == 0) {
      emit(content.bytes);
    } else if (hidden_ == 0) {
      output_.push_back(std::move(content));
    }
  }
  contents.clear();
}

std::vector<Content> Rewriter::takeOutput() {
  outputBytes_ = 0;
  return std::exchange(output_, {});
}

std::size_t Rewriter::sizeOf(const std::vector<Content>& contents) {
  std::size_t size = 0;
  for (const Content& content : contents) size += sizeof(Content) + content.bytes.size();
  return size;
}

// ---- What handlers do

void Rewriter::listAttributes() {
  if (std::exchange(edits_.attributes, true)) return;
  for (const Attribute& one : token_.attributes) {
    edits_.list.push_back(
        {toLowerAscii(token_.raw.substr(one.begin, one.nameEnd - one.begin)),
         std::string(token_.raw.substr(one.valueBegin, one.valueEnd - one.valueBegin)),
         std::string(token_.raw.substr(one.begin, one.end - one.begin))});
  }
}

bool Rewriter::hasAttribute(std::string_view lowerName) const {
  return attribute(lowerName).has_value();
}

std::optional<std::string_view> Rewriter::attribute(std::string_view lowerName) const {
  if (!edits_.attributes) return findAttribute(token_, lowerName);
  const auto found = std::ranges::find(edits_.list, lowerName, &EditedAttribute::name);
  if (found == edits_.list.end()) return std::nullopt;
  return found->value;
}

std::vector<std::pair<std::string, std::string>> Rewriter::attributes() const {
  std::vector<std::pair<std::string, std::string>> all;
  if (edits_.attributes) {
    for (const EditedAttribute& one : edits_.list) all.emplace_back(one.name, one.value);
    return all;
  }
  for (const Attribute& one : token_.attributes) {
    all.emplace_back(toLowerAscii(token_.raw.substr(one.begin, one.nameEnd - one.begin)),
                     std::string(token_.raw.substr(one.valueBegin, one.valueEnd - one.valueBegin)));
  }
  return all;
}

void Rewriter::setAttribute(std::string_view lowerName, std::string_view value) {
  listAttributes();
  const auto found = std::ranges::find(edits_.list, lowerName, &EditedAttribute::name);
  if (found == edits_.list.end()) {
    edits_.list.push_back({std::string(lowerName), std::string(value), {}});
  } else {
    found->value = value;
    found->raw.clear();
  }
}

void Rewriter::removeAttribute(std::string_view lowerName) {
  if (!hasAttribute(lowerName)) return;
  listAttributes();
  std::erase_if(edits_.list, [&](const EditedAttribute& one) { return one.name == lowerName; });
}

void Rewriter::setTagName(std::string_view name) { edits_.name = name; }

void Rewriter::setCommentText(std::string_view text) {
  edits_.hasText = true;
  edits_.text = text;
}

bool Rewriter::insert(Place place, Content content) {
  const std::size_t size = content.bytes.size() + sizeof(Content);
  const std::size_t pending = sizeOf(edits_.before) + sizeOf(edits_.replacement) +
                              sizeOf(edits_.prepend) + sizeOf(edits_.append) + sizeOf(edits_.after);
  if (pending + heldBytes() + size > memoryBytesMax_) return false;
  const auto atFront = [&](std::vector<Content>& list) {
    list.insert(list.begin(), std::move(content));
  };
  switch (place) {
    case Place::Before:
      edits_.before.push_back(std::move(content));
      break;
    case Place::After:
      atFront(edits_.after);
      break;
    case Place::Prepend:
      atFront(edits_.prepend);
      break;
    case Place::Append:
      edits_.append.push_back(std::move(content));
      break;
    case Place::Replace:
      remove();
      edits_.replacement.clear();
      edits_.replacement.push_back(std::move(content));
      break;
    case Place::Inner:
      edits_.hidesInner = true;
      edits_.append.clear();
      edits_.prepend.clear();
      edits_.prepend.push_back(std::move(content));
      break;
  }
  return true;
}

void Rewriter::remove() {
  edits_.removed = edits_.hidesInner = true;
  edits_.hasText = false;
  edits_.replacement.clear();
  edits_.prepend.clear();
  edits_.append.clear();
}

void Rewriter::removeAndKeepContent() { edits_.removed = true; }

std::uint32_t Rewriter::onEndTag() {
  if (!tree_.hasContent(token_)) return 0;
  if (edits_.endTag == 0) edits_.endTag = ++lastEndTagId_;
  return edits_.endTag;
}

}  // namespace atolld::html
