#include "control/upload_form.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace atolld::control {
namespace {

struct Part {
  std::string name, type, content;
};

Result<deploy::Upload> parse(const std::string& metadata, const std::vector<Part>& modules) {
  std::string body = "--b\r\nContent-Disposition: form-data; name=\"metadata\"\r\n\r\n" + metadata;
  for (const Part& part : modules) {
    body += "\r\n--b\r\nContent-Disposition: form-data; name=\"" + part.name + "\"; filename=\"" +
            part.name + "\"\r\nContent-Type: " + part.type + "\r\n\r\n" + part.content;
  }
  return parseUploadForm("multipart/form-data; boundary=b", Bytes(body + "\r\n--b--\r\n"));
}

const std::string kEsm = "application/javascript+module";

}  // namespace

TEST_CASE("parseUploadForm reads wrangler's upload") {
  const auto upload = parse(R"({"main_module":"index.js","bindings":[
      {"type":"plain_text","name":"T","text":"x"}, {"type":"json","name":"J","json":{"a":[1]}},
      {"type":"kv_namespace","name":"K","namespace_id":"0123"}],
      "compatibility_date":"2026-01-01","compatibility_flags":["nodejs_compat"],
      "observability":{"enabled":true},"keep_bindings":["secret_text"],
      "annotations":{"workers/message":"hello"}})",
                            {{"index.js", kEsm, "export default {}"},
                             {"./abc-a.wasm", "application/wasm", "wasm"},
                             {"t.txt", "text/plain; charset=utf-8", "text"},
                             {"d.bin", "application/octet-stream", "data"},
                             {"j.json", "application/json", "{}"},
                             {"c.cjs", "application/javascript", "cjs"},
                             {"index.js.map", "application/source-map", "{}"}})
                          .value();
  CHECK(upload.mainModule == "index.js");
  CHECK(upload.compatibilityDate == "2026-01-01");
  CHECK(upload.compatibilityFlags == std::vector<std::string>{"nodejs_compat"});
  CHECK(upload.message == "hello");
  REQUIRE(upload.bindings.size() == 3);
  CHECK(std::get<deploy::TextBinding>(upload.bindings[0]).value == "x");
  CHECK(std::get<deploy::JsonBinding>(upload.bindings[1]).json == "{\"a\":[1]}");
  CHECK(std::get<deploy::KvBinding>(upload.bindings[2]).namespaceId == "0123");
  REQUIRE(upload.modules.size() == 7);
  CHECK(upload.modules[0].type == deploy::ModuleType::EsModule);
  CHECK(upload.modules[0].content.view() == "export default {}");
  CHECK(upload.modules[1].name == "abc-a.wasm");
  CHECK(upload.modules[1].type == deploy::ModuleType::Wasm);
  CHECK(upload.modules[2].type == deploy::ModuleType::Text);
  CHECK(upload.modules[3].type == deploy::ModuleType::Data);
  CHECK(upload.modules[4].type == deploy::ModuleType::Json);
  CHECK(upload.modules[5].type == deploy::ModuleType::CommonJs);
  CHECK(upload.modules[6].type == deploy::ModuleType::SourceMap);
}

TEST_CASE("parseUploadForm says what is wrong with an upload") {
  const std::vector<Part> main = {{"a.js", kEsm, ""}};
  const struct {
    std::string metadata;
    std::vector<Part> modules;
    std::string_view message;
  } kTable[] = {
      {"", main, "metadata is no JSON"},
      {"[]", main, "metadata is no JSON object"},
      {"{", main, "metadata is no JSON"},
      {std::string(200, '[') + std::string(200, ']'), main, "nested deeper than 64"},
      {"{}", main, "\"main_module\" is missing"},
      {R"({"main_module":1})", main, "\"main_module\" is no string"},
      {R"({"main_module":"b.js"})", main, "main_module is \"b.js\", but no module of that name"},
      {R"({"main_module":"a.js"})", {}, "no module of that name"},
      {R"({"body_part":"script"})", main, "no module of that name"},
      {R"({"main_module":"a.js","bindings":{}})", main, "\"bindings\" is no array"},
      {R"({"main_module":"a.js","bindings":[1]})", main, "a binding is no object"},
      {R"({"main_module":"a.js","bindings":[{"type":"json","name":"J"}]})", main,
       "binding \"J\": \"json\" is missing"},
      {R"({"main_module":"a.js","bindings":[{"type":"d1","name":"DB","id":"x"}]})", main,
       "binding \"DB\" is of type \"d1\", which this node does not offer"},
      {R"({"main_module":"a.js","bindings":[{"type":"plain_text","name":"T","text":1}]})", main,
       "\"text\" is no string"},
      {R"({"main_module":"a.js","compatibility_flags":["a",1]})", main,
       "\"compatibility_flags\" has a member that is no string"},
      {R"({"main_module":"a.js"})", {{"a.js", kEsm, ""}, {"./a.js", kEsm, ""}}, "two parts"},
      {R"({"main_module":"a.js"})", {{"a.js", kEsm, ""}, {"metadata", kEsm, ""}}, "two parts"},
      {R"({"main_module":"a.py"})",
       {{"a.py", "text/x-python", ""}},
       "content type \"text/x-python\" is none of"},
  };
  for (const auto& [metadata, modules, message] : kTable) {
    CAPTURE(message);
    const auto upload = parse(metadata, modules);
    REQUIRE_FALSE(upload.has_value());
    CHECK(upload.error().code == ErrorCode::InvalidArgument);
    CAPTURE(upload.error().detail);
    CHECK(upload.error().detail.find(message) != std::string::npos);
  }
  CHECK(parseUploadForm("multipart/form-data; boundary=b", Bytes("--b--"))
            .error()
            .detail.find("no part \"metadata\"") != std::string::npos);
  CHECK(parseUploadForm("application/json", Bytes("{}"))
            .error()
            .detail.find("send multipart/form-data") != std::string::npos);
}

}  // namespace atolld::control
