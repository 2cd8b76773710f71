#include <algorithm>
#include <fstream>
#include <iostream>
#include <iterator>
#include <utility>

#include "access/codes.h"
#include "base/time_format.h"
#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/output.h"
#include "cli/settings.h"
#include "cli/words.h"

namespace mbr::cli {
namespace {

// The text of the file without the line end.
Secret readValue(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), {}};
  if (!file || text.size() > 1024) {
    wipe(text);
    throw Failure(kUsage, path + ": expected a readable file that holds one code");
  }
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  return Secret::take(std::move(text));
}

int takeOver(const Arguments& arguments, access::Codes& codes, access::Purposes purposes,
             const Secret& value) {
  const auto entry = codes.takeOver(arguments.name, purposes, value);
  if (!entry) throw Failure(entry.error());
  if (entry->isShort) {
    warn("the code has fewer than " + std::to_string(access::Codes::kShortBelow) +
         " characters; replace it when you can");
  }
  if (arguments.json) {
    printJson(json::Object{
        {"name", entry->name}, {"purposes", words(purposes.text())}, {"short", entry->isShort}});
  } else if (outputIsTerminal()) {
    std::cout << "The code `" << entry->name << "` is accepted for " << purposes.text() << ".\n";
  }
  return kOk;
}

}  // namespace

int createCode(const Arguments& arguments) {
  const auto purposes = access::Purposes::parse(arguments.purposes);
  if (!purposes) throw Failure(kUsage, "--for: " + purposes.error().detail);
  // Read as the user who calls: root's own file is closed to the service's user.
  const Secret value = arguments.valueFile ? readValue(*arguments.valueFile) : Secret();
  Workplace place(arguments.configPath());
  access::Codes codes(*place.store, place.keys, place.random, place.clock);
  if (arguments.valueFile) return takeOver(arguments, codes, *purposes, value);

  const auto code = codes.create(arguments.name, *purposes);
  if (!code) throw Failure(code.error());
  if (arguments.json) {
    printJson(json::Object{
        {"name", arguments.name}, {"purposes", words(purposes->text())}, {"code", code->reveal()}});
  } else {
    printSecret("The code `" + arguments.name + "` for " + purposes->text() +
                    ". It is shown this once; put it into the webhook's URL.",
                *code);
  }
  return kOk;
}

int listCodes(const Arguments& arguments) {
  Workplace place(arguments.configPath());
  access::Codes codes(*place.store, place.keys, place.random, place.clock);
  const auto entries = codes.list();
  if (!entries) throw Failure(entries.error());
  json::Array all;
  std::vector<std::vector<std::string>> rows;
  for (const access::CodeEntry& entry : *entries) {
    const std::string revoked = entry.revokedAt ? formatRfc3339(*entry.revokedAt) : "";
    all.emplace_back(json::Object{{"id", std::to_string(entry.id)},
                                  {"name", entry.name},
                                  {"purposes", words(entry.purposes.text())},
                                  {"short", entry.isShort},
                                  {"created_at", formatRfc3339(entry.createdAt)},
                                  {"revoked_at", orNull(revoked)}});
    rows.push_back({entry.name, entry.purposes.text(), formatRfc3339(entry.createdAt),
                    entry.revokedAt ? "revoked " + revoked : "in force"});
  }
  if (arguments.json) {
    printJson(std::move(all));
  } else {
    printTable({"NAME", "FOR", "CREATED", "STATE"}, rows);
  }
  return kOk;
}

int revokeCode(const Arguments& arguments) {
  Workplace place(arguments.configPath());
  access::Codes codes(*place.store, place.keys, place.random, place.clock);
  return reportRevoked(arguments, "code", codes.revoke(arguments.name));
}

}  // namespace mbr::cli
