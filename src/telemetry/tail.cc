#include "telemetry/tail.h"

#include <algorithm>
#include <random>
#include <utility>

namespace atolld::telemetry {
namespace {

// Of one invocation, as on Workers.
constexpr std::size_t kLogBytesMax = 256 * 1024;
constexpr std::size_t kLogCountMax = 1000;

bool fits(const std::vector<std::string>& wanted, std::string_view value) {
  return wanted.empty() || std::ranges::find(wanted, value) != wanted.end();
}

std::size_t bytesOf(const TailItem& item) {
  std::size_t bytes = sizeof item + item.url.size();
  for (const auto& [name, value] : item.headers) bytes += name.size() + value.size();
  for (const TailItem::Log& log : item.logs) bytes += sizeof log + log.text.size();
  for (const TailItem::Exception& thrown : item.exceptions) {
    bytes += sizeof thrown + thrown.message.size() + thrown.stack.size();
  }
  return bytes;
}

bool isSampled(double rate) {
  if (rate >= 1) return true;
  thread_local std::minstd_rand random{std::random_device{}()};
  return std::uniform_real_distribution<>()(random) < rate;
}

}  // namespace

void TailItem::addLog(std::string_view level, std::string text, UnixMillis now) {
  logBytes_ += text.size();
  if (logBytes_ > kLogBytesMax || logs.size() >= kLogCountMax) {
    isTruncated = true;
    return;
  }
  logs.push_back({std::string(level), std::move(text), now});
}

bool TailFilter::takes(const TailItem& item) const {
  if (!fits(outcomes, item.outcome) || !fits(methods, item.method) ||
      !fits(clientAddresses, item.clientAddress) || !item.version.starts_with(version) ||
      (item.isFile && !takesFiles)) {
    return false;
  }
  const auto hasHeader = [this](const auto& field) {
    return field.first == headerName && field.second.contains(headerText);
  };
  if (!headerName.empty() && std::ranges::none_of(item.headers, hasHeader)) return false;
  const auto saysText = [this](const auto& line) { return line.contains(text); };
  return text.empty() || std::ranges::any_of(item.logs, saysText, &TailItem::Log::text) ||
         std::ranges::any_of(item.exceptions, saysText, &TailItem::Exception::message);
}

// ---- TailWatch ----------------------------------------------------------------------------------

TailWatch::~TailWatch() {
  const std::scoped_lock lock(hub_.mutex_);
  const auto [begin, end] = hub_.watches_.equal_range(key_);
  for (auto each = begin; each != end; ++each) {
    if (each->second != this) continue;
    hub_.watches_.erase(each);
    break;
  }
  --hub_.count_;
}

TailWatch::Taken TailWatch::take() {
  const std::scoped_lock lock(mutex_);
  waitingBytes_ = 0;
  return std::exchange(waiting_, {});
}

void TailWatch::offer(const std::shared_ptr<const TailItem>& item) {
  if (filter_.takes(*item) && isSampled(filter_.samplingRate)) add({&item, 1}, 0);
}

void TailWatch::add(std::span<const std::shared_ptr<const TailItem>> items,
                    std::uint64_t lostCount) {
  bool isFirst = false;
  {
    const std::scoped_lock lock(mutex_);
    isFirst = waiting_.items.empty() && waiting_.lostCount == 0;
    waiting_.lostCount += lostCount;
    for (const auto& item : items) {
      const std::size_t bytes = bytesOf(*item);
      if (waiting_.items.size() >= kItemCountMax || waitingBytes_ + bytes > kItemBytesMax) {
        ++waiting_.lostCount;
      } else {
        waiting_.items.push_back(item);
        waitingBytes_ += bytes;
      }
    }
  }
  if (isFirst) onItem_();
}

// ---- TailHub ------------------------------------------------------------------------------------

std::string TailHub::keyOf(std::string_view tenant, std::string_view script) {
  return std::string(tenant) + '\0' + std::string(script);
}

bool TailHub::isWatched(std::string_view tenant, std::string_view script) const {
  if (count_.load(std::memory_order_relaxed) == 0) return false;
  const std::scoped_lock lock(mutex_);
  return watches_.contains(keyOf(tenant, script));
}

bool TailHub::isFull(std::string_view tenant, std::string_view script) const {
  const std::scoped_lock lock(mutex_);
  return watches_.count(keyOf(tenant, script)) >= kScriptWatchesMax;
}

void TailHub::publish(TailItem item) {
  const std::string key = keyOf(item.tenant, item.script);
  const auto shared = std::make_shared<const TailItem>(std::move(item));
  const std::scoped_lock lock(mutex_);
  const auto [begin, end] = watches_.equal_range(key);
  for (auto each = begin; each != end; ++each) each->second->offer(shared);
}

std::unique_ptr<TailWatch> TailHub::watch(std::string_view tenant, std::string_view script,
                                          TailFilter filter, std::function<void()> onItem) {
  std::string key = keyOf(tenant, script);
  const std::scoped_lock lock(mutex_);
  if (watches_.count(key) >= kScriptWatchesMax) return nullptr;
  std::unique_ptr<TailWatch> made(
      new TailWatch(*this, ++lastId_, std::move(key), std::move(filter), std::move(onItem)));
  watches_.emplace(made->key_, made.get());
  ++count_;
  return made;
}

std::vector<TailHub::Order> TailHub::orders() const {
  std::vector<Order> orders;
  if (count_.load(std::memory_order_relaxed) == 0) return orders;
  const std::scoped_lock lock(mutex_);
  for (const auto& [key, watch] : watches_) {
    if (orders.size() == kOrderCountMax) break;
    const std::size_t cut = key.find('\0');
    orders.push_back({watch->id_, key.substr(0, cut), key.substr(cut + 1), watch->filter_});
  }
  return orders;
}

void TailHub::deliver(std::uint64_t order, std::span<const std::shared_ptr<const TailItem>> items,
                      std::uint64_t lostCount) {
  const std::scoped_lock lock(mutex_);
  for (const auto& [key, watch] : watches_) {
    if (watch->id_ == order) return watch->add(items, lostCount);
  }
}

}  // namespace atolld::telemetry
