#include "store/node_store.h"

#include <algorithm>
#include <format>
#include <utility>

#include "store/audit_log.h"
#include "store/codec.h"
#include "store/crypto.h"
#include "store/tenant_store.h"
#include "store/utf8.h"

namespace atolld::store {
namespace {

constexpr std::uint8_t kVersion = 1;
/// Of a drained node: the same and nothing more, so that each node has one encoding.
constexpr std::uint8_t kDrainedVersion = 2;
constexpr std::size_t kWordBytesMax = 63;
constexpr std::size_t kLabelCountMax = 32;

bool isWord(std::string_view text) {
  return text.size() <= kWordBytesMax && std::ranges::all_of(text, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '-' || c == '_' || c == '.' || c == '/';
         });
}

std::string encodeNode(const FleetNode& node) {
  Encoder out;
  out.u8(node.isDrained ? kDrainedVersion : kVersion);
  out.bytes(node.region).u32(static_cast<std::uint32_t>(node.labels.size()));
  for (const auto& [key, value] : node.labels) out.bytes(key).bytes(value);
  return out.raw(node.keyHash).i64(node.joinedAt.time_since_epoch().count()).take();
}

Result<FleetNode> decodeNode(std::string_view name, std::string_view row) {
  Decoder in(row);
  const std::uint8_t version = in.u8();
  if (version != kVersion && version != kDrainedVersion) {
    in.reject("has an unknown format version");
  }
  FleetNode node{.name = std::string(name)};
  node.isDrained = version == kDrainedVersion;
  node.region = in.bytes();
  const std::uint32_t count = in.count(8);
  for (std::uint32_t i = 0; i < count && in.ok(); ++i) {
    std::string key(in.bytes());
    node.labels.emplace_back(std::move(key), in.bytes());
  }
  node.keyHash = in.raw(kHashBytes);
  node.joinedAt = UnixMillis(std::chrono::milliseconds(in.i64()));
  ATOLL_TRY_VOID(in.finish("node row"));
  return node;
}

Result<std::optional<FleetNode>> decodeFound(std::string_view name,
                                             const Result<std::optional<std::string>>& row) {
  if (!row) return std::unexpected(row.error());
  return NodeStore::decode(name, *row);
}

}  // namespace

Result<> checkFleetNode(const FleetNode& node) {
  ATOLL_TRY_VOID(checkName("node name", node.name));
  if (!isWord(node.region)) {
    return fail(ErrorCode::InvalidArgument,
                std::format("a region is at most {} letters, digits and -_./", kWordBytesMax));
  }
  if (node.labels.size() > kLabelCountMax) {
    return fail(ErrorCode::InvalidArgument,
                std::format("a node has at most {} labels", kLabelCountMax));
  }
  for (const auto& [key, value] : node.labels) {
    if (key.empty() || !isWord(key) || !isWord(value)) {
      return fail(ErrorCode::InvalidArgument,
                  std::format("a label is key=value, each at most {} letters, digits and -_./",
                              kWordBytesMax));
    }
  }
  return {};
}

Result<std::optional<FleetNode>> NodeStore::decode(std::string_view name,
                                                   const std::optional<std::string>& row) {
  if (!row) return std::nullopt;
  ATOLL_TRY(FleetNode node, decodeNode(name, *row));
  return node;
}

Result<std::optional<FleetNode>> NodeStore::find(std::string_view name) const {
  if (name.empty()) return std::nullopt;
  return decodeFound(name, database_.get(Family::Nodes, name));
}

std::optional<Result<std::optional<FleetNode>>> NodeStore::tryFind(std::string_view name) const {
  if (name.empty()) return Result<std::optional<FleetNode>>(std::nullopt);
  const auto row = database_.tryGet(Family::Nodes, name);
  if (!row) return std::nullopt;
  return decodeFound(name, *row);
}

Result<std::vector<FleetNode>> NodeStore::list() const {
  std::vector<FleetNode> nodes;
  Result<> visited;
  ATOLL_TRY_VOID(database_.view()->scan(Family::Nodes, "", "",
                                        [&](std::string_view name, std::string_view row) {
                                          Result<FleetNode> node = decodeNode(name, row);
                                          if (node) {
                                            nodes.push_back(*std::move(node));
                                          } else {
                                            visited = std::unexpected(node.error());
                                          }
                                          return visited.has_value();
                                        }));
  if (!visited) return std::unexpected(visited.error());
  return nodes;
}

Result<> NodeStore::remove(std::string_view name) {
  const auto decide = [&](const View& view) -> Result<Ops> {
    ATOLL_TRY(const std::optional<FleetNode> node, read(view, name));
    if (!node) return fail(ErrorCode::NotFound, std::format("there is no node \"{}\"", name));
    Ops ops;
    ops.push_back({Op::Kind::Delete, Family::Nodes, std::string(name), {}});
    stageAudit({.action = "node.remove", .subject = name}, ops);
    return ops;
  };
  ATOLL_TRY_VOID(database_.commit(decide));
  return {};
}

Result<> NodeStore::setDrained(std::string_view name, bool isDrained) {
  const auto decide = [&](const View& view) -> Result<Ops> {
    ATOLL_TRY(std::optional<FleetNode> node, read(view, name));
    if (!node) return fail(ErrorCode::NotFound, std::format("there is no node \"{}\"", name));
    Ops ops;
    if (std::exchange(node->isDrained, isDrained) != isDrained) stage(*node, ops);
    stageAudit({.action = isDrained ? "node.drain" : "node.undrain", .subject = name}, ops);
    return ops;
  };
  ATOLL_TRY_VOID(database_.commit(decide));
  return {};
}

void NodeStore::stage(const FleetNode& node, Ops& ops) {
  ops.push_back({Op::Kind::Put, Family::Nodes, node.name, encodeNode(node)});
}

Result<std::optional<FleetNode>> NodeStore::read(const View& view, std::string_view name) {
  if (name.empty()) return std::nullopt;
  return decodeFound(name, view.get(Family::Nodes, name));
}

}  // namespace atolld::store
