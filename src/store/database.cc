#include "store/database.h"

#include <pthread.h>

#include <format>

#include "base/check.h"
#include "base/encoding.h"
#include "store/audit_log.h"
#include "store/crypto.h"
#include "store/database_state.h"
#include "store/log_entry.h"
#include "store/log_verify.h"

namespace atolld::store {
namespace {

/// A group ends when it holds this much, so that the first caller in it does not wait for the last.
constexpr std::size_t kGroupBytesMax = 8ull * 1024 * 1024;
constexpr std::size_t kGroupCountMax = 512;

constexpr std::string_view kFormatKey = "format";
constexpr std::string_view kFormat = "atoll replica 1";

class SnapshotView final : public View {
 public:
  explicit SnapshotView(RocksHolder::Use rocks)
      : rocks_(std::move(rocks)), snapshot_(rocks_->db().GetSnapshot()) {}
  ~SnapshotView() override { rocks_->db().ReleaseSnapshot(snapshot_); }
  SnapshotView(const SnapshotView&) = delete;
  SnapshotView& operator=(const SnapshotView&) = delete;

  Result<std::optional<std::string>> get(Family family, std::string_view key) const override {
    return rocks_->get(rocks_->family(family), key, snapshot_);
  }
  Result<> scan(Family family, std::string_view prefix, std::string_view from,
                const Rocks::Visit& visit) const override {
    return rocks_->scan(rocks_->family(family), prefix, from, snapshot_, nullptr, visit);
  }
  Result<std::uint64_t> index() const override {
    ATOLL_TRY(const Position position, readPosition(*rocks_, snapshot_));
    return position.index;
  }

 private:
  const RocksHolder::Use rocks_;
  const rocksdb::Snapshot* snapshot_;
};

/// What a database that follows has before the first entry.
std::string noHistory() { return std::string(kHistoryBytes, '\0'); }

Result<Position> startHistory(const Rocks& rocks, bool follows) {
  const Position position{.history = follows ? noHistory() : randomBytes(kHistoryBytes),
                          .index = 0,
                          .hash = firstHash()};
  rocksdb::WriteBatch batch;
  ATOLL_CHECK(batch.Put(rocks.meta(), slice(kFormatKey), slice(kFormat)).ok());
  ATOLL_CHECK(batch.Put(rocks.meta(), slice(kPositionKey), encodePosition(position)).ok());
  rocksdb::WriteOptions options;
  options.sync = true;
  const rocksdb::Status status = catching([&] { return rocks.db().Write(options, &batch); });
  if (!status.ok()) return std::unexpected(storeError(status, "starting the log"));
  return position;
}

}  // namespace

/// The entries of one commit group, being gathered: what a later proposal of the group sees.
/// Commit thread only. Needs no snapshot: nobody else writes.
class Group final : public View {
 public:
  Group(const Rocks& rocks, Position start)
      : rocks_(rocks), batch_(rocksdb::BytewiseComparator(), 0, true), end_(std::move(start)) {}

  Result<std::optional<std::string>> get(Family family, std::string_view key) const override {
    std::string value;
    const rocksdb::Status status = catching([&] {
      return batch_.GetFromBatchAndDB(&rocks_.db(), rocksdb::ReadOptions(), rocks_.family(family),
                                      slice(key), &value);
    });
    if (status.IsNotFound()) return std::nullopt;
    if (!status.ok()) return std::unexpected(storeError(status, "reading for a commit"));
    return value;
  }
  Result<> scan(Family family, std::string_view prefix, std::string_view from,
                const Rocks::Visit& visit) const override {
    return rocks_.scan(rocks_.family(family), prefix, from, nullptr, &batch_, visit);
  }
  Result<std::uint64_t> index() const override { return end_.index; }

  /// Stages the entry and its effect. @error InvalidArgument, TooLarge: then nothing is staged.
  Result<> add(Ops ops, UnixMillis time) {
    ATOLL_TRY_VOID(checkOps(ops));
    const LogEntry entry{
        .history = end_.history, .index = end_.index + 1, .time = time, .ops = std::move(ops)};
    std::string row = encodeLogEntry(entry);
    end_.index = entry.index;
    end_.hash = chainHash(end_.hash, row);
    row += end_.hash;
    for (const Op& op : entry.ops) {
      changes_.note(op);
      rocksdb::ColumnFamilyHandle* const family = rocks_.family(op.family);
      stage(op.kind == Op::Kind::Put ? batch_.Put(family, slice(op.key), slice(op.value))
                                     : batch_.Delete(family, slice(op.key)));
    }
    stage(batch_.Put(rocks_.log(), logKey(entry.index), row));
    return {};
  }

  /// One write, one sync.
  rocksdb::Status write() {
    stage(batch_.Put(rocks_.meta(), slice(kPositionKey), encodePosition(end_)));
    rocksdb::WriteOptions options;
    options.sync = true;
    return catching([&] { return rocks_.db().Write(options, batch_.GetWriteBatch()); });
  }

  bool isFull() const { return batch_.GetWriteBatch()->GetDataSize() >= kGroupBytesMax; }
  bool isEmpty() const { return changes_.familyBits == 0; }
  const Position& end() const { return end_; }
  const Changes& changes() const { return changes_; }

 private:
  /// Staging only copies into memory: the batch has no size limit to run into.
  static void stage(const rocksdb::Status& status) { ATOLL_CHECK(status.ok()); }

  const Rocks& rocks_;
  // Reading through a batch is a non-const call in RocksDB, and changes nothing.
  mutable rocksdb::WriteBatchWithIndex batch_;
  Position end_;
  Changes changes_;
};

Result<Position> findPosition(const Rocks& rocks, bool follows) {
  ATOLL_TRY(const std::optional<std::string> format, rocks.get(rocks.meta(), kFormatKey, nullptr));
  if (!format) {
    bool hasRows = false;
    const Rocks::Visit note = [&](std::string_view, std::string_view) {
      hasRows = true;
      return false;
    };
    ATOLL_TRY_VOID(rocks.scan(rocks.meta(), "", "", nullptr, nullptr, note));
    ATOLL_TRY_VOID(rocks.scan(rocks.log(), "", "", nullptr, nullptr, note));
    if (hasRows) return fail(ErrorCode::Corrupt, "it was not made by atolld, or is damaged");
    return startHistory(rocks, follows);
  }
  if (*format != kFormat) {
    return fail(ErrorCode::Corrupt,
                std::format("its format is \"{}\" and this build reads \"{}\": use the version "
                            "that made it",
                            format->substr(0, 64), kFormat));
  }
  ATOLL_TRY(Position position, readPosition(rocks, nullptr));
  ATOLL_TRY_VOID(verifyLogHead(rocks, position));
  return position;
}

void Database::State::run() noexcept {
  ::pthread_setname_np(::pthread_self(), "commit");
  while (true) {
    std::vector<Waiter*> members;
    {
      std::unique_lock lock(mutex);
      wake.wait(lock, [&] { return isStopping || !queue.empty(); });
      if (queue.empty()) return;
      while (!queue.empty() && members.size() < kGroupCountMax) {
        members.push_back(queue.front());
        queue.pop_front();
      }
    }
    commitGroup(std::move(members));
  }
}

std::vector<Waiter*> Database::State::gather(Group& group, std::vector<Waiter*> members,
                                             std::vector<Result<Position>>& outcomes) {
  std::size_t taken = 0;
  for (; taken < members.size() && !group.isFull(); ++taken) {
    Result<Ops> ops = members[taken]->proposal(group);
    Result<> added;
    if (!ops) {
      added = std::unexpected(std::move(ops).error());
    } else {
      const UnixMillis now = clock.now();
      settleAudit(*ops, members[taken]->author, group.end().index + 1, now);
      if (!ops->empty()) added = group.add(*std::move(ops), now);
    }
    outcomes.push_back(added ? Result<Position>(group.end())
                             : Result<Position>(std::unexpected(std::move(added).error())));
  }
  if (taken < members.size()) {
    const std::scoped_lock lock(mutex);
    queue.insert(queue.begin(), members.begin() + static_cast<std::ptrdiff_t>(taken),
                 members.end());
    members.resize(taken);
  }
  return members;
}

void Database::State::commitGroup(std::vector<Waiter*> members) {
  std::string refusal;
  Position start;
  {
    const std::scoped_lock lock(mutex);
    refusal = failure;
    start = position;
  }
  if (!refusal.empty()) {
    acknowledge(members,
                std::vector<Result<Position>>(members.size(), fail(ErrorCode::Io, refusal)));
    return;
  }

  const RocksHolder::Use inUse = rocks.use();
  Group group(*inUse, std::move(start));
  std::vector<Result<Position>> outcomes;
  members = gather(group, std::move(members), outcomes);
  if (group.isEmpty()) {
    acknowledge(members, std::move(outcomes));
    return;
  }
  if (const rocksdb::Status written = group.write(); !written.ok()) {
    const std::string why =
        std::format("{}: no further change is accepted until the server is restarted: {}", path,
                    storeError(written, "writing the log").detail);
    {
      const std::scoped_lock lock(mutex);
      failure = why;
    }
    // Refusals too: they may have been decided by an entry that is not there now.
    acknowledge(members, std::vector<Result<Position>>(members.size(), fail(ErrorCode::Io, why)));
    return;
  }
  {
    const std::scoped_lock lock(mutex);
    position = group.end();
  }
  acknowledged.write(group.end().history, group.end().index);
  // Before the callers hear of it: who was told "committed" finds it in force on this node.
  if (listener) listener(group.end(), group.changes());
  acknowledge(members, std::move(outcomes));
}

void Database::State::acknowledge(const std::vector<Waiter*>& members,
                                  std::vector<Result<Position>> outcomes) {
  // Notified under the lock: a waiter's stack frame may be gone as soon as it can take the lock.
  const std::scoped_lock lock(mutex);
  for (std::size_t i = 0; i < members.size(); ++i) {
    members[i]->outcome = std::move(outcomes[i]);
    members[i]->done.notify_one();
  }
}

Database::Database(std::unique_ptr<State> state) : state_(std::move(state)) {
  state_->committer = std::thread([borrowed = state_.get()] { borrowed->run(); });
}

Database::~Database() {
  {
    const std::scoped_lock lock(state_->mutex);
    state_->isStopping = true;
  }
  state_->wake.notify_one();
  state_->committer.join();
}

Result<std::unique_ptr<Database>> Database::open(const DatabaseOptions& options,
                                                 const Clock& clock) {
  ATOLL_TRY(std::unique_ptr<Rocks> rocks, Rocks::open(options));
  Result<Position> position = findPosition(*rocks, options.follows);
  if (!position) return fail(position.error(), "data directory " + options.path);
  ATOLL_TRY(AcknowledgedFile acknowledged, AcknowledgedFile::open(options.path));
  if (const std::uint64_t known = acknowledged.read(position->history);
      known > position->index && !options.follows) {
    return fail(
        ErrorCode::Corrupt,
        std::format("data directory {0}: entry {1} of the log was acknowledged and only {2} "
                    "can be read: its write-ahead log is damaged. Restore a copy, or "
                    "delete {0}/ACKNOWLEDGED to go on without what is missing",
                    options.path, known, position->index));
  }
  auto state = std::make_unique<State>(std::move(rocks), std::move(acknowledged),
                                       *std::move(position), clock, options);
  return std::unique_ptr<Database>(new Database(std::move(state)));
}

Result<Position> Database::commit(Proposal proposal) {
  ATOLL_CHECK(std::this_thread::get_id() != state_->committer.get_id());
  if (state_->options.follows) {
    return fail(ErrorCode::Unavailable,
                "this node follows a control plane: changes are made there");
  }
  Waiter waiter;
  waiter.proposal = std::move(proposal);
  waiter.author = AuthorScope::current();
  std::unique_lock lock(state_->mutex);
  ATOLL_CHECK(!state_->isStopping);
  state_->queue.push_back(&waiter);
  state_->wake.notify_one();
  waiter.done.wait(lock, [&] { return waiter.outcome.has_value(); });
  return *std::move(waiter.outcome);
}

std::unique_ptr<View> Database::view() const {
  return std::make_unique<SnapshotView>(state_->rocks.use());
}

Result<std::optional<std::string>> Database::get(Family family, std::string_view key) const {
  const RocksHolder::Use rocks = state_->rocks.use();
  return rocks->get(rocks->family(family), key, nullptr);
}

Position Database::position() const { return state_->currentPosition(); }

void Changes::note(const Op& op) {
  familyBits |= 1u << static_cast<unsigned>(op.family);
  if (op.family == Family::Scripts || op.family == Family::Routes) {
    keys.emplace_back(op.family, op.key);
  }
}

void Database::onCommitted(std::function<void(const Position&, const Changes&)> listener) {
  state_->listener = std::move(listener);
}

std::optional<Result<std::optional<std::string>>> Database::tryGet(Family family,
                                                                   std::string_view key) const {
  rocksdb::ReadOptions options;
  options.read_tier = rocksdb::kBlockCacheTier;
  std::string value;
  const RocksHolder::Use rocks = state_->rocks.use();
  const rocksdb::Status status =
      catching([&] { return rocks->db().Get(options, rocks->family(family), slice(key), &value); });
  using Found = Result<std::optional<std::string>>;
  if (status.IsNotFound()) return Found(std::nullopt);
  if (status.IsIncomplete()) return std::nullopt;
  if (!status.ok()) return Found(std::unexpected(storeError(status, "reading")));
  return Found(std::move(value));
}

Result<Position> Database::verifyLog() const { return store::verifyLog(*state_->rocks.use()); }
Result<> Database::verifyReplay() const { return store::verifyReplay(*state_->rocks.use()); }
Result<std::string> Database::digest() const { return store::digest(*state_->rocks.use()); }

}  // namespace atolld::store
