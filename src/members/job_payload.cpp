#include "members/job_payload.h"

#include <algorithm>
#include <utility>

#include "base/json.h"
#include "ops/metrics.h"

namespace mbr::members {
namespace {

constexpr std::string_view kStepKinds[] = {"tag", "automation"};
constexpr std::string_view kWishes[] = {"none", "replace", "chosen", "cleared", "link"};
constexpr std::string_view kStepStates[] = {"open", "started", "applied", "refused"};
constexpr std::string_view kItemKinds[] = {"tag", "automation", "list", "field"};
constexpr std::string_view kActions[] = {"remove", "add", "set"};
constexpr std::string_view kItemResults[] = {"open",    "started", "applied",
                                             "already", "unknown", "refused"};

template <class Enum, std::size_t N>
std::string_view wordOf(Enum value, const std::string_view (&words)[N]) {
  return words[static_cast<std::size_t>(value)];
}

template <class Enum, std::size_t N>
bool readWord(const json::Value& value, const std::string_view (&words)[N], Enum& out) {
  const std::string* text = value.asString();
  const auto* found =
      text == nullptr ? std::end(words) : std::find(std::begin(words), std::end(words), *text);
  if (found == std::end(words)) return false;
  out = static_cast<Enum>(found - std::begin(words));
  return true;
}

Error foreign() { return {Code::kInternal, "a job's payload is not one of ours"}; }

bool flag(const json::Value& value) { return value.asBool() != nullptr && *value.asBool(); }

std::int64_t number(const json::Value& value) {
  return value.asInt() == nullptr ? 0 : *value.asInt();
}

std::optional<ContactId> contactIdOf(const json::Value& value) {
  if (value.asInt() == nullptr) return std::nullopt;
  return *value.asInt();
}

json::Value valueOf(const std::optional<ContactId>& id) {
  return id ? json::Value(*id) : json::Value();
}

Result<std::vector<Step>> readSteps(const json::Value& value) {
  std::vector<Step> steps;
  if (value.asArray() == nullptr) return foreign();
  for (const json::Value& row : *value.asArray()) {
    Step step;
    if (!readWord(row["kind"], kStepKinds, step.kind)) return foreign();
    if (!readWord(row["state"], kStepStates, step.state)) return foreign();
    step.id = number(row["id"]);
    step.startedAt = fromEpochMs(number(row["started_at"]));
    step.detail = row["detail"].textOr("");
    steps.push_back(std::move(step));
  }
  return steps;
}

ops::Counter& refreshCounter(const char* result) {
  return ops::counter("membergate_refreshes_total",
                      "Reads of a contact that were called for, by what came of it.",
                      {{"result", result}});
}

// The key of a refresh that was called for while the one under `key` was being worked off.
std::string keyBehind(const std::string& key) { return key + ":again"; }

JobId enqueueNames(store::Transaction& tx, std::string_view kind) {
  Job job;
  job.kind = kind;
  job.lane = Lane::kRefresh;
  job.key = "all";
  job.payload = "{}";
  job.createdAt = tx.now();
  job.dueAt = tx.now();
  return tx.addJob(job);
}

// Somebody has news of the contact: a refresh that failed before is worth a try now, and one that
// nobody hurried is wanted sooner. An e-mail that it did not know finds the contact if it is
// merged.
void hasten(store::Transaction& tx, Job open, const WhoPayload& who, Lane lane) {
  const bool late = open.dueAt > tx.now() + kRefreshDelay;
  const bool urgent = lane < open.lane;
  const bool unseen = who.askedAt != Instant{};
  // As write() has it; reading it whole would be most of what a webhook of a burst costs.
  const bool nameless = open.payload.find(R"("email":"")") != std::string::npos;
  const bool named = nameless && !who.email.empty();
  if (!late && !urgent && !unseen && !named) return;
  auto payload = readWhoPayload(open.payload);
  if (!payload) return;
  if (late) open.dueAt = tx.now() + kRefreshDelay;
  if (urgent) open.lane = lane;
  if (unseen) payload->askedAt = who.askedAt;
  if (named) payload->email = who.email;
  open.payload = write(*payload);
  tx.saveJob(open);
}

Job jobOf(store::Transaction& tx, std::string_view kind, Lane lane,
          const PasswordPayload& payload) {
  Job job;
  job.kind = kind;
  job.lane = lane;
  job.contactId = payload.contactId;
  job.payload = write(payload);
  job.createdAt = job.dueAt = tx.now();
  return job;
}

}  // namespace

std::string write(const PasswordPayload& payload) {
  json::Array steps;
  for (const Step& step : payload.steps) {
    steps.push_back(json::Object{{"kind", wordOf(step.kind, kStepKinds)},
                                 {"id", step.id},
                                 {"state", wordOf(step.state, kStepStates)},
                                 {"started_at", toEpochMs(step.startedAt)},
                                 {"detail", step.detail}});
  }
  return json::write(json::Object{{"contact_id", valueOf(payload.contactId)},
                                  {"email", payload.email},
                                  {"autoregister", payload.autoregister},
                                  {"has_default", payload.hasDefault},
                                  {"issued", payload.issued},
                                  {"confirmed", payload.confirmed},
                                  {"by_rule", payload.byRule},
                                  {"singly", payload.singly},
                                  {"wish", wordOf(payload.wish, kWishes)},
                                  {"import", payload.import},
                                  {"imported_at", toEpochMs(payload.importedAt)},
                                  {"looked_after", payload.lookedAfter},
                                  {"steps", std::move(steps)}});
}

// By hand, as one is written for each webhook that changes its contact.
std::string write(const WhoPayload& payload) {
  std::string out = R"({"contact_id":)";
  out += payload.contactId ? std::to_string(*payload.contactId) : "null";
  out += R"(,"email":)";
  json::appendString(out, payload.email);
  out += R"(,"asked_at":)" + std::to_string(toEpochMs(payload.askedAt));
  out += R"(,"singly":)";
  out += payload.singly ? "true}" : "false}";
  return out;
}

std::string write(const ChangePayload& payload) {
  json::Array items;
  for (const ChangePayload::Item& item : payload.items) {
    items.push_back(json::Object{{"kind", wordOf(item.kind, kItemKinds)},
                                 {"action", wordOf(item.action, kActions)},
                                 {"id", item.id},
                                 {"name", item.name},
                                 {"result", wordOf(item.result, kItemResults)},
                                 {"detail", item.detail},
                                 {"value", item.value},
                                 {"started_at", toEpochMs(item.startedAt)}});
  }
  return json::write(json::Object{{"contact_id", payload.contactId},
                                  {"email", payload.email},
                                  {"created", payload.created},
                                  {"email_taken", payload.emailTaken},
                                  {"create_missing", payload.createMissing},
                                  {"items", std::move(items)}});
}

Result<PasswordPayload> readPasswordPayload(std::string_view text) {
  const auto parsed = json::parse(text);
  if (!parsed) return foreign();
  const json::Value& value = *parsed;
  PasswordPayload payload;
  payload.contactId = contactIdOf(value["contact_id"]);
  payload.email = value["email"].textOr("");
  payload.autoregister = flag(value["autoregister"]);
  payload.hasDefault = flag(value["has_default"]);
  payload.issued = flag(value["issued"]);
  payload.confirmed = flag(value["confirmed"]);
  payload.byRule = flag(value["by_rule"]);
  payload.singly = flag(value["singly"]);
  (void)readWord(value["wish"], kWishes, payload.wish);  // absent in older ones
  payload.import = value["import"].textOr("");
  payload.importedAt = fromEpochMs(number(value["imported_at"]));
  payload.lookedAfter = flag(value["looked_after"]);
  auto steps = readSteps(value["steps"]);
  if (!steps) return steps.error();
  payload.steps = std::move(*steps);
  return payload;
}

Result<WhoPayload> readWhoPayload(std::string_view text) {
  const auto parsed = json::parse(text);
  if (!parsed) return foreign();
  const json::Value& value = *parsed;
  return WhoPayload{contactIdOf(value["contact_id"]), value["email"].textOr(""),
                    fromEpochMs(number(value["asked_at"])), flag(value["singly"])};
}

Result<ChangePayload> readChangePayload(std::string_view text) {
  const auto parsed = json::parse(text);
  if (!parsed || (*parsed)["items"].asArray() == nullptr) return foreign();
  ChangePayload payload;
  payload.contactId = number((*parsed)["contact_id"]);
  payload.email = (*parsed)["email"].textOr("");
  payload.created = flag((*parsed)["created"]);
  payload.emailTaken = flag((*parsed)["email_taken"]);
  payload.createMissing = flag((*parsed)["create_missing"]);
  for (const json::Value& row : *(*parsed)["items"].asArray()) {
    ChangePayload::Item item;
    if (!readWord(row["kind"], kItemKinds, item.kind) ||
        !readWord(row["action"], kActions, item.action) ||
        !readWord(row["result"], kItemResults, item.result)) {
      return foreign();
    }
    item.id = number(row["id"]);
    item.name = row["name"].textOr("");
    item.detail = row["detail"].textOr("");
    item.value = row["value"].textOr("");
    item.startedAt = fromEpochMs(number(row["started_at"]));
    payload.items.push_back(std::move(item));
  }
  return payload;
}

bool isConfirmed(std::string_view passwordPayload) {
  return passwordPayload.find(R"("confirmed":true)") != std::string_view::npos;
}

std::string renderResults(const ChangePayload& payload) {
  json::Array results;
  for (const ChangePayload::Item& item : payload.items) {
    results.push_back(
        json::Object{{"kind", wordOf(item.kind, kItemKinds)},
                     {"id", item.id == 0 ? json::Value() : json::Value(std::to_string(item.id))},
                     {"name", item.name},
                     {"action", wordOf(item.action, kActions)},
                     {"result", wordOf(item.result, kItemResults)},
                     {"detail", item.detail}});
  }
  return json::write(std::move(results));
}

bool isMember(const ChangePayload::Item& item) {
  constexpr std::string_view kMembers[] = {kEmailMember, kFirstNameMember, kLastNameMember,
                                           kPhoneMember};
  return item.kind == ChangePayload::Item::Kind::kField && item.id == 0 &&
         std::find(std::begin(kMembers), std::end(kMembers), item.name) != std::end(kMembers);
}

bool anyUnknownOrRefused(const ChangePayload& payload) {
  using Result = ChangePayload::Item::Result;
  return std::any_of(payload.items.begin(), payload.items.end(), [](const auto& item) {
    return item.result == Result::kUnknown || item.result == Result::kRefused;
  });
}

std::vector<Step> stepsOf(const std::vector<TagId>& tags,
                          const std::vector<AutomationId>& automations) {
  std::vector<Step> steps;
  const auto add = [&](Step::Kind kind, std::int64_t id) {
    const bool there = std::any_of(steps.begin(), steps.end(), [&](const Step& step) {
      return step.kind == kind && step.id == id;
    });
    if (!there) steps.push_back({kind, id, Step::State::kOpen, {}, {}});
  };
  for (const TagId tag : tags) add(Step::Kind::kTag, tag);
  for (const AutomationId automation : automations) add(Step::Kind::kAutomation, automation);
  return steps;
}

bool sameSteps(const std::vector<Step>& a, const std::vector<Step>& b) {
  return std::is_permutation(a.begin(), a.end(), b.begin(), b.end(),
                             [](const Step& left, const Step& right) {
                               return left.kind == right.kind && left.id == right.id;
                             });
}

bool holdsSteps(const Job& job, const std::vector<Step>& steps) {
  if (steps.empty()) return true;
  const auto held = readPasswordPayload(job.payload);
  return held && sameSteps(held->steps, steps);
}

bool holdsSteps(store::Reader& reader, JobId id, const std::vector<Step>& steps) {
  if (steps.empty()) return true;
  const auto job = reader.findJob(id);
  return job && holdsSteps(*job, steps);
}

std::string contactKey(const std::optional<ContactId>& contact, const std::string& email) {
  return contact ? std::to_string(*contact) : "email:" + email;
}

std::string followUpKey(const PasswordPayload& payload) {
  std::vector<std::string> parts;
  for (const Step& step : payload.steps) {
    parts.push_back((step.kind == Step::Kind::kTag ? "t" : "a") + std::to_string(step.id));
  }
  std::sort(parts.begin(), parts.end());
  std::string key = contactKey(payload.contactId, payload.email) + ':';
  for (const std::string& part : parts) key += part;
  return key;
}

JobId enqueueFollowUp(store::Transaction& tx, JobId after, const PasswordPayload& payload,
                      bool* added) {
  Job job = jobOf(tx, kFollowUpJob, Lane::kPassword, payload);
  job.key = followUpKey(payload);
  job.after = after;
  job.state = after == 0 ? JobState::kQueued : JobState::kWaiting;
  return tx.addJob(job, added);
}

JobId enqueueRefresh(store::Transaction& tx, const WhoPayload& who, Lane lane, bool* added) {
  if (added != nullptr) *added = false;
  static ops::Counter& queued = refreshCounter("queued");
  static ops::Counter& coalesced = refreshCounter("coalesced");
  Job job;
  job.kind = kRefreshJob;
  job.lane = lane;
  job.contactId = who.contactId;
  job.key = contactKey(who.contactId, who.email);
  // One that is being worked off may have sent its read before what calls for this one happened.
  const auto isQueued = [](const std::optional<Job>& each) {
    return each && each->state == JobState::kQueued;
  };
  auto open = tx.findOpenJob(kRefreshJob, job.key);
  if (!isQueued(open)) {
    auto behind = tx.findOpenJob(kRefreshJob, keyBehind(job.key));
    if (open) job.key = keyBehind(job.key);
    if (isQueued(behind)) open = std::move(behind);
  }
  if (isQueued(open)) {
    coalesced.add();
    const JobId id = open->id;
    hasten(tx, *std::move(open), who, lane);
    return id;
  }
  queued.add();
  job.payload = write(who);
  job.createdAt = tx.now();
  job.dueAt = tx.now() + kRefreshDelay;
  return tx.addJob(job, added);
}

void satisfyRefresh(store::Transaction& tx, ContactId contact, Instant sentAt) {
  static ops::Counter& satisfied = refreshCounter("satisfied");
  const std::string key = contactKey(contact, "");
  for (const std::string& each : {key, keyBehind(key)}) {
    auto open = tx.findOpenJob(kRefreshJob, each);
    if (!open || open->createdAt >= sentAt) continue;
    const auto done = next(open->state, JobEvent::kSatisfied);
    const auto payload = readWhoPayload(open->payload);
    if (!done || !payload || payload->askedAt >= sentAt) continue;
    open->state = *done;
    open->endedAt = tx.now();
    if (tx.saveJob(*open)) satisfied.add();
  }
}

PasswordPayload byRule(const PasswordRule& rule, ContactId contact, const std::string& email) {
  PasswordPayload payload;
  payload.contactId = contact;
  payload.email = email;
  payload.byRule = true;
  payload.steps = stepsOf(rule.thenTags, rule.thenAutomations);
  return payload;
}

JobId enqueuePassword(store::Transaction& tx, const PasswordPayload& payload, std::string sealed,
                      bool* added) {
  Job job = jobOf(tx, kPasswordJob, Lane::kPassword, payload);
  job.key = contactKey(payload.contactId, payload.email);
  job.sealed = std::move(sealed);
  return tx.addJob(job, added);
}

JobId addPasswordJob(store::Transaction& tx, const PasswordPayload& payload, std::string sealed,
                     std::string key) {
  Job job = jobOf(tx, kPasswordJob, Lane::kSite, payload);
  job.key = std::move(key);
  job.sealed = std::move(sealed);
  return tx.addJob(job);
}

JobId enqueueDirectories(store::Transaction& tx) { return enqueueNames(tx, kDirectoriesJob); }

JobId enqueueTags(store::Transaction& tx) { return enqueueNames(tx, kTagsJob); }

}  // namespace mbr::members
