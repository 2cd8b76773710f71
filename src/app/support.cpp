#include "app/support.h"

#include <algorithm>
#include <utility>

#include "access/gate_rule.h"
#include "access/throttle.h"
#include "base/json_time.h"
#include "base/time_format.h"
#include "contacts/contact_cache.h"
#include "members/tombstones.h"
#include "sync/reconciler.h"

namespace mbr::app {
namespace {

using contacts::Who;
using members::CaseFile;

std::string_view wordOf(CredentialOrigin origin) {
  switch (origin) {
    case CredentialOrigin::kGenerated:
      return "generated";
    case CredentialOrigin::kDefault:
      return "default_pass";
    case CredentialOrigin::kAdopted:
      return "adopted";
    case CredentialOrigin::kSet:
      return "set";
  }
  return "";
}

std::string_view wordOf(store::ChangeKind kind) {
  switch (kind) {
    case store::ChangeKind::kContact:
      return "the contact's data changed";
    case store::ChangeKind::kCredential:
      return "the password changed";
    case store::ChangeKind::kSession:
      return "a session began or ended";
    default:
      return "";
  }
}

json::Value render(const std::optional<Credential>& credential) {
  if (!credential) return {};
  return json::Object{{"origin", wordOf(credential->origin)},
                      {"kind", credential->kind == CredentialKind::kSlow ? "slow" : "fast"},
                      {"changed_at", formatRfc3339(credential->changedAt)},
                      {"wiped_at", timeOrNull(credential->wipedAt)}};
}

json::Array render(const std::vector<Job>& jobs) {
  json::Array all;
  for (const Job& job : jobs) {
    all.emplace_back(json::Object{{"id", std::to_string(job.id)},
                                  {"kind", job.kind},
                                  {"state", toString(job.state)},
                                  {"reason", job.reason}});
  }
  return all;
}

std::string textOf(const store::DeliveryRecord& delivery) {
  std::string text = std::to_string(delivery.id) + ", " + delivery.route;
  if (!delivery.eventType.empty()) text += " " + delivery.eventType;
  text += ", " + delivery.status;
  if (!delivery.followUp.empty()) text += ", asked for a password";
  return text;
}

std::string textOf(const Job& job) {
  std::string text =
      std::to_string(job.id) + ", " + job.kind + ", " + std::string(toString(job.state));
  if (!job.reason.empty()) text += ": " + job.reason;
  return text;
}

std::string textOf(const store::AuditRecord& record) {
  std::string text = record.action + " by " + record.actor;
  if (!record.detail.empty()) text += ": " + record.detail;
  return text;
}

}  // namespace

Support::Support(store::Store& store, const passwords::KeyRing& keys, const config::Config& config,
                 const Installation& installation, const contacts::Directories& directories,
                 const Clock& clock)
    : store_(store),
      keys_(keys),
      config_(config),
      installation_(installation),
      directories_(directories),
      clock_(clock) {}

Result<members::Diagnosis> Support::why(const Who& question, const std::optional<std::string>& rule,
                                        const std::optional<access::Address>& address) const {
  if (rule && config_.gateRules.count(*rule) == 0) {
    return Error{Code::kInvalid, "there is no rule." + *rule + " in the configuration"};
  }
  const auto names = directories_.names();
  const members::Tombstones tombstones(keys_);
  members::CaseSettings settings;
  settings.policy = config_.passwordPolicy;
  settings.requiredTags = config_.login.requiredTags;
  settings.banTag = config_.login.banTag;
  settings.maxAge = config_.login.maxAge;
  CaseFile file;
  const Outcome read = store_.read([&](store::Reader& reader) -> Outcome {
    file = members::readCase(reader, question, settings, tombstones, *names, clock_.now());
    file.sweptOnce = reader.findMeta(sync::kLastFullSweep).has_value();
    addThrottle(reader, address, file);
    return Done{};
  });
  if (!read) return read.error();
  if (rule && file.contact) addGate(*rule, *names, file);
  return members::diagnose(file);
}

void Support::addThrottle(store::Reader& reader, const std::optional<access::Address>& address,
                          CaseFile& file) const {
  const auto& email = file.question.email;
  const auto account = email ? email : file.contact ? file.contact->email : std::nullopt;
  if (!account) return;
  const auto tallies = access::readTallies(reader, keys_, account->text(), address, file.now);
  CaseFile::Throttle throttle{tallies.account.failures, access::waitFor(tallies, file.now)};
  if (!address) {
    // Sites that send an address are bound by the account's other rule.
    const access::Tallies anywhere{access::Tally{}, access::Tally{}, tallies.account, false};
    throttle.wait = std::max(throttle.wait, access::waitFor(anywhere, file.now));
  }
  file.throttle = throttle;
}

void Support::addGate(const std::string& rule, const contacts::Names& names, CaseFile& file) const {
  const access::GateRule& gate = config_.gateRules.find(rule)->second;
  const auto idOf = [&](std::string_view name) { return names.tagId(name); };
  const GateTags tags = gateTags(*file.contact, file.now);
  const bool barred = file.entitlement == members::Entitlement::kBanned;
  access::Visitor visitor{tags.sure, tags.doubtful, "password"};
  CaseFile::Gate seen{rule, !barred && gate.admits(visitor, idOf), false};
  for (const TagId tag : visitor.doubtful) addTag(visitor.tags, tag);
  visitor.doubtful.clear();
  seen.admitsOnceConfirmed = !barred && gate.admits(visitor, idOf);
  file.gate = std::move(seen);
}

Result<json::Object> Support::show(const Who& question) const {
  const auto names = directories_.names();
  json::Object shown;
  const Outcome read = store_.read([&](store::Reader& reader) -> Outcome {
    const auto contact = contacts::findContact(reader, question);
    if (!contact) return Error{Code::kNotFound, "no such contact is known here"};
    const auto rendered =
        json::parse(contacts::renderContact(*contact, *names, installation_.hiddenFields()));
    if (!rendered) return rendered.error();
    json::Array unconfirmed;
    for (const TagId tag : gateTags(*contact, clock_.now()).doubtful) {
      unconfirmed.emplace_back(std::to_string(tag));
    }
    std::optional<Instant> link;
    for (const store::LinkRecord& each : reader.listLinksOf(contact->id, 1)) {
      if (members::isInForce(each, clock_.now())) link = each.expiresAt;
    }
    constexpr int kMostSessions = 1000;
    std::int64_t sessions = 0;
    for (const store::SessionRecord& session : reader.listSessionsOf(contact->id, kMostSessions)) {
      if (session.expiresAt > clock_.now()) ++sessions;
    }
    shown = {{"contact", *rendered},
             {"deleted_at", timeOrNull(contact->deletedAt)},
             {"pulled_at", timeOrNull(contact->pulledAt)},
             {"changed_at", formatRfc3339(contact->changedAt)},
             {"unconfirmed_tags", std::move(unconfirmed)},
             {"credential", render(reader.findCredential(contact->id))},
             {"link_expires_at", timeOrNull(link)},
             {"sessions", sessions},
             {"open_jobs", render(reader.listOpenJobsOf(contact->id))}};
    return Done{};
  });
  if (!read) return read.error();
  return shown;
}

Result<std::vector<TraceEntry>> Support::trace(const Who& question, int most) const {
  std::vector<TraceEntry> entries;
  const auto add = [&](Instant at, const char* kind, std::string what) {
    entries.push_back({at, kind, std::move(what)});
  };
  const Outcome read = store_.read([&](store::Reader& reader) -> Outcome {
    const auto contact = contacts::findContact(reader, question);
    const auto id = contact ? std::optional(contact->id) : question.id;
    std::string email;
    if (question.email) email = question.email->text();
    if (email.empty() && contact && contact->email) email = contact->email->text();
    for (const auto& each :
         reader.searchDeliveries({std::nullopt, id, email, std::nullopt}, most)) {
      add(each.receivedAt, "delivery", textOf(each));
    }
    for (const Job& job : reader.searchJobs({std::nullopt, "", id, email}, most)) {
      add(isOpen(job.state) ? job.createdAt : job.endedAt, "job", textOf(job));
    }
    if (!id) return Done{};
    for (const auto& each : reader.listAuditOf(*id, most)) add(each.at, "audit", textOf(each));
    for (const auto& each : reader.listChangesOf(*id, most)) {
      add(each.at, "change", std::string(wordOf(each.kind)));
    }
    for (const auto& each : reader.listSessionsOf(*id, most)) {
      add(each.createdAt, "session", "began via " + each.via);
    }
    for (const auto& each : reader.listLinksOf(*id, most)) {
      add(each.createdAt, "link", "a link to set a password was made");
      if (each.usedAt) add(*each.usedAt, "link", "it was used");
    }
    return Done{};
  });
  if (!read) return read.error();
  std::stable_sort(entries.begin(), entries.end(),
                   [](const TraceEntry& a, const TraceEntry& b) { return a.at < b.at; });
  return entries;
}

}  // namespace mbr::app
