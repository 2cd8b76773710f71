#include <cppunit/extensions/HelperMacros.h>

#include "activecampaign/client_fixture.h"
#include "activecampaign/golden.h"

namespace mbr::activecampaign {
namespace {

using namespace std::chrono_literals;

const std::string kQueued =
    R"({"success":1,"queued_contacts":1,"batchId":"b-1","message":"Contact import queued"})";

class ImportTest : public test::ClientFixture {
  CPPUNIT_TEST_SUITE(ImportTest);
  CPPUNIT_TEST(rowsAreWrittenAsTheImporterWantsThem);
  CPPUNIT_TEST(anAnswerWithoutABatchIsAnError);
  CPPUNIT_TEST(aRefusalIsOneWhateverItsStatusAndShape);
  CPPUNIT_TEST(theImportersOwnLimitIsBusy);
  CPPUNIT_TEST(aLimitOfTheAccountsContactsIsARefusal);
  CPPUNIT_TEST(aRefusalQuotesNothingOfTheRows);
  CPPUNIT_TEST(aRefusalOfManyRowsIsReadQuickly);
  CPPUNIT_TEST(whatIsTooLongIsNotSent);
  CPPUNIT_TEST(networkErrorsAreTheUsualOnes);
  CPPUNIT_TEST(contactsThatWaitAreAddedUp);
  CPPUNIT_TEST(aBatchIsReadWhileItRunsAndWhenItIsDone);
  CPPUNIT_TEST(aBatchThatCannotBeReadIsNeverCompleted);
  CPPUNIT_TEST_SUITE_END();

  static ImportRow row(const std::string& email, const std::string& password = "s3cret-Password") {
    ImportRow row;
    row.email = email;
    row.fields.emplace_back(3, Secret(password));
    return row;
  }
  Result<std::string> import() { return client.importContacts(call(), {row("a@example.com")}); }

  void assertRefused(int status, const std::string& body, const std::string& words) {
    network.answer(status, body);
    const auto refused = import();
    CPPUNIT_ASSERT_MESSAGE(body, !refused);
    CPPUNIT_ASSERT_MESSAGE(body, refused.error().code == Code::kInvalid);
    CPPUNIT_ASSERT_EQUAL(words, refused.error().detail);
  }

  void rowsAreWrittenAsTheImporterWantsThem() {
    network.answer(200, kQueued);
    ImportRow full = row("a@example.com", "a\"b");
    full.fields.emplace_back(4, Secret(""));
    full.tags = {"Gold", "Member, paid"};
    ImportRow bare;
    bare.email = "b@example.com";
    const auto batch = client.importContacts(call(), {full, bare});
    CPPUNIT_ASSERT(batch);
    CPPUNIT_ASSERT_EQUAL(std::string("b-1"), *batch);
    CPPUNIT_ASSERT_EQUAL(std::string("POST import/bulk_import\n"), network.lines());
    CPPUNIT_ASSERT_EQUAL(
        std::string(R"({"contacts":[{"email":"a@example.com","fields":[{"id":3,"value":"a\"b"},)"
                    R"({"id":4,"value":""}],"tags":["Gold","Member, paid"]},)"
                    R"({"email":"b@example.com"}]})"),
        network.sent()[0].body);
    CPPUNIT_ASSERT(!network.sent()[0].repeatable);
  }

  void anAnswerWithoutABatchIsAnError() {
    for (const char* body : {R"({"success":1})", R"({"success":1,"batchId":""})", "{}", "",
                             "<html></html>", R"({"success":1,"batchId":"b)"}) {
      network.answer(200, body);
      CPPUNIT_ASSERT(import().error().code == Code::kUnavailable);
    }
    network.answer(200, R"({"Success":1,"batchId":"b-2"})");  // as the documentation writes it
    CPPUNIT_ASSERT_EQUAL(std::string("b-2"), *import());
  }

  void aRefusalIsOneWhateverItsStatusAndShape() {
    assertRefused(400, R"({"success":0,"message":"No","failureReasons":["bad row","bad tag"]})",
                  "No: bad row: bad tag");
    assertRefused(400,
                  R"({"success":0,"message":"No","failureReasons":)"
                  R"([{"contact":0,"failureReason":"already there"}]})",
                  "No: already there");
    assertRefused(422, R"({"errors":[{"title":"Not like that"}]})", "Not like that");
    for (const char* success : {"0", "\"0\"", "false"}) {
      assertRefused(200, R"({"success":)" + std::string(success) + R"(,"message":"No"})", "No");
    }
  }

  void theImportersOwnLimitIsBusy() {
    network.answer(400,
                   R"({"success":0,"message":"Request limit exceeded: 100 requests per minute",)"
                   R"("failureReasons":["Request limit exceeded"]})");
    network.answer(400, test::goldenText("error_import.json"));
    network.answer(200, R"({"success":0,"message":"Rate limit reached"})");
    for (int i = 0; i < 3; ++i) {
      const auto busy = import();
      CPPUNIT_ASSERT(busy.error().code == Code::kBusy);
      CPPUNIT_ASSERT(busy.error().retryAfter == 20s);
    }
    CPPUNIT_ASSERT(!breaker.open());
  }

  void aLimitOfTheAccountsContactsIsARefusal() {
    assertRefused(400, R"({"success":0,"message":"Your contact limit is reached"})",
                  "Your contact limit is reached");
  }

  void aRefusalQuotesNothingOfTheRows() {
    std::vector<ImportRow> rows{row("anna@example.com", "s3cret"), row("b@b.c", "s3cret-Password")};
    network.answer(400, R"({"success":0,"message":"'s3cret-Password' of b@b.c","failureReasons":)"
                        R"([{"contact":0,"failureReason":"s3cret is weak"},"anna@example.com"]})");
    const auto refused = client.importContacts(call(), rows);
    CPPUNIT_ASSERT_EQUAL(std::string("'***' of ***: *** is weak: ***"), refused.error().detail);
  }

  void aRefusalOfManyRowsIsReadQuickly() {
    std::vector<ImportRow> rows;
    json::Array reasons;
    for (int i = 0; i < kImportSize; ++i) {
      rows.push_back(row("p" + std::to_string(i) + "@example.com", "pass-" + std::to_string(i)));
    }
    for (int i = 0; i < 50000; ++i) {
      reasons.push_back("row " + std::to_string(i) + " has pass-" +
                        std::to_string(i % kImportSize));
    }
    network.answer(400, json::write(json::Object{{"failureReasons", std::move(reasons)}}));
    const auto start = std::chrono::steady_clock::now();
    const auto refused = client.importContacts(call(), rows);
    CPPUNIT_ASSERT(std::chrono::steady_clock::now() - start < 2s);
    CPPUNIT_ASSERT(refused.error().code == Code::kInvalid);
    CPPUNIT_ASSERT(refused.error().detail.find("pass-") == std::string::npos);
  }

  void whatIsTooLongIsNotSent() {
    CPPUNIT_ASSERT(client.importContacts(call(), {}).error().code == Code::kInvalid);
    const std::vector<ImportRow> many(kImportSize + 1, row("a@example.com"));
    CPPUNIT_ASSERT(client.importContacts(call(), many).error().code == Code::kInvalid);
    const auto huge = client.importContacts(call(), {row("a@b.c", std::string(500000, 'x'))});
    CPPUNIT_ASSERT(huge.error().code == Code::kInvalid);
    // What counts is its length as written.
    const auto escaped = client.importContacts(call(), {row("a@b.c", std::string(100000, '\x01'))});
    CPPUNIT_ASSERT(escaped.error().code == Code::kInvalid);
    CPPUNIT_ASSERT(network.sent().empty());
    network.answer(200, kQueued);
    CPPUNIT_ASSERT(client.importContacts(call(), {row("a@b.c", std::string(399000, 'x'))}));
    network.answer(200, kQueued);
    const std::vector<ImportRow> full(kImportSize, row("a@example.com"));
    CPPUNIT_ASSERT(client.importContacts(call(), full));
    CPPUNIT_ASSERT(network.sent().back().body.size() < 400000);
  }

  void networkErrorsAreTheUsualOnes() {
    network.answer(503, "<html>").answer(404, R"({"message":"No route found"})");
    for (int i = 0; i < 2; ++i) CPPUNIT_ASSERT(import().error().code == Code::kUnavailable);
    network.answer(429, "", "5");
    CPPUNIT_ASSERT(import().error().retryAfter == 5s);
  }

  void contactsThatWaitAreAddedUp() {
    network.answer(200,
                   R"({"outstanding":[{"forDate":"2026-01-01","batches":"2","contacts":"500"},)"
                   R"({"forDate":"2026-01-02","batches":1,"contacts":30},)"
                   R"({"forDate":"2026-01-03","batches":"0","contacts":"0"}],)"
                   R"("recentlyCompleted":[{"contacts":"7"}]})");
    network.answer(200, R"({"outstanding":[],"recentlyCompleted":[]})");
    CPPUNIT_ASSERT_EQUAL(std::int64_t{530}, *client.countOutstandingImports(call()));
    CPPUNIT_ASSERT_EQUAL(std::int64_t{0}, *client.countOutstandingImports(call()));
    for (const char* body : {"{}", R"({"outstanding":[{"batches":"1"}]})", R"({"outstanding":"1"})",
                             R"({"outstanding":[{"contacts":"some"}]})", ""}) {
      network.answer(200, body);
      CPPUNIT_ASSERT(client.countOutstandingImports(call()).error().code == Code::kUnavailable);
    }
    CPPUNIT_ASSERT_EQUAL(std::string("GET import/bulk_import"), network.sent()[0].line);
  }

  void aBatchIsReadWhileItRunsAndWhenItIsDone() {
    network.answer(200, R"({"status":"active","success":["1"],"failure":[]})");
    network.answer(200, R"({"status":"waiting"})");
    network.answer(200, R"({"status":"completed","success":["12",13],"failure":["Bad@X.org"]})");
    const auto active = client.readImport(call(), "b-1");
    CPPUNIT_ASSERT(active);
    CPPUNIT_ASSERT(!active->completed);
    CPPUNIT_ASSERT(active->success == std::vector<ContactId>({1}));
    CPPUNIT_ASSERT(!client.readImport(call(), "b-1")->completed);
    const auto done = client.readImport(call(), "b-1");
    CPPUNIT_ASSERT(done->completed);
    CPPUNIT_ASSERT(done->success == std::vector<ContactId>({12, 13}));
    CPPUNIT_ASSERT(done->failure == std::vector<std::string>({"bad@x.org"}));
    CPPUNIT_ASSERT_EQUAL(std::string("GET import/info?batchId=b-1"), network.sent()[0].line);
    network.answer(404, R"({"message":"No Result found for batch with id b-1"})");
    CPPUNIT_ASSERT(client.readImport(call(), "b-1").error().code == Code::kNotFound);
  }

  void aBatchThatCannotBeReadIsNeverCompleted() {
    for (const char* body : {"{}", R"({"status":""})", R"({"status":"completed"})",
                             R"({"status":"completed","success":["x"],"failure":[]})",
                             R"({"status":"completed","success":[],"failure":[{"a":1}]})",
                             R"({"status":"completed","success":["1"],"fail)", "<html></html>"}) {
      network.answer(200, body);
      CPPUNIT_ASSERT(client.readImport(call(), "b-1").error().code == Code::kUnavailable);
      breaker.admit()->end(Breaker::End::kAnswered);
    }
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(ImportTest);

}  // namespace
}  // namespace mbr::activecampaign
