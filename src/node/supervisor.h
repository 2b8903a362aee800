#pragma once

#include <functional>

namespace atolld::node {

/// Runs `serve` in a child process and starts another when it ends by itself: after a crash at once
/// (later, if it keeps crashing), or when it is worn out. SIGTERM and SIGINT are passed on; the
/// result is then the child's exit code, as it is of a child that drained, or that refuses to start
/// (1 or 2). A supervisor that is killed takes its child along. Before any other thread is made.
/// @return in both processes: the supervisor's exit code, or the child's
int supervise(const std::function<int()>& serve);

}  // namespace atolld::node
