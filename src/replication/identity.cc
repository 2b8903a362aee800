#include "replication/identity.h"

#include "base/encoding.h"
#include "store/codec.h"
#include "store/crypto.h"

namespace atolld::replication {
namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::string_view kTokenPrefix = "atolljoin_";
constexpr std::size_t kSecretChars = 64;

using Labels = std::vector<std::pair<std::string, std::string>>;

void encodeLabels(store::Encoder& out, const Labels& labels) {
  out.u32(static_cast<std::uint32_t>(labels.size()));
  for (const auto& [key, value] : labels) out.bytes(key).bytes(value);
}

Labels decodeLabels(store::Decoder& in) {
  Labels labels;
  const std::uint32_t count = in.count(8);
  for (std::uint32_t i = 0; i < count && in.ok(); ++i) {
    std::string key(in.bytes());
    labels.emplace_back(std::move(key), in.bytes());
  }
  return labels;
}

}  // namespace

std::string Identity::encode() const {
  store::Encoder out;
  out.u8(kVersion).bytes(name).bytes(region);
  encodeLabels(out, labels);
  out.bytes(control).u32(static_cast<std::uint32_t>(upstreams.size()));
  for (const std::string& each : upstreams) out.bytes(each);
  return out.bytes(keyPem).bytes(chainPem).bytes(authorityPem).take();
}

Result<Identity> Identity::decode(std::string_view bytes) {
  store::Decoder in(bytes);
  if (in.u8() != kVersion) in.reject("has an unknown format version");
  Identity identity;
  identity.name = in.bytes();
  identity.region = in.bytes();
  identity.labels = decodeLabels(in);
  identity.control = in.bytes();
  const std::uint32_t count = in.count(4);
  for (std::uint32_t i = 0; i < count && in.ok(); ++i) identity.upstreams.emplace_back(in.bytes());
  identity.keyPem = in.bytes();
  identity.chainPem = in.bytes();
  identity.authorityPem = in.bytes();
  ATOLL_TRY_VOID(in.finish("node identity"));
  return identity;
}

std::string JoinToken::toText() const {
  return std::string(kTokenPrefix) + secret + toHex(authorityFingerprint);
}

Result<JoinToken> JoinToken::parse(std::string_view text) {
  const auto hex =
      text.starts_with(kTokenPrefix) ? parseHex(text.substr(kTokenPrefix.size())) : std::nullopt;
  if (!hex || text.size() != kTokenPrefix.size() + kSecretChars + 2 * store::kHashBytes) {
    return fail(ErrorCode::InvalidArgument,
                "this is no join token: atoll nodes token makes one on the control plane");
  }
  return JoinToken{.secret = std::string(text.substr(kTokenPrefix.size(), kSecretChars)),
                   .authorityFingerprint = hex->substr(kSecretChars / 2)};
}

std::string JoinRequest::encode() const {
  store::Encoder out;
  out.u8(kVersion).bytes(secret).bytes(requestPem).bytes(name).bytes(region);
  encodeLabels(out, labels);
  return out.take();
}

Result<JoinRequest> JoinRequest::decode(std::string_view bytes) {
  store::Decoder in(bytes);
  if (in.u8() != kVersion) in.reject("is of another version");
  JoinRequest request;
  request.secret = in.bytes();
  request.requestPem = in.bytes();
  request.name = in.bytes();
  request.region = in.bytes();
  request.labels = decodeLabels(in);
  if (const Result<> whole = in.finish("the request to join"); !whole) {
    return fail(ErrorCode::InvalidArgument, whole.error().detail);
  }
  return request;
}

std::string JoinAnswer::encode() const {
  return store::Encoder().u8(kVersion).bytes(chainPem).bytes(authorityPem).bytes(clusterKey).take();
}

Result<JoinAnswer> JoinAnswer::decode(std::string_view bytes) {
  store::Decoder in(bytes);
  if (in.u8() != kVersion) in.reject("is of another version");
  JoinAnswer answer;
  answer.chainPem = in.bytes();
  answer.authorityPem = in.bytes();
  answer.clusterKey = in.bytes();
  if (const Result<> whole = in.finish("the answer"); !whole) {
    return fail(ErrorCode::Protocol, whole.error().detail);
  }
  return answer;
}

}  // namespace atolld::replication
