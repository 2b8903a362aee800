#include "http/http1_parser.h"

#include "http/field_rules.h"

namespace atolld::http {
namespace {

/// Room made for fields in one go: browsers send some fifteen.
constexpr std::size_t kFieldsExpected = 16;

}  // namespace

const llhttp_settings_t& Http1Parser::settings() {
  static const llhttp_settings_t shared = [] {
    llhttp_settings_t s;
    llhttp_settings_init(&s);
    s.on_header_field = &onName;
    s.on_header_value = &onValue;
    s.on_header_value_complete = &onField;
    s.on_chunk_extension_name = &onExtension;
    s.on_chunk_extension_value = &onExtension;
    s.on_headers_complete = &onHeadersComplete;
    s.on_body = &onBody;
    s.on_message_complete = &onMessageComplete;
    return s;
  }();
  return shared;
}

Http1Parser::Http1Parser(Kind kind) {
  llhttp_init(&parser_, kind == Kind::Request ? HTTP_REQUEST : HTTP_RESPONSE, &settings());
  parser_.data = this;
}

std::optional<Refusal> Http1Parser::parseHead(std::string_view head, HeaderList& fields) {
  llhttp_reset(&parser_);
  headComplete_ = messageComplete_ = methodUnknown_ = false;
  trailerBytes_ = extensionBytes_ = 0;
  name_.clear();
  value_.clear();
  refusal_.reset();
  fields_ = &fields;
  fields.reserve(head.size(), kFieldsExpected);
  const llhttp_errno_t error = llhttp_execute(&parser_, head.data(), head.size());
  fields_ = nullptr;
  if (refusal_) return refusal_;
  switch (error) {
    case HPE_OK:
    case HPE_PAUSED:
    case HPE_PAUSED_UPGRADE:
      break;
    case HPE_INVALID_METHOD:
      methodUnknown_ = true;
      [[fallthrough]];
    default:
      return Refusal{400, "the message head is malformed"};
  }
  if (!headComplete_) return Refusal{400, "the message head is malformed"};
  return std::nullopt;
}

Http1Parser::Chunks Http1Parser::parseChunks(std::string_view input, std::string& body,
                                             HeaderList& trailers, const TrailerLimits& limits) {
  body_ = &body;
  fields_ = &trailers;
  limits_ = limits;
  const llhttp_errno_t error = llhttp_execute(&parser_, input.data(), input.size());
  body_ = nullptr;
  fields_ = nullptr;
  Chunks chunks{.taken = input.size(), .complete = messageComplete_, .refusal = refusal_};
  if (refusal_ || error == HPE_OK) return chunks;
  if (messageComplete_ && (error == HPE_PAUSED || error == HPE_PAUSED_UPGRADE)) {
    chunks.taken = static_cast<std::size_t>(llhttp_get_error_pos(&parser_) - input.data());
    return chunks;
  }
  chunks.refusal = Refusal{400, "the chunked body is malformed"};
  return chunks;
}

int Http1Parser::refuse(int status, std::string_view problem) {
  refusal_ = Refusal{status, problem};
  return HPE_USER;
}

int Http1Parser::grow(std::string& text, const char* at, std::size_t size) {
  if (headComplete_) {
    trailerBytes_ += size;
    if (trailerBytes_ > limits_.bytesMax) return refuse(431, "the trailer fields are too large");
  }
  text.append(at, size);
  return 0;
}

int Http1Parser::onName(llhttp_t* parser, const char* at, std::size_t size) noexcept {
  Http1Parser& self = of(parser);
  return self.grow(self.name_, at, size);
}

int Http1Parser::onValue(llhttp_t* parser, const char* at, std::size_t size) noexcept {
  Http1Parser& self = of(parser);
  return self.grow(self.value_, at, size);
}

int Http1Parser::onField(llhttp_t* parser) noexcept {
  Http1Parser& self = of(parser);
  const std::string_view value = trimBlanks(self.value_);
  // llhttp checks these as well; a request must satisfy both readers.
  if (!isToken(self.name_)) return self.refuse(400, "a header name holds an illegal character");
  if (!isFieldValue(value)) return self.refuse(400, "a header value holds an illegal character");
  if (self.headComplete_ && self.fields_->size() >= self.limits_.countMax) {
    return self.refuse(431, "there are too many trailer fields");
  }
  self.fields_->add(self.name_, value);
  self.name_.clear();
  self.value_.clear();
  return 0;
}

int Http1Parser::onExtension(llhttp_t* parser, const char*, std::size_t size) noexcept {
  Http1Parser& self = of(parser);
  self.extensionBytes_ += size;
  if (self.extensionBytes_ > kExtensionBytesMax) {
    return self.refuse(413, "the chunk extensions are too large");
  }
  return 0;
}

int Http1Parser::onHeadersComplete(llhttp_t* parser) noexcept {
  of(parser).headComplete_ = true;
  // 1: no body for llhttp to read. One with a length is counted down by the connection.
  return (parser->flags & F_CHUNKED) != 0 ? 0 : 1;
}

int Http1Parser::onBody(llhttp_t* parser, const char* at, std::size_t size) noexcept {
  Http1Parser& self = of(parser);
  if (!self.body_) return self.refuse(400, "the message head is malformed");
  self.body_->append(at, size);
  return 0;
}

int Http1Parser::onMessageComplete(llhttp_t* parser) noexcept {
  of(parser).messageComplete_ = true;
  return HPE_PAUSED;
}

}  // namespace atolld::http
