#include "websocket/handshake.h"

#include <openssl/evp.h>
#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "base/check.h"

namespace atolld::websocket {
namespace {

constexpr std::string_view kAcceptGuid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
constexpr int kWindowBitsMin = 8, kWindowBitsMax = 15;
/// Windows that we choose: 8 KiB of history, for each of many sockets.
constexpr int kOwnWindowBits = 13;

std::string base64(const unsigned char* bytes, std::size_t size) {
  std::string text((size + 2) / 3 * 4 + 1, '\0');
  const int length =
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), bytes, static_cast<int>(size));
  text.resize(static_cast<std::size_t>(length));
  return text;
}

std::string_view trim(std::string_view text) {
  const auto blank = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}

/// Takes what stands before the next `separator` off `rest`; a quoted string may hold one.
std::string_view takeUntil(char separator, std::string_view& rest) {
  bool quoted = false;
  std::size_t i = 0;
  for (; i < rest.size() && (quoted || rest[i] != separator); ++i) {
    if (rest[i] == '"') quoted = !quoted;
  }
  const std::string_view part = trim(rest.substr(0, i));
  rest.remove_prefix(std::min(rest.size(), i + 1));
  return part;
}

/// permessage-deflate's parameters, as they stand in an offer or an answer.
struct Parameters {
  bool serverNoContext = false;
  bool clientNoContext = false;
  std::optional<int> serverWindowBits;
  std::optional<int> clientWindowBits;
  bool clientWindowBitsNamed = false;  // Without a value: any will do.
};

std::optional<int> parseWindowBits(std::string_view text) {
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"') {
    text = text.substr(1, text.size() - 2);
  }
  int bits = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), bits);
  const bool whole = error == std::errc{} && stop == text.data() + text.size();
  if (!whole || text.front() == '0' || bits < kWindowBitsMin || bits > kWindowBitsMax) {
    return std::nullopt;
  }
  return bits;
}

/// Nothing if one of them is unknown, malformed, or stands twice.
std::optional<Parameters> parseParameters(std::string_view rest) {
  Parameters found;
  while (!rest.empty()) {
    std::string_view parameter = takeUntil(';', rest);
    const std::string_view name = takeUntil('=', parameter);
    const std::string_view value = trim(parameter);
    const auto flag = [&](bool& slot) {
      const bool first = !std::exchange(slot, true);
      return first && value.empty();
    };
    bool good = false;
    if (name == "server_no_context_takeover") {
      good = flag(found.serverNoContext);
    } else if (name == "client_no_context_takeover") {
      good = flag(found.clientNoContext);
    } else if (name == "server_max_window_bits") {
      good = !found.serverWindowBits && (found.serverWindowBits = parseWindowBits(value));
    } else if (name == "client_max_window_bits") {
      good = !std::exchange(found.clientWindowBitsNamed, true);
      if (!value.empty()) good = good && (found.clientWindowBits = parseWindowBits(value));
    }
    if (!good) return std::nullopt;
  }
  return found;
}

std::string describe(const Parameters& parameters) {
  std::string text = "permessage-deflate";
  if (parameters.serverNoContext) text += "; server_no_context_takeover";
  if (parameters.clientNoContext) text += "; client_no_context_takeover";
  if (parameters.serverWindowBits) {
    text += "; server_max_window_bits=" + std::to_string(*parameters.serverWindowBits);
  }
  if (parameters.clientWindowBits) {
    text += "; client_max_window_bits=" + std::to_string(*parameters.clientWindowBits);
  }
  return text;
}

}  // namespace

std::string makeKey() {
  std::array<unsigned char, 16> bytes;
  ATOLL_CHECK(RAND_bytes(bytes.data(), bytes.size()) == 1);
  return base64(bytes.data(), bytes.size());
}

std::string acceptFor(std::string_view key) {
  const std::string text = std::string(key) + std::string(kAcceptGuid);
  std::array<unsigned char, 20> digest;
  ATOLL_CHECK(EVP_Digest(text.data(), text.size(), digest.data(), nullptr, EVP_sha1(), nullptr) ==
              1);
  return base64(digest.data(), digest.size());
}

std::optional<Agreement> chooseExtension(std::string_view offers) {
  while (!offers.empty()) {
    std::string_view offer = takeUntil(',', offers);
    if (takeUntil(';', offer) != "permessage-deflate") continue;
    auto parameters = parseParameters(offer);
    if (!parameters) continue;
    Parameters& agreed = *parameters;
    // Ours may be smaller than what is allowed; the client's only if it said that it can.
    if (agreed.serverWindowBits) {
      agreed.serverWindowBits = std::min(*agreed.serverWindowBits, kOwnWindowBits);
    }
    if (agreed.clientWindowBitsNamed) {
      agreed.clientWindowBits =
          std::min(agreed.clientWindowBits.value_or(kWindowBitsMax), kOwnWindowBits);
    }
    const DeflateParameters sending{agreed.serverWindowBits.value_or(kOwnWindowBits),
                                    !agreed.serverNoContext};
    const DeflateParameters receiving{agreed.clientWindowBits.value_or(kWindowBitsMax),
                                      !agreed.clientNoContext};
    return Agreement{{sending, receiving}, describe(agreed)};
  }
  return std::nullopt;
}

Result<std::optional<Compression>> readAgreement(std::string_view extensions) {
  if (trim(extensions).empty()) return std::nullopt;
  std::string_view answer = takeUntil(',', extensions);
  const bool known = takeUntil(';', answer) == "permessage-deflate";
  const auto agreed = known ? parseParameters(answer) : std::nullopt;
  const bool wantsNothing = agreed && agreed->clientWindowBitsNamed && !agreed->clientWindowBits;
  if (!agreed || wantsNothing || !extensions.empty()) {
    return fail(ErrorCode::Protocol, "the server answered with an extension that was not offered");
  }
  const DeflateParameters sending{
      std::min(agreed->clientWindowBits.value_or(kOwnWindowBits), kOwnWindowBits),
      !agreed->clientNoContext};
  const DeflateParameters receiving{agreed->serverWindowBits.value_or(kWindowBitsMax),
                                    !agreed->serverNoContext};
  return Compression{sending, receiving};
}

}  // namespace atolld::websocket
