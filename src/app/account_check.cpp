#include "app/account_check.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/joined.h"

namespace mbr::app {
namespace {

class AccountCheck {
 public:
  explicit AccountCheck(Workbench& bench)
      : bench_(bench), config_(bench.config), client_(bench.account.clients.lease()) {}

  Remarks run() {
    if (!checkKey()) return std::move(remarks_);
    checkTags();
    checkFields();
    checkHooks();
    return std::move(remarks_);
  }

 private:
  void add(Remark remark) { remarks_.push_back(std::move(remark)); }

  bool checkKey() {
    const auto who = client_->whoAmI(bench_.call());
    if (!who) {
      add(failed("activecampaign", who.error()));
      return false;
    }
    add(good("activecampaign", "answers, and the key is good"));
    if (who->ahead) checkClock(*who->ahead);
    return true;
  }

  static Remark failed(const char* check, const Error& error) {
    switch (error.code) {
      case Code::kDenied:
        return problem(check, "ActiveCampaign refuses the API key: " + error.detail,
                       "Settings, Developer in ActiveCampaign shows the key; put it alone into the "
                       "file of activecampaign.key_file, then restart the service");
      case Code::kBusy:
        return warning(check, "the account's requests are used up: " + error.detail,
                       "Try again in a minute; if it stays so, another program uses them");
      default:
        return problem(check, "ActiveCampaign does not answer: " + error.detail,
                       "Compare activecampaign.url with Settings, Developer; see whether this "
                       "machine reaches it by https");
    }
  }

  void checkClock(Milliseconds ahead) {
    const auto apart =
        std::chrono::duration_cast<std::chrono::seconds>(ahead < Milliseconds{0} ? -ahead : ahead);
    constexpr std::chrono::seconds kSlight{30};
    const std::string what = "this machine's clock is " + std::to_string(apart.count()) + " s " +
                             (ahead > Milliseconds{0} ? "behind" : "ahead of") +
                             " ActiveCampaign's";
    if (apart <= kSlight) return add(good("clock", "agrees with ActiveCampaign's"));
    add(problem("clock", what + ", so news may be missed", "timedatectl set-ntp true"));
  }

  // A name that nobody has keeps everybody out.
  void checkTags() {
    std::vector<std::string> wanted = config_.login.requiredTags;
    if (config_.login.banTag) wanted.push_back(*config_.login.banTag);
    if (wanted.empty()) return;
    const auto tags = client_->listTags(bench_.call());
    if (!tags) return add(failed("tags", tags.error()));
    std::vector<std::string> unknown;
    for (const std::string& tag : wanted) {
      const auto id = parseId(tag);
      const bool there = std::any_of(tags->begin(), tags->end(), [&](const store::NamedId& row) {
        return id ? row.id == *id : row.name == tag;
      });
      if (!there) unknown.push_back(tag);
    }
    if (unknown.empty()) return add(good("tags", "those of login.* are in ActiveCampaign"));
    add(problem("tags", "ActiveCampaign has no such tag: " + joined(unknown),
                "Correct login.required_tags and login.ban_tag, or make the tag"));
  }

  void checkFields() {
    const auto fields = client_->listFields(bench_.call());
    if (!fields) return add(failed("password-field", fields.error()));
    std::optional<FieldId> password;
    std::vector<std::string> open;
    for (const store::FieldRecord& field : *fields) {
      if (field.perstag == config_.passwordField) password = field.id;
      const bool hidden = bench_.installation.hiddenFields().count(field.perstag) > 0;
      if (!hidden && field.perstag.find("PASS") != std::string::npos) open.push_back(field.perstag);
    }
    checkPasswordField(password);
    if (open.empty()) return add(good("hidden-fields", "no other field seems to hold passwords"));
    add(warning("hidden-fields",
                "fields that may hold passwords are kept and shown: " + joined(open),
                "contacts.hidden_fields = " + config_.passwordField + ", " + joined(open)));
  }

  void checkPasswordField(const std::optional<FieldId>& field) {
    const std::string name = "field " + config_.passwordField;
    if (!field) {
      return add(warning("password-field", name + " is not in ActiveCampaign yet",
                         "Nothing: it is made with the first password"));
    }
    const auto shown = client_->isFieldShown(bench_.call(), *field);
    if (!shown) return add(failed("password-field", shown.error()));
    if (*shown) return add(good("password-field", name + " is there"));
    add(warning("password-field",
                name + " belongs to no list, so ActiveCampaign's pages and mails "
                       "do not show it",
                "In ActiveCampaign, Contacts, Manage fields: show the field for all lists"));
  }

  void checkHooks() {
    if (!config_.hooks.wanted) return;
    const auto report = bench_.hookStatus();
    if (!report) return add(failed("hooks", report.error()));
    if (report->state == sync::HookState::kRegistered) {
      return add(good("hooks", "the event webhook is registered"));
    }
    const std::string wrong = report->what.empty() ? "" : " (" + report->what + ")";
    add(problem("hooks",
                "the event webhook is " + std::string(sync::toString(report->state)) + wrong,
                "membergate hooks ensure"));
  }

  Workbench& bench_;
  const config::Config& config_;
  const sync::ClientPool::Lease client_;
  Remarks remarks_;
};

}  // namespace

Remarks checkAccount(Workbench& bench) { return AccountCheck(bench).run(); }

}  // namespace mbr::app
