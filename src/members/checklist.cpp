#include "members/checklist.h"

#include <algorithm>
#include <utility>

#include "base/joined.h"

namespace mbr::members {
namespace {

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
          "contact " + std::to_string(contact->id) + ": ActiveCampaign has it no more",
          contact->deletedAt);
    } else if (!contact->email) {
      add("contact", Mark::kBad,
          "contact " + std::to_string(contact->id) +
              " has no e-mail any more: another contact has it now");
    } else {
      add("contact", Mark::kGood, "exact match: contact " + std::to_string(contact->id));
    }
    for (const ContactId alike : file_.lookAlikes) {
      add("duplicates", Mark::kNote,
          "contact " + std::to_string(alike) + " has an e-mail that differs in a letter or two");
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
    if (isInForce(link, file_.now)) {
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
    const std::string failures = std::to_string(throttle.failures) + " failed logins in 24 h";
    if (throttle.wait > Milliseconds{0}) {
      add("throttle", Mark::kBad,
          failures + "; the next try is let through in " + waitText(throttle.wait));
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
    std::string what = "the last one: delivery " + std::to_string(last.id) + ", " + last.route;
    if (!last.eventType.empty()) what += " " + last.eventType;
    add("webhook", Mark::kGood, what + ", " + last.status, last.receivedAt);
  }

  void checkJobs() {
    const auto most = std::min<std::size_t>(file_.jobs.size(), 3);
    for (std::size_t i = 0; i < most; ++i) {
      const Job& job = file_.jobs[i];
      const bool bad = job.state == JobState::kDead || job.state == JobState::kRefused;
      const bool note = isOpen(job.state) || job.state == JobState::kDropped;
      std::string what = "job " + std::to_string(job.id) + ", " + job.kind + ", " +
                         std::string(toString(job.state));
      if (!job.reason.empty()) what += ": " + job.reason;
      const Instant at = isOpen(job.state) ? job.createdAt : job.endedAt;
      add("write", bad ? Mark::kBad : note ? Mark::kNote : Mark::kGood, what, at);
    }
  }

  const CaseFile& file_;
  std::vector<Finding> findings_;
};

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

std::vector<Finding> checklist(const CaseFile& file) { return Checklist(file).take(); }

std::string waitText(Milliseconds wait) {
  return std::to_string(std::chrono::duration_cast<std::chrono::seconds>(wait).count() + 1) + " s";
}

}  // namespace mbr::members
