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
    app_.footer(
        "Commands may be used beside the running service. Exit codes: 0 ok, 1 negative answer,\n"
        "2 usage, 69 unreachable, 75 try later, 77 not permitted, 78 bad configuration.\n"
        "A member cannot log in: membergate contact why EMAIL. Something else: membergate doctor.");
    app_.add_option("--config", arguments.config, "The configuration file")
        ->type_name("FILE")
        ->default_str(Arguments::kDefaultConfig);
    app_.add_flag("--json", arguments.json, "Answer in JSON on standard output");
    add(app_, "serve", "Run the service", serve);
    addInit();
    addCheckConfig();
    addDoctor();
    add(app_, "status", "Show how the service does", status);
    addCodes();
    addKeys();
    addContacts();
    addHooks();
    addSync();
    addJobs();
    addReplay();
    addPassword();
    add(app_, "migrate", "Bring the database to this release, with the service stopped", migrate)
        ->add_flag("--check", arguments.check, "Only say whether there is something to do");
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

  void addCheckConfig() {
    CLI::App* check = add(app_, "check-config",
                          "Say everything that is wrong with the configuration", checkConfig);
    check->add_flag("--keys", arguments_.listKeys,
                    "Print every key with default and range instead");
    check->add_flag(
        "--online", arguments_.online,
        "Also ask ActiveCampaign whether the key is good and tags and fields are there");
  }

  void addDoctor() {
    CLI::App* doctor =
        add(app_, "doctor", "Look at the whole installation and say how to repair it", cli::doctor);
    doctor
        ->add_option("--nginx", arguments_.nginxFile,
                     "nginx.conf, or what nginx -T printed, instead of asking nginx")
        ->type_name("FILE");
    doctor->add_flag("--offline", arguments_.offline, "Do not ask ActiveCampaign");
  }

  void addLimit(CLI::App* app, const char* about) {
    app->add_option("--limit", arguments_.limit, about)
        ->check(CLI::Range(1, 10000))
        ->capture_default_str();
  }

  void addJobs() {
    CLI::App& jobs = addGroup("jobs", "What is on its way to ActiveCampaign, or was given up");
    CLI::App* list = add(jobs, "list", "List jobs, the newest first", cli::listJobs);
    list->add_option("--state", arguments_.state,
                     "waiting, queued, running, done, refused, dead or dropped");
    list->add_option("--kind", arguments_.kind, "password, follow_up, refresh, change, wipe, …");
    addLimit(list, "At most so many");
    CLI::App* retry =
        add(jobs, "retry", "Try jobs again now that wait or were given up", retryJobs);
    retry->add_option("ID", arguments_.jobs, "Their numbers")->check(CLI::PositiveNumber);
    retry->add_flag("--dead", arguments_.allDead, "All that were given up");
    add(jobs, "drop", "Give jobs up", dropJobs)
        ->add_option("ID", arguments_.jobs, "Their numbers")
        ->check(CLI::PositiveNumber)
        ->required();
  }

  void addReplay() {
    CLI::App* replay = add(app_, "replay", "Do again what webhooks brought about", cli::replay);
    replay->add_option("ID", arguments_.delivery, "The number of one delivery")
        ->check(CLI::PositiveNumber);
    replay
        ->add_option("--since", arguments_.since,
                     "All deliveries since then: 2026-01-31T09:30:00Z, or an age: 30m, 2h, 3d")
        ->type_name("TIME");
    replay->add_option("--until", arguments_.until, "But none after then")->type_name("TIME");
  }

  void addPassword() {
    CLI::App& password = addGroup("password", "The password of a member");
    const auto addEmail = [this](CLI::App* app) {
      app->add_option("EMAIL", arguments_.contact, "The member's e-mail address")->required();
    };
    addEmail(
        add(password, "reset", "Do what the reset page does, without its bounds", resetPassword));
    addEmail(add(password, "wipe", "Empty ActiveCampaign's field; the password stays right",
                 wipePassword));
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
    const auto addContact = [&](const char* name, const char* about, Command command) {
      CLI::App* app = add(contact, name, about, command);
      app->add_option("CONTACT", arguments_.contact, "Its e-mail address or ActiveCampaign's id")
          ->required();
      return app;
    };
    addContact("show", "Show what is kept of it", showContact);
    CLI::App* why =
        addContact("why", "Say why the member cannot log in, and what to do", explainContact);
    why->add_option("--rule", arguments_.rule, "Or cannot pass the gate of rule.NAME")
        ->type_name("NAME");
    why->add_option("--client-ip", arguments_.clientIp,
                    "Look also at what counts against an address")
        ->type_name("ADDRESS");
    addLimit(addContact("trace", "Show what happened to it, in order", traceContact),
             "At most so many of each kind");
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
