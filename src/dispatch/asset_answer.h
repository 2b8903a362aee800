#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "assets/site.h"
#include "dispatch/body.h"
#include "dispatch/cache_rules.h"
#include "http/message.h"

namespace atolld::dispatch {

class Dispatcher;
class Invocation;

/// Answers `invocation` with what `site` says, without its script. Seat holder only.
void answerFromSite(Dispatcher& dispatcher, Invocation& invocation, const assets::Site& site,
                    const assets::Site::Answer& answer);

/// The copy of a file to send: compressed as the request takes it, where there is such a copy.
const assets::Asset& chooseCopy(const assets::Asset& file, const http::HeaderList& request);

/// A static file on its way to a client or a script, as fast as it is read. Keeps itself alive
/// until it is sent or its reader is gone. Seat holder only.
class AssetRead final : public BodyFeeder, public std::enable_shared_from_this<AssetRead> {
 public:
  /// Sends `head`, then the bytes of `range` of the content. `target` is borrowed until it says
  /// that it is gone, or all is sent.
  static void start(Dispatcher& dispatcher, Invocation& target, http::ResponseHead head,
                    std::string hash, ByteRange range);

  void onTargetDrained() override { turn(); }
  void onTargetGone(const Error& error) override;

 private:
  AssetRead(Dispatcher& dispatcher, Invocation& target, http::ResponseHead head, std::string hash,
            ByteRange range);
  void turn();
  void give(const Bytes& piece);
  void finish();

  Dispatcher& dispatcher_;
  Invocation* target_;
  std::optional<http::ResponseHead> head_;  ///< Until it is sent, with the first bytes.
  const std::string hash_;
  const ByteRange range_;
  std::uint64_t next_;  ///< The first byte that was not given yet.
  bool reading_ = false;
  std::shared_ptr<AssetRead> self_;
};

}  // namespace atolld::dispatch
