#include "members/job_payload.h"

#include "base/json.h"
#include "members/rig.h"

namespace mbr::members {

class JobPayloadTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(JobPayloadTest);
  CPPUNIT_TEST(aPasswordPayloadComesBackAsItWasWritten);
  CPPUNIT_TEST(aWhoPayloadComesBackAsItWasWritten);
  CPPUNIT_TEST(whatAnOlderPayloadDoesNotNameIsAsByDefault);
  CPPUNIT_TEST(theStepsOfTheRuleAreThoseOfItsPassword);
  CPPUNIT_TEST(aChangePayloadComesBackAsItWasWritten);
  CPPUNIT_TEST(aChangeOfAContactComesBackAsItWasWritten);
  CPPUNIT_TEST(anOlderChangeIsReadToo);
  CPPUNIT_TEST(foreignTextIsNoPayload);
  CPPUNIT_TEST(resultsAreRenderedForTheApi);
  CPPUNIT_TEST(stepsAreComparedWhateverBecameOfThem);
  CPPUNIT_TEST(aContactIsKeyedByIdElseByEmail);
  CPPUNIT_TEST(oneRefreshPerContactHoweverManyAskForIt);
  CPPUNIT_TEST_SUITE_END();

  void aPasswordPayloadComesBackAsItWasWritten() {
    PasswordPayload payload;
    payload.contactId = 42;
    payload.email = "\"a\"@example.com";
    payload.autoregister = false;
    payload.hasDefault = true;
    payload.issued = true;
    payload.confirmed = true;
    payload.byRule = true;
    payload.singly = true;
    payload.steps = {
        {Step::Kind::kTag, 7, Step::State::kRefused, {}, "no \xC3\xA9 \"such\" tag"},
        {Step::Kind::kAutomation, 8, Step::State::kStarted, fromEpochMs(1700000000123), ""}};
    const auto read = readPasswordPayload(write(payload));
    CPPUNIT_ASSERT(read.ok());
    CPPUNIT_ASSERT(read->contactId == payload.contactId);
    CPPUNIT_ASSERT_EQUAL(payload.email, read->email);
    CPPUNIT_ASSERT(!read->autoregister && read->hasDefault && read->issued && read->confirmed);
    CPPUNIT_ASSERT(read->byRule && read->singly);
    CPPUNIT_ASSERT_EQUAL(std::size_t{2}, read->steps.size());
    CPPUNIT_ASSERT(read->steps[0].state == Step::State::kRefused);
    CPPUNIT_ASSERT_EQUAL(payload.steps[0].detail, read->steps[0].detail);
    CPPUNIT_ASSERT(read->steps[1].kind == Step::Kind::kAutomation);
    CPPUNIT_ASSERT(read->steps[1].startedAt == payload.steps[1].startedAt);
    payload.contactId.reset();
    CPPUNIT_ASSERT(!readPasswordPayload(write(payload))->contactId);
  }

  void aWhoPayloadComesBackAsItWasWritten() {
    const auto read = readWhoPayload(write(WhoPayload{7, "a@example.com"}));
    CPPUNIT_ASSERT(read->contactId == std::optional<ContactId>(7));
    CPPUNIT_ASSERT_EQUAL(std::string("a@example.com"), read->email);
    CPPUNIT_ASSERT(read->askedAt == Instant{} && !read->singly);
    CPPUNIT_ASSERT(!readWhoPayload(write(WhoPayload{}))->contactId);
    const auto news = readWhoPayload(write(WhoPayload{7, "", fromEpochMs(1700000000123), true}));
    CPPUNIT_ASSERT(news->askedAt == fromEpochMs(1700000000123) && news->singly);
  }

  // A release may find the jobs of the one before it.
  void whatAnOlderPayloadDoesNotNameIsAsByDefault() {
    const auto password = readPasswordPayload(R"({"contact_id":42,"email":"","steps":[]})");
    CPPUNIT_ASSERT(password.ok());
    CPPUNIT_ASSERT(!password->byRule && !password->singly);
    const auto who = readWhoPayload(R"({"contact_id":42,"email":""})");
    CPPUNIT_ASSERT(who->askedAt == Instant{} && !who->singly);
  }

  void theStepsOfTheRuleAreThoseOfItsPassword() {
    PasswordRule rule;
    rule.thenTags = {2, 1, 2};
    rule.thenAutomations = {5};
    const PasswordPayload payload = byRule(rule, 42, "a@example.com");
    CPPUNIT_ASSERT(payload.byRule && payload.autoregister);
    CPPUNIT_ASSERT(!payload.hasDefault && !payload.issued && !payload.confirmed);
    CPPUNIT_ASSERT(payload.contactId == std::optional<ContactId>(42));
    CPPUNIT_ASSERT_EQUAL(std::size_t{3}, payload.steps.size());
    CPPUNIT_ASSERT(sameSteps(payload.steps, stepsOf({2, 1}, {5})));
  }

  static ChangePayload change() {
    using Item = ChangePayload::Item;
    ChangePayload payload;
    payload.contactId = 42;
    payload.createMissing = true;
    payload.items = {
        {Item::Kind::kTag, Item::Action::kRemove, 7, "Old", Item::Result::kAlready, ""},
        {Item::Kind::kTag, Item::Action::kAdd, 0, "New, \"x\"", Item::Result::kUnknown, "why"}};
    return payload;
  }

  static ChangePayload contactChange() {
    using Item = ChangePayload::Item;
    ChangePayload payload;
    payload.email = "a@example.com";
    payload.created = true;
    payload.emailTaken = true;
    payload.items = {
        {Item::Kind::kField,
         Item::Action::kSet,
         6,
         "CITY",
         Item::Result::kOpen,
         "",
         "K\n\"x\"",
         {}},
        {Item::Kind::kField, Item::Action::kSet, 0, "phone", Item::Result::kApplied, "", "", {}},
        {Item::Kind::kAutomation, Item::Action::kAdd, 5, "Welcome", Item::Result::kStarted, "", "",
         fromEpochMs(1700000000123)},
        {Item::Kind::kList,
         Item::Action::kRemove,
         9,
         "News",
         Item::Result::kRefused,
         "no",
         "",
         {}}};
    return payload;
  }

  void aChangePayloadComesBackAsItWasWritten() {
    const auto read = readChangePayload(write(change()));
    CPPUNIT_ASSERT(read.ok());
    CPPUNIT_ASSERT_EQUAL(ContactId{42}, read->contactId);
    CPPUNIT_ASSERT(read->createMissing);
    CPPUNIT_ASSERT_EQUAL(std::size_t{2}, read->items.size());
    CPPUNIT_ASSERT(read->items[0].action == ChangePayload::Item::Action::kRemove);
    CPPUNIT_ASSERT(read->items[0].result == ChangePayload::Item::Result::kAlready);
    CPPUNIT_ASSERT_EQUAL(std::string("New, \"x\""), read->items[1].name);
    CPPUNIT_ASSERT_EQUAL(std::string("why"), read->items[1].detail);
  }

  void aChangeOfAContactComesBackAsItWasWritten() {
    using Item = ChangePayload::Item;
    const ChangePayload wrote = contactChange();
    const auto read = readChangePayload(write(wrote));
    CPPUNIT_ASSERT(read.ok());
    CPPUNIT_ASSERT_EQUAL(ContactId{0}, read->contactId);
    CPPUNIT_ASSERT_EQUAL(wrote.email, read->email);
    CPPUNIT_ASSERT(read->created && read->emailTaken);
    CPPUNIT_ASSERT_EQUAL(wrote.items.size(), read->items.size());
    for (std::size_t i = 0; i < wrote.items.size(); ++i) {
      CPPUNIT_ASSERT(read->items[i].kind == wrote.items[i].kind);
      CPPUNIT_ASSERT(read->items[i].action == wrote.items[i].action);
      CPPUNIT_ASSERT(read->items[i].result == wrote.items[i].result);
      CPPUNIT_ASSERT_EQUAL(wrote.items[i].value, read->items[i].value);
      CPPUNIT_ASSERT(read->items[i].startedAt == wrote.items[i].startedAt);
    }
    CPPUNIT_ASSERT(!isMember(read->items[0]) && isMember(read->items[1]));
    Item custom = read->items[1];
    custom.name = "PHONE";  // a field's tag is upper-case
    CPPUNIT_ASSERT(!isMember(custom));
    CPPUNIT_ASSERT_EQUAL_MESSAGE("values are not shown", std::string::npos,
                                 renderResults(wrote).find("K\\n"));
  }

  // A release may find the changes of the one before it.
  void anOlderChangeIsReadToo() {
    const auto read = readChangePayload(
        R"({"contact_id":42,"create_missing":false,"items":[{"kind":"tag","action":"add","id":7,)"
        R"("name":"","result":"open","detail":""}]})");
    CPPUNIT_ASSERT(read.ok());
    CPPUNIT_ASSERT(read->email.empty() && !read->created && !read->emailTaken);
    CPPUNIT_ASSERT(read->items[0].value.empty() && read->items[0].startedAt == Instant{});
  }

  void foreignTextIsNoPayload() {
    for (const char* text :
         {"", "x", "[]", "{}", R"({"steps":{}})", R"({"steps":[1]})",
          R"({"steps":[{"kind":"tag","state":"flying"}]})", R"({"items":[{"kind":"tag"}]})",
          R"({"items":[{"kind":"tag","action":"add","result":7}]})", "{\"steps\":[]"}) {
      CPPUNIT_ASSERT_MESSAGE(text, !readPasswordPayload(text).ok());
      CPPUNIT_ASSERT_MESSAGE(text, !readChangePayload(text).ok());
    }
    CPPUNIT_ASSERT(!readWhoPayload("x").ok());
    CPPUNIT_ASSERT(!readPasswordPayload("x").error().detail.empty());
  }

  void resultsAreRenderedForTheApi() {
    CPPUNIT_ASSERT_EQUAL(
        std::string(R"([{"kind":"tag","id":"7","name":"Old","action":"remove","result":"already",)"
                    R"("detail":""},{"kind":"tag","id":null,"name":"New, \"x\"","action":"add",)"
                    R"("result":"unknown","detail":"why"}])"),
        renderResults(change()));
    CPPUNIT_ASSERT(anyUnknownOrRefused(change()));
    ChangePayload good = change();
    good.items.pop_back();
    CPPUNIT_ASSERT(!anyUnknownOrRefused(good));
  }

  void stepsAreComparedWhateverBecameOfThem() {
    auto applied = stepsOf({1, 2}, {1});
    applied[0].state = Step::State::kApplied;
    CPPUNIT_ASSERT(sameSteps(applied, stepsOf({2, 1}, {1})));
    CPPUNIT_ASSERT(!sameSteps(applied, stepsOf({1, 2}, {2})));
    CPPUNIT_ASSERT(!sameSteps(applied, stepsOf({1, 2}, {})));
    CPPUNIT_ASSERT(!sameSteps(stepsOf({1}, {}), stepsOf({}, {1})));
  }

  void aContactIsKeyedByIdElseByEmail() {
    CPPUNIT_ASSERT_EQUAL(std::string("42"), contactKey(42, "a@example.com"));
    CPPUNIT_ASSERT_EQUAL(std::string("email:a@example.com"), contactKey({}, "a@example.com"));
  }

  void oneRefreshPerContactHoweverManyAskForIt() {
    test::MembersRig rig;
    rig.write([](store::Transaction& tx) {
      const JobId first = enqueueRefresh(tx, {42, ""});
      CPPUNIT_ASSERT_EQUAL(first, enqueueRefresh(tx, {42, "a@example.com"}));
      CPPUNIT_ASSERT(first != enqueueRefresh(tx, {43, ""}));
      CPPUNIT_ASSERT_EQUAL(enqueueDirectories(tx), enqueueDirectories(tx));
    });
  }
};
CPPUNIT_TEST_SUITE_REGISTRATION(JobPayloadTest);

}  // namespace mbr::members
