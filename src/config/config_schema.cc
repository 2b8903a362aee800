// config_schema (defaults | schema): prints the generated files of edge-config/, after a change of
// keys.cc:
//   build/debug/src/config/config_schema defaults > edge-config/defaults.toml
//   build/debug/src/config/config_schema schema > edge-config/schema/atolld.schema.json
#include <cstdio>
#include <string>
#include <string_view>

#include "config/keys.h"

int main(int argc, char** argv) {
  const std::string_view what = argc == 2 ? argv[1] : "";
  if (what != "defaults" && what != "schema") {
    std::fputs("usage: config_schema defaults|schema\n", stderr);
    return 2;
  }
  const std::string text =
      what == "schema" ? atolld::config::configSchema() : atolld::config::defaultsToml();
  std::fputs(text.c_str(), stdout);
  return 0;
}
