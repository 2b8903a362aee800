#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "store/node_store.h"

namespace atolld::replication {

/// Who this node is in its fleet: what it keeps in its data directory, in one file, from the first
/// attempt to join on. Holds its private key.
struct Identity {
  std::string name;
  std::string region;
  std::vector<std::pair<std::string, std::string>> labels;
  std::string control;                 ///< "host:port" of the control plane's fleet address.
  std::vector<std::string> upstreams;  ///< As given; empty: the control plane.
  std::string keyPem;
  std::string chainPem;      ///< Empty until it has joined.
  std::string authorityPem;  ///< Likewise.

  bool joined() const { return !chainPem.empty(); }
  std::string encode() const;
  /// @error Corrupt
  static Result<Identity> decode(std::string_view bytes);
};

/// What an operator hands over: a secret, and whom to give it to.
struct JoinToken {
  std::string secret;                ///< As store::JoinTokenStore::create() made it.
  std::string authorityFingerprint;  ///< Raw: of the authority that the control plane must show.

  std::string toText() const;
  /// @error InvalidArgument, without the text.
  static Result<JoinToken> parse(std::string_view text);
};

/// POST /fleet/v1/join, without a certificate.
struct JoinRequest {
  std::string secret;
  std::string requestPem;
  std::string name;
  std::string region;
  std::vector<std::pair<std::string, std::string>> labels;

  std::string encode() const;
  /// Untrusted. @error InvalidArgument
  static Result<JoinRequest> decode(std::string_view bytes);
};
struct JoinAnswer {
  std::string chainPem;
  std::string authorityPem;
  std::string clusterKey;  ///< As store::ClusterKey::toText(); empty when a certificate is renewed.

  std::string encode() const;
  /// @error Protocol
  static Result<JoinAnswer> decode(std::string_view bytes);
};

}  // namespace atolld::replication
