#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/suggest.h"
#include "commands.h"
#include "completion.h"

namespace atolld::cli {
namespace {

#ifndef ATOLL_VERSION
#define ATOLL_VERSION "0"
#endif

constexpr int kUsage = 2;

// Every option a command may have; a command reads the ones it declared.
struct Arguments {
  Globals globals;
  DeployOptions deploy;
  TailOptions tail;
  DevOptions dev;
  TypesOptions types;
  ScriptOptions script;
  KvOptions kv;
  KvPutOptions put;
  std::string key, path, prefix, title, pattern, message, name, id, directory = ".";
  std::string shell, templateName = "hello";
  TokenOptions tokens;
  AuditOptions audit;
  std::vector<std::string> shares, words;
  std::uint64_t limit = 1000;
  std::optional<std::string> value;
  std::uint64_t lifetimeSeconds = 3600;
  bool yes = false, isVersion = false;
};

class CommandTree {
 public:
  CommandTree() : app_("atoll: deploys functions to an Atoll node or fleet", "atoll") {
    app_.set_version_flag("--version", "atoll " ATOLL_VERSION);
    app_.require_subcommand(0, 1);
    app_.fallthrough();
    app_.footer("Every command takes --url, --token and --json. `atoll COMMAND --help` says more.");
    app_.add_option("--url", a_.globals.url, "Control API (else ATOLL_URL)")->type_name("URL");
    app_.add_option("--token", a_.globals.token, "Token (else ATOLL_TOKEN)")->type_name("TOKEN");
    app_.add_flag("--json", a_.globals.json, "Answer in JSON, for machines");
    addAccount();
    addDeploy();
    addDev();
    addTypes();
    addCompletion();
    addScripts();
    addRoutes();
    addKv();
    addSecrets();
    addTokens();
    addTenants();
    addAudit();
    addNodes();
    addTail();
  }

  int run(int argc, char** argv) {
    try {
      app_.parse(argc, argv);
    } catch (const CLI::CallForHelp&) {
      std::fputs(deepest(&app_)->help().c_str(), stdout);
      return 0;
    } catch (const CLI::CallForVersion&) {
      std::puts("atoll " ATOLL_VERSION);
      return 0;
    } catch (const CLI::ParseError& error) {
      return usage(oneLine(error.what()));
    }
    CLI::App* const chosen = deepest(&app_);
    if (const auto extras = app_.remaining(true); !extras.empty()) {
      return usage(unknown(*chosen, extras.front()));
    }
    const auto action = actions_.find(chosen);
    if (action == actions_.end()) {
      return usage(chosen == &app_ ? "no command given: atoll --help lists them"
                                   : chosen->get_name() + " needs a command: " + names(*chosen));
    }
    action->second();
    return 0;
  }

  static int usage(const std::string& message) {
    std::fprintf(stderr, "atoll: %s\n", message.c_str());
    return kUsage;
  }

 private:
  static CLI::App* deepest(CLI::App* app) {
    for (;;) {
      const auto chosen = app->get_subcommands();
      if (chosen.empty()) return app;
      app = chosen.front();
    }
  }

  static std::string oneLine(std::string text) {
    std::replace(text.begin(), text.end(), '\n', ' ');
    while (!text.empty() && (text.back() == ' ' || text.back() == '.')) text.pop_back();
    return text;
  }

  static std::string names(const CLI::App& app) {
    std::string list;
    for (const CLI::App* const command : app.get_subcommands({})) {
      list += (list.empty() ? "" : ", ") + command->get_name();
    }
    return list;
  }

  static std::string unknown(const CLI::App& app, const std::string& word) {
    std::vector<std::string> candidates;
    const bool option = word.starts_with("-");
    if (option) {
      for (const CLI::App* level = &app; level; level = level->get_parent()) {
        for (const CLI::Option* const known : level->get_options()) {
          for (const std::string& name : known->get_lnames()) candidates.push_back("--" + name);
        }
      }
    } else {
      for (const CLI::App* const command : app.get_subcommands({})) {
        candidates.push_back(command->get_name());
      }
    }
    const std::string bare = option ? word.substr(0, word.find('=')) : word;
    const std::vector<std::string_view> views(candidates.begin(), candidates.end());
    std::string what = option ? "unknown option \"" : "unexpected word \"";
    if (!option && !candidates.empty()) what = "unknown command \"";
    const std::string mend = didYouMean(bare, views);
    return what + bare + "\"" +
           (mend.empty() ? ": atoll " + (app.get_parent() ? app.get_name() + " " : std::string()) +
                               "--help shows what there is"
                         : mend);
  }

  CLI::App* add(CLI::App& parent, const char* name, const char* about,
                std::function<void()> action = nullptr) {
    CLI::App* const command = parent.add_subcommand(name, about);
    command->allow_extras();
    if (action) {
      actions_.emplace(command, std::move(action));
    } else {
      command->require_subcommand(0, 1);
    }
    return command;
  }

  void addScriptOptions(CLI::App* command, const char* option) {
    command->add_option(option, a_.script.script, "The script; else the project's here")
        ->type_name("SCRIPT");
    command->add_option("--env", a_.script.environment, "Environment of the project")
        ->type_name("NAME");
  }

  void addAccount() {
    app_.allow_extras();
    add(app_, "login", "Keep URL and token for later commands", [this] { login(a_.globals); });
    add(app_, "logout", "Forget what login kept", [this] { logout(a_.globals); });
    add(app_, "whoami", "Show who the token is", [this] { whoami(a_.globals); });
    CLI::App* const made = add(app_, "init", "Make a project from a template",
                               [this] { init(a_.globals, a_.directory, a_.templateName); });
    made->add_option("directory", a_.directory, "Where; default: here")->type_name("DIR");
    std::string about;
    for (const std::string& name : templateNames()) about += (about.empty() ? "" : ", ") + name;
    made->add_option("--template,-t", a_.templateName, about + "; default: hello")
        ->type_name("NAME");
  }

  void addDeploy() {
    CLI::App* const command = add(app_, "deploy", "Deploy a project directory or one module",
                                  [this] { deploy(a_.globals, a_.deploy); });
    DeployOptions& o = a_.deploy;
    command->add_option("path", o.path, "Directory or module; default: here")
        ->type_name("DIR|FILE");
    command->add_option("--name", o.name, "Script name, above the project's")->type_name("SCRIPT");
    command->add_option("--env", o.environment, "Environment of the project")->type_name("NAME");
    command->add_option("--message,-m", o.message, "A note kept with the version")
        ->type_name("TEXT");
    command->add_option("--var", o.vars, "NAME=value; may be repeated")
        ->type_name("VAR")
        ->expected(1)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    auto* const bundle = command->add_flag("--bundle", o.bundle, "Bundle with esbuild");
    command->add_flag("--no-bundle", o.noBundle, "Send the modules as they are")->excludes(bundle);
    command->add_flag("--upload-only", o.uploadOnly, "Make a version without deploying it");
    command->add_flag("--dry-run", o.dryRun, "Show what would be sent");
  }

  void addCompletion() {
    add(app_, "completion", "Print a script that completes commands in a shell",
        [this] { std::fputs(completionScript(app_, a_.shell).c_str(), stdout); })
        ->add_option("shell", a_.shell, "bash, zsh or fish")
        ->required()
        ->check(CLI::IsMember({"bash", "zsh", "fish"}));
  }

  void addDev() {
    CLI::App* const command = add(app_, "dev", "Serve a project here; what is saved answers next",
                                  [this] { dev(a_.globals, a_.dev); });
    command->add_option("path", a_.dev.path, "Project directory; default: here")->type_name("DIR");
    command->add_option("--env", a_.dev.environment, "Environment of the project")
        ->type_name("NAME");
    command->add_option("--port,-p", a_.dev.port, "Of localhost; 0 picks one; default: 8787")
        ->type_name("PORT")
        ->check(CLI::Range(0, 65535));
    // A flag: its value comes behind '=', so that a directory may follow.
    command
        ->add_flag("--inspect{9229}", a_.dev.inspectPort,
                   "Let debuggers in, on port 9229 of localhost; --inspect=PORT: on another, 0 "
                   "picks one")
        ->option_text("[=PORT]")
        ->check(CLI::Range(0, 65535));
    command->add_option("--var", a_.dev.vars, "NAME=value; may be repeated")
        ->type_name("VAR")
        ->expected(1)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  }

  void addTypes() {
    CLI::App* const command = add(app_, "types", "Write TypeScript declarations of the bindings",
                                  [this] { writeTypes(a_.globals, a_.types); });
    command->add_option("path", a_.types.path, "Project directory; default: here")
        ->type_name("DIR");
    command->add_option("--env", a_.types.environment, "Of this environment; default: of all")
        ->type_name("NAME");
    command->add_flag("--no-strict-vars", a_.types.isLoose, "Variables are string, not \"value\"");
  }

  void addScripts() {
    add(app_, "scripts", "List scripts", [this] { listScripts(a_.globals); });
    CLI::App* const versions = add(app_, "versions", "List versions of a script",
                                   [this] { listVersions(a_.globals, a_.script); });
    addScriptOptions(versions, "script,--name");
    CLI::App* const deployments = add(app_, "deployments", "List deployments of a script",
                                      [this] { listDeployments(a_.globals, a_.script); });
    addScriptOptions(deployments, "script,--name");
    CLI::App* const back = add(app_, "rollback", "Deploy the version before, or a named one",
                               [this] { rollback(a_.globals, a_.script, a_.words, a_.message); });
    back->add_option("words", a_.words, "In a project: VERSION; elsewhere: SCRIPT, SCRIPT VERSION")
        ->expected(0, 2)
        ->type_name("[SCRIPT] [VERSION]");
    back->add_option("--message,-m", a_.message, "A note kept with the deployment")
        ->type_name("TEXT");
    addScriptOptions(back, "--name");
    CLI::App* const split = add(app_, "activate", "Deploy uploaded versions, by share", [this] {
      deployVersions(a_.globals, a_.script, a_.shares, a_.message);
    });
    split->add_option("versions", a_.shares, "VERSION, or VERSION@PERCENT for each of several")
        ->required()
        ->type_name("VERSION[@PERCENT]");
    split->add_option("--message,-m", a_.message, "A note kept with the deployment")
        ->type_name("TEXT");
    addScriptOptions(split, "--name");
    CLI::App* const gone = add(app_, "delete", "Delete a script and all it has",
                               [this] { deleteScript(a_.globals, a_.script, a_.yes); });
    addScriptOptions(gone, "script,--name");
    gone->add_flag("--yes,-y", a_.yes, "Do it");
  }

  void addRoutes() {
    CLI::App* const routes = add(app_, "routes", "Hostnames and paths of scripts");
    add(*routes, "list", "List routes", [this] { listRoutes(a_.globals); });
    CLI::App* const added = add(*routes, "add", "Route a hostname or path to a script",
                                [this] { addRoute(a_.globals, a_.pattern, a_.script); });
    added->add_option("pattern", a_.pattern, "example.com, *.example.com/api/*")->required();
    addScriptOptions(added, "script,--name");
    CLI::App* const gone =
        add(*routes, "remove", "Remove a route", [this] { removeRoute(a_.globals, a_.pattern); });
    gone->add_option("pattern", a_.pattern, "As `routes list` shows it")->required();
  }

  void addNamespaceOptions(CLI::App* command) {
    command->add_option("--namespace,--namespace-id,-n", a_.kv.namespaceName, "Id or title")
        ->type_name("ID");
    command->add_option("--binding,-b", a_.kv.binding, "A KV binding of the project here")
        ->type_name("NAME");
    command->add_option("--env", a_.kv.environment, "Environment of the project")
        ->type_name("NAME");
  }

  void addKv() {
    CLI::App* const kv = add(app_, "kv", "Key-value namespaces and their keys");
    CLI::App* const spaces = add(*kv, "namespace", "KV namespaces");
    add(*spaces, "list", "List namespaces", [this] { listNamespaces(a_.globals); });
    add(*spaces, "create", "Make a namespace", [this] { createNamespace(a_.globals, a_.title); })
        ->add_option("title", a_.title, "Its title")
        ->required();
    CLI::App* const gone = add(*spaces, "delete", "Delete a namespace with its keys",
                               [this] { deleteNamespace(a_.globals, a_.title, a_.yes); });
    gone->add_option("namespace", a_.title, "Id or title")->required();
    gone->add_flag("--yes,-y", a_.yes, "Do it");

    CLI::App* const get = add(*kv, "get", "Print the value of a key",
                              [this] { getKey(a_.globals, a_.kv, a_.key, a_.path); });
    get->add_option("key", a_.key)->required();
    get->add_option("--path", a_.path, "Write it to a file")->type_name("FILE");
    addNamespaceOptions(get);

    CLI::App* const put =
        add(*kv, "put", "Set a key", [this] { putKey(a_.globals, a_.kv, a_.put); });
    put->add_option("key", a_.put.key)->required();
    put->add_option("value", a_.put.value, "Else --path, else standard input");
    put->add_option("--path", a_.put.path, "Take the value from a file")->type_name("FILE");
    put->add_option("--ttl", a_.put.ttlSeconds, "Seconds to live, at least 60")
        ->type_name("SECONDS");
    put->add_option("--expiration", a_.put.expiration, "Unix time it ends at")
        ->type_name("SECONDS");
    put->add_option("--metadata", a_.put.metadata, "JSON kept beside the value")->type_name("JSON");
    addNamespaceOptions(put);

    CLI::App* const list =
        add(*kv, "list", "List keys", [this] { listKeys(a_.globals, a_.kv, a_.prefix, a_.limit); });
    list->add_option("--prefix", a_.prefix, "Only keys that begin so")->type_name("TEXT");
    list->add_option("--limit", a_.limit, "At most so many")->type_name("COUNT");
    addNamespaceOptions(list);

    CLI::App* const remove =
        add(*kv, "delete", "Delete a key", [this] { deleteKey(a_.globals, a_.kv, a_.key); });
    remove->add_option("key", a_.key)->required();
    addNamespaceOptions(remove);
  }

  void addSecrets() {
    CLI::App* const secrets = add(app_, "secret", "Secrets of a script");
    const auto addNamed = [&](const char* name, const char* what, std::function<void()> action) {
      CLI::App* const command = add(*secrets, name, what, std::move(action));
      command->add_option("name", a_.name, "As the script's env has it")->required();
      command->add_flag("--version-only", a_.isVersion, "Make a version, do not deploy it");
      return command;
    };
    CLI::App* const put = addNamed("put", "Set a secret, from standard input", [this] {
      putSecret(a_.globals, a_.script, a_.name, a_.value, a_.isVersion);
    });
    put->add_option("--value", a_.value, "The value; others on this machine can see it")
        ->type_name("TEXT");
    addScriptOptions(put, "--script");
    addScriptOptions(
        addNamed("delete", "Remove a secret",
                 [this] { deleteSecret(a_.globals, a_.script, a_.name, a_.isVersion); }),
        "--script");
    addScriptOptions(add(*secrets, "list", "List names of secrets",
                         [this] { listSecrets(a_.globals, a_.script); }),
                     "script,--script");
  }

  void addTokens() {
    CLI::App* const tokens = add(app_, "tokens", "Access tokens");
    CLI::App* const list =
        add(*tokens, "list", "List tokens", [this] { listTokens(a_.globals, a_.tokens); });
    CLI::App* const made = add(*tokens, "create", "Make a token; it is shown once",
                               [this] { createToken(a_.globals, a_.tokens); });
    made->add_option("name", a_.tokens.name, "What it is for")->required();
    made->add_option("--role", a_.tokens.role, "owner, deployer or viewer; default: deployer")
        ->type_name("ROLE");
    made->add_option("--script", a_.tokens.script, "Good for this script only")
        ->type_name("SCRIPT");
    CLI::App* const revoke = add(*tokens, "revoke", "Make a token worthless",
                                 [this] { revokeToken(a_.globals, a_.tokens, a_.id); });
    revoke->add_option("id", a_.id)->required();
    for (CLI::App* const each : {list, made, revoke}) {
      each->add_option("--tenant", a_.tokens.tenant, "Another tenant's: for operators")
          ->type_name("TENANT");
    }
  }

  void addAudit() {
    CLI::App* const audit = add(app_, "audit", "Who changed what, newest first",
                                [this] { listAudit(a_.globals, a_.audit); });
    audit->add_option("--limit", a_.audit.limit, "At most so many; default: 100")
        ->check(CLI::Range(1, 1000))
        ->type_name("COUNT");
    audit->add_option("--before", a_.audit.before, "Only what is older than this index")
        ->type_name("INDEX");
    audit->add_option("--tenant", a_.audit.tenant, "Another tenant's: for operators")
        ->type_name("TENANT");
  }

  void addTenants() {
    CLI::App* const tenants = add(app_, "tenants", "The accounts of the node or fleet");
    add(*tenants, "list", "List tenants", [this] { listTenants(a_.globals); });
    add(*tenants, "create", "Make a tenant", [this] { createTenant(a_.globals, a_.name); })
        ->add_option("name", a_.name, "1 to 63 of a-z, 0-9 and '-'")
        ->required();
    CLI::App* const gone = add(*tenants, "delete", "Delete a tenant with all that it owns",
                               [this] { deleteTenant(a_.globals, a_.name, a_.yes); });
    gone->add_option("name", a_.name)->required();
    gone->add_flag("--yes,-y", a_.yes, "Do it");
  }

  void addNodes() {
    CLI::App* const nodes = add(app_, "nodes", "The fleet's nodes");
    add(*nodes, "list", "List nodes, and how far each of them is",
        [this] { listNodes(a_.globals); });
    add(*nodes, "token", "Make a token that one node joins with",
        [this] { createJoinToken(a_.globals, a_.lifetimeSeconds); })
        ->add_option("--lifetime", a_.lifetimeSeconds, "How long it is good for; default: 3600")
        ->type_name("SECONDS");
    add(*nodes, "drain", "Send a node's clients elsewhere: it is not ready any more",
        [this] { drainNode(a_.globals, a_.name, true); })
        ->add_option("name", a_.name)
        ->required();
    add(*nodes, "undrain", "Make a drained node ready again",
        [this] { drainNode(a_.globals, a_.name, false); })
        ->add_option("name", a_.name)
        ->required();
    add(app_, "backup", "Copy the control plane, while it runs, into a directory on its machine",
        [this] { makeBackup(a_.globals); });
    add(*nodes, "remove", "Shut a node out", [this] { removeNode(a_.globals, a_.name); })
        ->add_option("name", a_.name)
        ->required();
  }

  void addTail() {
    TailOptions& o = a_.tail;
    CLI::App* const command = add(app_, "tail", "Show what a script does, as it happens",
                                  [this] { tail(a_.globals, a_.tail); });
    command->add_option("script,--name", o.script.script, "The script; else the project's here")
        ->type_name("SCRIPT");
    command->add_option("--env", o.script.environment, "Environment of the project")
        ->type_name("NAME");
    const auto several = [&](const char* name, std::vector<std::string>& into, const char* about,
                             const char* type) {
      return command->add_option(name, into, about)
          ->type_name(type)
          ->expected(1)
          ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    };
    several("--status", o.statuses, "ok, error or canceled; may be repeated", "STATUS")
        ->check(CLI::IsMember({"ok", "error", "canceled"}));
    several("--method", o.methods, "Of the request; may be repeated", "METHOD");
    several("--ip", o.addresses, "Of the client, or self; may be repeated", "ADDRESS");
    command->add_option("--header", o.header, "Requests that have it, with TEXT in it")
        ->type_name("NAME[:TEXT]");
    command->add_option("--search", o.search, "In what is logged or thrown")->type_name("TEXT");
    command->add_option("--version-id", o.version, "Of this version alone")->type_name("ID");
    command->add_option("--sampling-rate", o.samplingRate, "The share that is shown; default: 1")
        ->type_name("0..1")
        ->check(CLI::Range(0.0, 1.0));
  }

  Arguments a_;
  CLI::App app_;
  std::map<const CLI::App*, std::function<void()>> actions_;
};

}  // namespace
}  // namespace atolld::cli

int main(int argc, char** argv) {
  using namespace atolld::cli;
  try {
    return CommandTree().run(argc, argv);
  } catch (const CliError& error) {
    std::fprintf(stderr, "atoll: %s\n", error.what());
    return error.exitCode();
  } catch (const std::exception& error) {
    // An answer of another shape than ours: nlohmann's at() and get() throw.
    std::fprintf(stderr, "atoll: the server's answer is not what this version expects (%s)\n",
                 error.what());
    return 1;
  }
}
