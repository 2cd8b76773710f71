// contact show, why and trace: what is asked when somebody asks for help.
#include "app/support.h"

#include <iostream>
#include <vector>

#include "access/address.h"
#include "base/json_time.h"
#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/output.h"
#include "cli/settings.h"
#include "cli/words.h"

namespace mbr::cli {
namespace {

using Rows = std::vector<std::vector<std::string>>;

// What the commands of this file work with.
struct HelpDesk {
  explicit HelpDesk(const Arguments& arguments) : place(arguments.configPath()) {}

  Workplace place;
  const contacts::Directories directories{*place.store};
  const app::Support support{*place.store,       place.keys,  place.config,
                             place.installation, directories, place.clock};
};

std::string textOf(const json::Value& value) {
  if (value.isNull()) return "-";
  if (const bool* flag = value.asBool()) return *flag ? "yes" : "no";
  const json::Array* array = value.asArray();
  if (array == nullptr) return value.textOr("");
  std::string all;
  for (const json::Value& each : *array) {
    const std::string name = each["name"].textOr(each["id"].textOr(each.textOr("")));
    all += (all.empty() ? "" : ", ") + name;
  }
  return all.empty() ? "-" : all;
}

// An object's members as rows; those of objects within it below their name.
void addRows(const std::string& prefix, const json::Object& object, Rows& rows) {
  for (const auto& [key, value] : object.members()) {
    if (const json::Object* inner = value.asObject()) {
      addRows(prefix + key + ".", *inner, rows);
    } else {
      rows.push_back({prefix + key, textOf(value)});
    }
  }
}

Tone toneOf(members::Mark mark) {
  switch (mark) {
    case members::Mark::kGood:
      return Tone::kGood;
    case members::Mark::kNote:
      return Tone::kWarning;
    case members::Mark::kBad:
      return Tone::kBad;
  }
  return Tone::kPlain;
}

void printJsonOf(const members::Diagnosis& diagnosis) {
  json::Array findings;
  for (const members::Finding& finding : diagnosis.findings) {
    findings.emplace_back(json::Object{{"check", finding.check},
                                       {"mark", toString(finding.mark)},
                                       {"what", finding.what},
                                       {"at", timeOrNull(finding.at)}});
  }
  const members::Verdict& verdict = diagnosis.verdict;
  printJson(json::Object{{"verdict", verdict.code},
                         {"may_log_in", verdict.mayLogIn()},
                         {"sentence", verdict.sentence},
                         {"cure", verdict.cure},
                         {"findings", std::move(findings)}});
}

void print(const members::Diagnosis& diagnosis, Instant now) {
  Rows rows;
  for (const members::Finding& finding : diagnosis.findings) {
    const std::string at = timeText(finding.at, now);
    rows.push_back({painted(toneOf(finding.mark), std::string(toString(finding.mark))),
                    finding.check, finding.what + (at.empty() ? "" : " " + at)});
  }
  printTable({"", "CHECK", "WHAT"}, rows);
  const members::Verdict& verdict = diagnosis.verdict;
  std::cout << '\n'
            << painted(verdict.mayLogIn() ? Tone::kGood : Tone::kBad, verdict.sentence) << '\n'
            << verdict.cure << '\n';
}

}  // namespace

int showContact(const Arguments& arguments) {
  const auto question = readContactName(*arguments.contact);
  const HelpDesk desk(arguments);
  const auto shown = desk.support.show(question);
  if (!shown) throw Failure(shown.error());
  if (arguments.json) {
    printJson(*shown);
    return kOk;
  }
  Rows rows;
  if (const json::Object* contact = (*shown).find("contact")->asObject()) {
    addRows("", *contact, rows);
  }
  for (const auto& [key, value] : shown->members()) {
    if (key == "contact") continue;
    addRows("", json::Object{{key, value}}, rows);
  }
  printTable({"WHAT", "VALUE"}, rows);
  return kOk;
}

int explainContact(const Arguments& arguments) {
  const auto question = readContactName(*arguments.contact);
  std::optional<access::Address> address;
  if (arguments.clientIp) {
    address = access::Address::parse(*arguments.clientIp);
    if (!address) throw Failure(kUsage, "--client-ip: expected an IPv4 or IPv6 address");
  }
  const HelpDesk desk(arguments);
  const auto diagnosis = desk.support.why(question, arguments.rule, address);
  if (!diagnosis) throw Failure(diagnosis.error());
  if (arguments.json) {
    printJsonOf(*diagnosis);
  } else {
    print(*diagnosis, desk.place.clock.now());
  }
  return diagnosis->verdict.mayLogIn() ? kOk : kNegative;
}

int traceContact(const Arguments& arguments) {
  const auto question = readContactName(*arguments.contact);
  const HelpDesk desk(arguments);
  const auto entries = desk.support.trace(question, arguments.limit);
  if (!entries) throw Failure(entries.error());
  json::Array all;
  Rows rows;
  for (const app::TraceEntry& entry : *entries) {
    all.emplace_back(
        json::Object{{"at", timeOrNull(entry.at)}, {"kind", entry.kind}, {"what", entry.what}});
    rows.push_back({timeText(entry.at, desk.place.clock.now()), entry.kind, entry.what});
  }
  if (arguments.json) {
    printJson(std::move(all));
  } else {
    printTable({"WHEN", "KIND", "WHAT"}, rows);
  }
  if (!entries->empty()) return kOk;
  if (!arguments.json) throw Failure(kNegative, "nothing is known of " + nameOf(question));
  return kNegative;
}

}  // namespace mbr::cli
