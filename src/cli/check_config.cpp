#include <iostream>
#include <string>

#include "app/account_check.h"
#include "app/app.h"
#include "app/installation.h"
#include "cli/bench.h"
#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/output.h"
#include "cli/remarks.h"
#include "cli/settings.h"
#include "config/keys.h"

namespace mbr::cli {
namespace {

json::Array lines(const std::string& text) {
  json::Array all;
  for (std::size_t begin = 0; begin < text.size();) {
    const auto end = std::min(text.find('\n', begin), text.size());
    all.emplace_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return all;
}

int report(const Arguments& arguments, int exitCode, const std::string& problems,
           const std::vector<std::string>& warnings) {
  if (arguments.json) {
    json::Array all;
    for (const std::string& warning : warnings) all.emplace_back(warning);
    printJson(json::Object{
        {"ok", exitCode == kOk}, {"problems", lines(problems)}, {"warnings", std::move(all)}});
    return exitCode;
  }
  for (const std::string& warning : warnings) warn(warning);
  if (exitCode == kOk) {
    std::cout << arguments.configPath() << ": good\n";
  } else {
    std::cerr << problems << '\n';
  }
  return exitCode;
}

void printKeys(bool asJson) {
  json::Array all;
  for (const config::Key& key : config::keys()) {
    if (asJson) {
      all.emplace_back(json::Object{{"name", key.name},
                                    {"unit", key.unit},
                                    {"range", key.range},
                                    {"default", key.fallback},
                                    {"required", key.required},
                                    {"about", key.about}});
      continue;
    }
    std::cout << key.name << (key.required ? " (required)" : " = " + key.fallback) << "\n    "
              << key.about << "\n    " << key.unit << (key.range.empty() ? "" : ", " + key.range)
              << '\n';
  }
  if (asJson) printJson(std::move(all));
}

// Whoever asks ActiveCampaign counts its requests in the database.
int checkOnline(const Arguments& arguments) {
  const auto bench = openBench(arguments);
  for (const std::string& warning : bench->config.warnings) warn(warning);
  return reportRemarks(app::checkAccount(*bench), arguments.json);
}

}  // namespace

int checkConfig(const Arguments& arguments) {
  if (arguments.listKeys) {
    printKeys(arguments.json);
    return kOk;
  }
  if (arguments.online) return checkOnline(arguments);
  try {
    const config::Config config = loadAsOwner(arguments.configPath());
    app::loadKeys(config.masterKeyFile);
    return report(arguments, kOk, "", config.warnings);
  } catch (const Failure& failure) {
    return report(arguments, failure.code(), failure.what(), {});
  } catch (const app::StartError& error) {
    return report(arguments, error.exitCode(), error.what(), {});
  }
}

}  // namespace mbr::cli
