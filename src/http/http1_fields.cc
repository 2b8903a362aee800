#include "http/http1_fields.h"

#include "base/encoding.h"
#include "http/field_rules.h"

namespace atolld::http {
namespace {

MaybeRefusal readConnectionField(std::string_view value, Decisive& decisive) {
  while (true) {
    const std::string_view option = nextListElement(value);
    if (option.empty()) return std::nullopt;
    if (!isToken(option)) return Refusal{400, "the connection field is malformed"};
    if (equalsIgnoringCase(option, "close")) {
      decisive.connectionClose = true;
      continue;
    }
    if (equalsIgnoringCase(option, "keep-alive")) {
      decisive.connectionKeepAlive = true;
      continue;
    }
    if (equalsIgnoringCase(option, "upgrade")) {
      decisive.connectionUpgrade = true;
      continue;
    }
    switch (knownField(toLowerAscii(option))) {
      case KnownField::Host:
      case KnownField::ContentLength:
      case KnownField::TransferEncoding:
        return Refusal{400, "the connection field names a field that frames the message"};
      case KnownField::Other:
      case KnownField::Date:
      case KnownField::Trailer:
      case KnownField::Expect:
        decisive.namesOthers = true;
        break;
      default:
        break;
    }
  }
}

bool namedByConnection(const HeaderList& fields, std::string_view lowerName) {
  for (const auto [name, value] : fields) {
    if (knownField(name) != KnownField::Connection) continue;
    std::string_view list = value;
    for (std::string_view option = nextListElement(list); !option.empty();
         option = nextListElement(list)) {
      if (equalsIgnoringCase(option, lowerName)) return true;
    }
  }
  return false;
}

}  // namespace

MaybeRefusal collectDecisive(const HeaderList& fields, Decisive& decisive) {
  const auto once = [](std::optional<std::string_view>& slot, std::string_view value) {
    const bool first = !slot.has_value();
    slot = value;
    return first;
  };
  for (const auto [name, value] : fields) {
    switch (knownField(name)) {
      case KnownField::Host:
        if (!once(decisive.host, value)) return Refusal{400, "there is more than one host field"};
        break;
      case KnownField::ContentLength:
        if (!once(decisive.contentLength, value)) {
          return Refusal{400, "there is more than one content-length field"};
        }
        break;
      case KnownField::TransferEncoding:
        if (!once(decisive.transferEncoding, value)) {
          return Refusal{400, "there is more than one transfer-encoding field"};
        }
        break;
      case KnownField::Expect:
        if (!once(decisive.expect, value))
          return Refusal{417, "there is more than one expectation"};
        break;
      case KnownField::Connection:
        if (const MaybeRefusal refusal = readConnectionField(value, decisive)) return refusal;
        break;
      default:
        break;
    }
  }
  return std::nullopt;
}

MaybeRefusal checkTransferEncoding(std::string_view value) {
  if (equalsIgnoringCase(value, "chunked")) return std::nullopt;
  bool chunkedSeen = false;
  bool any = false;
  for (std::string_view coding = nextListElement(value); !coding.empty();
       coding = nextListElement(value)) {
    const std::string_view name = trimBlanks(coding.substr(0, coding.find(';')));
    if (!isToken(name) || chunkedSeen) {
      return Refusal{400, "the transfer-encoding field is malformed"};
    }
    any = true;
    chunkedSeen = equalsIgnoringCase(name, "chunked");
  }
  if (!any) return Refusal{400, "the transfer-encoding field is malformed"};
  return Refusal{501, "the only transfer coding understood is chunked"};
}

void keepEndToEnd(HeaderList& fields, const Decisive& decisive) {
  // Only for a Connection field that names others: they are looked up while the list shrinks.
  const HeaderList whole = decisive.namesOthers ? fields : HeaderList();
  fields.removeIf([&](const HeaderList::Field& field) {
    switch (knownField(field.name)) {
      case KnownField::Other:
      case KnownField::ContentLength:
      case KnownField::Trailer:
      case KnownField::Date:
        return decisive.namesOthers && namedByConnection(whole, field.name);
      default:
        return true;
    }
  });
}

bool upgradesToWebSocket(const HeaderList& fields, const Decisive& decisive) {
  if (!decisive.connectionUpgrade) return false;
  for (const auto [name, value] : fields) {
    if (name != "upgrade") continue;
    std::string_view list = value;
    for (std::string_view protocol = nextListElement(list); !protocol.empty();
         protocol = nextListElement(list)) {
      if (equalsIgnoringCase(protocol, "websocket")) return true;
    }
  }
  return false;
}

}  // namespace atolld::http
