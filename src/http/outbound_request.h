#pragma once

#include <optional>

#include "base/result.h"
#include "http/message.h"

namespace atolld::http {

/// Whether a request asks for a connection's bytes and nothing of HTTP: a CONNECT to an authority
/// with scheme "tcp" or "tls". Over HTTP/1 connections only: its own answer is a 200 once the
/// connection is there, and its bodies are the connection's two directions.
bool isBareConnection(const RequestHead& head);

/// What could not be written as exactly one request is not written at all: says why not.
std::optional<Error> checkOutboundRequest(const RequestHead& head);

}  // namespace atolld::http
