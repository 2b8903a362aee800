#include "replication/tail_relay.h"

#include <algorithm>
#include <set>
#include <utility>

#include "store/codec.h"

namespace atolld::replication {
namespace {

using telemetry::TailFilter;
using telemetry::TailHub;
using telemetry::TailItem;
using telemetry::TailWatch;

constexpr std::uint8_t kVersion = 1;

Result<> finish(store::Decoder& in, std::string_view what) {
  if (const Result<> whole = in.finish(what); !whole) {
    return fail(ErrorCode::InvalidArgument, whole.error().detail);
  }
  return {};
}

void putTexts(store::Encoder& out, const std::vector<std::string>& texts) {
  out.u32(static_cast<std::uint32_t>(texts.size()));
  for (const std::string& text : texts) out.bytes(text);
}

std::vector<std::string> takeTexts(store::Decoder& in) {
  std::vector<std::string> texts;
  const std::uint32_t count = in.count(4);
  for (std::uint32_t i = 0; i < count && in.ok(); ++i) texts.emplace_back(in.bytes());
  return texts;
}

std::int64_t millisOf(UnixMillis time) { return time.time_since_epoch().count(); }
UnixMillis takeTime(store::Decoder& in) { return UnixMillis(std::chrono::milliseconds(in.i64())); }

void putItem(store::Encoder& out, const TailItem& item) {
  out.bytes(item.tenant).bytes(item.script).bytes(item.version).bytes(item.outcome);
  out.bytes(item.method).bytes(item.url).bytes(item.clientAddress);
  out.u32(static_cast<std::uint32_t>(item.headers.size()));
  for (const auto& [name, value] : item.headers) out.bytes(name).bytes(value);
  out.u32(static_cast<std::uint32_t>(item.status));
  out.u32(static_cast<std::uint32_t>(item.logs.size()));
  for (const TailItem::Log& log : item.logs) {
    out.bytes(log.level).bytes(log.text).i64(millisOf(log.time));
  }
  out.u32(static_cast<std::uint32_t>(item.exceptions.size()));
  for (const TailItem::Exception& thrown : item.exceptions) {
    out.bytes(thrown.message).bytes(thrown.stack).i64(millisOf(thrown.time));
  }
  out.i64(millisOf(item.time)).i64(item.cpu.count()).i64(item.wall.count());
  out.u8(item.isTruncated ? 1 : 0);
}

TailItem takeItem(store::Decoder& in) {
  TailItem item;
  for (std::string* const text : {&item.tenant, &item.script, &item.version, &item.outcome,
                                  &item.method, &item.url, &item.clientAddress}) {
    *text = in.bytes();
  }
  const std::uint32_t headerCount = in.count(8);
  for (std::uint32_t i = 0; i < headerCount && in.ok(); ++i) {
    const std::string_view name = in.bytes();
    item.headers.emplace_back(name, in.bytes());
  }
  const std::uint32_t status = in.u32();
  if (status > 999) in.reject("has no HTTP status");
  item.status = static_cast<int>(status);
  const std::uint32_t logCount = in.count(16);
  for (std::uint32_t i = 0; i < logCount && in.ok(); ++i) {
    TailItem::Log log{.level = std::string(in.bytes()), .text = std::string(in.bytes())};
    log.time = takeTime(in);
    item.logs.push_back(std::move(log));
  }
  const std::uint32_t thrownCount = in.count(16);
  for (std::uint32_t i = 0; i < thrownCount && in.ok(); ++i) {
    TailItem::Exception thrown{.message = std::string(in.bytes()),
                               .stack = std::string(in.bytes())};
    thrown.time = takeTime(in);
    item.exceptions.push_back(std::move(thrown));
  }
  item.time = takeTime(in);
  item.cpu = std::chrono::nanoseconds(in.i64());
  item.wall = std::chrono::milliseconds(in.i64());
  item.isTruncated = in.u8() != 0;
  return item;
}

}  // namespace

std::string encodeTailOrders(const std::vector<TailHub::Order>& orders) {
  store::Encoder out;
  out.u8(kVersion).u32(static_cast<std::uint32_t>(orders.size()));
  for (const TailHub::Order& order : orders) {
    const TailFilter& filter = order.filter;
    out.u64(order.id).bytes(order.tenant).bytes(order.script).f64(filter.samplingRate);
    for (const auto* const texts : {&filter.outcomes, &filter.methods, &filter.clientAddresses}) {
      putTexts(out, *texts);
    }
    out.bytes(filter.headerName).bytes(filter.headerText).bytes(filter.text).bytes(filter.version);
  }
  return out.take();
}

Result<std::vector<TailHub::Order>> decodeTailOrders(std::string_view bytes) {
  constexpr std::size_t kOrderBytesMin = 52;
  std::vector<TailHub::Order> orders;
  if (bytes.empty()) return orders;
  store::Decoder in(bytes);
  if (in.u8() != kVersion) in.reject("are of another version");
  const std::uint32_t count = in.count(kOrderBytesMin);
  for (std::uint32_t i = 0; i < count && in.ok(); ++i) {
    TailHub::Order order{.id = in.u64()};
    order.tenant = in.bytes();
    order.script = in.bytes();
    TailFilter& filter = order.filter;
    filter.samplingRate = in.f64();
    for (auto* const texts : {&filter.outcomes, &filter.methods, &filter.clientAddresses}) {
      *texts = takeTexts(in);
    }
    for (auto* const text :
         {&filter.headerName, &filter.headerText, &filter.text, &filter.version}) {
      *text = in.bytes();
    }
    orders.push_back(std::move(order));
  }
  ATOLL_TRY_VOID(finish(in, "the orders"));
  return orders;
}

std::string TailBatch::encode() const {
  store::Encoder out;
  out.u8(kVersion).u64(order).u64(lostCount).u32(static_cast<std::uint32_t>(items.size()));
  for (const auto& item : items) putItem(out, *item);
  return out.take();
}

Result<TailBatch> TailBatch::decode(std::string_view bytes, std::string_view node) {
  constexpr std::size_t kItemBytesMin = 69;
  store::Decoder in(bytes);
  if (in.u8() != kVersion) in.reject("is of another version");
  TailBatch batch{.order = in.u64(), .lostCount = in.u64(), .items = {}};
  const std::uint32_t count = in.count(kItemBytesMin);
  for (std::uint32_t i = 0; i < count && in.ok(); ++i) {
    TailItem item = takeItem(in);
    item.node = node;
    batch.items.push_back(std::make_shared<const TailItem>(std::move(item)));
  }
  ATOLL_TRY_VOID(finish(in, "the batch"));
  return batch;
}

/// One order's watch. A batch is under way at a time: what comes meanwhile waits in the watch,
/// which has its bounds.
struct TailRelay::Watched {
  std::unique_ptr<TailWatch> watch;
  bool isSending = false;
  std::uint64_t lostCount = 0;  ///< In batches that did not arrive.
};

TailRelay::TailRelay(loop::Loop& loop, TailHub& hub, Send send)
    : hub_(hub), send_(std::move(send)), mailbox_(loop) {}

TailRelay::~TailRelay() = default;

void TailRelay::follow(const std::vector<TailHub::Order>& orders) {
  std::set<std::uint64_t> wanted;
  for (const TailHub::Order& order : orders) {
    wanted.insert(order.id);
    if (watched_.contains(order.id)) continue;
    auto watched = std::make_unique<Watched>();
    watched->watch = hub_.watch(order.tenant, order.script, order.filter, [this, id = order.id] {
      mailbox_.post([this, id] { forward(id); });
    });
    if (watched->watch) watched_.emplace(order.id, std::move(watched));
  }
  std::erase_if(watched_, [&](const auto& each) { return !wanted.contains(each.first); });
  for (const std::uint64_t order : wanted) forward(order);
}

void TailRelay::forward(std::uint64_t order) {
  const auto found = watched_.find(order);
  if (found == watched_.end() || found->second->isSending) return;
  Watched& watched = *found->second;
  TailWatch::Taken taken = watched.watch->take();
  if (taken.items.empty() && taken.lostCount + watched.lostCount == 0) return;
  const TailBatch batch{.order = order,
                        .lostCount = taken.lostCount + std::exchange(watched.lostCount, 0),
                        .items = std::move(taken.items)};
  watched.isSending = true;
  send_(batch.encode(), [this, order, count = batch.lostCount + batch.items.size()](bool isSent) {
    const auto still = watched_.find(order);
    if (still == watched_.end()) return;
    still->second->isSending = false;
    // Not again at once: the control plane may be gone.
    if (isSent) return forward(order);
    still->second->lostCount += count;
  });
}

}  // namespace atolld::replication
