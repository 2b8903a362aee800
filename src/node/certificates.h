#pragma once

#include <memory>

#include "base/clock.h"
#include "base/result.h"
#include "config/config.h"
#include "tls/certificate_store.h"

namespace atolld::node {

/// The operator's certificates; without any, those of an authority made for development.
/// @error InvalidArgument, NotFound, Io
Result<std::shared_ptr<const tls::CertificateStore>> loadCertificates(const config::Config& config,
                                                                      const Clock& clock);

}  // namespace atolld::node
