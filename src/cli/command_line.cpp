#include "cli/command_line.h"

#include <CLI/CLI.hpp>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include "app/app.h"
#include "cli/exit_code.h"

namespace mbr::cli {
namespace {

using Command = int (*)(const Arguments&);

// The commands, and the function behind each.
class Commands {
 public:
  explicit Commands(Arguments& arguments) : arguments_(arguments) {
    app_.name("membergate");
    app_.require_subcommand(1);
    app_.add_option("--config", arguments.config, "The configuration file")
        ->type_name("FILE")
        ->default_str(Arguments::kDefaultConfig);
    app_.add_flag("--json", arguments.json, "Answer in JSON on standard output");
    add(app_, "serve", "Run the service", serve);
    addInit();
    add(app_, "check-config", "Say everything that is wrong with the configuration", checkConfig)
        ->add_flag("--keys", arguments.listKeys, "Print every key with default and range instead");
    addCodes();
    addKeys();
    addContacts();
    addHooks();
    addSync();
    add(app_, "version", "Print the version", version);
  }

  CLI::App& app() { return app_; }

  Command chosen() const {
    for (const auto& [app, command] : commands_) {
      if (app->parsed()) return command;
    }
    return nullptr;
  }

 private:
  CLI::App* add(CLI::App& parent, const char* name, const char* about, Command command) {
    CLI::App* app = parent.add_subcommand(name, about)->fallthrough();
    commands_.emplace_back(app, command);
    return app;
  }

  CLI::App& addGroup(const char* name, const char* about) {
    return *app_.add_subcommand(name, about)->require_subcommand(1)->fallthrough();
  }

  void addName(CLI::App* app) {
    app->add_option("--name", arguments_.name, "How the operator calls it")->required();
  }

  void addInit() {
    CLI::App* init = add(app_, "init", "Make configuration, master key and database", cli::init);
    init->add_option("--url", arguments_.url, "ActiveCampaign's API address")->type_name("URL");
    init->add_option("--key-file", arguments_.keyFile, "The file that holds its API key")
        ->type_name("FILE");
    init->add_option("--dir", arguments_.dir, "Put everything into this directory")
        ->type_name("DIR");
    init->add_flag("--yes", arguments_.yes, "Do not ask");
    init->add_flag("--rotate-key", arguments_.rotateKey, "Put a new master key before the others");
  }

  void addCodes() {
    CLI::App& code = addGroup("code", "Security codes of webhooks");
    CLI::App* create = add(code, "create", "Make a code and print it, this once", createCode);
    addName(create);
    create
        ->add_option("--for", arguments_.purposes,
                     "What it is good for: genpass, events, clearuser, auth by comma, or autologin")
        ->default_str("genpass");
    create->add_option("--value-file", arguments_.valueFile, "Take over the code in this file")
        ->type_name("FILE");
    add(code, "list", "List the codes", listCodes);
    addName(add(code, "revoke", "Refuse a code from now on", revokeCode));
  }

  void addKeys() {
    CLI::App& key = addGroup("key", "Keys of the REST API");
    CLI::App* create = add(key, "create", "Make a key and print it, this once", createKey);
    addName(create);
    create
        ->add_option("--scope", arguments_.scopes,
                     "login, contacts:read, contacts:write, admin, by comma")
        ->required();
    add(key, "list", "List the keys", cli::listKeys);
    addName(add(key, "revoke", "Refuse a key from now on", revokeKey));
  }

  void addContacts() {
    CLI::App& contact = addGroup("contact", "What is kept here of a contact");
    CLI::App* erase =
        add(contact, "erase", "Erase all of it; the contact does not come back by itself",
            eraseContact);
    erase->add_option("CONTACT", arguments_.contact, "Its e-mail address or ActiveCampaign's id");
    erase->add_option("--lift", arguments_.liftEmail, "Let an erased contact come back instead")
        ->type_name("EMAIL");
  }

  void addHooks() {
    CLI::App& hooks = addGroup("hooks", "The event webhook that is kept in ActiveCampaign");
    add(hooks, "status", "Compare it with what is wanted; change nothing", hookStatus);
    add(hooks, "ensure", "Register or repair it now", ensureHook)
        ->add_flag("--rotate", arguments_.rotate, "Give it a new security code first");
    add(hooks, "remove", "Remove it from ActiveCampaign", removeHook);
  }

  void addSync() {
    CLI::App* sync = add(app_, "sync", "Read from ActiveCampaign what changed there", syncContacts);
    sync->add_flag("--full", arguments_.full,
                   "Read every contact, which also finds removed tags and deleted contacts");
    sync->add_flag("--confirm-deletions", arguments_.confirmDeletions,
                   "Believe that so many contacts are gone, after a pass that did not");
  }

  Arguments& arguments_;
  CLI::App app_{"The ActiveCampaign side of a membership site."};
  std::vector<std::pair<CLI::App*, Command>> commands_;
};

int fail(int exitCode, const std::string& sentence) {
  std::cerr << "membergate: " << sentence << '\n';
  return exitCode;
}

}  // namespace

Invocation readCommandLine(int argc, const char* const* argv) {
  Invocation invocation;
  Commands commands(invocation.arguments);
  try {
    commands.app().parse(argc, argv);
    invocation.command = commands.chosen();
  } catch (const CLI::ParseError& error) {
    invocation.exitCode = commands.app().exit(error) == 0 ? kOk : kUsage;
  }
  return invocation;
}

int run(const Invocation& invocation) try {
  if (invocation.command == nullptr) return invocation.exitCode;
  const int exitCode = invocation.command(invocation.arguments);
  if (!std::cout.flush()) return fail(kUnreachable, "standard output takes no text");
  return exitCode;
} catch (const Failure& failure) {
  return fail(failure.code(), failure.what());
} catch (const app::StartError& error) {
  return fail(error.exitCode(), error.what());
} catch (const std::exception& error) {
  return fail(kUnreachable, error.what());
}

}  // namespace mbr::cli
