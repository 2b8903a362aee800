#pragma once

#include <string_view>

/// A question to the node's cache is a host::FetchStart whose head has the scheme "cache": bodies
/// flow as with any fetch. `method` is MATCH, PUT or DELETE, `authority` the cache's name, `target`
/// the URL. Fields of the request that was asked about have names that begin with kRequestMark; of
/// a PUT, the others are the response's to store, and kStatusField is its status. What is not
/// there, and a PUT, is answered with nothing (std::monostate), a DELETE of something with a 200.
namespace atolld::isolate::host {

inline constexpr std::string_view kCacheScheme = "cache";
inline constexpr std::string_view kCacheMatch = "MATCH", kCachePut = "PUT", kCacheDelete = "DELETE";
inline constexpr char kRequestMark = ':';
inline constexpr std::string_view kStatusField = "::status";

}  // namespace atolld::isolate::host
