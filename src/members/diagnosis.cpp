#include "members/diagnosis.h"

#include <algorithm>
#include <utility>

#include "base/joined.h"
#include "base/json.h"
#include "members/job_payload.h"

namespace mbr::members {
namespace {

// How the operator named the contact, to be typed again.
std::string nameOf(const CaseFile& file) {
  if (file.question.email) return file.question.email->text();
  return std::to_string(file.question.id.value_or(0));
}

// The command that gives a new password or link, which goes by the e-mail alone.
std::string resetCommand(const CaseFile& file) {
  const auto& email = file.question.email;
  return "membergate password reset " + (email ? email->text() : "EMAIL");
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

std::string answerOf(const Job& job) {
  return job.reason.empty()
             ? "it has not been tried yet"
             : "after " + std::to_string(job.attempts) + " tries the last answer is: " + job.reason;
}

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
              std::to_string(file.lookAlikes.front());
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
                 "Wait " + waitText(file.throttle->wait) +
                     "; nothing has to be lifted. If it goes on, somebody guesses, or a device "
                     "sends an old password"};
}

// The password is on its way, or was lost on it.
MaybeVerdict ofPasswordJob(const CaseFile& file) {
  const Job* job = passwordJob(file);
  if (job == nullptr || isKnownToMember(*job)) return std::nullopt;
  const std::string name = "job " + std::to_string(job->id);
  if (isOpen(job->state)) {
    const bool hasPassword = file.credential && file.credential->changedAt < job->createdAt;
    if (hasPassword) return std::nullopt;
    return Verdict{
        "password_pending",
        "The password has not reached ActiveCampaign yet (" + name + "): " + answerOf(*job) + ".",
        job->reason.empty() ? "See that the service runs: membergate status"
                            : "See whether ActiveCampaign answers: membergate doctor; to "
                              "try at once: membergate jobs retry " +
                                  std::to_string(job->id)};
  }
  const bool replaced = file.credential && file.credential->changedAt > job->endedAt;
  if (job->state == JobState::kDone || job->state == JobState::kRefused || replaced) {
    return std::nullopt;
  }
  return Verdict{
      "password_failed",
      "The password never reached ActiveCampaign: " + name + " was given up (" + job->reason + ").",
      "Once the cause is gone: membergate jobs retry " + std::to_string(job->id)};
}

MaybeVerdict ofMissingPassword(const CaseFile& file) {
  if (file.credential) return std::nullopt;
  const std::string reset = resetCommand(file);
  if (!file.links.empty() && !file.links.front().usedAt) {
    if (isInForce(file.links.front(), file.now)) {
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
                 "membergate replay " + std::to_string(asking->id)};
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
          "For a new password: " + resetCommand(file) +
              "; to see whether the site asked: membergate contact trace " + nameOf(file)};
}

}  // namespace

Diagnosis diagnose(const CaseFile& file) {
  Diagnosis diagnosis{checklist(file), innocent(file)};
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
