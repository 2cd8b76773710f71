#include "members/tombstones.h"

#include "members/change_intake.h"
#include "members/delivery_rig.h"
#include "ops/metrics.h"

namespace mbr::members {

using namespace std::chrono_literals;
using Status = Receipt::Status;

// Contact 42 is erased; what may bring it back, and what must not.
class TombstonesTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(TombstonesTest);
  CPPUNIT_TEST(buryingLeavesNothingAndIsInTheAuditWithoutTheName);
  CPPUNIT_TEST(aLateWebhookIsIgnoredAndCounted);
  CPPUNIT_TEST(aWebhookOfTheIdOrTheEmailAloneIsIgnoredToo);
  CPPUNIT_TEST(othersAreNotTouched);
  CPPUNIT_TEST(aReadIsIgnoredAndCounted);
  CPPUNIT_TEST(aReadOfTheIdUnderAnotherEmailIsIgnored);
  CPPUNIT_TEST(aPurchaseWithinADayIsIgnored);
  CPPUNIT_TEST(aPurchaseAfterADayBringsTheContactBack);
  CPPUNIT_TEST(anEventAfterADayDoesNot);
  CPPUNIT_TEST(aNewContactWithTheEmailMayEnter);
  CPPUNIT_TEST(anOlderContactWithTheEmailMayNot);
  CPPUNIT_TEST(whoIsAskedForByEmailComesBackUnderHisOldId);
  CPPUNIT_TEST(liftingWhatIsNotThereSaysSo);
  CPPUNIT_TEST(aTombstoneOutlivesARotationAndTheEndOfTheNewerKeys);
  CPPUNIT_TEST_SUITE_END();

  std::unique_ptr<test::DeliveryRig> rig_ = std::make_unique<test::DeliveryRig>();
  const Tombstones tombstones_{rig_->keys};
  DeliveryApplier applier_{rig_->store, rig_->directories,           rig_->sealer,
                           rig_->clock, {60s, {}, {}, &tombstones_}, [] {}};
  ContactUpdater updater_{rig_->issuer, rig_->clock, {{}, {}, {}, &tombstones_}};

 public:
  void setUp() override {
    rig_->known(42, "a@example.com", {1});
    rig_->known(43, "b@example.com");
    rig_->write([&](store::Transaction& tx) {
      tombstones_.bury(tx, 42, Email::parse("a@example.com"), "key:1", "req-1");
    });
    rig_->clock.advance(5s);
  }

 private:
  Status deliver(Delivery delivery) {
    std::promise<Status> promise;
    applier_.apply(std::move(delivery), [&](const Result<Receipt>& receipt) {
      CPPUNIT_ASSERT(receipt.ok());
      promise.set_value(receipt->status);
    });
    auto status = promise.get_future();
    return test::resultOf(status);
  }
  ContactUpdater::Taken take(ContactId id, const std::string& mail, Milliseconds madeAgo) {
    ContactSnapshot snapshot;
    snapshot.id = id;
    snapshot.email = Email::parse(mail);
    snapshot.createdAt = rig_->clock.now() - madeAgo;
    snapshot.sentAt = rig_->clock.now();
    ContactUpdater::Taken taken{};
    rig_->write([&](store::Transaction& tx) { taken = updater_.applySnapshot(tx, snapshot); });
    return taken;
  }
  std::optional<Instant> covers(std::optional<ContactId> id, const std::string& mail) {
    return rig_->read(
        [&](store::Reader& reader) { return tombstones_.covers(reader, id, Email::parse(mail)); });
  }
  static double honoured() {
    return ops::counter("membergate_tombstones_honoured_total", "").value();
  }
  static Delivery event(std::optional<ContactId> id, const std::string& mail) {
    return test::DeliveryRig::body(id, mail);
  }
  static Delivery purchase(std::optional<ContactId> id, const std::string& mail) {
    return test::DeliveryRig::genpass(id, mail, {1});
  }

  void buryingLeavesNothingAndIsInTheAuditWithoutTheName() {
    CPPUNIT_ASSERT(!rig_->contact(42) && rig_->contact(43));
    CPPUNIT_ASSERT(covers(42, "").has_value() && covers({}, "a@example.com").has_value());
    CPPUNIT_ASSERT(!covers(43, "b@example.com"));
    CPPUNIT_ASSERT(covers(43, "a@example.com") == rig_->clock.now() - 5s);
  }

  void aLateWebhookIsIgnoredAndCounted() {
    const double before = honoured();
    CPPUNIT_ASSERT(deliver(event(42, "a@example.com")) == Status::kIgnored);
    CPPUNIT_ASSERT(!rig_->contact(42));
    CPPUNIT_ASSERT_MESSAGE("nor is it asked for", rig_->jobs().empty());
    CPPUNIT_ASSERT_EQUAL(before + 1, honoured());
  }

  void aWebhookOfTheIdOrTheEmailAloneIsIgnoredToo() {
    CPPUNIT_ASSERT(deliver(event(42, "")) == Status::kIgnored);
    CPPUNIT_ASSERT(deliver(event(std::nullopt, "a@example.com")) == Status::kIgnored);
    CPPUNIT_ASSERT(deliver(event(42, "new@example.com")) == Status::kIgnored);
    CPPUNIT_ASSERT(rig_->jobs().empty());
  }

  void othersAreNotTouched() {
    const double before = honoured();
    CPPUNIT_ASSERT(deliver(event(43, "b@example.com")) == Status::kAccepted);
    CPPUNIT_ASSERT(take(43, "b@example.com", 24h) != ContactUpdater::Taken::kErased);
    CPPUNIT_ASSERT_EQUAL(before, honoured());
  }

  void aReadIsIgnoredAndCounted() {
    const double before = honoured();
    CPPUNIT_ASSERT(take(42, "a@example.com", 24h) == ContactUpdater::Taken::kErased);
    CPPUNIT_ASSERT(!rig_->contact(42));
    CPPUNIT_ASSERT_EQUAL(before + 1, honoured());
  }

  void aReadOfTheIdUnderAnotherEmailIsIgnored() {
    CPPUNIT_ASSERT(take(42, "new@example.com", 1s) == ContactUpdater::Taken::kErased);
    CPPUNIT_ASSERT(!rig_->contact(42));
  }

  void aPurchaseWithinADayIsIgnored() {
    rig_->clock.advance(24h - 5s);
    CPPUNIT_ASSERT(deliver(purchase(42, "a@example.com")) == Status::kIgnored);
    CPPUNIT_ASSERT(!rig_->contact(42) && rig_->jobs().empty());
  }

  void aPurchaseAfterADayBringsTheContactBack() {
    rig_->clock.advance(24h);
    CPPUNIT_ASSERT(deliver(purchase(42, "a@example.com")) == Status::kAccepted);
    CPPUNIT_ASSERT(rig_->contact(42).has_value());
    CPPUNIT_ASSERT(rig_->openJob(kPasswordJob, "42").has_value());
    CPPUNIT_ASSERT(!covers(42, "a@example.com"));
  }

  void anEventAfterADayDoesNot() {
    rig_->clock.advance(48h);
    CPPUNIT_ASSERT(deliver(event(42, "a@example.com")) == Status::kIgnored);
    CPPUNIT_ASSERT(covers(42, "").has_value());
  }

  void aNewContactWithTheEmailMayEnter() {
    CPPUNIT_ASSERT(take(77, "a@example.com", 1s) == ContactUpdater::Taken::kChanged);
    CPPUNIT_ASSERT(rig_->contact(77).has_value());
    CPPUNIT_ASSERT(!covers({}, "a@example.com"));
    CPPUNIT_ASSERT_MESSAGE("the other one stays erased", covers(42, "").has_value());
    CPPUNIT_ASSERT(take(42, "a@example.com", 48h) == ContactUpdater::Taken::kErased);
  }

  void anOlderContactWithTheEmailMayNot() {
    CPPUNIT_ASSERT(take(77, "a@example.com", 6s) == ContactUpdater::Taken::kErased);
    CPPUNIT_ASSERT(!rig_->contact(77));
  }

  void whoIsAskedForByEmailComesBackUnderHisOldId() {
    const ChangeIntake intake(
        rig_->store, rig_->clock, [] {}, &tombstones_);
    ChangePayload change;
    change.email = "a@example.com";
    std::promise<bool> committed;
    intake.submit(change, {}, [&](const auto& taken) { committed.set_value(taken.ok()); });
    auto done = committed.get_future();
    CPPUNIT_ASSERT(test::resultOf(done));
    CPPUNIT_ASSERT(!covers(42, "a@example.com"));
    CPPUNIT_ASSERT(take(42, "a@example.com", 48h) == ContactUpdater::Taken::kChanged);
  }

  void liftingWhatIsNotThereSaysSo() {
    rig_->write([&](store::Transaction& tx) {
      CPPUNIT_ASSERT(!tombstones_.lift(tx, *Email::parse("b@example.com")));
      CPPUNIT_ASSERT(tombstones_.lift(tx, *Email::parse("A@example.com")));
      CPPUNIT_ASSERT(!tombstones_.lift(tx, *Email::parse("a@example.com")));
    });
  }

  void aTombstoneOutlivesARotationAndTheEndOfTheNewerKeys() {
    test::TempDir dir;
    const std::string path = dir.file("master.key");
    SystemRandom random;
    CPPUNIT_ASSERT(passwords::KeyRing::create(path, random));
    CPPUNIT_ASSERT(passwords::KeyRing::rotate(path, random));
    const auto two = passwords::KeyRing::load(path);
    rig_->write([&](store::Transaction& tx) {
      Tombstones(*two).bury(tx, 50, Email::parse("c@example.com"), "cli");
    });
    CPPUNIT_ASSERT(passwords::KeyRing::rotate(path, random));
    const auto three = passwords::KeyRing::load(path);
    const auto covered = [&](const passwords::KeyRing& keys) {
      return rig_->read([&](store::Reader& reader) {
        return Tombstones(keys).covers(reader, 50, std::nullopt).has_value();
      });
    };
    CPPUNIT_ASSERT(covered(*two) && covered(*three));
    CPPUNIT_ASSERT_MESSAGE("another installation's keys know nothing", !covered(rig_->keys));
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(TombstonesTest);

}  // namespace mbr::members
