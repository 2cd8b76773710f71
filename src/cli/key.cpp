#include <utility>

#include "access/api_keys.h"
#include "base/time_format.h"
#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/output.h"
#include "cli/settings.h"
#include "cli/words.h"

namespace mbr::cli {

int createKey(const Arguments& arguments) {
  const auto scopes = access::Scopes::parse(arguments.scopes);
  if (!scopes) throw Failure(kUsage, "--scope: " + scopes.error().detail);
  Workplace place(arguments.configPath());
  access::ApiKeys keys(*place.store, place.random, place.clock);
  const auto key = keys.create(arguments.name, *scopes);
  if (!key) throw Failure(key.error());
  if (arguments.json) {
    printJson(json::Object{
        {"name", arguments.name}, {"scopes", words(scopes->text())}, {"key", key->reveal()}});
  } else {
    printSecret("The key `" + arguments.name + "` for " + scopes->text() +
                    ". It is shown this once; the site sends it as Authorization: Bearer KEY.",
                *key);
  }
  return kOk;
}

int listKeys(const Arguments& arguments) {
  Workplace place(arguments.configPath());
  access::ApiKeys keys(*place.store, place.random, place.clock);
  const auto entries = keys.list();
  if (!entries) throw Failure(entries.error());
  json::Array all;
  std::vector<std::vector<std::string>> rows;
  for (const access::ApiKeyEntry& entry : *entries) {
    const std::string revoked = entry.revokedAt ? formatRfc3339(*entry.revokedAt) : "";
    all.emplace_back(json::Object{{"id", std::to_string(entry.id)},
                                  {"name", entry.name},
                                  {"prefix", entry.prefix},
                                  {"scopes", words(entry.scopes.text())},
                                  {"created_at", formatRfc3339(entry.createdAt)},
                                  {"revoked_at", orNull(revoked)}});
    rows.push_back({entry.name, entry.prefix, entry.scopes.text(), formatRfc3339(entry.createdAt),
                    entry.revokedAt ? "revoked " + revoked : "in force"});
  }
  if (arguments.json) {
    printJson(std::move(all));
  } else {
    printTable({"NAME", "PREFIX", "SCOPES", "CREATED", "STATE"}, rows);
  }
  return kOk;
}

int revokeKey(const Arguments& arguments) {
  Workplace place(arguments.configPath());
  access::ApiKeys keys(*place.store, place.random, place.clock);
  return reportRevoked(arguments, "key", keys.revoke(arguments.name));
}

}  // namespace mbr::cli
