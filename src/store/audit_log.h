#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "store/database.h"

namespace atolld::store {

/// Who asks for a change.
struct Author {
  std::string tenant;   ///< The caller's own; changes of another tenant's things name theirs.
  std::string tokenId;  ///< Names the token; no secret. Empty: no token was needed.
  std::string role;     ///< As roleName(), or what the node itself does ("join", "first start").
  std::string address;  ///< IP literal; may be empty.
  std::string ray;      ///< The request's id in the node's log; may be empty.
};

/// While it lives, the changes that its thread commits are this author's. Outside of one nothing is
/// recorded: scripts' own writes and what a node tidies up are nobody's.
class AuthorScope {
 public:
  /// Borrowed for the scope's life. Scopes do not nest: checked.
  explicit AuthorScope(const Author& author);
  ~AuthorScope();
  AuthorScope(const AuthorScope&) = delete;
  AuthorScope& operator=(const AuthorScope&) = delete;

  static const Author* current() noexcept;  ///< Of this thread; null: nobody.
};

/// Which of a tenant's records a record may push out, when there are too many: a loader of a
/// million keys must not make anyone forget who made a token.
enum class AuditKind : std::uint8_t { Change = 0, Data = 1 };

/// What an entry's ops do, in words. `subject` is what was changed: names and ids, no secret.
struct AuditNote {
  std::string_view action;  ///< "script.deploy"
  std::string_view subject;
  std::string_view tenant = {};  ///< Whose it is; empty: the author's.
  AuditKind kind = AuditKind::Change;
};

/// Adds the note to a proposal's ops: it becomes a record of the same log entry, with the author
/// and the entry's index and time, if there is an author and the ops change anything else.
void stageAudit(const AuditNote& note, Ops& ops);

/// Inside store: completes the notes in `ops`, or takes them out. `author` may be null.
void settleAudit(Ops& ops, const Author* author, std::uint64_t index, UnixMillis time);

struct AuditRecord {
  std::uint64_t index = 0;  ///< Of the log entry that made the change.
  UnixMillis time{};
  std::string action;
  std::string subject;
  Author author;
};

/// Column family "audit": tenant, kind, index from the newest on -> who did what. Blocks on disk:
/// storage threads only.
class AuditLog {
 public:
  static constexpr std::size_t kListCountMax = 1000;

  explicit AuditLog(Database& database) : database_(database) {}

  /// Newest first; only those before the entry `before` (0: all) and not older than `since`: the
  /// name of a tenant may have been another's.
  Result<std::vector<AuditRecord>> list(std::string_view tenant, std::size_t limit,
                                        std::uint64_t before = 0, UnixMillis since = {}) const;

  /// Drops what is beyond a tenant's newest `countMax` records of a kind. @return how many
  Result<std::size_t> collect(std::size_t countMax);

 private:
  Database& database_;
};

}  // namespace atolld::store
