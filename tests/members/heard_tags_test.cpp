#include "members/delivery_rig.h"

namespace mbr::members {

using std::chrono::minutes;
using std::chrono::seconds;
using test::DeliveryRig;

// Tags that a body has added and nothing has confirmed, from the delivery to the gate.
class HeardTagsTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(HeardTagsTest);
  CPPUNIT_TEST(aTagOfABodyCountsForTenMinutes);
  CPPUNIT_TEST(aTagThatABodyTookIsGoneAtOnce);
  CPPUNIT_TEST(tagsThatWereThereBeforeTheBodyAreSure);
  CPPUNIT_TEST(theTagsOfAContactThatOnlyABodyShowedAreHeard);
  CPPUNIT_TEST(aPullSentLaterConfirms);
  CPPUNIT_TEST(theSameBodyAgainDoesNotProlong);
  CPPUNIT_TEST(aTagThatWentAndCameAgainIsHeardAnew);
  CPPUNIT_TEST(theSitesOwnWriteConfirms);
  CPPUNIT_TEST(itSurvivesARestart);
  CPPUNIT_TEST_SUITE_END();

  DeliveryRig rig_;

  // As an event about one tag: 1 Member, 2 Gold.
  void tag(const std::string& name, const std::string& type = "contact_tag_added") {
    Delivery delivery = DeliveryRig::body(42, "a@example.com");
    delivery.eventType = type;
    delivery.changedTag = name;
    rig_.apply(delivery);
  }
  void atTheGate(std::vector<TagId> sure, std::vector<TagId> doubtful = {}) {
    const GateTags tags = gateTags(*rig_.contact(42), rig_.clock.now());
    CPPUNIT_ASSERT(tags.sure == sure);
    CPPUNIT_ASSERT(tags.doubtful == doubtful);
  }
  void pull(std::vector<TagId> tags) {
    ContactSnapshot snapshot;
    snapshot.id = 42;
    snapshot.email = test::email("a@example.com");
    snapshot.firstName = "Ada";
    snapshot.tags = std::move(tags);
    snapshot.sentAt = rig_.clock.now();
    rig_.write([&](store::Transaction& tx) { rig_.updater.applySnapshot(tx, snapshot); });
  }

  void aTagOfABodyCountsForTenMinutes() {
    rig_.known(42, "a@example.com", {1});
    tag("Gold");
    atTheGate({1, 2});
    rig_.clock.advance(minutes{10});
    atTheGate({1, 2});
    rig_.clock.advance(seconds{1});
    atTheGate({1}, {2});
    CPPUNIT_ASSERT(rig_.contact(42)->hasTag(2));
  }

  void aTagThatABodyTookIsGoneAtOnce() {
    rig_.known(42, "a@example.com", {1, 2});
    tag("Gold", "contact_tag_removed");
    atTheGate({1});
  }

  void tagsThatWereThereBeforeTheBodyAreSure() {
    rig_.known(42, "a@example.com", {1});
    Delivery delivery = DeliveryRig::body(42, "a@example.com");
    delivery.tagText = "Member, Gold";
    rig_.apply(delivery);
    rig_.clock.advance(minutes{11});
    atTheGate({1}, {2});
  }

  void theTagsOfAContactThatOnlyABodyShowedAreHeard() {
    Delivery delivery = DeliveryRig::body(42, "a@example.com");
    delivery.tagText = "Member, Gold";
    rig_.apply(delivery);
    atTheGate({1, 2});
    rig_.clock.advance(minutes{11});
    atTheGate({}, {1, 2});
  }

  void aPullSentLaterConfirms() {
    rig_.known(42, "a@example.com");
    tag("Gold");
    rig_.clock.advance(seconds{1});
    pull({2});
    CPPUNIT_ASSERT(rig_.contact(42)->ownChanges.empty());
    rig_.clock.advance(minutes{60});
    atTheGate({2});
  }

  void theSameBodyAgainDoesNotProlong() {
    rig_.known(42, "a@example.com");
    tag("Gold");
    rig_.clock.advance(minutes{6});
    tag("Gold");
    rig_.clock.advance(minutes{6});
    Delivery other = DeliveryRig::body(42, "a@example.com");
    other.firstName = "Grace";
    rig_.apply(other);
    atTheGate({}, {2});
  }

  void aTagThatWentAndCameAgainIsHeardAnew() {
    rig_.known(42, "a@example.com");
    tag("Gold");
    tag("Gold", "contact_tag_removed");
    CPPUNIT_ASSERT(rig_.contact(42)->ownChanges.empty());
    rig_.clock.advance(minutes{11});
    tag("Gold");
    atTheGate({2});
    rig_.clock.advance(minutes{11});
    atTheGate({}, {2});
  }

  void theSitesOwnWriteConfirms() {
    rig_.known(42, "a@example.com");
    tag("Gold");
    rig_.clock.advance(minutes{5});
    rig_.write([&](store::Transaction& tx) { rig_.updater.applyOwnTags(tx, 42, {2}, {}); });
    rig_.clock.advance(minutes{8});
    atTheGate({2});
    // A body makes room for the site's own changes of long ago.
    rig_.clock.advance(minutes{30});
    tag("Member");
    atTheGate({1, 2});
  }

  void itSurvivesARestart() {
    rig_.known(42, "a@example.com");
    tag("Gold");
    const auto changes = rig_.contact(42)->ownChanges;
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, changes.size());
    CPPUNIT_ASSERT(changes[0].kind == OwnChange::Kind::kTagHeard);
    CPPUNIT_ASSERT_EQUAL(TagId{2}, changes[0].tag);
    CPPUNIT_ASSERT(changes[0].at == rig_.clock.now());
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(HeardTagsTest);

}  // namespace mbr::members
