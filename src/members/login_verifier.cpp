#include "members/login_verifier.h"

#include <algorithm>
#include <mutex>
#include <new>
#include <unordered_map>
#include <utility>

#include "contacts/directories.h"
#include "members/entitlement.h"
#include "ops/log.h"
#include "ops/metrics.h"

namespace mbr::members {
namespace {

using Status = LoginResult::Status;
using DataSource = LoginResult::DataSource;
using Priority = passwords::HashPool::Priority;

}  // namespace

// How often a mismatch may ask ActiveCampaign: seldom for one e-mail, and bounded over all, so that
// guessing cannot eat the budget of the logins. Known and unknown e-mails count alike.
class LoginVerifier::Doubts {
 public:
  explicit Doubts(const LoginOptions& options)
      : interval_(options.doubtInterval), perSecond_(options.doubtPullsPerSecond) {}

  bool take(const Email& email, SteadyInstant now) {
    const std::lock_guard lock(mutex_);
    const auto last = pulled_.find(email.text());
    if (last != pulled_.end() && now - last->second < interval_) return false;
    const double burst = std::max(1.0, perSecond_);
    tokens_ = std::min(
        burst, tokens_ + perSecond_ * std::chrono::duration<double>(now - refilledAt_).count());
    refilledAt_ = now;
    if (tokens_ < 1) return false;
    tokens_ -= 1;
    return true;
  }

  void setPerSecond(double perSecond) {
    const std::lock_guard lock(mutex_);
    perSecond_ = perSecond;
  }

  // ActiveCampaign answered about this e-mail. A pull that failed is none.
  void pulled(const Email& email, SteadyInstant now) {
    const std::lock_guard lock(mutex_);
    constexpr std::size_t kMost = 10000;  // far above what the tokens let in within the interval
    if (pulled_.size() >= kMost) pulled_.clear();
    pulled_[email.text()] = now;
  }

 private:
  const Milliseconds interval_;
  std::mutex mutex_;
  double perSecond_;                                       // guarded by mutex_
  std::unordered_map<std::string, SteadyInstant> pulled_;  // guarded by mutex_
  double tokens_ = 1;                                      // guarded by mutex_
  SteadyInstant refilledAt_{};                             // guarded by mutex_
};

// One login on its way: look up, hash, perhaps pull and look again. Every step ends in exactly one
// further step or in finish(); nothing waits.
class LoginVerifier::Attempt : public std::enable_shared_from_this<Attempt> {
 public:
  Attempt(LoginVerifier& verifier, const Email& email, const Secret& password, bool known,
          DoneFn done)
      : v_(verifier),
        email_(email),
        password_(password),
        priority_(known ? Priority::kKnown : Priority::kUnknown),
        done_(std::move(done)) {}

  void start() {
    if (const Outcome found = lookUp(); !found) return fail(found.error());
    if (v_.options_.refresh == RefreshPolicy::kAlways) return pull();
    check();
  }

 private:
  Outcome lookUp() {
    contact_ = nullptr;
    credential_.reset();
    auto cached = v_.cache_.findByEmail(email_);
    if (!cached) return cached.error();
    if (!*cached || (*cached)->contact.deletedAt) return Done{};
    contact_ = *cached;
    return v_.store_.read([this](store::Reader& reader) -> Outcome {
      credential_ = reader.findCredential(contact_->contact.id);
      return Done{};
    });
  }

  void check() {
    const bool queued = v_.pool_.tryRun(priority_, [self = shared_from_this()] {
      try {
        self->matches_ = self->hash();
      } catch (const std::bad_alloc&) {
        return self->fail({Code::kBusy, "no memory to hash", std::chrono::seconds{1}});
      }
      self->afterCheck();
    });
    if (!queued) {
      fail({Code::kBusy, "the hash queue is full", std::chrono::seconds{1}});
    }
  }

  bool hash() const {
    if (credential_) return v_.hasher_.verify(*credential_, password_);
    v_.hasher_.verifyDummy(password_);
    return false;
  }

  void afterCheck() {
    if (pulled_) return decide();
    if (v_.options_.refresh == RefreshPolicy::kNever) return decide();
    if (*matches_) return isFresh() ? decide() : pull();
    if (mayDoubt()) return pull();
    decide();
  }

  bool isFresh() const { return v_.isFresh(contact_->contact); }

  bool mayDoubt() const { return v_.mayDoubt(email_, contact_ ? &contact_->contact : nullptr); }

  void pull() {
    pulled_ = true;
    contacts::Who who;
    who.email = email_;
    if (contact_) who.id = contact_->contact.id;
    v_.source_.pull(std::move(who), v_.clock_.steady() + v_.options_.deadline,
                    [self = shared_from_this()](const Result<contacts::Pulled>& pulled) {
                      self->afterPull(pulled);
                    });
  }

  void afterPull(const Result<contacts::Pulled>& pulled) {
    live_ = pulled.ok();
    if (live_) v_.notePulled(email_);
    // With `always` nothing has been checked yet.
    if (!live_) return checked() ? decide() : check();
    const auto before = credential_;
    if (const Outcome found = lookUp(); !found) return fail(found.error());
    const bool same = before.has_value() == credential_.has_value() &&
                      (!before || (before->hash == credential_->hash &&
                                   before->contactId == credential_->contactId));
    if (checked() && same) return decide();
    check();
  }

  bool checked() const { return matches_.has_value(); }

  void decide() {
    LoginResult result;
    result.source = source();
    if (!contact_ || !matches_.value_or(false)) return finish(result);
    result.contact = contact_;
    result.credentialChangedAt = credential_->changedAt;
    result.status = v_.isEntitled(contact_->contact) ? Status::kAdmitted : Status::kNotEntitled;
    upgrade();
    const bool admitted = result.status == Status::kAdmitted;
    if (admitted && v_.lastLogin_ != nullptr) v_.lastLogin_->note(contact_->contact);
    if (admitted && v_.wiper_ != nullptr) v_.wiper_->noteLogin(*credential_);
    finish(result);
  }

  DataSource source() const {
    if (live_) return DataSource::kLive;
    const bool due = v_.options_.refresh == RefreshPolicy::kAlways || !contact_ || !isFresh();
    return due ? DataSource::kStale : DataSource::kCache;
  }

  // A password that a person may have chosen gets a slow hash at its first success. If there is no
  // room now, the next login does it.
  void upgrade() {
    if (!v_.hasher_.needsUpgrade(*credential_)) return;
    const auto work = [&store = v_.store_, &hasher = v_.hasher_, credential = *credential_,
                       password = password_] {
      const Credential upgraded = hasher.upgraded(credential, password);
      store.submit(
          [upgraded, before = credential.hash](store::Transaction& tx) -> Outcome {
            const auto now = tx.findCredential(upgraded.contactId);
            if (now && now->hash == before) tx.reformCredential(upgraded);
            return Done{};
          },
          [id = credential.contactId](const Outcome& outcome) {
            if (outcome) return;
            ops::logWarning("credential_not_upgraded",
                            {{"contact_id", id}, {"detail", outcome.error().detail}});
          });
    };
    (void)v_.pool_.tryRun(Priority::kBackground, work);
  }

  void finish(const LoginResult& result) { done_(result); }
  void fail(const Error& error) { done_(error); }

  LoginVerifier& v_;
  const Email email_;
  const Secret password_;
  const Priority priority_;
  const DoneFn done_;
  contacts::CachedContactPtr contact_;
  std::optional<Credential> credential_;
  std::optional<bool> matches_;
  bool pulled_ = false;  // a pull was asked for
  bool live_ = false;    // and answered
};

LoginVerifier::LoginVerifier(store::Store& store, contacts::ContactCache& cache,
                             const contacts::Directories& directories, contacts::Source& source,
                             const passwords::Hasher& hasher, passwords::HashPool& pool,
                             const Clock& clock, LoginOptions options, const HookCoverage* coverage,
                             const LastLogin* lastLogin, const PasswordWiper* wiper)
    : store_(store),
      cache_(cache),
      directories_(directories),
      source_(source),
      hasher_(hasher),
      pool_(pool),
      clock_(clock),
      options_(std::move(options)),
      coverage_(coverage),
      lastLogin_(lastLogin),
      wiper_(wiper),
      doubts_(std::make_unique<Doubts>(options_)) {}

LoginVerifier::~LoginVerifier() = default;

void LoginVerifier::verify(const Email& email, const Secret& password, bool known, DoneFn done) {
  std::make_shared<Attempt>(*this, email, password, known, std::move(done))->start();
}

void LoginVerifier::setDoubtPullsPerSecond(double perSecond) { doubts_->setPerSecond(perSecond); }

bool LoginVerifier::wasPulledWithin(const Contact& contact, Milliseconds age) const {
  constexpr std::chrono::seconds kMaxAhead{2};  // beyond it: written before the clock was set back
  if (!contact.confirmed || !contact.pulledAt) return false;
  const auto passed = clock_.now() - *contact.pulledAt;
  return passed >= -kMaxAhead && passed < age;
}

bool LoginVerifier::isFresh(const Contact& contact) const {
  if (wasPulledWithin(contact, options_.maxAge)) return true;
  return coverage_ != nullptr && coverage_->covers(contact);
}

bool LoginVerifier::mayDoubt(const Email& email, const Contact* known) {
  if (known != nullptr && wasPulledWithin(*known, options_.doubtInterval)) return false;
  return doubts_->take(email, clock_.steady());
}

void LoginVerifier::notePulled(const Email& email) { doubts_->pulled(email, clock_.steady()); }

bool LoginVerifier::isBanned(const Contact& contact) const {
  return options_.banTag && carriesTag(contact, *directories_.names(), *options_.banTag);
}

bool LoginVerifier::isEntitled(const Contact& contact) const {
  return entitlementOf(contact, *directories_.names(), options_.requiredTags, options_.banTag) ==
         Entitlement::kEntitled;
}

}  // namespace mbr::members
