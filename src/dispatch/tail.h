#pragma once

#include <memory>
#include <string>

#include "deploy/deployment.h"
#include "gateway/refusal.h"
#include "http/message.h"
#include "isolate/host.h"
#include "telemetry/tail.h"

/// What is noted of an invocation whose script somebody watches.
namespace atolld::dispatch {

std::unique_ptr<telemetry::TailItem> beginTail(const http::RequestHead& head,
                                               const deploy::Version& version);
void noteLog(telemetry::TailItem& item, isolate::host::Log::Level level, std::string text);
void noteException(telemetry::TailItem& item, const isolate::host::Failed& failed);
/// The node answered for the script.
void noteRefusal(telemetry::TailItem& item, gateway::Refusal refusal);

}  // namespace atolld::dispatch
