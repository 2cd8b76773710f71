#include <iostream>
#include <optional>

#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/output.h"
#include "cli/settings.h"
#include "cli/words.h"
#include "domain/contact.h"
#include "members/tombstones.h"

namespace mbr::cli {
namespace {

int report(const Arguments& arguments, const char* key, const std::string& sentence) {
  if (arguments.json) {
    printJson(json::Object{{key, true}});
  } else if (outputIsTerminal()) {
    std::cout << sentence << '\n';
  }
  return kOk;
}

int lift(const Arguments& arguments) {
  const auto email = Email::parse(*arguments.liftEmail);
  if (!email) throw Failure(kUsage, "--lift: expected an e-mail address");
  Workplace place(arguments.configPath());
  const members::Tombstones tombstones(place.keys);
  bool lifted = false;
  const Outcome outcome = place.store->write([&](store::Transaction& tx) -> Outcome {
    lifted = tombstones.lift(tx, *email);
    if (lifted) tx.addAudit({tx.now(), "cli", "tombstone_lifted", std::nullopt, "", ""});
    return Done{};
  });
  if (!outcome) throw Failure(outcome.error());
  if (!lifted) throw Failure(kNegative, "nobody of this address was erased");
  return report(arguments, "lifted", "The contact may come back from ActiveCampaign.");
}

}  // namespace

int eraseContact(const Arguments& arguments) {
  if (arguments.contact.has_value() == arguments.liftEmail.has_value()) {
    throw Failure(kUsage, "contact erase: expected either a contact or --lift EMAIL");
  }
  if (arguments.liftEmail) return lift(arguments);
  const auto who = readContactName(*arguments.contact);
  Workplace place(arguments.configPath());
  const members::Tombstones tombstones(place.keys);
  const Outcome erased =
      place.store->write([&](store::Transaction& tx) { return tombstones.erase(tx, who, "cli"); });
  if (!erased) throw Failure(erased.error());
  return report(arguments, "erased", "Nothing of the contact is kept here any more.");
}

}  // namespace mbr::cli
