#include "sync/password_work.h"

#include <string>
#include <string_view>
#include <utility>

#include "ops/log.h"

namespace mbr::sync {
namespace {

// The text as a page would show it: ActiveCampaign may hand entities back for what was written.
std::string withoutEntities(std::string text) {
  constexpr std::pair<std::string_view, std::string_view> kEntities[] = {
      {"&lt;", "<"},   {"&gt;", ">"},  {"&quot;", "\""},
      {"&#039;", "'"}, {"&#39;", "'"}, {"&amp;", "&"}};
  for (const auto& [entity, character] : kEntities) {
    for (auto at = text.find(entity); at != std::string::npos;
         at = text.find(entity, at + character.size())) {
      text.replace(at, entity.size(), character);
    }
  }
  return text;
}

}  // namespace

using Wish = members::PasswordPayload::Wish;

PasswordWork::PasswordWork(const Workshop& workshop, Job& job, members::PasswordPayload payload)
    : w_(&workshop), job_(&job), payload_(std::move(payload)) {}

PasswordWork::Next PasswordWork::judge(store::Transaction& tx, const ContactSnapshot& snapshot) {
  if (w_->updater.applySnapshot(tx, snapshot, true) == members::ContactUpdater::Taken::kErased) {
    payload_.issued = false;
    payload_.steps.clear();
    settle();
    save();
    return Next::kSettled;
  }
  const Next next = payload_.issued ? judgeIssued(tx, snapshot) : judgeFresh(tx, snapshot);
  if (next == Next::kSettled) settle();
  save();
  return next;
}

PasswordWork::Next PasswordWork::judgeFresh(store::Transaction& tx,
                                            const ContactSnapshot& snapshot) {
  if (isOutdated(tx, snapshot.id)) {
    if (payload_.byRule) payload_.steps.clear();
    return Next::kSettled;
  }
  if (payload_.wish == Wish::kReplace || payload_.wish == Wish::kLink) {
    password_ = w_->issuer.issue(tx, *job_, payload_, snapshot.id);
    return Next::kWrite;
  }
  switch (w_->issuer.decide(tx, snapshot.id, *snapshot.password, snapshot.sentAt, false)) {
    case FieldDecision::kMayIssue:
      // What made the rule cover it may have been a body's word only.
      if (payload_.byRule && !(snapshot.tags && w_->passwordRule.covers(*snapshot.tags))) break;
      password_ = w_->issuer.issue(tx, *job_, payload_, snapshot.id);
      return Next::kWrite;
    case FieldDecision::kAdopt:
      if (payload_.autoregister) w_->issuer.adopt(tx, snapshot.id, *snapshot.password);
      break;
    case FieldDecision::kNothingToDo:
      break;
    case FieldDecision::kIgnore:
      return Next::kReadAgain;
  }
  if (payload_.byRule) payload_.steps.clear();  // they follow a password that the rule gave
  return Next::kSettled;
}

// An earlier try issued one and may or may not have written it.
PasswordWork::Next PasswordWork::judgeIssued(store::Transaction& tx,
                                             const ContactSnapshot& snapshot) {
  if (payload_.wish == Wish::kCleared) {
    if (!snapshot.password->empty()) return Next::kClear;
    members::PasswordIssuer::forgetSource(tx, snapshot.id);
    return Next::kSettled;
  }
  auto sealed = w_->issuer.sealedPassword(*job_, snapshot.id);
  if (!sealed && payload_.wish == Wish::kChosen) {
    // It is in force here, and nobody can say any more what it was.
    ops::logWarning("chosen_password_lost", {{"contact_id", snapshot.id}, {"job_id", job_->id}});
    return Next::kSettled;
  }
  if (!sealed) {
    // The master key is gone, and with it the text; the field is all there is.
    payload_.issued = false;
    return judgeFresh(tx, snapshot);
  }
  password_ = std::move(*sealed);
  if (snapshot.password->empty()) return Next::kWrite;
  // An older link is no password that somebody else chose.
  if (members::PasswordLinks::isLink(*snapshot.password) && !matches(*snapshot.password)) {
    return Next::kWrite;
  }
  if (payload_.wish != Wish::kNone && !matches(*snapshot.password)) return Next::kWrite;
  takeOther(tx, snapshot.id, *snapshot.password);
  return Next::kSettled;
}

void PasswordWork::confirm(store::Transaction& tx, ContactId contact, const Secret& text) {
  if (password_.empty()) {
    // An earlier run wrote it. If the key that opens it is gone the field is all there is.
    if (auto sealed = w_->issuer.sealedPassword(*job_, contact)) password_ = std::move(*sealed);
  }
  takeOther(tx, contact, text);
  settle();
  save();
}

void PasswordWork::confirmEmpty(store::Transaction& tx) {
  members::PasswordIssuer::forgetSource(tx, *payload_.contactId);
  settle();
  save();
}

// Somebody has chosen a password since this was asked for; the job of that choice comes after this
// one.
bool PasswordWork::isOutdated(store::Reader& reader, ContactId contact) const {
  const auto credential = reader.findCredential(contact);
  return credential && credential->origin == CredentialOrigin::kSet &&
         credential->changedAt > job_->createdAt && credential->changedAt <= w_->clock.now();
}

void PasswordWork::takeOther(store::Transaction& tx, ContactId contact, const Secret& text) {
  if (!payload_.autoregister) return;
  if (matches(text)) {
    if (payload_.wish != Wish::kChosen) w_->issuer.scheduleWipe(tx, contact);
    // A job that was open before the choice may have issued another one since.
    if (payload_.wish == Wish::kChosen)
      w_->issuer.adoptIfNew(tx, contact, text, Instant::max(), false);
    return;
  }
  if (members::PasswordLinks::isLink(text) || isOutdated(tx, contact)) return;
  ops::logInfo("password_of_others_kept", {{"contact_id", contact}, {"job_id", job_->id}});
  w_->issuer.adopt(tx, contact, text);
}

bool PasswordWork::matches(const Secret& text) const {
  if (password_.equals(text.reveal())) return true;
  if (!Secret::take(withoutEntities(text.reveal())).equals(password_.reveal())) return false;
  ops::logWarning("password_came_back_with_entities", {{"job_id", job_->id}});
  return true;
}

void PasswordWork::settle() {
  payload_.confirmed = true;
  payload_.hasDefault = false;
  endImport();
  wipe(job_->sealed);
}

void PasswordWork::sent(const std::string& import) {
  payload_.import = import;
  payload_.importedAt = w_->clock.now();
  payload_.lookedAfter = false;
  save();
}

void PasswordWork::lookedAfter() {
  payload_.lookedAfter = true;
  save();
}

void PasswordWork::endImport() {
  payload_.import.clear();
  payload_.lookedAfter = false;
}

std::vector<TagId> PasswordWork::tagsApplied() {
  using members::Step;
  std::vector<TagId> tags;
  for (Step& step : payload_.steps) {
    const bool open = step.state == Step::State::kOpen || step.state == Step::State::kStarted;
    if (step.kind != Step::Kind::kTag || !open) continue;
    step.state = Step::State::kApplied;
    tags.push_back(step.id);
  }
  endImport();
  save();
  return tags;
}

void PasswordWork::leaveOthers() {
  payload_.singly = true;
  endImport();
  save();
}

}  // namespace mbr::sync
