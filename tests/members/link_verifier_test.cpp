#include "members/link_verifier.h"

#include "members/rig.h"
#include "passwords/hash_pool.h"

namespace mbr::members {

using contacts::Pulled;
using contacts::Who;
using Status = LoginResult::Status;
using From = LoginResult::DataSource;

// Answers at once, as the test says.
class PromptSource final : public contacts::Source {
 public:
  void pull(Who who, SteadyInstant deadline, DoneFn done) override {
    ++pulls;
    lastWho = std::move(who);
    lastDeadline = deadline;
    done(answer());
  }

  std::function<Result<Pulled>()> answer = [] { return Pulled{}; };
  int pulls = 0;
  Who lastWho;
  SteadyInstant lastDeadline{};
};

class LinkVerifierTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(LinkVerifierTest);
  CPPUNIT_TEST(aFreshMemberWithHisTokenCostsNoPull);
  CPPUNIT_TEST(aStaleMemberIsPulledByIdAndEmailWithinTheDeadline);
  CPPUNIT_TEST(whatThePullTookAwayIsGone);
  CPPUNIT_TEST(whenThePullFailsTheCacheAnswersAndSaysSo);
  CPPUNIT_TEST(aMemberWhomNoPullHasShownYetIsLetIn);
  CPPUNIT_TEST(aTokenThatChangedInTheAccountIsFoundByDoubt);
  CPPUNIT_TEST(doubtsAreThoseOfTheLogins);
  CPPUNIT_TEST(anotherIdOrEmailIsWrong);
  CPPUNIT_TEST(aDeletedMemberIsWrong);
  CPPUNIT_TEST(theBanTagIsSeenById);
  CPPUNIT_TEST(neverPullsNothingAndAlwaysPulls);
  CPPUNIT_TEST(aStoreThatIsDownIsAnError);
  CPPUNIT_TEST_SUITE_END();

  test::MembersRig rig_;
  PromptSource source_;
  passwords::HashPool pool_{{1, 16}};
  RefreshPolicy refresh_ = RefreshPolicy::kStale;
  LinkTokens tokens_{rig_.keys, "TOKEN"};
  std::unique_ptr<LoginVerifier> logins_;
  std::unique_ptr<LinkVerifier> links_;

 public:
  void setUp() override { rig_.fillDirectories(); }
  void tearDown() override { pool_.stop(); }

 private:
  // As a pull of now shows it.
  void member(const std::string& token, std::vector<TagId> tags = {}, ContactId id = 42) {
    ContactSnapshot snapshot;
    snapshot.id = id;
    snapshot.email = test::email("a@example.com");
    snapshot.tags = std::move(tags);
    snapshot.fields = FieldValues{{"TOKEN", token}};
    tokens_.conceal(id, *snapshot.fields);
    snapshot.sentAt = rig_.clock.now();
    rig_.write([&](store::Transaction& tx) { rig_.updater.applySnapshot(tx, snapshot); });
  }
  // A pull that finds that.
  std::function<Result<Pulled>()> finds(std::string token, std::vector<TagId> tags = {}) {
    return [this, token, tags]() -> Result<Pulled> {
      rig_.clock.advance(Milliseconds{5});
      member(token, tags);
      return Pulled{42};
    };
  }
  Result<LoginResult> verify(const std::string& token, ContactId id = 42,
                             const char* email = "a@example.com") {
    if (!links_) {
      LoginOptions options;
      options.refresh = refresh_;
      options.banTag = "2";
      logins_ = std::make_unique<LoginVerifier>(rig_.store, rig_.cache, rig_.directories, source_,
                                                rig_.hasher, pool_, rig_.clock, options);
      links_ = std::make_unique<LinkVerifier>(rig_.cache, source_, *logins_, tokens_, rig_.clock,
                                              refresh_, Milliseconds{1500});
    }
    std::optional<Result<LoginResult>> result;
    links_->verify({id, test::email(email), token},
                   [&](Result<LoginResult> verified) { result = std::move(verified); });
    CPPUNIT_ASSERT_MESSAGE("nobody answered", result.has_value());
    return *result;
  }
  void expect(Status status, From source, const Result<LoginResult>& result) {
    CPPUNIT_ASSERT(result.ok());
    CPPUNIT_ASSERT_EQUAL(static_cast<int>(status), static_cast<int>(result->status));
    if (status == Status::kWrong) return;
    CPPUNIT_ASSERT_EQUAL(static_cast<int>(source), static_cast<int>(result->source));
    CPPUNIT_ASSERT_EQUAL(ContactId{42}, result->contact->contact.id);
  }
  void age() { rig_.clock.advance(std::chrono::minutes{6}); }

  void aFreshMemberWithHisTokenCostsNoPull() {
    member("token");
    expect(Status::kAdmitted, From::kCache, verify("token"));
    CPPUNIT_ASSERT_EQUAL(0, source_.pulls);
  }

  void aStaleMemberIsPulledByIdAndEmailWithinTheDeadline() {
    member("token");
    age();
    source_.answer = finds("token");
    const auto before = rig_.clock.steady();
    expect(Status::kAdmitted, From::kLive, verify("token"));
    CPPUNIT_ASSERT_EQUAL(1, source_.pulls);
    CPPUNIT_ASSERT(source_.lastWho.id == ContactId{42});
    CPPUNIT_ASSERT(source_.lastWho.email == test::email("a@example.com"));
    CPPUNIT_ASSERT(source_.lastDeadline == before + Milliseconds{1500});
  }

  void whatThePullTookAwayIsGone() {
    member("token");
    age();
    source_.answer = finds("another");
    expect(Status::kWrong, From::kLive, verify("token"));
    age();
    source_.answer = finds("another", {2});
    expect(Status::kNotEntitled, From::kLive, verify("another"));
  }

  void whenThePullFailsTheCacheAnswersAndSaysSo() {
    member("token");
    age();
    source_.answer = [] { return Error{Code::kBusy, "no time"}; };
    expect(Status::kAdmitted, From::kStale, verify("token"));
    expect(Status::kWrong, From::kStale, verify("guess"));
  }

  void aMemberWhomNoPullHasShownYetIsLetIn() {
    source_.answer = finds("token");
    expect(Status::kAdmitted, From::kLive, verify("token"));
  }

  void aTokenThatChangedInTheAccountIsFoundByDoubt() {
    member("old");
    age();
    source_.answer = finds("new");
    expect(Status::kAdmitted, From::kLive, verify("new"));
    expect(Status::kWrong, From::kCache, verify("old"));
    CPPUNIT_ASSERT_EQUAL(1, source_.pulls);  // it was pulled just now
  }

  void doubtsAreThoseOfTheLogins() {
    member("token");
    age();
    source_.answer = [] { return Pulled{}; };
    for (int i = 0; i < 20; ++i) {
      (void)verify("guess", 100 + i, ("b" + std::to_string(i) + "@example.com").c_str());
    }
    CPPUNIT_ASSERT(source_.pulls <= 5);
    rig_.clock.advance(std::chrono::seconds{10});
    source_.pulls = 0;
    for (int i = 0; i < 3; ++i) (void)verify("guess", 99, "nobody@example.com");
    CPPUNIT_ASSERT_EQUAL(1, source_.pulls);
  }

  void anotherIdOrEmailIsWrong() {
    member("token");
    expect(Status::kWrong, From::kCache, verify("token", 43));
    expect(Status::kWrong, From::kCache, verify("token", 42, "b@example.com"));
    // A digest of one contact's is not another's.
    member("token", {}, 43);
    CPPUNIT_ASSERT(!tokens_.matches(*rig_.contact(43), tokens_.digest(43, "token")));
    CPPUNIT_ASSERT(rig_.contact(42)->fields != rig_.contact(43)->fields);
  }

  void aDeletedMemberIsWrong() {
    member("token");
    rig_.write([&](store::Transaction& tx) { rig_.updater.markDeleted(tx, 42); });
    expect(Status::kWrong, From::kCache, verify("token"));
  }

  void theBanTagIsSeenById() {
    member("token", {2});
    expect(Status::kNotEntitled, From::kCache, verify("token"));
  }

  void neverPullsNothingAndAlwaysPulls() {
    member("token");
    age();
    refresh_ = RefreshPolicy::kNever;
    expect(Status::kAdmitted, From::kStale, verify("token"));
    expect(Status::kWrong, From::kStale, verify("guess"));
    CPPUNIT_ASSERT_EQUAL(0, source_.pulls);
    links_.reset();
    refresh_ = RefreshPolicy::kAlways;
    source_.answer = finds("token");
    expect(Status::kAdmitted, From::kLive, verify("token"));
    expect(Status::kAdmitted, From::kLive, verify("token"));
    CPPUNIT_ASSERT_EQUAL(2, source_.pulls);
  }

  void aStoreThatIsDownIsAnError() {
    rig_.store.failAt(test::FailingStore::Step::kRead);
    CPPUNIT_ASSERT(!verify("token").ok());
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(LinkVerifierTest);

}  // namespace mbr::members
