#include "members/diagnosis.h"

#include <algorithm>
#include <utility>

#include "base/json.h"
#include "members/job_payload.h"

namespace mbr::members {
namespace {

std::string number(std::int64_t value) { return std::to_string(value); }

std::string joined(const std::vector<std::string>& texts) {
  std::string all;
  for (const std::string& text : texts) all += (all.empty() ? "" : ", ") + text;
  return all;
}

std::string seconds(Milliseconds wait) {
  return number(std::chrono::duration_cast<std::chrono::seconds>(wait).count() + 1) + " s";
}

std::string_view wordOf(CredentialOrigin origin) {
  switch (origin) {
    case CredentialOrigin::kGenerated:
      return "generated";
    case CredentialOrigin::kDefault:
      return "taken from default_pass";
    case CredentialOrigin::kAdopted:
      return "adopted from ActiveCampaign's field";
    case CredentialOrigin::kSet:
      return "set by the member or the site";
  }
  return "";
}

std::string_view wordOf(PasswordPolicy policy) {
  switch (policy) {
    case PasswordPolicy::kKeep:
      return "keep";
    case PasswordPolicy::kWipeAfter:
      return "wipe-after";
    case PasswordPolicy::kWipeOnLogin:
      return "wipe-on-login";
    case PasswordPolicy::kLink:
      return "link";
  }
  return "";
}

// How the operator named the contact, to be typed again.
std::string nameOf(const CaseFile& file) {
  if (file.question.email) return file.question.email->text();
  return number(file.question.id.value_or(0));
}

// The newest job that is to bring a password, or null.
const Job* passwordJob(const CaseFile& file) {
  const auto found = std::find_if(file.jobs.begin(), file.jobs.end(),
                                  [](const Job& job) { return job.kind == kPasswordJob; });
  return found == file.jobs.end() ? nullptr : &*found;
}

// The newest open job of a kind that has been tried in vain, or null.
const Job* failingJob(const CaseFile& file, std::string_view kind) {
  const auto found = std::find_if(file.jobs.begin(), file.jobs.end(), [&](const Job& job) {
    return job.kind == kind && isOpen(job.state) && !job.reason.empty();
  });
  return found == file.jobs.end() ? nullptr : &*found;
}

// Whether the member has the password whatever becomes of the job: ActiveCampaign confirmed it, or
// the member chose it.
bool isKnownToMember(const Job& job) {
  using Wish = PasswordPayload::Wish;
  const auto payload = readPasswordPayload(job.payload);
  if (!payload) return false;
  return payload->confirmed || payload->wish == Wish::kChosen || payload->wish == Wish::kCleared;
}

// What the newest call that asked for a password said; null if none did.
const store::DeliveryRecord* lastAsking(const CaseFile& file) {
  const auto found = std::find_if(
      file.deliveries.begin(), file.deliveries.end(),
      [](const store::DeliveryRecord& delivery) { return !delivery.followUp.empty(); });
  return found == file.deliveries.end() ? nullptr : &*found;
}

bool registers(const store::DeliveryRecord& delivery) {
  const auto asked = json::parse(delivery.followUp);
  const bool* wanted = asked ? (*asked)["autoregister"].asBool() : nullptr;
  return wanted == nullptr || *wanted;
}

bool inForce(const store::LinkRecord& link, Instant now) {
  return !link.usedAt && link.expiresAt > now;
}

std::string answerOf(const Job& job) {
  return job.reason.empty()
             ? "it has not been tried yet"
             : "after " + number(job.attempts) + " tries the last answer is: " + job.reason;
}

// --- the checklist -------------------------------------------------------------------------------

class Checklist {
 public:
  explicit Checklist(const CaseFile& file) : file_(file) {}

  std::vector<Finding> take() {
    checkContact();
    if (file_.contact) {
      checkPassword();
      checkLinks();
      checkTags();
      checkGate();
    }
    checkThrottle();
    if (file_.contact) checkAge();
    checkGaps();
    checkWebhook();
    checkJobs();
    return std::move(findings_);
  }

 private:
  void add(const char* check, Mark mark, std::string what, std::optional<Instant> at = {}) {
    findings_.push_back({check, mark, std::move(what), at});
  }

  void checkContact() {
    if (file_.erasedAt) add("erased", Mark::kBad, "the contact was erased here", file_.erasedAt);
    const auto& contact = file_.contact;
    if (!contact) {
      add("contact", Mark::kBad, "no contact of exactly this name is known here");
    } else if (contact->deletedAt) {
      add("contact", Mark::kBad,
          "contact " + number(contact->id) + ": ActiveCampaign has it no more", contact->deletedAt);
    } else if (!contact->email) {
      add("contact", Mark::kBad,
          "contact " + number(contact->id) + " has no e-mail any more: another contact has it now");
    } else {
      add("contact", Mark::kGood, "exact match: contact " + number(contact->id));
    }
    for (const ContactId alike : file_.lookAlikes) {
      add("duplicates", Mark::kNote,
          "contact " + number(alike) + " has an e-mail that differs in a letter or two");
    }
  }

  void checkPassword() {
    const auto& credential = file_.credential;
    if (!credential) return add("password", Mark::kBad, "there is no password yet");
    const bool slow = credential->kind == CredentialKind::kSlow;
    add("password", Mark::kGood,
        std::string(wordOf(credential->origin)) + (slow ? ", slow hash" : ", fast hash"),
        credential->changedAt);
    const std::string policy = "password.policy = " + std::string(wordOf(file_.settings.policy));
    if (credential->wipedAt) {
      add("policy", Mark::kNote, policy + "; ActiveCampaign's field was emptied",
          credential->wipedAt);
    } else {
      add("policy", Mark::kGood,
          policy +
              (credential->source.empty() ? "" : "; the password lies in ActiveCampaign's field"));
    }
  }

  void checkLinks() {
    if (file_.links.empty()) return;
    const store::LinkRecord& link = file_.links.front();
    if (inForce(link, file_.now)) {
      add("link", Mark::kNote, "a link to set a password is in force until", link.expiresAt);
    } else if (link.usedAt) {
      add("link", Mark::kGood, "the last link to set a password was used", link.usedAt);
    } else {
      add("link", Mark::kNote, "the last link to set a password expired unused", link.expiresAt);
    }
  }

  void checkTags() {
    const std::string has = file_.tags.empty() ? "no tags" : "tags: " + joined(file_.tags);
    switch (file_.entitlement) {
      case Entitlement::kBanned:
        return add("ban", Mark::kBad,
                   "carries login.ban_tag, " + file_.settings.banTag.value_or(""));
      case Entitlement::kTagMissing:
        return add(
            "tags", Mark::kBad,
            has + "; login.required_tags wants any of: " + joined(file_.settings.requiredTags));
      case Entitlement::kEntitled:
        break;
    }
    add("tags", Mark::kGood,
        has + (file_.settings.requiredTags.empty() ? "; login.required_tags wants none" : ""));
  }

  void checkGate() {
    if (!file_.gate) return;
    const CaseFile::Gate& gate = *file_.gate;
    if (gate.admits) {
      add("rule", Mark::kGood, "rule." + gate.rule + " admits");
    } else if (gate.admitsOnceConfirmed) {
      add("rule", Mark::kBad,
          "rule." + gate.rule + " admits once ActiveCampaign confirms a tag that a webhook named");
    } else {
      add("rule", Mark::kBad, "rule." + gate.rule + " does not admit these tags");
    }
  }

  void checkThrottle() {
    if (!file_.throttle) return;
    const CaseFile::Throttle& throttle = *file_.throttle;
    const std::string failures = number(throttle.failures) + " failed logins in 24 h";
    if (throttle.wait > Milliseconds{0}) {
      add("throttle", Mark::kBad,
          failures + "; the next try is let through in " + seconds(throttle.wait));
    } else {
      add("throttle", throttle.failures > 0 ? Mark::kNote : Mark::kGood, failures);
    }
  }

  void checkAge() {
    const Contact& contact = *file_.contact;
    if (!contact.pulledAt) {
      add("cache", Mark::kNote, "known from webhooks alone, never read from ActiveCampaign");
    } else if (!contact.confirmed) {
      add("cache", Mark::kNote, "a webhook changed it since it was read from ActiveCampaign",
          contact.pulledAt);
    } else {
      const bool fresh = file_.now - *contact.pulledAt < file_.settings.maxAge;
      add("cache", Mark::kGood,
          fresh ? "read from ActiveCampaign" : "read from ActiveCampaign; a login reads it again",
          contact.pulledAt);
    }
  }

  void checkGaps() {
    for (const Gap& gap : file_.openGaps) {
      add("gaps", Mark::kNote,
          "news may be missing (" + gap.why + "), " + std::string(toString(gap.state)) + ", since",
          gap.from);
    }
    if (!file_.sweptOnce) add("gaps", Mark::kNote, "no pass over all contacts has ended yet");
  }

  void checkWebhook() {
    if (file_.deliveries.empty()) {
      return add("webhook", Mark::kNote, "no webhook about this contact in the last 30 days");
    }
    const store::DeliveryRecord& last = file_.deliveries.front();
    std::string what = "the last one: delivery " + number(last.id) + ", " + last.route;
    if (!last.eventType.empty()) what += " " + last.eventType;
    add("webhook", Mark::kGood, what + ", " + last.status, last.receivedAt);
  }

  void checkJobs() {
    const auto most = std::min<std::size_t>(file_.jobs.size(), 3);
    for (std::size_t i = 0; i < most; ++i) {
      const Job& job = file_.jobs[i];
      const bool bad = job.state == JobState::kDead || job.state == JobState::kRefused;
      const bool note = isOpen(job.state) || job.state == JobState::kDropped;
      std::string what =
          "job " + number(job.id) + ", " + job.kind + ", " + std::string(toString(job.state));
      if (!job.reason.empty()) what += ": " + job.reason;
      const Instant at = isOpen(job.state) ? job.createdAt : job.endedAt;
      add("write", bad ? Mark::kBad : note ? Mark::kNote : Mark::kGood, what, at);
    }
  }

  const CaseFile& file_;
  std::vector<Finding> findings_;
};

// --- what it comes to ----------------------------------------------------------------------------

using MaybeVerdict = std::optional<Verdict>;

MaybeVerdict ofErasure(const CaseFile& file) {
  if (!file.erasedAt || file.contact) return std::nullopt;
  const std::string name = file.question.email ? file.question.email->text() : "EMAIL";
  return Verdict{
      "erased",
      "All data of this contact was erased here, and nothing but the owner's word brings "
      "it back.",
      "If it is to come back: membergate contact erase --lift " + name};
}

MaybeVerdict ofIdentity(const CaseFile& file) {
  if (!file.contact) {
    std::string cure = "Compare it letter by letter with the contact in ActiveCampaign";
    if (!file.lookAlikes.empty()) {
      cure += "; a contact with nearly the same e-mail: membergate contact show " +
              number(file.lookAlikes.front());
    } else {
      cure += file.sweptOnce ? "; if it is there: membergate sync"
                             : "; if it is there: membergate sync --full";
    }
    return Verdict{"unknown", "No contact of exactly this name is known here.", cure};
  }
  if (file.contact->deletedAt) {
    return Verdict{"deleted", "ActiveCampaign has this contact no more, so it may not log in.",
                   "If that is wrong, make the contact in ActiveCampaign again, then: membergate "
                   "sync --full"};
  }
  if (!file.contact->email) {
    return Verdict{
        "email_moved",
        "The e-mail of this contact belongs to another contact now, who logs in with it.",
        "Ask by the e-mail: membergate contact why EMAIL; or merge the two in "
        "ActiveCampaign"};
  }
  return std::nullopt;
}

MaybeVerdict ofBan(const CaseFile& file) {
  if (file.entitlement != Entitlement::kBanned) return std::nullopt;
  return Verdict{"banned", "The contact carries the tag that keeps out (login.ban_tag).",
                 "Remove the tag " + file.settings.banTag.value_or("") + " in ActiveCampaign"};
}

MaybeVerdict ofThrottle(const CaseFile& file) {
  if (!file.throttle || file.throttle->wait <= Milliseconds{0}) return std::nullopt;
  return Verdict{"throttled", "Too many wrong passwords: further tries are refused for a while.",
                 "Wait " + seconds(file.throttle->wait) +
                     "; nothing has to be lifted. If it goes on, somebody guesses, or a device "
                     "sends an old password"};
}

// The password is on its way, or was lost on it.
MaybeVerdict ofPasswordJob(const CaseFile& file) {
  const Job* job = passwordJob(file);
  if (job == nullptr || isKnownToMember(*job)) return std::nullopt;
  const std::string name = "job " + number(job->id);
  if (isOpen(job->state)) {
    const bool hasPassword = file.credential && file.credential->changedAt < job->createdAt;
    if (hasPassword) return std::nullopt;
    return Verdict{
        "password_pending",
        "The password has not reached ActiveCampaign yet (" + name + "): " + answerOf(*job) + ".",
        job->reason.empty() ? "See that the service runs: membergate status"
                            : "See whether ActiveCampaign answers: membergate doctor; to "
                              "try at once: membergate jobs retry " +
                                  number(job->id)};
  }
  const bool replaced = file.credential && file.credential->changedAt > job->endedAt;
  if (job->state == JobState::kDone || job->state == JobState::kRefused || replaced) {
    return std::nullopt;
  }
  return Verdict{
      "password_failed",
      "The password never reached ActiveCampaign: " + name + " was given up (" + job->reason + ").",
      "Once the cause is gone: membergate jobs retry " + number(job->id)};
}

MaybeVerdict ofMissingPassword(const CaseFile& file) {
  if (file.credential) return std::nullopt;
  const std::string reset = "membergate password reset " + nameOf(file);
  if (!file.links.empty() && !file.links.front().usedAt) {
    if (inForce(file.links.front(), file.now)) {
      return Verdict{"link_unused",
                     "The member was given a link to set a password, and has not done so.",
                     "Let the member use the link; for a new one: " + reset};
    }
    return Verdict{"link_expired", "The link to set a password expired before it was used.", reset};
  }
  const store::DeliveryRecord* asking = lastAsking(file);
  if (asking != nullptr && !registers(*asking)) {
    return Verdict{"not_registered",
                   "The webhook said autoregister=n, so the password went to ActiveCampaign only.",
                   "Take autoregister=n out of the webhook's URL in ActiveCampaign and let the "
                   "contact pass it again"};
  }
  if (asking == nullptr) {
    return Verdict{
        "never_asked",
        file.deliveries.empty()
            ? "Nobody has asked for a password: no webhook about this contact has come, "
              "and password.event_rule does not cover it."
            : "Nobody has asked for a password: the webhooks that came ask for none, and "
              "password.event_rule does not cover the contact.",
        "Let the contact pass the automation with the mbr_genpass webhook, or widen "
        "password.event_rule"};
  }
  return Verdict{"no_password", "The contact has no password here.",
                 "membergate replay " + number(asking->id)};
}

MaybeVerdict ofTags(const CaseFile& file) {
  if (file.entitlement == Entitlement::kTagMissing) {
    return Verdict{"tag_missing",
                   "The contact carries none of the tags that make a member (login.required_tags).",
                   "Give it one of these in ActiveCampaign: " + joined(file.settings.requiredTags) +
                       "; if it has one there: membergate sync --full"};
  }
  if (!file.gate || file.gate->admits) return std::nullopt;
  return Verdict{
      "rule_refuses",
      file.gate->admitsOnceConfirmed
          ? "rule." + file.gate->rule + " depends on a tag that ActiveCampaign has not confirmed."
          : "The member may log in, but rule." + file.gate->rule + " does not admit these tags.",
      file.gate->admitsOnceConfirmed
          ? "See whether ActiveCampaign answers: membergate doctor"
          : "Compare the tags above with rule." + file.gate->rule + " in the configuration"};
}

MaybeVerdict ofDoubt(const CaseFile& file) {
  const Job* refresh = failingJob(file, kRefreshJob);
  if (refresh == nullptr || file.contact->confirmed) return std::nullopt;
  return Verdict{"unconfirmed",
                 "What is known here is not confirmed: ActiveCampaign could not be read (" +
                     refresh->reason + ").",
                 "membergate doctor"};
}

Verdict innocent(const CaseFile& file) {
  return {"may_log_in",
          "Nothing that is kept here stops this login: the password that was typed is another one "
          "than the one kept, or the site did not ask.",
          "For a new password: membergate password reset " + nameOf(file) +
              "; to see whether the site asked: membergate contact trace " + nameOf(file)};
}

}  // namespace

std::string_view toString(Mark mark) {
  switch (mark) {
    case Mark::kGood:
      return "good";
    case Mark::kNote:
      return "note";
    case Mark::kBad:
      return "bad";
  }
  return "";
}

Diagnosis diagnose(const CaseFile& file) {
  Diagnosis diagnosis{Checklist(file).take(), innocent(file)};
  // The first that says something is what a login meets first, or what the others come from.
  using Judge = MaybeVerdict (*)(const CaseFile&);
  constexpr Judge kJudges[] = {ofErasure,     ofIdentity,        ofBan,  ofThrottle,
                               ofPasswordJob, ofMissingPassword, ofTags, ofDoubt};
  for (const Judge judge : kJudges) {
    if (auto verdict = judge(file)) {
      diagnosis.verdict = *std::move(verdict);
      break;
    }
  }
  return diagnosis;
}

}  // namespace mbr::members
