#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "store/database.h"

namespace atolld::replication {

/// What a source says to who wants to follow from some position.
enum class Verdict : std::uint8_t {
  Follow = 0,     ///< Entries follow, from the one after it on.
  TooOld = 1,     ///< The log no longer goes back that far: bootstrap.
  Foreign = 2,    ///< Another history, or another entry at that index: bootstrap.
  BehindYou = 3,  ///< The source has not come that far itself.
};

/// The first frame of every stream.
struct Hello {
  Verdict verdict = Verdict::Follow;
  bool isRoot = false;               ///< The control plane: who is ahead of it is wrong.
  std::chrono::milliseconds age{0};  ///< How old the source's own newest news is.
  store::Position head;
  bool operator==(const Hello& other) const {
    return verdict == other.verdict && isRoot == other.isRoot && age == other.age &&
           head.history == other.head.history && head.index == other.head.index &&
           head.hash == other.head.hash;
  }
};

/// Comes when nothing else does: how far the log goes, and how old that knowledge is.
struct News {
  std::uint64_t headIndex = 0;
  std::chrono::milliseconds age{0};
  bool operator==(const News&) const = default;
};

/// Entries as they came, in order, one behind the other.
struct EntryBatch {
  std::string bytes;
  std::vector<std::size_t> ends;

  bool empty() const { return ends.empty(); }
  /// Each a row of the log. Valid while the batch is not changed.
  std::vector<std::string_view> rows() const;
};

/// A frame is its length in four bytes, its type in one, and what README.md says.
std::string helloFrame(const Hello& hello);
std::string newsFrame(const News& news);
/// Appends an entry's frame.
void appendEntryFrame(std::string& out, std::string_view row);

/// Takes a stream apart however it is cut. Its input is untrusted: memory is bounded by the largest
/// entry there may be.
class FrameReader {
 public:
  class Sink {
   public:
    virtual void onHello(Hello hello) = 0;
    virtual void onEntry(std::string_view row) = 0;  ///< Borrowed for the call.
    virtual void onNews(News news) = 0;

   protected:
    ~Sink() = default;
  };

  explicit FrameReader(Sink& sink) : sink_(sink) {}
  /// @error Protocol: the stream is of no further use.
  Result<> receive(std::string_view bytes);

 private:
  Result<> frame(std::string_view body);

  Sink& sink_;
  std::string partial_;
  bool greeted_ = false;
};

/// What a source at `head`, whose log begins after `baseIndex`, says to a follower at `asked`.
/// `hashAtAsked` is the hash of its own entry at that index, if it has it.
Verdict judge(const store::Position& head, std::uint64_t baseIndex, const store::Position& asked,
              const std::optional<std::string>& hashAtAsked);

}  // namespace atolld::replication
