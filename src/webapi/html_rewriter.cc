// Natives of isolates/web/html_rewriter.js: rewriters by number, and the token each is at.

#include "html/rewriter.h"

#include <array>

#include "base/encoding.h"
#include "webapi/bytes.h"
#include "webapi/effects.h"
#include "webapi/natives.h"

namespace atolld::webapi {
namespace {

using Info = v8::FunctionCallbackInfo<v8::Value>;
using html::Rewriter;

/// What lol-html's callers on Workers have; and for all rewriters of an isolate together.
constexpr std::size_t kMemoryBytesMax = 3 * 1024 * 1024;
constexpr std::size_t kRewritersMax = 64;

/// Bits of htmlOn's and htmlOnDocument's last argument; html_rewriter.js has the same.
constexpr std::uint64_t kElement = 1, kComments = 2, kText = 4, kDoctype = 8, kEnd = 16;

Rewriter::Wants wantsOf(std::uint64_t bits) {
  return {.element = (bits & kElement) != 0,
          .comments = (bits & kComments) != 0,
          .text = (bits & kText) != 0,
          .doctype = (bits & kDoctype) != 0,
          .end = (bits & kEnd) != 0};
}

/// Null if it is over, or a script has bent whatever calls us.
Rewriter* find(const NativeCall& call) {
  const auto& all = call.state().htmlRewriters;
  const auto id = call.id(0);
  const auto found = id ? all.find(*id) : all.end();
  return found == all.end() ? nullptr : static_cast<Rewriter*>(found->second.get());
}

void setText(const Info& info, std::string_view utf8) {
  v8::Local<v8::String> text;
  if (stringOfUtf8(info.GetIsolate(), utf8).ToLocal(&text)) info.GetReturnValue().Set(text);
}

/// htmlOpen() -> id
void htmlOpen(const Info& info) noexcept {
  NativeCall call(info);
  GuestState& state = call.state();
  if (state.htmlRewriters.size() >= kRewritersMax) {
    return call.refuse("HTMLRewriter: too many responses are being transformed at once.");
  }
  state.htmlRewriters.emplace(++state.lastHtmlRewriter,
                              std::make_shared<Rewriter>(kMemoryBytesMax));
  info.GetReturnValue().Set(state.lastHtmlRewriter);
}

/// htmlClose(id)
void htmlClose(const Info& info) noexcept {
  NativeCall call(info);
  if (const auto id = call.id(0)) call.state().htmlRewriters.erase(*id);
}

/// htmlOn(id, selector, bits) -> undefined, or what is wrong
void htmlOn(const Info& info) noexcept {
  NativeCall call(info);
  Rewriter* const rewriter = find(call);
  if (rewriter == nullptr) return;
  const Result<> added = rewriter->addSelector(call.utf8(1), wantsOf(call.whole(2)));
  if (!added) setText(info, added.error().detail);
}

/// htmlOnDocument(id, bits)
void htmlOnDocument(const Info& info) noexcept {
  NativeCall call(info);
  if (Rewriter* const rewriter = find(call)) rewriter->addDocument(wantsOf(call.whole(1)));
}

/// htmlCheckSelector(selector) -> undefined, or what is wrong
void htmlCheckSelector(const Info& info) noexcept {
  NativeCall call(info);
  const auto parsed = html::parseSelector(call.utf8(0));
  if (!parsed) setText(info, parsed.error().detail);
}

/// htmlWrite(id, bytes)
void htmlWrite(const Info& info) noexcept {
  NativeCall call(info);
  const BufferView view(info[1]);
  Rewriter* const rewriter = find(call);
  if (rewriter != nullptr && view.ok()) rewriter->write(view.bytes());
}

/// htmlEnd(id)
void htmlEnd(const Info& info) noexcept {
  NativeCall call(info);
  if (Rewriter* const rewriter = find(call)) rewriter->end();
}

/// htmlNext(id) -> an event's number
void htmlNext(const Info& info) noexcept {
  NativeCall call(info);
  Rewriter* const rewriter = find(call);
  const auto event = rewriter == nullptr ? Rewriter::Event::Finished : rewriter->next();
  info.GetReturnValue().Set(static_cast<std::uint32_t>(event));
}

/// htmlHandlers(id) -> [number, …]
void htmlHandlers(const Info& info) noexcept {
  NativeCall call(info);
  Rewriter* const rewriter = find(call);
  if (rewriter == nullptr) return;
  std::vector<v8::Local<v8::Value>> numbers;
  for (const std::uint32_t handler : rewriter->handlers()) {
    numbers.push_back(v8::Integer::NewFromUnsigned(info.GetIsolate(), handler));
  }
  info.GetReturnValue().Set(v8::Array::New(info.GetIsolate(), numbers.data(), numbers.size()));
}

/// htmlOutputBytes(id) -> how many wait to be taken
void htmlOutputBytes(const Info& info) noexcept {
  NativeCall call(info);
  Rewriter* const rewriter = find(call);
  info.GetReturnValue().Set(static_cast<double>(rewriter == nullptr ? 0 : rewriter->outputBytes()));
}

/// htmlTake(id) -> [Uint8Array or the number of a stream, …]
void htmlTake(const Info& info) noexcept {
  NativeCall call(info);
  Rewriter* const rewriter = find(call);
  if (rewriter == nullptr) return;
  v8::Isolate* const isolate = info.GetIsolate();
  std::vector<v8::Local<v8::Value>> pieces;
  for (const html::Content& content : rewriter->takeOutput()) {
    if (content.stream != 0) {
      pieces.push_back(v8::Integer::NewFromUnsigned(isolate, content.stream));
      continue;
    }
    v8::Local<v8::Uint8Array> bytes;
    if (!uint8ArrayOf(isolate, content.bytes).ToLocal(&bytes)) return;
    pieces.push_back(bytes);
  }
  info.GetReturnValue().Set(v8::Array::New(isolate, pieces.data(), pieces.size()));
}

/// Fields of htmlGet; html_rewriter.js has the same numbers.
enum Field : std::uint64_t {
  kTagName = 1,
  kNamespace = 2,
  kContent = 3,
  kLastInTextNode = 4,
  kRemoved = 5,
  kEndTagId = 6,
  kDoctypeText = 7,
};

std::string_view namespaceUri(html::Namespace space) {
  switch (space) {
    case html::Namespace::Svg:
      return "http://www.w3.org/2000/svg";
    case html::Namespace::MathMl:
      return "http://www.w3.org/1998/Math/MathML";
    case html::Namespace::Html:
      break;
  }
  return "http://www.w3.org/1999/xhtml";
}

/// htmlGet(id, field)
void htmlGet(const Info& info) noexcept {
  NativeCall call(info);
  Rewriter* const rewriter = find(call);
  if (rewriter == nullptr) return;
  const html::Token& token = rewriter->token();
  switch (call.whole(1)) {
    case kTagName:
      return setText(info, rewriter->tagName());
    case kNamespace:
      return setText(info, namespaceUri(rewriter->tagNamespace()));
    case kContent:
      return setText(
          info, token.kind == html::Token::Kind::Comment ? rewriter->commentText() : token.raw);
    case kLastInTextNode:
      return info.GetReturnValue().Set(rewriter->lastInTextNode());
    case kRemoved:
      return info.GetReturnValue().Set(rewriter->removed());
    case kEndTagId:
      return info.GetReturnValue().Set(rewriter->endTagId());
    case kDoctypeText:
      return setText(info, token.text);
    default:
      return;
  }
}

/// htmlAttribute(id, lower-case name) -> its value, or null
void htmlAttribute(const Info& info) noexcept {
  NativeCall call(info);
  Rewriter* const rewriter = find(call);
  if (rewriter == nullptr) return;
  const auto value = rewriter->attribute(call.utf8(1));
  if (!value) return info.GetReturnValue().SetNull();
  setText(info, *value);
}

/// htmlAttributes(id) -> [[name, value], …]
void htmlAttributes(const Info& info) noexcept {
  NativeCall call(info);
  Rewriter* const rewriter = find(call);
  if (rewriter == nullptr) return;
  v8::Isolate* const isolate = info.GetIsolate();
  std::vector<v8::Local<v8::Value>> pairs;
  for (const auto& [name, value] : rewriter->attributes()) {
    v8::Local<v8::String> nameText, valueText;
    if (!stringOfUtf8(isolate, name).ToLocal(&nameText) ||
        !stringOfUtf8(isolate, value).ToLocal(&valueText)) {
      return;
    }
    std::array<v8::Local<v8::Value>, 2> pair{nameText, valueText};
    pairs.push_back(v8::Array::New(isolate, pair.data(), pair.size()));
  }
  info.GetReturnValue().Set(v8::Array::New(isolate, pairs.data(), pairs.size()));
}

/// htmlSetAttribute(id, lower-case name, value); undefined removes it
void htmlSetAttribute(const Info& info) noexcept {
  NativeCall call(info);
  Rewriter* const rewriter = find(call);
  if (rewriter == nullptr) return;
  const auto value = call.optionalUtf8(2);
  if (!value) return rewriter->removeAttribute(call.utf8(1));
  if (value->size() > kMemoryBytesMax) return call.refuse("HTMLRewriter: the value is too large.");
  rewriter->setAttribute(call.utf8(1), *value);
}

/// htmlSetName(id, name); htmlSetComment(id, text)
void htmlSetName(const Info& info) noexcept {
  NativeCall call(info);
  if (Rewriter* const rewriter = find(call)) rewriter->setTagName(call.utf8(1));
}
void htmlSetComment(const Info& info) noexcept {
  NativeCall call(info);
  if (Rewriter* const rewriter = find(call)) rewriter->setCommentText(call.utf8(1));
}

/// htmlInsert(id, place, string or the number of a stream, isHtml); throws without memory
void htmlInsert(const Info& info) noexcept {
  NativeCall call(info);
  Rewriter* const rewriter = find(call);
  const std::uint64_t place = call.whole(1) - 1;
  if (rewriter == nullptr || place > static_cast<std::uint64_t>(Rewriter::Place::Inner)) return;
  html::Content content;
  if (const auto stream = call.id(2)) {
    content.stream = *stream;
  } else {
    content.bytes = call.utf8(2);
    if (!info[3]->IsTrue()) content.bytes = html::escapeText(content.bytes);
  }
  if (!rewriter->insert(static_cast<Rewriter::Place>(place), std::move(content))) {
    call.refuse("HTMLRewriter: the memory limit of 3 MiB has been exceeded.");
  }
}

/// htmlRemove(id, keepContent)
void htmlRemove(const Info& info) noexcept {
  NativeCall call(info);
  Rewriter* const rewriter = find(call);
  if (rewriter == nullptr) return;
  if (info[1]->IsTrue()) {
    rewriter->removeAndKeepContent();
  } else {
    rewriter->remove();
  }
}

/// htmlEscape(bytes) -> Uint8Array of text that means them
void htmlEscape(const Info& info) noexcept {
  const BufferView view(info[0]);
  v8::Local<v8::Uint8Array> bytes;
  if (view.ok() &&
      uint8ArrayOf(info.GetIsolate(), html::escapeText(view.bytes())).ToLocal(&bytes)) {
    info.GetReturnValue().Set(bytes);
  }
}

/// htmlOnEndTag(id) -> a number; 0 if there is no end tag
void htmlOnEndTag(const Info& info) noexcept {
  NativeCall call(info);
  Rewriter* const rewriter = find(call);
  info.GetReturnValue().Set(rewriter == nullptr ? 0 : rewriter->onEndTag());
}

constexpr std::array kNatives{isolate::Native{"htmlOpen", &htmlOpen},
                              isolate::Native{"htmlClose", &htmlClose},
                              isolate::Native{"htmlOn", &htmlOn},
                              isolate::Native{"htmlOnDocument", &htmlOnDocument},
                              isolate::Native{"htmlCheckSelector", &htmlCheckSelector},
                              isolate::Native{"htmlWrite", &htmlWrite},
                              isolate::Native{"htmlEnd", &htmlEnd},
                              isolate::Native{"htmlNext", &htmlNext},
                              isolate::Native{"htmlHandlers", &htmlHandlers},
                              isolate::Native{"htmlOutputBytes", &htmlOutputBytes},
                              isolate::Native{"htmlTake", &htmlTake},
                              isolate::Native{"htmlGet", &htmlGet},
                              isolate::Native{"htmlAttribute", &htmlAttribute},
                              isolate::Native{"htmlAttributes", &htmlAttributes},
                              isolate::Native{"htmlSetAttribute", &htmlSetAttribute},
                              isolate::Native{"htmlSetName", &htmlSetName},
                              isolate::Native{"htmlSetComment", &htmlSetComment},
                              isolate::Native{"htmlInsert", &htmlInsert},
                              isolate::Native{"htmlRemove", &htmlRemove},
                              isolate::Native{"htmlEscape", &htmlEscape},
                              isolate::Native{"htmlOnEndTag", &htmlOnEndTag}};

}  // namespace

std::span<const isolate::Native> htmlNatives() { return kNatives; }

}  // namespace atolld::webapi
