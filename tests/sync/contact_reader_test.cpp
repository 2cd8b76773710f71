#include "sync/rig.h"

namespace mbr::sync {

class ContactReaderTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(ContactReaderTest);
  CPPUNIT_TEST(withoutThePasswordFieldInTheDirectoryItIsFetchedFirst);
  CPPUNIT_TEST(withoutAPasswordFieldTheSnapshotSaysNothingOfAPassword);
  CPPUNIT_TEST(anEmptyFieldIsReadAsEmpty);
  CPPUNIT_TEST(aTextOfAnUnknownFieldMayBeThePassword);
  CPPUNIT_TEST(hiddenFieldsAreNotInTheSnapshot);
  CPPUNIT_TEST(aTagWithoutANameIsAskedForOnce);
  CPPUNIT_TEST(aGoneIdIsLookedForByEmail);
  CPPUNIT_TEST(aFailedLookUpByEmailIsNoAbsence);
  CPPUNIT_TEST(anEmailThatNobodyHasIsAnAnswer);
  CPPUNIT_TEST(anAnswerAboutAnotherEmailIsNoAnswer);
  CPPUNIT_TEST(oneClientServesOneCallAfterTheOther);
  CPPUNIT_TEST_SUITE_END();

  test::SyncRig rig_;

  Result<ContactReader::Read> read(std::optional<ContactId> id, const std::string& email = "") {
    const auto client = rig_.clients.lease();
    const StopFlag stop;
    return rig_.reader.read(*client, {id, Email::parse(email)},
                            rig_.workshop.call(Lane::kLogin, stop));
  }
  ContactSnapshot snapshotOf(ContactId id) {
    auto found = read(id);
    CPPUNIT_ASSERT(found.ok());
    CPPUNIT_ASSERT(found->snapshot.has_value());
    return std::move(*found->snapshot);
  }

  void withoutThePasswordFieldInTheDirectoryItIsFetchedFirst() {
    rig_.account.people[42].fields[3] = "theirs";
    const ContactSnapshot snapshot = snapshotOf(42);
    CPPUNIT_ASSERT(rig_.account.log() ==
                   std::vector<std::string>({"GET fields", "GET contacts/42"}));
    CPPUNIT_ASSERT_EQUAL(std::string("theirs"), snapshot.password.value().reveal());
  }

  void withoutAPasswordFieldTheSnapshotSaysNothingOfAPassword() {
    rig_.account.fields = {{6, "CITY"}};
    CPPUNIT_ASSERT(!snapshotOf(42).password);
  }

  void anEmptyFieldIsReadAsEmpty() {
    rig_.fillDirectories();
    CPPUNIT_ASSERT(snapshotOf(42).password.value().empty());
    rig_.account.people[42].fields[3] = "";
    CPPUNIT_ASSERT(snapshotOf(42).password.value().empty());
  }

  void aTextOfAnUnknownFieldMayBeThePassword() {
    rig_.fillDirectories();
    rig_.account.people[42].fields[77] = "?";
    const auto found = read(42);
    CPPUNIT_ASSERT(found->namesIncomplete);
    CPPUNIT_ASSERT(!found->snapshot->password);
  }

  void hiddenFieldsAreNotInTheSnapshot() {
    rig_.fillDirectories();
    rig_.account.people[42].fields = {{3, "theirs"}, {6, "Turin"}};
    const ContactSnapshot snapshot = snapshotOf(42);
    CPPUNIT_ASSERT(snapshot.fields.value() == FieldValues({{"CITY", "Turin"}}));
  }

  void aTagWithoutANameIsAskedForOnce() {
    rig_.fillDirectories();
    const auto asked = [&] { return rig_.openJob(members::kTagsJob, "all").has_value(); };
    snapshotOf(42);
    CPPUNIT_ASSERT_MESSAGE("every tag has a name", !asked());
    rig_.account.people[42].tags[500] = 77;
    snapshotOf(42);
    CPPUNIT_ASSERT(asked());
    rig_.write([&](store::Transaction& tx) {
      Job job = tx.findOpenJob(members::kTagsJob, "all").value();
      job.state = JobState::kDone;
      tx.saveJob(job);
    });
    snapshotOf(42);
    CPPUNIT_ASSERT_MESSAGE("it has none in ActiveCampaign either", !asked());
  }

  void aGoneIdIsLookedForByEmail() {
    rig_.fillDirectories();
    const auto found = read(41, "a@example.com");
    CPPUNIT_ASSERT(found->goneId == std::optional<ContactId>(41));
    CPPUNIT_ASSERT_EQUAL(ContactId{42}, found->snapshot->id);
    const auto nobody = read(41);
    CPPUNIT_ASSERT(nobody.ok());
    CPPUNIT_ASSERT(nobody->goneId == std::optional<ContactId>(41));
    CPPUNIT_ASSERT(!nobody->snapshot);
  }

  void aFailedLookUpByEmailIsNoAbsence() {
    rig_.fillDirectories();
    rig_.account.answerOnce("GET contacts", 404, R"({"message":"No Result found"})");
    rig_.account.answerOnce("GET contacts", 502, "<html></html>");
    const auto found = read(41, "a@example.com");
    CPPUNIT_ASSERT(!found.ok());
    CPPUNIT_ASSERT(found.error().code == Code::kUnavailable);
  }

  void anEmailThatNobodyHasIsAnAnswer() {
    rig_.fillDirectories();
    const auto found = read({}, "nobody@example.com");
    CPPUNIT_ASSERT(found.ok());
    CPPUNIT_ASSERT(!found->snapshot);
    CPPUNIT_ASSERT(!found->goneId);
  }

  void anAnswerAboutAnotherEmailIsNoAnswer() {
    rig_.fillDirectories();
    rig_.account.answerOnce(
        "GET contacts", 200,
        R"({"contacts":[{"id":"1","email":"x@example.com","firstName":"","lastName":"","phone":""}],)"
        R"("meta":{"total":"5000"}})");
    CPPUNIT_ASSERT(!read({}, "a@example.com").ok());
  }

  void oneClientServesOneCallAfterTheOther() {
    int made = 0;
    ClientPool pool(
        [&] {
          ++made;
          return rig_.account.connect();
        },
        rig_.budget, rig_.breaker, rig_.features, rig_.clock);
    { const auto first = pool.lease(); }
    {
      const auto second = pool.lease();
      CPPUNIT_ASSERT_EQUAL(1, made);
      const auto beside = pool.lease();
      CPPUNIT_ASSERT_EQUAL(2, made);
    }
    const auto one = pool.lease();
    const auto other = pool.lease();
    CPPUNIT_ASSERT_EQUAL(2, made);
  }
};
CPPUNIT_TEST_SUITE_REGISTRATION(ContactReaderTest);

}  // namespace mbr::sync
