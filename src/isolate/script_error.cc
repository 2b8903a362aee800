#include "isolate/script_error.h"

#include <algorithm>
#include <format>

#include "isolate/v8_strings.h"

namespace atolld::isolate {
namespace {

// Bundles are often one line of a megabyte: show what is around the place.
constexpr std::size_t kExcerptColumnsMax = 120;

/// The source line with a caret under the column; `column` counts from 0.
std::string excerpt(const std::string& line, std::size_t column) {
  std::size_t begin = 0;
  if (column > kExcerptColumnsMax / 2) begin = column - kExcerptColumnsMax / 2;
  if (line.size() <= kExcerptColumnsMax) begin = 0;
  // A cut inside a UTF-8 sequence moves on to its end.
  while (begin < line.size() && (static_cast<unsigned char>(line[begin]) & 0xc0) == 0x80) ++begin;
  std::size_t end = std::min(line.size(), begin + kExcerptColumnsMax);
  while (end < line.size() && (static_cast<unsigned char>(line[end]) & 0xc0) == 0x80) ++end;
  if (begin >= end) return {};
  std::string text = "\n    " + line.substr(begin, end - begin) + "\n    ";
  for (std::size_t i = begin; i < column && i < end; ++i) text += line[i] == '\t' ? '\t' : ' ';
  return text + "^";
}

std::string place(v8::Local<v8::Context> context, v8::Local<v8::Message> message,
                  std::string& sourceLine) {
  v8::Isolate* const isolate = v8::Isolate::GetCurrent();
  if (message.IsEmpty()) return {};
  const std::string name = toUtf8(isolate, message->GetScriptResourceName());
  const int line = message->GetLineNumber(context).FromMaybe(0);
  const int column = message->GetStartColumn(context).FromMaybe(0);
  if (name.empty() || name == "undefined" || line == 0) return {};
  v8::Local<v8::String> text;
  if (message->GetSourceLine(context).ToLocal(&text)) {
    sourceLine = excerpt(toUtf8(isolate, text), static_cast<std::size_t>(column));
  }
  return std::format("{}:{}:{}: ", name, line, column + 1);
}

/// The frames of an Error's stack, without its first line. A data property as V8 makes it: a getter
/// of the script's is not run.
std::string stackFrames(v8::Local<v8::Context> context, v8::Local<v8::Value> thrown) {
  v8::Isolate* const isolate = v8::Isolate::GetCurrent();
  if (!thrown->IsNativeError()) return {};
  const v8::Local<v8::StackTrace> stack = v8::Exception::GetStackTrace(thrown);
  if (stack.IsEmpty()) return {};
  std::string text;
  for (int i = 0; i < std::min(stack->GetFrameCount(), 8); ++i) {
    const v8::Local<v8::StackFrame> frame = stack->GetFrame(isolate, static_cast<uint32_t>(i));
    const std::string function = toUtf8(isolate, frame->GetFunctionName());
    const std::string script = toUtf8(isolate, frame->GetScriptName());
    text += std::format("\n    at {}{}{}:{}:{}{}", function, function.empty() ? "" : " (", script,
                        frame->GetLineNumber(), frame->GetColumn(), function.empty() ? "" : ")");
  }
  return text;
}

std::string describe(v8::Local<v8::Context> context, v8::Local<v8::Message> message,
                     v8::Local<v8::Value> thrown) {
  std::string sourceLine;
  std::string text = place(context, message, sourceLine) + exceptionText(context, thrown);
  const std::string frames = stackFrames(context, thrown);
  return text + sourceLine + frames;
}

}  // namespace

std::string exceptionText(v8::Local<v8::Context> context, v8::Local<v8::Value> thrown) {
  v8::Isolate* const isolate = v8::Isolate::GetCurrent();
  const v8::HandleScope scope(isolate);
  if (thrown.IsEmpty()) return "execution was ended";
  // A message made here is V8's own text of the value: "Uncaught TypeError: …".
  constexpr std::string_view kPrefix = "Uncaught ";
  const v8::Local<v8::Message> message = v8::Exception::CreateMessage(isolate, thrown);
  std::string text = toUtf8(isolate, message->Get());
  if (text.starts_with(kPrefix)) text.erase(0, kPrefix.size());
  return text;
}

std::string describeException(v8::Local<v8::Context> context, const v8::TryCatch& tryCatch) {
  v8::Isolate* const isolate = v8::Isolate::GetCurrent();
  const v8::HandleScope scope(isolate);
  if (!tryCatch.HasCaught() || tryCatch.HasTerminated()) return "execution was ended";
  return describe(context, tryCatch.Message(), tryCatch.Exception());
}

std::string describeThrown(v8::Local<v8::Context> context, v8::Local<v8::Value> thrown) {
  v8::Isolate* const isolate = v8::Isolate::GetCurrent();
  const v8::HandleScope scope(isolate);
  return describe(context, v8::Exception::CreateMessage(isolate, thrown), thrown);
}

}  // namespace atolld::isolate
