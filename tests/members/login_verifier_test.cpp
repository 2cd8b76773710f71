#include "members/login_verifier.h"

#include <deque>

#include "members/rig.h"

namespace mbr::members {

using contacts::Pulled;
using contacts::Who;
using Status = LoginResult::Status;
using From = LoginResult::DataSource;

// Answers each pull with what the test put down for it, and keeps whom it was asked for.
class ScriptedSource final : public contacts::Source {
 public:
  using Script = std::function<Result<Pulled>(const Who&)>;

  void pull(Who who, SteadyInstant deadline, DoneFn done) override {
    Script script;
    {
      const std::lock_guard lock(mutex_);
      asked_.push_back(who);
      lastDeadline_ = deadline;
      if (!scripts_.empty()) {
        script = std::move(scripts_.front());
        scripts_.pop_front();
      }
    }
    done(script ? script(who) : Result<Pulled>(Error{Code::kUnavailable, "no pull expected"}));
  }

  void next(Script script) { scripts_.push_back(std::move(script)); }
  std::vector<Who> asked() {
    const std::lock_guard lock(mutex_);
    return asked_;
  }
  SteadyInstant lastDeadline() {
    const std::lock_guard lock(mutex_);
    return lastDeadline_;
  }

 private:
  std::mutex mutex_;
  std::deque<Script> scripts_;    // guarded by mutex_ once a login runs
  std::vector<Who> asked_;        // guarded by mutex_
  SteadyInstant lastDeadline_{};  // guarded by mutex_
};

class LoginVerifierTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(LoginVerifierTest);
  CPPUNIT_TEST(aFreshMemberCostsNoPull);
  CPPUNIT_TEST(aStaleMemberIsPulledAndCheckedAgain);
  CPPUNIT_TEST(thePullHasTheLoginsDeadline);
  CPPUNIT_TEST(anUnconfirmedMemberIsPulled);
  CPPUNIT_TEST(whenThePullFailsTheCacheAnswersAndSaysSo);
  CPPUNIT_TEST(alwaysPullsBeforeItChecks);
  CPPUNIT_TEST(alwaysAnswersFromTheCacheIfThePullFails);
  CPPUNIT_TEST(neverPullsNothing);
  CPPUNIT_TEST(aPasswordThatChangedInTheAccountIsFoundByDoubt);
  CPPUNIT_TEST(theOldPasswordNoLongerOpensOnceAPullShowedTheNewOne);
  CPPUNIT_TEST(aWrongPasswordIsDoubtedOnce);
  CPPUNIT_TEST(anEmailPulledJustNowIsNotDoubted);
  CPPUNIT_TEST(doubtsOfAllLoginsAreBounded);
  CPPUNIT_TEST(anUnknownEmailTakesTheSameWay);
  CPPUNIT_TEST(aMemberWhomNoPullHasShownYetIsLetIn);
  CPPUNIT_TEST(aMemberWithoutAPasswordIsRefused);
  CPPUNIT_TEST(aDeletedMemberIsRefusedUntilAPullBringsHimBack);
  CPPUNIT_TEST(aMemberWhomThePullFoundGoneIsRefused);
  CPPUNIT_TEST(aMemberWhoseEmailWentToAnotherIsRefused);
  CPPUNIT_TEST(anyRequiredTagWillDo);
  CPPUNIT_TEST(theBanTagWinsByIdAndByName);
  CPPUNIT_TEST(anEntitlementThatThePullTookAwayIsGone);
  CPPUNIT_TEST(anAdoptedPasswordBecomesSlowAtItsFirstSuccess);
  CPPUNIT_TEST(aGeneratedPasswordStaysFast);
  CPPUNIT_TEST(aFailureUpgradesNothing);
  CPPUNIT_TEST(whenTheHashQueueIsFullNothingIsChecked);
  CPPUNIT_TEST(aStoreThatIsDownIsAnError);
  CPPUNIT_TEST(aCoveredMemberIsFreshHoweverLongAgoHeWasPulled);
  CPPUNIT_TEST(whoIsNotCoveredIsPulledAfterTheMaxAge);
  CPPUNIT_TEST(withinTheMaxAgeNobodyNeedsToBeCovered);
  CPPUNIT_TEST(aBodyMakesACoveredMemberStale);
  CPPUNIT_TEST(aWrongPasswordOfACoveredMemberIsDoubted);
  CPPUNIT_TEST(alwaysPullsACoveredMemberToo);
  CPPUNIT_TEST(aPullOfBeforeTheClockWasSetBackMakesNobodyFresh);
  CPPUNIT_TEST(doubtsMayBeMadeSeldomer);
  CPPUNIT_TEST(doubtsMayBeMadeMoreFrequent);
  CPPUNIT_TEST_SUITE_END();

  test::MembersRig rig_;
  ScriptedSource source_;
  passwords::HashPool pool_{{2, 16}};
  LoginOptions options_;
  HookCoverage coverage_{true, rig_.clock};
  const HookCoverage* used_ = nullptr;
  std::unique_ptr<LoginVerifier> verifier_;
  const Email email_ = test::email("a@example.com");

 public:
  void setUp() override { rig_.fillDirectories(); }
  void tearDown() override {
    pool_.stop();
    verifier_.reset();
  }

  // A member with that password, pulled just now.
  void member(const char* password, std::vector<TagId> tags = {},
              CredentialOrigin origin = CredentialOrigin::kGenerated) {
    rig_.known(42, "a@example.com", std::move(tags));
    setPassword(password, origin);
  }
  void setPassword(std::string_view password,
                   CredentialOrigin origin = CredentialOrigin::kGenerated) {
    rig_.write([&](store::Transaction& tx) {
      Credential credential = rig_.hasher.makeFast(42, Secret(password), origin, rig_.clock.now());
      credential.source = rig_.hasher.sourceDigest(Secret(password));
      tx.saveCredential(credential);
    });
  }
  // A pull that finds contact 42 with this password in its field, as LivePull would.
  ScriptedSource::Script finds(std::string password, std::vector<TagId> tags = {},
                               std::string email = "a@example.com") {
    return [this, password, tags, email](const Who&) -> Result<Pulled> {
      rig_.clock.advance(Milliseconds{5});
      ContactSnapshot snapshot;
      snapshot.id = 42;
      snapshot.email = Email::parse(email);
      snapshot.tags = tags;
      snapshot.fields.emplace();
      snapshot.password = Secret(password);
      snapshot.sentAt = rig_.clock.now();
      rig_.write([&](store::Transaction& tx) { rig_.updater.applySnapshot(tx, snapshot); });
      return Pulled{42};
    };
  }
  static Result<Pulled> nobody(const Who&) { return Pulled{}; }
  static Result<Pulled> down(const Who&) { return Error{Code::kUnavailable, "down"}; }

  LoginVerifier& verifier() {
    if (!verifier_) {
      verifier_ = std::make_unique<LoginVerifier>(rig_.store, rig_.cache, rig_.directories, source_,
                                                  rig_.hasher, pool_, rig_.clock, options_, used_);
    }
    return *verifier_;
  }
  Result<LoginResult> tryLogin(std::string_view password, std::string_view email) {
    std::promise<Result<LoginResult>> promise;
    auto result = promise.get_future();
    verifier().verify(test::email(email), Secret(password), false,
                      [&](Result<LoginResult> login) { promise.set_value(std::move(login)); });
    return test::resultOf(result);
  }
  LoginResult login(std::string_view password, std::string_view email = "a@example.com") {
    auto result = tryLogin(password, email);
    CPPUNIT_ASSERT(result.ok());
    return *result;
  }
  void expect(Status status, From source, const LoginResult& result) {
    CPPUNIT_ASSERT_EQUAL(static_cast<int>(status), static_cast<int>(result.status));
    CPPUNIT_ASSERT_EQUAL(static_cast<int>(source), static_cast<int>(result.source));
    CPPUNIT_ASSERT_EQUAL(status != Status::kWrong, result.contact != nullptr);
  }
  std::size_t pulls() { return source_.asked().size(); }
  void age() { rig_.clock.advance(std::chrono::minutes{6}); }

  void aFreshMemberCostsNoPull() {
    member("secret");
    const LoginResult result = login("secret");
    expect(Status::kAdmitted, From::kCache, result);
    CPPUNIT_ASSERT_EQUAL(ContactId{42}, result.contact->contact.id);
    CPPUNIT_ASSERT_EQUAL(std::size_t{0}, pulls());
  }

  void aStaleMemberIsPulledAndCheckedAgain() {
    member("secret");
    age();
    source_.next(finds("secret", {2}));
    const LoginResult result = login("secret");
    expect(Status::kAdmitted, From::kLive, result);
    CPPUNIT_ASSERT(result.contact->contact.hasTag(2));
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, pulls());
    CPPUNIT_ASSERT(source_.asked()[0].id == std::optional<ContactId>(42));
    CPPUNIT_ASSERT(source_.asked()[0].email == email_);
  }

  void thePullHasTheLoginsDeadline() {
    member("secret");
    age();
    const SteadyInstant now = rig_.clock.steady();
    login("secret");
    CPPUNIT_ASSERT(source_.lastDeadline() == now + options_.deadline);
  }

  void anUnconfirmedMemberIsPulled() {
    member("secret");
    rig_.write([](store::Transaction& tx) {
      Contact contact = *tx.findContact(42);
      contact.confirmed = false;
      tx.saveContact(contact);
    });
    source_.next(finds("secret"));
    expect(Status::kAdmitted, From::kLive, login("secret"));
  }

  void whenThePullFailsTheCacheAnswersAndSaysSo() {
    member("secret");
    age();
    source_.next(down);
    expect(Status::kAdmitted, From::kStale, login("secret"));
  }

  void alwaysPullsBeforeItChecks() {
    options_.refresh = RefreshPolicy::kAlways;
    member("old");
    source_.next(finds("new"));
    expect(Status::kAdmitted, From::kLive, login("new"));
    source_.next(finds("new"));
    expect(Status::kWrong, From::kLive, login("old"));
    CPPUNIT_ASSERT_EQUAL(std::size_t{2}, pulls());
  }

  void alwaysAnswersFromTheCacheIfThePullFails() {
    options_.refresh = RefreshPolicy::kAlways;
    member("secret");
    source_.next(down);
    expect(Status::kAdmitted, From::kStale, login("secret"));
    source_.next(down);
    expect(Status::kWrong, From::kStale, login("wrong"));
    CPPUNIT_ASSERT_EQUAL(std::size_t{2}, pulls());
  }

  void neverPullsNothing() {
    options_.refresh = RefreshPolicy::kNever;
    member("secret");
    expect(Status::kAdmitted, From::kCache, login("secret"));
    age();
    expect(Status::kAdmitted, From::kStale, login("secret"));
    expect(Status::kWrong, From::kStale, login("wrong"));
    CPPUNIT_ASSERT_EQUAL(std::size_t{0}, pulls());
  }

  void aPasswordThatChangedInTheAccountIsFoundByDoubt() {
    member("old");
    rig_.clock.advance(std::chrono::seconds{61});
    source_.next(finds("new"));
    expect(Status::kAdmitted, From::kLive, login("new"));
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, pulls());
  }

  void theOldPasswordNoLongerOpensOnceAPullShowedTheNewOne() {
    member("old");
    age();
    source_.next(finds("new"));
    expect(Status::kWrong, From::kLive, login("old"));
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, pulls());
  }

  void aWrongPasswordIsDoubtedOnce() {
    member("secret");
    rig_.clock.advance(std::chrono::seconds{61});
    source_.next(finds("secret"));
    expect(Status::kWrong, From::kLive, login("wrong"));
    expect(Status::kWrong, From::kCache, login("wrong"));
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, pulls());
    rig_.clock.advance(std::chrono::seconds{61});
    source_.next(finds("secret"));
    expect(Status::kWrong, From::kLive, login("wrong"));
    CPPUNIT_ASSERT_EQUAL(std::size_t{2}, pulls());
  }

  void anEmailPulledJustNowIsNotDoubted() {
    member("secret");
    expect(Status::kWrong, From::kCache, login("wrong"));
    CPPUNIT_ASSERT_EQUAL(std::size_t{0}, pulls());
  }

  void doubtsOfAllLoginsAreBounded() {
    options_.doubtPullsPerSecond = 2;
    for (int i = 0; i < 5; ++i) login("x", "user" + std::to_string(i) + "@example.com");
    CPPUNIT_ASSERT_EQUAL(std::size_t{2}, pulls());
    expect(Status::kWrong, From::kStale, login("x", "another@example.com"));
    rig_.clock.advance(std::chrono::milliseconds{500});
    login("x", "third@example.com");
    login("x", "fourth@example.com");
    CPPUNIT_ASSERT_EQUAL(std::size_t{3}, pulls());
  }

  void anUnknownEmailTakesTheSameWay() {
    source_.next(nobody);
    expect(Status::kWrong, From::kLive, login("secret"));
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, pulls());
    CPPUNIT_ASSERT(!source_.asked()[0].id);
    expect(Status::kWrong, From::kStale, login("secret"));
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, pulls());
  }

  void aMemberWhomNoPullHasShownYetIsLetIn() {
    source_.next(finds("secret"));
    expect(Status::kAdmitted, From::kLive, login("secret"));
  }

  void aMemberWithoutAPasswordIsRefused() {
    rig_.known(42, "a@example.com");
    rig_.clock.advance(std::chrono::seconds{61});
    source_.next(finds(""));
    expect(Status::kWrong, From::kLive, login("secret"));
  }

  void aDeletedMemberIsRefusedUntilAPullBringsHimBack() {
    member("secret");
    rig_.write([&](store::Transaction& tx) { rig_.updater.markDeleted(tx, 42); });
    source_.next(nobody);
    expect(Status::kWrong, From::kLive, login("secret"));
    rig_.clock.advance(std::chrono::seconds{61});
    source_.next(finds("secret"));
    expect(Status::kAdmitted, From::kLive, login("secret"));
  }

  void aMemberWhomThePullFoundGoneIsRefused() {
    member("secret");
    age();
    source_.next([this](const Who&) -> Result<Pulled> {
      rig_.write([&](store::Transaction& tx) { rig_.updater.markDeleted(tx, 42); });
      return Pulled{};
    });
    expect(Status::kWrong, From::kLive, login("secret"));
  }

  void aMemberWhoseEmailWentToAnotherIsRefused() {
    member("secret");
    age();
    source_.next(finds("secret", {}, "moved@example.com"));
    expect(Status::kWrong, From::kLive, login("secret"));
  }

  void anyRequiredTagWillDo() {
    options_.requiredTags = {"1", "Gold"};
    member("secret", {3});
    const LoginResult refused = login("secret");
    expect(Status::kNotEntitled, From::kCache, refused);
    member("secret", {2});
    expect(Status::kAdmitted, From::kCache, login("secret"));
    member("secret", {1});
    expect(Status::kAdmitted, From::kCache, login("secret"));
    expect(Status::kWrong, From::kCache, login("wrong"));
  }

  void theBanTagWinsByIdAndByName() {
    options_.requiredTags = {"Member"};
    options_.banTag = "Gold";
    member("secret", {1, 2});
    expect(Status::kNotEntitled, From::kCache, login("secret"));
    options_.banTag = "2";
    verifier_.reset();
    expect(Status::kNotEntitled, From::kCache, login("secret"));
    member("secret", {1});
    expect(Status::kAdmitted, From::kCache, login("secret"));
  }

  void anEntitlementThatThePullTookAwayIsGone() {
    options_.requiredTags = {"Member"};
    member("secret", {1});
    age();
    source_.next(finds("secret", {}));
    expect(Status::kNotEntitled, From::kLive, login("secret"));
  }

  // The upgrade is stored after the answer.
  Credential credentialOfKind(CredentialKind kind) {
    const auto until = std::chrono::steady_clock::now() + test::kPatience;
    Credential found = *rig_.credential(42);
    while (found.kind != kind && std::chrono::steady_clock::now() < until) {
      rig_.awaitChange(rig_.changeCount(), Milliseconds{50});
      found = *rig_.credential(42);
    }
    return found;
  }

  void anAdoptedPasswordBecomesSlowAtItsFirstSuccess() {
    member("secret", {}, CredentialOrigin::kAdopted);
    const std::string source = rig_.credential(42)->source;
    rig_.write([&](store::Transaction& tx) {
      store::SessionRecord session;
      session.digest = std::string(32, 's');
      session.contactId = 42;
      session.expiresAt = rig_.clock.now() + std::chrono::hours{1};
      tx.saveSession(session);
    });
    login("secret");
    const Credential upgraded = credentialOfKind(CredentialKind::kSlow);
    CPPUNIT_ASSERT(upgraded.kind == CredentialKind::kSlow);
    CPPUNIT_ASSERT(upgraded.source == source);
    CPPUNIT_ASSERT(
        rig_.read([](store::Reader& reader) { return reader.findSession(std::string(32, 's')); })
            .has_value());
    expect(Status::kAdmitted, From::kCache, login("secret"));
    expect(Status::kWrong, From::kCache, login("wrong"));
  }

  void aGeneratedPasswordStaysFast() {
    member("secret");
    login("secret");
    pool_.stop();
    CPPUNIT_ASSERT(rig_.credential(42)->kind == CredentialKind::kFast);
  }

  void aFailureUpgradesNothing() {
    options_.refresh = RefreshPolicy::kNever;
    member("secret", {}, CredentialOrigin::kAdopted);
    login("wrong");
    pool_.stop();
    CPPUNIT_ASSERT(rig_.credential(42)->kind == CredentialKind::kFast);
  }

  void whenTheHashQueueIsFullNothingIsChecked() {
    member("secret");
    pool_.stop();
    const auto refused = tryLogin("secret", "a@example.com");
    CPPUNIT_ASSERT(!refused.ok());
    CPPUNIT_ASSERT(refused.error().code == Code::kBusy);
    CPPUNIT_ASSERT(refused.error().retryAfter.has_value());
  }

  void aStoreThatIsDownIsAnError() {
    member("secret");
    rig_.store.failAt(test::FailingStore::Step::kRead);
    CPPUNIT_ASSERT(tryLogin("secret", "a@example.com").error().code == Code::kUnavailable);
  }

  // In event mode, with nothing missed.
  void cover() {
    used_ = &coverage_;
    coverage_.setGaps(false, std::nullopt);
    coverage_.noteNews(rig_.clock.now());
  }

  void aCoveredMemberIsFreshHoweverLongAgoHeWasPulled() {
    member("secret");
    rig_.clock.advance(std::chrono::hours{30});
    cover();
    expect(Status::kAdmitted, From::kCache, login("secret"));
    CPPUNIT_ASSERT_EQUAL(std::size_t{0}, pulls());
  }

  void whoIsNotCoveredIsPulledAfterTheMaxAge() {
    member("secret");
    age();
    cover();
    coverage_.setGaps(false, rig_.clock.now() - std::chrono::minutes{1});
    source_.next(finds("secret"));
    expect(Status::kAdmitted, From::kLive, login("secret"));
    // By now he was pulled since then.
    age();
    expect(Status::kAdmitted, From::kCache, login("secret"));
    coverage_.setGaps(true, rig_.clock.now() - std::chrono::minutes{10});
    source_.next(down);
    expect(Status::kAdmitted, From::kStale, login("secret"));
    CPPUNIT_ASSERT_EQUAL(std::size_t{2}, pulls());
  }

  void withinTheMaxAgeNobodyNeedsToBeCovered() {
    cover();
    member("secret");
    coverage_.setGaps(true, rig_.clock.now());
    expect(Status::kAdmitted, From::kCache, login("secret"));
    CPPUNIT_ASSERT_EQUAL(std::size_t{0}, pulls());
  }

  void aBodyMakesACoveredMemberStale() {
    member("secret");
    age();
    cover();
    rig_.write([](store::Transaction& tx) {
      Contact contact = *tx.findContact(42);
      contact.confirmed = false;
      tx.saveContact(contact);
    });
    source_.next(finds("secret"));
    expect(Status::kAdmitted, From::kLive, login("secret"));
  }

  void aWrongPasswordOfACoveredMemberIsDoubted() {
    member("old");
    age();
    cover();
    source_.next(finds("new"));
    expect(Status::kAdmitted, From::kLive, login("new"));
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, pulls());
  }

  void alwaysPullsACoveredMemberToo() {
    options_.refresh = RefreshPolicy::kAlways;
    member("secret");
    cover();
    source_.next(finds("secret"));
    expect(Status::kAdmitted, From::kLive, login("secret"));
  }

  void aPullOfBeforeTheClockWasSetBackMakesNobodyFresh() {
    member("old");
    rig_.clock.advance(-std::chrono::hours{1});
    source_.next(finds("new"));
    expect(Status::kAdmitted, From::kLive, login("new"));
    rig_.clock.advance(-std::chrono::hours{1});
    source_.next(finds("new"));
    expect(Status::kAdmitted, From::kLive, login("new"));
    CPPUNIT_ASSERT_EQUAL(std::size_t{2}, pulls());
  }

  void loginsOfStrangers(const std::string& name, int count) {
    for (int i = 0; i < count; ++i) login("x", name + std::to_string(i) + "@example.com");
  }

  void doubtsMayBeMadeSeldomer() {
    options_.doubtPullsPerSecond = 5;
    loginsOfStrangers("first", 1);
    verifier().setDoubtPullsPerSecond(1);
    // What was saved up at the old rate is gone.
    loginsOfStrangers("second", 5);
    CPPUNIT_ASSERT_EQUAL(std::size_t{2}, pulls());
    rig_.clock.advance(std::chrono::milliseconds{900});
    loginsOfStrangers("third", 5);
    CPPUNIT_ASSERT_EQUAL(std::size_t{2}, pulls());
    rig_.clock.advance(std::chrono::milliseconds{100});
    loginsOfStrangers("fourth", 5);
    CPPUNIT_ASSERT_EQUAL(std::size_t{3}, pulls());
  }

  void doubtsMayBeMadeMoreFrequent() {
    options_.doubtPullsPerSecond = 1;
    loginsOfStrangers("first", 3);
    verifier().setDoubtPullsPerSecond(5);
    rig_.clock.advance(std::chrono::seconds{1});
    loginsOfStrangers("second", 10);
    CPPUNIT_ASSERT_EQUAL(std::size_t{6}, pulls());
  }
};
CPPUNIT_TEST_SUITE_REGISTRATION(LoginVerifierTest);

}  // namespace mbr::members
