#include "activecampaign/client.h"

#include <cppunit/TestFixture.h>
#include <cppunit/extensions/HelperMacros.h>

#include <future>
#include <optional>

#include "activecampaign/golden.h"
#include "support/scripted_transport.h"
#include "support/test_store.h"

namespace mbr::activecampaign {
namespace {

using namespace std::chrono_literals;
using test::goldenText;

const std::string kInclude = "include=contactTags.tag,fieldValues,contactLists";
const std::string kGone = R"({"message":"No Result found for Subscriber with id 108"})";
const std::string kRelatedMissing =
    R"({"errors":[{"title":"The related list does not exist.","code":"related_missing"}]})";

class ClientTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(ClientTest);
  CPPUNIT_TEST(aContactCostsOneCallWhereIncludeIsHonoured);
  CPPUNIT_TEST(whereIncludeIsIgnoredTagsAreReadApartAndThatIsRemembered);
  CPPUNIT_TEST(anEmailIsComparedAgainHere);
  CPPUNIT_TEST(anEmailCostsThreeCallsWithoutInclude);
  CPPUNIT_TEST(anIgnoredFilterDoesNotMakeAnEmailUnknown);
  CPPUNIT_TEST(anUnknownEmailIsNoContact);
  CPPUNIT_TEST(onlyAReadable404MeansNoContact);
  CPPUNIT_TEST(htmlAndEmptyAnswersAreNeverData);
  CPPUNIT_TEST(anAnswerAboutAnotherContactIsRefused);
  CPPUNIT_TEST(aPasswordIsWrittenInOneCallAndConfirmedFromItsAnswer);
  CPPUNIT_TEST(aTakenEmailIsAConflict);
  CPPUNIT_TEST(aContactIsMadeInOneCall);
  CPPUNIT_TEST(anAutomationsEntryThatIsGoneIsASuccess);
  CPPUNIT_TEST(listsOfAContactAreReadAndSet);
  CPPUNIT_TEST(aTagThatIsThereAlreadyIsASuccess);
  CPPUNIT_TEST(anAssociationThatIsGoneIsASuccess);
  CPPUNIT_TEST(anAutomationThatRefusesIsAnAnswer);
  CPPUNIT_TEST(entriesOfAContactAreRead);
  CPPUNIT_TEST(aForbiddenAnswerIsLookedAtTwice);
  CPPUNIT_TEST(aFieldIsShownIfItHasARelation);
  CPPUNIT_TEST(threeDeniedCallsRefuseTheAccount);
  CPPUNIT_TEST(tooManyRequestsFreezeEveryLane);
  CPPUNIT_TEST(anAnswerThatTellsOfAnotherClientSlowsTheLowerLanes);
  CPPUNIT_TEST(fiveFailuresStopTheCalls);
  CPPUNIT_TEST(aDeadlineOfTheCallerDoesNotCountAgainstActiveCampaign);
  CPPUNIT_TEST(aSpentBudgetIsBusyAndNothingIsSent);
  CPPUNIT_TEST(whileSomebodyLogsInOnlyAnswersThatPeopleWaitForAreRead);
  CPPUNIT_TEST(aDirectoryIsReadToItsEnd);
  CPPUNIT_TEST(aDirectoryThatEndsEarlyIsAnError);
  CPPUNIT_TEST(aDuplicateTagIsLookedUp);
  CPPUNIT_TEST(thePasswordFieldGetsARelation);
  CPPUNIT_TEST(wordsOfARefusalDoNotQuoteTheSite);
  CPPUNIT_TEST_SUITE_END();

  test::TestStore store;
  test::FakeClock& clock = store.clock();
  RateBudget budget{store, clock, Rate(1000)};
  Breaker breaker{clock};
  std::string remembered;
  Features features{"", [this](const std::string& text) { remembered = text; }};
  test::ScriptedTransport network;
  Client client{network, budget, breaker, features, clock};
  FieldView view;

 public:
  void setUp() override {
    view.nameOf = [](FieldId id) -> std::optional<std::string> {
      return id == 3 ? "PASSWORD" : "FIELD" + std::to_string(id);
    };
    view.hidden = {"PASSWORD"};
    view.passwordField = "PASSWORD";
  }

 private:
  Instant frozenUntil() {
    store::BudgetRecord row;
    store.read([&](store::Reader& reader) { row = reader.loadBudget(); });
    return row.frozenUntil;
  }

  Call login() { return {Lane::kLogin, clock.steady() + 10s}; }

  void expectSent(const std::string& lines) {
    CPPUNIT_ASSERT_EQUAL(lines, network.lines());
    CPPUNIT_ASSERT(network.usedUp());
  }

  void aContactCostsOneCallWhereIncludeIsHonoured() {
    network.answer(200, goldenText("contact_included.json"));
    const auto read = client.readContact(login(), 108, view);
    CPPUNIT_ASSERT(read && *read);
    CPPUNIT_ASSERT((*read)->snapshot.tags == std::vector<TagId>({12, 66}));
    CPPUNIT_ASSERT((*read)->snapshot.sentAt == clock.now());
    expectSent("GET contacts/108?" + kInclude + "\n");
    CPPUNIT_ASSERT_EQUAL(std::string("contact=yes"), remembered);
  }

  void whereIncludeIsIgnoredTagsAreReadApartAndThatIsRemembered() {
    const Instant first = clock.now();
    network.meanwhile([this] { clock.advance(50ms); }).answer(200, goldenText("contact.json"));
    network.answer(200, goldenText("contact_tags.json"));
    network.answer(200, goldenText("contact.json"));
    network.answer(200, R"({"contactTags":[]})");
    const auto read = client.readContact(login(), 108, view);
    CPPUNIT_ASSERT((*read)->snapshot.tags == std::vector<TagId>({12, 66}));
    CPPUNIT_ASSERT((*read)->snapshot.sentAt == first);
    CPPUNIT_ASSERT_EQUAL(std::string("contact=no"), remembered);
    const auto again = client.readContact(login(), 108, view);
    CPPUNIT_ASSERT((*again)->snapshot.tags->empty());
    expectSent("GET contacts/108?" + kInclude +
               "\nGET contacts/108/contactTags?limit=100\n"
               "GET contacts/108\nGET contacts/108/contactTags?limit=100\n");
    CPPUNIT_ASSERT(Features(remembered).includes(Features::Read::kContact) == false);
    CPPUNIT_ASSERT(!Features(remembered).includes(Features::Read::kPage));
  }

  void anEmailIsComparedAgainHere() {
    network.answer(200, goldenText("contacts_included.json"));
    const auto read =
        client.readContactByEmail(login(), *Email::parse("ANNA.meier@example.com "), view);
    CPPUNIT_ASSERT(read && *read);
    CPPUNIT_ASSERT((*read)->snapshot.id == 108);
    CPPUNIT_ASSERT((*read)->snapshot.password->equals("s3cret-Password"));
    expectSent("GET contacts?email=anna.meier@example.com&" + kInclude + "\n");
    CPPUNIT_ASSERT_EQUAL(std::string("page=yes"), remembered);
  }

  void anEmailCostsThreeCallsWithoutInclude() {
    features.learn(Features::Read::kContact, false);
    features.learn(Features::Read::kPage, false);
    network.answer(200, goldenText("contacts_plain.json"));
    network.answer(200, goldenText("contact.json"));
    network.answer(200, goldenText("contact_tags.json"));
    const auto read =
        client.readContactByEmail(login(), *Email::parse("anna.meier@example.com"), view);
    CPPUNIT_ASSERT((*read)->snapshot.tags->size() == 2);
    CPPUNIT_ASSERT((*read)->snapshot.lists->size() == 2);
    expectSent(
        "GET contacts?email=anna.meier@example.com\nGET contacts/108\n"
        "GET contacts/108/contactTags?limit=100\n");
  }

  void anIgnoredFilterDoesNotMakeAnEmailUnknown() {
    std::string many = goldenText("contacts_plain.json");
    many.replace(many.find(R"("total": "1")"), 12, R"("total": "9")");
    network.answer(200, many);
    const auto read = client.readContactByEmail(login(), *Email::parse("x@example.com"), view);
    CPPUNIT_ASSERT(!read);
    CPPUNIT_ASSERT(read.error().code == Code::kUnavailable);
  }

  void anUnknownEmailIsNoContact() {
    network.answer(200, goldenText("contacts_none.json"));
    network.answer(200, goldenText("contacts_plain.json"));
    for (int i = 0; i < 2; ++i) {
      const auto read = client.readContactByEmail(login(), *Email::parse("x@example.com"), view);
      CPPUNIT_ASSERT(read);
      CPPUNIT_ASSERT(!*read);
    }
    CPPUNIT_ASSERT(!features.includes(Features::Read::kPage));
  }

  void onlyAReadable404MeansNoContact() {
    network.answer(404, kGone);
    const auto gone = client.readContact(login(), 108, view);
    CPPUNIT_ASSERT(gone);
    CPPUNIT_ASSERT(!*gone);
    for (const char* body : {"<html>404</html>", "", "{}", R"({"message":"No route found"})"}) {
      network.answer(404, body);
      const auto read = client.readContact(login(), 108, view);
      CPPUNIT_ASSERT(!read);
      CPPUNIT_ASSERT(read.error().code == Code::kUnavailable);
    }
  }

  void htmlAndEmptyAnswersAreNeverData() {
    for (const char* body : {"", "<html></html>", "{\"contact\":{", "{}"}) {
      network.answer(200, body);
      const auto read = client.readContact(login(), 108, view);
      CPPUNIT_ASSERT(!read);
      CPPUNIT_ASSERT(read.error().code == Code::kUnavailable);
    }
    network.answer(200, "{}");
    CPPUNIT_ASSERT(!client.listContactTags(login(), 108));
    network.answer(200, "{}");
    CPPUNIT_ASSERT(!client.listTags(login()));
  }

  void anAnswerAboutAnotherContactIsRefused() {
    network.answer(200, goldenText("contact_included.json"));
    CPPUNIT_ASSERT(client.readContact(login(), 107, view).error().code == Code::kUnavailable);
  }

  void aPasswordIsWrittenInOneCallAndConfirmedFromItsAnswer() {
    network.answer(200, goldenText("contact_written.json"));
    network.answer(200, R"({"contact":{"id":"108"}})");
    const Secret password("n3w-\"Password");
    const auto echo = client.writePassword(login(), 108, 3, password);
    CPPUNIT_ASSERT(echo && *echo);
    CPPUNIT_ASSERT((*echo)->equals("n3w-Password"));
    const auto silent = client.clearField(login(), 108, 3);
    CPPUNIT_ASSERT(silent && !*silent);
    expectSent("PUT contacts/108\nPUT contacts/108\n");
    CPPUNIT_ASSERT_EQUAL(
        std::string(R"({"contact":{"fieldValues":[{"field":"3","value":"n3w-\"Password"}]}})"),
        network.sent()[0].body);
    CPPUNIT_ASSERT(!network.sent()[0].repeatable);
    CPPUNIT_ASSERT_EQUAL(std::string(R"({"contact":{"fieldValues":[{"field":"3","value":""}]}})"),
                         network.sent()[1].body);
  }

  void aTakenEmailIsAConflict() {
    network.answer(422, goldenText("error_duplicate.json"));
    ContactWrite write;
    write.email = Email::parse("b@example.com");
    write.firstName = "B";
    write.fields = {{1, "x"}, {2, "y"}};
    const auto written = client.writeContact(login(), 108, write);
    CPPUNIT_ASSERT(written.error().code == Code::kConflict);
    CPPUNIT_ASSERT_EQUAL(
        std::string(R"({"contact":{"email":"b@example.com","firstName":"B","fieldValues":)"
                    R"([{"field":"1","value":"x"},{"field":"2","value":"y"}]}})"),
        network.sent()[0].body);
  }

  void aContactIsMadeInOneCall() {
    network.answer(201, R"({"fieldValues":[],"contact":{"email":"b@example.com","id":"109"}})");
    network.answer(422, goldenText("error_duplicate.json"));
    network.answer(201, R"({"contact":{"email":"b@example.com"}})");
    ContactWrite write;
    write.email = Email::parse("b@example.com");
    write.lastName = "B";
    write.fields = {{1, "x"}};
    const auto made = client.createContact(login(), write);
    CPPUNIT_ASSERT(made.ok());
    CPPUNIT_ASSERT_EQUAL(ContactId{109}, *made);
    CPPUNIT_ASSERT(client.createContact(login(), write).error().code == Code::kConflict);
    CPPUNIT_ASSERT(client.createContact(login(), write).error().code == Code::kUnavailable);
    expectSent("POST contacts\nPOST contacts\nPOST contacts\n");
    CPPUNIT_ASSERT(!network.sent()[0].repeatable);
    CPPUNIT_ASSERT_EQUAL(std::string(R"({"contact":{"email":"b@example.com","lastName":"B",)"
                                     R"("fieldValues":[{"field":"1","value":"x"}]}})"),
                         network.sent()[0].body);
  }

  void anAutomationsEntryThatIsGoneIsASuccess() {
    network.answer(200, "{}");
    network.answer(403, R"({"message":"No Result found for SubscriberSeries with id 3"})");
    network.answer(200, "");
    for (int i = 0; i < 3; ++i) CPPUNIT_ASSERT(client.removeAutomationEntry(login(), 3));
    expectSent(
        "DELETE contactAutomations/3\nDELETE contactAutomations/3\n"
        "DELETE contactAutomations/3\n");
    network.answer(403, R"({"message":"Forbidden"})");
    network.answer(403, R"({"message":"Forbidden"})");
    CPPUNIT_ASSERT(client.removeAutomationEntry(login(), 3).error().code == Code::kDenied);
  }

  void listsOfAContactAreReadAndSet() {
    network.answer(200, R"({"contactLists":[{"contact":"108","list":"2","status":"1","id":"5"},)"
                        R"({"contact":"108","list":"1","status":"2","id":"4"}]})");
    const auto lists = client.listContactLists(login(), 108);
    CPPUNIT_ASSERT(lists.ok());
    CPPUNIT_ASSERT_EQUAL(std::size_t{2}, lists->size());
    network.answer(200, "{}");
    CPPUNIT_ASSERT(client.listContactLists(login(), 108).error().code == Code::kUnavailable);
    network.answer(201, R"({"contactList":{"id":"5"}})");
    network.answer(400, kRelatedMissing);
    network.answer(400, R"({"errors":[{"title":"No"}]})");
    CPPUNIT_ASSERT(client.setListStatus(login(), 108, 2, 1, true));
    CPPUNIT_ASSERT(client.setListStatus(login(), 108, 2, 2, false).error().code == Code::kNotFound);
    CPPUNIT_ASSERT(client.setListStatus(login(), 108, 2, 2, false).error().code == Code::kInvalid);
    CPPUNIT_ASSERT_EQUAL(
        std::string(R"({"contactList":{"list":"2","contact":"108","status":1,"sourceid":4}})"),
        network.sent()[2].body);
  }

  void aTagThatIsThereAlreadyIsASuccess() {
    network.answer(201, goldenText("contact_tag_added.json"));
    network.answer(200, goldenText("contact_tag_added.json"));
    network.answer(422, R"({"errors":[{"title":"Tag is already on the contact"}]})");
    CPPUNIT_ASSERT(*client.addTag(login(), 108, 66));
    for (int i = 0; i < 2; ++i) {
      const auto there = client.addTag(login(), 108, 66);
      CPPUNIT_ASSERT(there.ok() && !*there);
    }
    network.answer(404, R"({"errors":[{"status":404,"title":"Not Found",)"
                        R"("detail":"Contact not found"}]})");
    CPPUNIT_ASSERT(client.addTag(login(), 108, 66).error().code == Code::kNotFound);
    network.answer(400, kRelatedMissing);
    CPPUNIT_ASSERT(client.addTag(login(), 108, 66).error().code == Code::kNotFound);
    CPPUNIT_ASSERT(!network.sent()[0].repeatable);
    CPPUNIT_ASSERT_EQUAL(std::string(R"({"contactTag":{"contact":"108","tag":"66"}})"),
                         network.sent()[0].body);
  }

  void anAssociationThatIsGoneIsASuccess() {
    network.answer(200, "{}");
    network.answer(200, "");
    network.answer(404, R"({"message":"No Result found for SubscriberTag with id 36"})");
    for (int i = 0; i < 3; ++i) CPPUNIT_ASSERT(client.removeTagAssociation(login(), 36));
    network.answer(200, "<html></html>");
    CPPUNIT_ASSERT(!client.removeTagAssociation(login(), 36));
  }

  void anAutomationThatRefusesIsAnAnswer() {
    network.answer(201, goldenText("automation_entered.json"));
    CPPUNIT_ASSERT(client.enterAutomation(login(), 108, 2)->entered);
    network.answer(403, R"({"message":"Could not create SubscriberSeries"})");
    const auto refused = client.enterAutomation(login(), 108, 2);
    CPPUNIT_ASSERT(refused);
    CPPUNIT_ASSERT(!refused->entered);
    CPPUNIT_ASSERT_EQUAL(std::string("Could not create SubscriberSeries"), refused->words);
    expectSent("POST contactAutomations\nPOST contactAutomations\n");
    CPPUNIT_ASSERT(!network.sent()[0].repeatable);
  }

  void entriesOfAContactAreRead() {
    network.answer(200, goldenText("automations_of_contact.json"));
    const auto entries = client.listContactAutomations(login(), 108);
    CPPUNIT_ASSERT(entries);
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, entries->size());
    CPPUNIT_ASSERT((*entries)[0].automation == 2);
    CPPUNIT_ASSERT((*entries)[0].enteredAt.has_value());
  }

  void aForbiddenAnswerIsLookedAtTwice() {
    network.answer(403, goldenText("error_forbidden.json"));
    network.answer(200, goldenText("user.json"));
    const auto user = client.whoAmI(login());
    CPPUNIT_ASSERT(user);
    CPPUNIT_ASSERT_EQUAL(std::string("admin"), user->username);
    CPPUNIT_ASSERT_EQUAL(std::string("Europe/Berlin"), user->zone);
    network.answer(403, "").answer(403, goldenText("error_forbidden.json"));
    const auto denied = client.whoAmI(login());
    CPPUNIT_ASSERT(denied.error().code == Code::kDenied);
    CPPUNIT_ASSERT(breaker.account() == AccountState::kWorking);
    CPPUNIT_ASSERT(network.usedUp());
  }

  void aFieldIsShownIfItHasARelation() {
    const std::string fields =
        R"({"fields":[{"id":"1","perstag":"A","relations":[]},)"
        R"({"id":"2","perstag":"B","relations":[{"relid":"0"}]}],"meta":{"total":"2"}})";
    network.answer(200, fields).answer(200, fields).answer(200, fields);
    CPPUNIT_ASSERT(!client.isFieldShown(login(), 1).value());
    CPPUNIT_ASSERT(client.isFieldShown(login(), 2).value());
    CPPUNIT_ASSERT(client.isFieldShown(login(), 3).error().code == Code::kNotFound);
  }

  void threeDeniedCallsRefuseTheAccount() {
    for (int i = 0; i < 6; ++i) network.answer(403, goldenText("error_forbidden.json"));
    for (int i = 0; i < 4; ++i) {
      CPPUNIT_ASSERT(client.whoAmI(login()).error().code == Code::kDenied);
    }
    CPPUNIT_ASSERT(breaker.account() == AccountState::kRefused);
    CPPUNIT_ASSERT_EQUAL(std::size_t{6}, network.sent().size());
    clock.advance(60s);
    network.answer(200, goldenText("user.json"));
    CPPUNIT_ASSERT(client.whoAmI(login()));
    CPPUNIT_ASSERT(breaker.account() == AccountState::kWorking);
  }

  void tooManyRequestsFreezeEveryLane() {
    network.answer(429, "", "30");
    const auto busy = client.whoAmI(login());
    CPPUNIT_ASSERT(busy.error().code == Code::kBusy);
    CPPUNIT_ASSERT(busy.error().retryAfter == 30s);
    CPPUNIT_ASSERT(frozenUntil() == clock.now() + 30s);
    CPPUNIT_ASSERT(client.whoAmI(login()).error().code == Code::kBusy);
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, network.sent().size());
    clock.advance(30s);
    network.answer(200, goldenText("user.json"));
    CPPUNIT_ASSERT(client.whoAmI(login()));
    CPPUNIT_ASSERT(frozenUntil() == Instant{});
  }

  void anAnswerThatTellsOfAnotherClientSlowsTheLowerLanes() {
    RateBudget slow(store, clock, Rate(4.0));
    Client paced(network, slow, breaker, features, clock);
    const auto askSite = [&] { return paced.whoAmI({Lane::kSite, clock.steady() + 100ms}); };
    network.usage(5, 4).answer(200, goldenText("user.json"));
    CPPUNIT_ASSERT(askSite());
    clock.advance(250ms);
    network.usage(5, 0).answer(200, goldenText("user.json"));
    CPPUNIT_ASSERT(askSite());
    clock.advance(250ms);
    CPPUNIT_ASSERT(askSite().error().code == Code::kBusy);
    network.usage(5, 0).answer(429, "", "3");  // a 429 freezes, whatever else it says
    CPPUNIT_ASSERT(paced.whoAmI(login()).error().code == Code::kBusy);
    CPPUNIT_ASSERT(frozenUntil() == clock.now() + 3s);
  }

  void fiveFailuresStopTheCalls() {
    network.answer(500, "<html>").answer(502).fail(Code::kUnavailable).answer(200, "<html>");
    network.answer(503);
    for (int i = 0; i < 7; ++i) {
      CPPUNIT_ASSERT(client.whoAmI(login()).error().code == Code::kUnavailable);
    }
    CPPUNIT_ASSERT(breaker.open());
    CPPUNIT_ASSERT_EQUAL(std::size_t{5}, network.sent().size());
    clock.advance(1s);
    network.answer(200, goldenText("user.json"));
    CPPUNIT_ASSERT(client.whoAmI(login()));
  }

  void aDeadlineOfTheCallerDoesNotCountAgainstActiveCampaign() {
    for (int i = 0; i < 10; ++i) {
      network.meanwhile([this] { clock.advance(100ms); }).fail(Code::kBusy, "deadline");
      CPPUNIT_ASSERT(client.whoAmI(login()).error().code == Code::kUnavailable);
    }
    CPPUNIT_ASSERT(!breaker.open());
    for (int i = 0; i < 5; ++i) {
      network.meanwhile([this] { clock.advance(1500ms); }).fail(Code::kBusy, "deadline");
      CPPUNIT_ASSERT(client.whoAmI(login()).error().code == Code::kUnavailable);
    }
    CPPUNIT_ASSERT(breaker.open());
  }

  void whileSomebodyLogsInOnlyAnswersThatPeopleWaitForAreRead() {
    RightOfWay way(10min);  // the test's own bound is shorter
    Client background(network, budget, breaker, features, clock, &way);
    std::promise<void> answered;
    network.meanwhile([&] { answered.set_value(); }).answer(200, goldenText("user.json"));
    std::future<Result<ApiUser>> read;  // waits when it goes: behind the login
    std::optional<RightOfWay::Hold> login(&way);
    read = std::async(std::launch::async, [&] {
      return background.whoAmI({Lane::kPassword, clock.steady() + 1h});
    });
    answered.get_future().wait();
    clock.advance(1s);
    test::ScriptedTransport another;
    Client people(another, budget, breaker, features, clock, &way);
    another.answer(200, goldenText("user.json")).answer(200, goldenText("user.json"));
    CPPUNIT_ASSERT(people.whoAmI({Lane::kLogin, clock.steady() + 1h}).ok());
    clock.advance(1s);
    CPPUNIT_ASSERT(people.whoAmI({Lane::kSite, clock.steady() + 1h}).ok());
    CPPUNIT_ASSERT_MESSAGE("it was read beside a login",
                           read.wait_for(0s) != std::future_status::ready);
    login.reset();
    CPPUNIT_ASSERT(read.get().ok());
  }

  void aSpentBudgetIsBusyAndNothingIsSent() {
    RateBudget slow(store, clock, Rate(0.1));
    Client patient(network, slow, breaker, features, clock);
    CPPUNIT_ASSERT(slow.spend(Lane::kSite));
    clock.advance(2s);
    CPPUNIT_ASSERT(slow.spend(Lane::kSite));
    clock.advance(2s);
    const auto read = patient.whoAmI({Lane::kSite, clock.steady() + 1s});
    CPPUNIT_ASSERT(read.error().code == Code::kBusy);
    CPPUNIT_ASSERT(read.error().retryAfter > 1s);
    CPPUNIT_ASSERT(network.sent().empty());
    CPPUNIT_ASSERT(!breaker.open());
  }

  static std::string tagPage(int from, int to, const std::string& total) {
    json::Array rows;
    for (int i = from; i < to; ++i) {
      rows.push_back(json::Object{{"id", std::to_string(i)}, {"tag", "T" + std::to_string(i)}});
    }
    json::Object root{{"tags", std::move(rows)}};
    if (!total.empty()) root.set("meta", json::Object{{"total", total}});
    return json::write(std::move(root));
  }

  void aDirectoryIsReadToItsEnd() {
    network.answer(200, tagPage(1, 101, "130")).answer(200, tagPage(101, 131, "130"));
    CPPUNIT_ASSERT_EQUAL(std::size_t{130}, client.listTags(login())->size());
    // The limit is clamped to 20, and no total is given.
    network.answer(200, tagPage(1, 21, "")).answer(200, tagPage(21, 30, ""));
    CPPUNIT_ASSERT_EQUAL(std::size_t{29}, client.listTags(login())->size());
    // The offset is ignored.
    network.answer(200, tagPage(1, 21, "")).answer(200, tagPage(1, 21, ""));
    CPPUNIT_ASSERT_EQUAL(std::size_t{20}, client.listTags(login())->size());
    expectSent(
        "GET tags?limit=100\nGET tags?limit=100&offset=100\nGET tags?limit=100\n"
        "GET tags?limit=100&offset=20\nGET tags?limit=100\nGET tags?limit=100&offset=20\n");
  }

  void aDirectoryThatEndsEarlyIsAnError() {
    network.answer(200, tagPage(1, 101, "130")).answer(200, tagPage(0, 0, "130"));
    CPPUNIT_ASSERT(client.listTags(login()).error().code == Code::kUnavailable);
    network.answer(200, tagPage(1, 101, "130")).answer(502);
    CPPUNIT_ASSERT(client.listTags(login()).error().code == Code::kUnavailable);
  }

  void aDuplicateTagIsLookedUp() {
    network.answer(201, R"({"tag":{"tag":"T7","id":"7"}})");
    CPPUNIT_ASSERT(*client.createTag(login(), "T7") == 7);
    network.answer(422, R"({"errors":[{"title":"Tag exists","code":"duplicate"}]})");
    network.answer(200, tagPage(1, 9, "8"));
    CPPUNIT_ASSERT(*client.createTag(login(), "T7") == 7);
  }

  void thePasswordFieldGetsARelation() {
    network.answer(201, R"({"field":{"perstag":"PASSWORD","id":"3"}})");
    network.answer(201, R"({"fieldRel":{"relid":"0","field":"3","links":[],"id":"71"}})");
    CPPUNIT_ASSERT(*client.createTextField(login(), "PASSWORD", "Membership password") == 3);
    network.answer(422, R"({"errors":[{"title":"There is already a field with this title"}]})");
    network.answer(200, goldenText("fields.json"));
    network.answer(422, R"({"errors":[{"title":"The relation already exists"}]})");
    CPPUNIT_ASSERT(*client.createTextField(login(), "PASSWORD", "Membership password") == 3);
    expectSent("POST fields\nPOST fieldRels\nPOST fields\nGET fields?limit=100\nPOST fieldRels\n");
  }

  void wordsOfARefusalDoNotQuoteTheSite() {
    network.answer(422, R"({"errors":[{"title":"Value 'n3w-Password' of a@b.c is bad"}]})");
    const auto refused = client.writePassword(login(), 108, 3, Secret("n3w-Password"));
    CPPUNIT_ASSERT(refused.error().code == Code::kInvalid);
    CPPUNIT_ASSERT_EQUAL(std::string("Value '***' of *** is bad"), refused.error().detail);
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(ClientTest);

}  // namespace
}  // namespace mbr::activecampaign
