#include "members/delivery_applier.h"
#include "members/job_payload.h"
#include "members/member_clearer.h"
#include "passwords/sealer.h"
#include "support/login_rig.h"
#include "webhook/routes.h"

namespace mbr::webhook {

using test::LoginRig;

class ClearuserTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(ClearuserTest);
  CPPUNIT_TEST(theMemberIsForgottenAndTheContactStays);
  CPPUNIT_TEST(itIsOnDiskBeforeTheAnswer);
  CPPUNIT_TEST(aContactMayBeNamedByItsEmail);
  CPPUNIT_TEST(theIdDecidesWhoIsMeant);
  CPPUNIT_TEST(whoIsNotKnownHereIsIgnored);
  CPPUNIT_TEST(theDataOfTheBodyChangesNothing);
  CPPUNIT_TEST(repeatingItIsHarmless);
  CPPUNIT_TEST(anOpenPasswordJobStays);
  CPPUNIT_TEST(theCodeMustBeForThisRoute);
  CPPUNIT_TEST(whatIsNoFormOfAContactIsRefused);
  CPPUNIT_TEST(aStoreThatIsDownIsTold);
  CPPUNIT_TEST_SUITE_END();

  LoginRig rig;
  passwords::Sealer sealer{rig.keys, rig.random};
  members::DeliveryApplier applier{rig.store, rig.directories, sealer, rig.clock, {}, [] {}};
  members::MemberClearer clearer{rig.store};
  WebhookRoutes routes{
      {256 * 1024, [] { return [](std::string_view key) { return key == "password"; }; },
       Secret("a key of 16 bytes or more")},
      rig.codes,
      applier,
      clearer,
      rig.clock};
  std::string code;
  std::string token;  // of 42's session

 public:
  void setUp() override {
    code = rig.codes.create("app", {access::Purpose::kClearuser})->reveal();
    routes.registerOn(rig.router);
    rig.contact(42, "jane@example.com");
    rig.contact(43, "sam@example.com");
    for (const ContactId id : {42, 43}) rig.password(id, "correct horse");
    const auto session = rig.sessions.prepare(42, "password");
    token = session.token.reveal();
    rig.database.write([&](store::Transaction& tx) { tx.saveSession(session.record); });
  }

 private:
  http::Response clear(const std::string& body, const std::string& more = "") {
    return rig.answer(rig.request("POST", "mbr_clearuser=" + code + more, body));
  }
  bool hasPassword(ContactId id) {
    return rig.read<bool>(
        [id](store::Reader& reader) { return reader.findCredential(id).has_value(); });
  }
  std::optional<Contact> contact(ContactId id) {
    return rig.read<std::optional<Contact>>(
        [id](store::Reader& reader) { return reader.findContact(id); });
  }

  void theMemberIsForgottenAndTheContactStays() {
    const auto response =
        clear("contact%5Bid%5D=42&contact%5Bemail%5D=jane%40example.com&seriesid=7",
              "&reassign=boss%40example.com");
    CPPUNIT_ASSERT_EQUAL(200, response.status);
    CPPUNIT_ASSERT_EQUAL(std::string(R"({"status":"accepted","contact":"42","password":"none"})"),
                         response.body);
    CPPUNIT_ASSERT(!hasPassword(42));
    CPPUNIT_ASSERT(!*rig.sessions.find(token));
    CPPUNIT_ASSERT(contact(42) && !contact(42)->deletedAt);
    CPPUNIT_ASSERT(hasPassword(43));
  }

  void itIsOnDiskBeforeTheAnswer() {
    clear("contact[id]=42");
    rig.database.reopen();
    CPPUNIT_ASSERT(!hasPassword(42));
  }

  void aContactMayBeNamedByItsEmail() {
    CPPUNIT_ASSERT_EQUAL(std::string(R"({"status":"accepted","contact":"42","password":"none"})"),
                         clear("contact[email]=JANE%40example.com").body);
    CPPUNIT_ASSERT(!hasPassword(42));
  }

  void theIdDecidesWhoIsMeant() {
    clear("contact[id]=43&contact[email]=jane%40example.com");
    CPPUNIT_ASSERT(hasPassword(42));
    CPPUNIT_ASSERT(!hasPassword(43));
  }

  void whoIsNotKnownHereIsIgnored() {
    CPPUNIT_ASSERT_EQUAL(std::string(R"({"status":"ignored","contact":"99","password":"none"})"),
                         clear("contact[id]=99&contact[email]=jane%40example.com").body);
    CPPUNIT_ASSERT_EQUAL(std::string(R"({"status":"ignored","contact":null,"password":"none"})"),
                         clear("contact[email]=nobody%40example.com").body);
    CPPUNIT_ASSERT(hasPassword(42));
    CPPUNIT_ASSERT(!contact(99));
  }

  void theDataOfTheBodyChangesNothing() {
    const auto before = contact(42);
    clear("contact[id]=42&contact[first_name]=Mallory&contact[tags]=Gold&contact[fields][city]=X");
    CPPUNIT_ASSERT_EQUAL(before->version, contact(42)->version);
    CPPUNIT_ASSERT_EQUAL(std::string("Jane"), contact(42)->firstName);
  }

  void repeatingItIsHarmless() {
    const auto first = clear("contact[id]=42").body;
    CPPUNIT_ASSERT_EQUAL(first, clear("contact[id]=42").body);
  }

  void anOpenPasswordJobStays() {
    JobId id = 0;
    rig.database.write([&](store::Transaction& tx) {
      members::PasswordPayload payload;
      payload.contactId = 42;
      id = members::enqueuePassword(tx, payload, {});
    });
    clear("contact[id]=42");
    const auto job =
        rig.read<std::optional<Job>>([id](store::Reader& reader) { return reader.findJob(id); });
    CPPUNIT_ASSERT(job && isOpen(job->state));
  }

  void theCodeMustBeForThisRoute() {
    const auto other =
        rig.codes.create("other", {access::Purpose::kGenpass, access::Purpose::kAuth});
    rig.assertProblem(
        403, "code",
        rig.answer(rig.request("POST", "mbr_clearuser=" + other->reveal(), "contact[id]=42")));
    rig.assertProblem(403, "code",
                      rig.answer(rig.request("POST", "mbr_genpass=" + code, "contact[id]=42")));
    CPPUNIT_ASSERT(hasPassword(42));
  }

  void whatIsNoFormOfAContactIsRefused() {
    auto request = rig.request("GET", "mbr_clearuser=" + code);
    rig.assertProblem(405, "method_not_allowed", rig.answer(request));
    rig.assertProblem(400, "contact_missing", clear("seriesid=7"));
    rig.assertProblem(400, "invalid_request", clear("contact[id]=-1"));
    rig.assertProblem(400, "invalid_request", clear("contact[id]=42&x=%ZZ"));
    request = rig.request("POST", "mbr_clearuser=" + code, "contact[id]=42");
    request.contentType = "text/plain";
    rig.assertProblem(415, "unsupported_media_type", rig.answer(request));
    CPPUNIT_ASSERT(hasPassword(42));
  }

  void aStoreThatIsDownIsTold() {
    clear("contact[id]=99");  // the codes are known from here on
    rig.store.down = true;
    rig.assertProblem(503, "unavailable", clear("contact[id]=42"));
    rig.store.down = false;
    CPPUNIT_ASSERT(hasPassword(42));
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(ClearuserTest);

}  // namespace mbr::webhook
