#include "domain/contact.h"

#include <cppunit/extensions/HelperMacros.h>

#include <string>

using namespace mbr;
using namespace std::chrono_literals;

class ContactTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(ContactTest);
  CPPUNIT_TEST(tagsStayAscendingAndUnique);
  CPPUNIT_TEST(aSnapshotReplacesWhatItHolds);
  CPPUNIT_TEST(aPartThatTheSnapshotDoesNotHoldStays);
  CPPUNIT_TEST(anEmptyPartOfTheSnapshotEmpties);
  CPPUNIT_TEST(theSnapshotsOrderDoesNotMatter);
  CPPUNIT_TEST(aSnapshotConfirmsAndRevives);
  CPPUNIT_TEST(aSnapshotLeavesVersionAndChangeTimeAlone);
  CPPUNIT_TEST(ownChangesNewerThanThePullLieOverIt);
  CPPUNIT_TEST(ownChangesOlderThanThePullAreForgotten);
  CPPUNIT_TEST(ownChangesAreForgottenAfterTenMinutes);
  CPPUNIT_TEST(ownChangesApplyInTheirOrder);
  CPPUNIT_TEST(whatWasHeardChangesNoDataAndDoesNotAge);
  CPPUNIT_TEST(aPullForgetsWhatWasHeardBeforeIt);
  CPPUNIT_TEST(theSitesOwnWriteConfirmsWhatWasHeard);
  CPPUNIT_TEST(hearingKeepsAnOldTimeAndDropsWhatIsGone);
  CPPUNIT_TEST(aTagHeardIsDoubtfulAfterTenMinutes);
  CPPUNIT_TEST(sameDataLooksAtWhatAReaderSees);
  CPPUNIT_TEST(sameDataIgnoresBookkeeping);
  CPPUNIT_TEST_SUITE_END();

  const Instant t0{1700000000s};

  Contact ada() const {
    Contact contact;
    contact.id = 42;
    contact.email = Email::parse("ada@example.org");
    contact.firstName = "Ada";
    contact.lastName = "Lovelace";
    contact.phone = "+44";
    contact.fields = {{"LEVEL", "gold"}};
    contact.tags = {1, 5};
    contact.lists = {{3, 1}};
    contact.createdAt = t0 - 24h;
    contact.updatedAt = t0 - 1h;
    contact.version = 7;
    contact.changedAt = t0 - 1min;
    return contact;
  }

  ContactSnapshot emptySnapshot() const {
    ContactSnapshot snapshot;
    snapshot.id = 42;
    snapshot.email = Email::parse("ada@example.org");
    snapshot.sentAt = t0;
    return snapshot;
  }

  static OwnChange tagChange(OwnChange::Kind kind, TagId tag, Instant at) {
    OwnChange change;
    change.kind = kind;
    change.tag = tag;
    change.at = at;
    return change;
  }

  void tagsStayAscendingAndUnique() {
    std::vector<TagId> tags;
    for (const TagId tag : {5, 1, 3, 5, 1}) addTag(tags, tag);
    CPPUNIT_ASSERT(tags == std::vector<TagId>({1, 3, 5}));
    removeTag(tags, 3);
    removeTag(tags, 4);
    CPPUNIT_ASSERT(tags == std::vector<TagId>({1, 5}));
    Contact contact;
    contact.tags = tags;
    CPPUNIT_ASSERT(contact.hasTag(5) && !contact.hasTag(3));
  }

  void aSnapshotReplacesWhatItHolds() {
    ContactSnapshot snapshot = emptySnapshot();
    snapshot.email = Email::parse("countess@example.org");
    snapshot.firstName = "Augusta";
    snapshot.fields = FieldValues{{"TOWN", "London"}};
    snapshot.tags = std::vector<TagId>{9};
    snapshot.lists = std::vector<ListMembership>{{4, 2}};
    snapshot.createdAt = t0 - 48h;
    snapshot.updatedAt = t0 - 2min;
    const Contact contact = withSnapshot(ada(), snapshot);
    CPPUNIT_ASSERT_EQUAL(std::string("countess@example.org"), contact.email->text());
    CPPUNIT_ASSERT_EQUAL(std::string("Augusta"), contact.firstName);
    CPPUNIT_ASSERT_EQUAL(std::string(), contact.lastName);
    CPPUNIT_ASSERT(contact.fields == FieldValues({{"TOWN", "London"}}));
    CPPUNIT_ASSERT(contact.tags == std::vector<TagId>{9});
    CPPUNIT_ASSERT(contact.lists.size() == 1 && contact.lists[0].id == 4);
    CPPUNIT_ASSERT(contact.createdAt == t0 - 48h && contact.updatedAt == t0 - 2min);
  }

  void aPartThatTheSnapshotDoesNotHoldStays() {
    const Contact contact = withSnapshot(ada(), emptySnapshot());
    CPPUNIT_ASSERT(contact.fields == ada().fields);
    CPPUNIT_ASSERT(contact.tags == ada().tags);
    CPPUNIT_ASSERT(contact.lists == ada().lists);
    CPPUNIT_ASSERT(contact.createdAt == ada().createdAt);
    CPPUNIT_ASSERT(contact.updatedAt == ada().updatedAt);
  }

  void anEmptyPartOfTheSnapshotEmpties() {
    ContactSnapshot snapshot = emptySnapshot();
    snapshot.fields.emplace();
    snapshot.tags.emplace();
    snapshot.lists.emplace();
    const Contact contact = withSnapshot(ada(), snapshot);
    CPPUNIT_ASSERT(contact.fields.empty() && contact.tags.empty() && contact.lists.empty());
  }

  void theSnapshotsOrderDoesNotMatter() {
    ContactSnapshot snapshot = emptySnapshot();
    snapshot.tags = std::vector<TagId>{9, 2, 9, 4};
    snapshot.lists = std::vector<ListMembership>{{8, 1}, {3, 2}};
    const Contact contact = withSnapshot(ada(), snapshot);
    CPPUNIT_ASSERT(contact.tags == std::vector<TagId>({2, 4, 9}));
    CPPUNIT_ASSERT(contact.lists == std::vector<ListMembership>({{3, 2}, {8, 1}}));
  }

  void aSnapshotConfirmsAndRevives() {
    Contact known = ada();
    known.confirmed = false;
    known.deletedAt = t0 - 1h;
    const Contact contact = withSnapshot(known, emptySnapshot());
    CPPUNIT_ASSERT(contact.confirmed);
    CPPUNIT_ASSERT(!contact.deletedAt);
    CPPUNIT_ASSERT(contact.asOf == t0 && contact.pulledAt == t0);
  }

  void aSnapshotLeavesVersionAndChangeTimeAlone() {
    const Contact contact = withSnapshot(ada(), emptySnapshot());
    CPPUNIT_ASSERT_EQUAL(std::int64_t{7}, contact.version);
    CPPUNIT_ASSERT(contact.changedAt == t0 - 1min);
  }

  void ownChangesNewerThanThePullLieOverIt() {
    Contact known = ada();
    known.ownChanges = {tagChange(OwnChange::Kind::kTagAdded, 9, t0 + 1s),
                        tagChange(OwnChange::Kind::kTagRemoved, 5, t0 + 1s)};
    OwnChange field;
    field.kind = OwnChange::Kind::kField;
    field.field = "LEVEL";
    field.value = "platinum";
    field.at = t0 + 1s;
    known.ownChanges.push_back(field);
    ContactSnapshot snapshot = emptySnapshot();
    snapshot.tags = std::vector<TagId>{1, 5};
    snapshot.fields = FieldValues{{"LEVEL", "gold"}};
    const Contact contact = withSnapshot(known, snapshot);
    CPPUNIT_ASSERT(contact.tags == std::vector<TagId>({1, 9}));
    CPPUNIT_ASSERT_EQUAL(std::string("platinum"), contact.fields.at("LEVEL"));
    CPPUNIT_ASSERT_EQUAL(std::size_t{3}, contact.ownChanges.size());
  }

  void ownChangesOlderThanThePullAreForgotten() {
    Contact known = ada();
    known.ownChanges = {tagChange(OwnChange::Kind::kTagAdded, 9, t0 - 1s)};
    ContactSnapshot snapshot = emptySnapshot();
    snapshot.tags = std::vector<TagId>{1};
    const Contact contact = withSnapshot(known, snapshot);
    CPPUNIT_ASSERT(contact.tags == std::vector<TagId>{1});
    CPPUNIT_ASSERT(contact.ownChanges.empty());
  }

  void ownChangesAreForgottenAfterTenMinutes() {
    Contact contact = ada();
    contact.ownChanges = {tagChange(OwnChange::Kind::kTagAdded, 9, t0)};
    layOwnChanges(contact, t0 - 1h, t0 + 10min);
    CPPUNIT_ASSERT(contact.hasTag(9));
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, contact.ownChanges.size());
    contact.tags = {1, 5};
    layOwnChanges(contact, t0 - 1h, t0 + 10min + 1ms);
    CPPUNIT_ASSERT(!contact.hasTag(9));
    CPPUNIT_ASSERT(contact.ownChanges.empty());
  }

  void ownChangesApplyInTheirOrder() {
    Contact contact = ada();
    contact.ownChanges = {tagChange(OwnChange::Kind::kTagAdded, 9, t0),
                          tagChange(OwnChange::Kind::kTagRemoved, 9, t0 + 1s),
                          tagChange(OwnChange::Kind::kTagRemoved, 1, t0 + 2s),
                          tagChange(OwnChange::Kind::kTagAdded, 1, t0 + 3s)};
    layOwnChanges(contact, t0, t0 + 1min);
    CPPUNIT_ASSERT(contact.tags == std::vector<TagId>({1, 5}));
  }

  static OwnChange heard(TagId tag, Instant at) {
    return tagChange(OwnChange::Kind::kTagHeard, tag, at);
  }

  void whatWasHeardChangesNoDataAndDoesNotAge() {
    Contact contact = ada();
    contact.ownChanges = {heard(9, t0), heard(5, t0)};
    layOwnChanges(contact, Instant::min(), t0 + 24h);
    CPPUNIT_ASSERT(contact.tags == ada().tags);
    CPPUNIT_ASSERT_EQUAL(std::size_t{2}, contact.ownChanges.size());
  }

  void aPullForgetsWhatWasHeardBeforeIt() {
    Contact known = ada();
    known.ownChanges = {heard(5, t0 - 1s), heard(1, t0 + 1s)};
    ContactSnapshot snapshot = emptySnapshot();
    CPPUNIT_ASSERT_EQUAL(std::size_t{2}, withSnapshot(known, snapshot).ownChanges.size());
    snapshot.tags = std::vector<TagId>{1, 5};
    const Contact contact = withSnapshot(known, snapshot);
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, contact.ownChanges.size());
    CPPUNIT_ASSERT_EQUAL(TagId{1}, contact.ownChanges[0].tag);
  }

  void theSitesOwnWriteConfirmsWhatWasHeard() {
    Contact contact = ada();
    contact.ownChanges = {tagChange(OwnChange::Kind::kTagAdded, 1, t0 - 1s), heard(1, t0),
                          heard(5, t0), tagChange(OwnChange::Kind::kTagAdded, 5, t0 + 1s)};
    CPPUNIT_ASSERT(gateTags(contact, t0 + 1h).doubtful == std::vector<TagId>{1});
    layOwnChanges(contact, Instant::min(), t0 + 1h);  // the own changes are too old by now
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, contact.ownChanges.size());
    CPPUNIT_ASSERT(gateTags(contact, t0 + 1h).doubtful == std::vector<TagId>{1});
  }

  void hearingKeepsAnOldTimeAndDropsWhatIsGone() {
    Contact contact = ada();
    const auto before = contact.tags;  // 1 and 5
    contact.ownChanges = {heard(5, t0), heard(1, t0), heard(7, t0)};
    contact.tags = {5, 7};
    hearTags(contact, before, t0 + 1min);
    CPPUNIT_ASSERT_EQUAL(std::size_t{2}, contact.ownChanges.size());
    CPPUNIT_ASSERT(contact.ownChanges[0].tag == 5 && contact.ownChanges[0].at == t0);
    CPPUNIT_ASSERT(contact.ownChanges[1].tag == 7 && contact.ownChanges[1].at == t0 + 1min);
  }

  void aTagHeardIsDoubtfulAfterTenMinutes() {
    Contact contact = ada();
    contact.ownChanges = {heard(5, t0)};
    const auto doubtfulAt = [&](Instant now) {
      const GateTags tags = gateTags(contact, now);
      CPPUNIT_ASSERT_EQUAL(std::size_t{2}, tags.sure.size() + tags.doubtful.size());
      return tags.doubtful == std::vector<TagId>{5};
    };
    CPPUNIT_ASSERT(!doubtfulAt(t0));
    CPPUNIT_ASSERT(!doubtfulAt(t0 + 10min));
    CPPUNIT_ASSERT(doubtfulAt(t0 + 10min + 1ms));
    CPPUNIT_ASSERT(!doubtfulAt(t0 - 2s));
    CPPUNIT_ASSERT(doubtfulAt(t0 - 1h));  // the clock was set back
  }

  void sameDataLooksAtWhatAReaderSees() {
    CPPUNIT_ASSERT(sameData(ada(), ada()));
    const auto differs = [this](void (*change)(Contact&)) {
      Contact other = ada();
      change(other);
      return !sameData(ada(), other) && !sameData(other, ada());
    };
    CPPUNIT_ASSERT(differs([](Contact& c) { c.id = 43; }));
    CPPUNIT_ASSERT(differs([](Contact& c) { c.email = Email::parse("a@b"); }));
    CPPUNIT_ASSERT(differs([](Contact& c) { c.email.reset(); }));
    CPPUNIT_ASSERT(differs([](Contact& c) { c.firstName = "x"; }));
    CPPUNIT_ASSERT(differs([](Contact& c) { c.lastName = "x"; }));
    CPPUNIT_ASSERT(differs([](Contact& c) { c.phone = "x"; }));
    CPPUNIT_ASSERT(differs([](Contact& c) { c.fields["LEVEL"] = "x"; }));
    CPPUNIT_ASSERT(differs([](Contact& c) { c.tags.push_back(9); }));
    CPPUNIT_ASSERT(differs([](Contact& c) { c.lists[0].status = 2; }));
    CPPUNIT_ASSERT(differs([](Contact& c) { c.createdAt.reset(); }));
    CPPUNIT_ASSERT(differs([](Contact& c) { c.deletedAt = Instant{1s}; }));
  }

  void sameDataIgnoresBookkeeping() {
    Contact other = ada();
    other.version = 8;
    other.changedAt = t0;
    other.asOf = t0;
    other.pulledAt = t0;
    other.updatedAt = t0;
    other.eventAt = t0;
    other.confirmed = true;
    other.ownChanges = {tagChange(OwnChange::Kind::kTagAdded, 9, t0)};
    CPPUNIT_ASSERT(sameData(ada(), other));
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(ContactTest);
