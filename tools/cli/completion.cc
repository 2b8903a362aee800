#include "completion.h"

#include <CLI/CLI.hpp>
#include <vector>

namespace atolld::cli {
namespace {

std::vector<const CLI::App*> commandsOf(const CLI::App& app) {
  return app.get_subcommands([](const CLI::App* command) { return !command->get_name().empty(); });
}

std::vector<std::string> optionsOf(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* const option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  return names;
}

// One case a command: what may follow its words.
void addCases(const CLI::App& app, const std::string& path, std::string& out) {
  out += "    \"" + path + "\") words=\"";
  for (const CLI::App* const command : commandsOf(app)) out += command->get_name() + " ";
  for (const std::string& option : optionsOf(app)) out += option + " ";
  out.pop_back();
  out += "\" ;;\n";
  for (const CLI::App* const command : commandsOf(app)) {
    addCases(*command, path + (path.empty() ? "" : " ") + command->get_name(), out);
  }
}

// The words before the cursor that are commands, then the words that may come.
std::string bashScript(const CLI::App& app) {
  std::string cases;
  addCases(app, "", cases);
  return "_atoll() {\n"
         "  local path= word words i\n"
         "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
         "    word=${COMP_WORDS[i]}\n"
         "    [[ $word == -* ]] && continue\n"
         "    _atoll_words \"${path:+$path }$word\" && path=\"${path:+$path }$word\"\n"
         "  done\n"
         "  _atoll_words \"$path\"\n"
         "  COMPREPLY=($(compgen -W \"$words --url --token --json --help\" -- "
         "\"${COMP_WORDS[COMP_CWORD]}\"))\n"
         "  [[ ${COMPREPLY[*]} ]] || COMPREPLY=($(compgen -f -- \"${COMP_WORDS[COMP_CWORD]}\"))\n"
         "}\n"
         "_atoll_words() {\n"
         "  case \"$1\" in\n" +
         cases +
         "    *) return 1 ;;\n"
         "  esac\n"
         "}\n"
         "complete -F _atoll atoll\n";
}

std::string fishQuoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text)
    out += c == '\'' || c == '\\' ? std::string("\\") + c : std::string(1, c);
  return out + "'";
}

void addFish(const CLI::App& app, const std::string& condition, std::string& out) {
  const std::string when = "complete -c atoll -n " + fishQuoted(condition);
  for (const CLI::App* const command : commandsOf(app)) {
    out += when + " -f -a " + command->get_name() + " -d " +
           fishQuoted(command->get_description()) + "\n";
    const std::string seen = "__fish_seen_subcommand_from " + command->get_name();
    const bool isTop = app.get_parent() == nullptr;
    addFish(*command, isTop ? seen : condition + "; and " + seen, out);
  }
  for (const CLI::Option* const option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) {
      out += when + " -l " + name + " -d " + fishQuoted(option->get_description()) + "\n";
    }
  }
}

}  // namespace

std::string completionScript(const CLI::App& app, const std::string& shell) {
  if (shell == "bash") return bashScript(app);
  if (shell == "zsh") return "autoload -Uz bashcompinit && bashcompinit\n" + bashScript(app);
  std::string out;
  addFish(app, "__fish_use_subcommand", out);
  return out;
}

}  // namespace atolld::cli
