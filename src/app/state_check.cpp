#include "app/state_check.h"

#include <string>
#include <utility>
#include <vector>

#include "base/joined.h"
#include "sync/reconciler.h"

namespace mbr::app {
namespace {

struct State {
  std::vector<store::CodeRecord> codes;
  std::vector<store::JobCounts> jobs;
  std::vector<Gap> gaps;
  std::int64_t defaults = 0;
  std::int64_t suspended = 0;
  bool swept = false;
};

class StateCheck {
 public:
  explicit StateCheck(Workbench& bench) : bench_(bench), config_(bench.config) {}

  Remarks run() {
    const Outcome read = bench_.store->read([&](store::Reader& reader) -> Outcome {
      state_.codes = reader.listCodes();
      state_.jobs = reader.countJobs();
      state_.gaps = reader.listOpenGaps();
      state_.defaults = reader.countCredentials(CredentialOrigin::kDefault);
      state_.suspended = parseId(reader.findMeta(sync::kSuspended).value_or("")).value_or(0);
      state_.swept = reader.findMeta(sync::kLastFullSweep).has_value();
      return Done{};
    });
    if (!read) {
      return {problem("store", read.error().detail, "Stop the service and look at the disk")};
    }
    checkMembership();
    checkCodes();
    checkDefaults();
    checkAutologin();
    checkInclude();
    checkJobs();
    checkGaps();
    return std::move(remarks_);
  }

 private:
  void add(Remark remark) { remarks_.push_back(std::move(remark)); }

  void checkMembership() {
    if (!config_.login.requiredTags.empty()) {
      return add(good("membership-tag", "login.required_tags is set"));
    }
    add(warning("membership-tag",
                "no login.required_tags: every contact with a password may log in",
                "login.required_tags = the tag that makes a member"));
  }

  void checkCodes() {
    int inForce = 0;
    std::vector<std::string> shortOnes;
    for (const store::CodeRecord& code : state_.codes) {
      if (code.revokedAt) continue;
      ++inForce;
      if (code.isShort) shortOnes.push_back(code.name);
    }
    if (!shortOnes.empty()) {
      return add(warning("codes", "short codes are in force: " + joined(shortOnes),
                         "membergate code create --name NEW, put it into the webhooks, then: "
                         "membergate code revoke --name OLD"));
    }
    if (inForce == 0 && !config_.hooks.wanted) {
      return add(warning("codes", "no security code is in force, so no webhook is taken",
                         "membergate code create --name automations"));
    }
    add(good("codes", std::to_string(inForce) + " in force"));
  }

  void checkDefaults() {
    if (state_.defaults == 0) return add(good("default-pass", "nobody's password is one"));
    add(warning("default-pass",
                std::to_string(state_.defaults) + " members have the default_pass of a webhook, "
                                                  "which others know",
                "Take default_pass out of the webhooks' URLs; a generated password is as easy to "
                "mail"));
  }

  void checkAutologin() {
    if (!config_.autologin) return;
    if (!config_.autologinTokenField.empty()) {
      return add(good("autologin", "links carry a token"));
    }
    add(warning("autologin",
                "login links carry no token: whoever holds one can enter as any member whose id "
                "and e-mail he knows",
                "autologin.token_field = MEMBERTOKEN, and t=%MEMBERTOKEN% in the links"));
  }

  void checkInclude() {
    const std::string& known = bench_.installation.features();
    if (known.find("=no") != std::string::npos) {
      return add(warning("include",
                         "the account does not send tags along with contacts (" + known +
                             "), so a read takes three requests",
                         "Nothing can be done here; expect logins and passes to take longer"));
    }
    add(good("include", known.empty() ? "not known yet whether the account honours it"
                                      : "the account honours it"));
  }

  void checkJobs() {
    std::int64_t dead = 0;
    for (const store::JobCounts& row : state_.jobs) {
      if (row.state == static_cast<int>(JobState::kDead)) dead += row.count;
    }
    if (dead == 0) return add(good("jobs", "none was given up"));
    add(warning("jobs", std::to_string(dead) + " jobs were given up",
                "membergate jobs list --state dead, then: membergate jobs retry ID"));
  }

  void checkGaps() {
    if (state_.suspended > 0) {
      return add(problem("gaps",
                         std::to_string(state_.suspended) +
                             " contacts are missing in ActiveCampaign at once; none was marked "
                             "deleted",
                         "If they were deleted on purpose: membergate sync --confirm-deletions"));
    }
    if (!state_.swept) {
      return add(warning("gaps", "no pass over all contacts has ended yet",
                         "Let the service run, or: membergate sync --full"));
    }
    constexpr std::chrono::hours kLong{1};
    for (const Gap& gap : state_.gaps) {
      if (bench_.clock.now() - gap.openedAt < kLong) continue;
      return add(warning("gaps", "a gap (" + gap.why + ") has been open for more than an hour",
                         "See that the service runs and ActiveCampaign answers, or: membergate "
                         "sync"));
    }
    add(good("gaps", "nothing is known to be missing for long"));
  }

  Workbench& bench_;
  const config::Config& config_;
  State state_;
  Remarks remarks_;
};

}  // namespace

Remarks checkState(Workbench& bench) { return StateCheck(bench).run(); }

}  // namespace mbr::app
