#include <cppunit/extensions/HelperMacros.h>

#include "activecampaign/client_fixture.h"

namespace mbr::activecampaign {
namespace {

const std::string kUrl = "https://x.org/hook?code=c0de-12345&v=1";

std::string rowText(int id, const std::string& url = kUrl) {
  return R"({"cdate":"2026-01-01T12:00:00-06:00","listid":"0","name":"N)" + std::to_string(id) +
         R"(","url":")" + url + R"(","events":["subscribe","update"],"sources":["public"],)" +
         R"("links":[],"id":")" + std::to_string(id) + R"("})";
}

std::string listText(int from, int to, const std::string& total) {
  std::string rows;
  for (int id = from; id < to; ++id) rows += (id > from ? "," : "") + rowText(id);
  return R"({"webhooks":[)" + rows + R"(],"meta":{"total":")" + total + R"("}})";
}

class WebhookApiTest : public test::ClientFixture {
  CPPUNIT_TEST_SUITE(WebhookApiTest);
  CPPUNIT_TEST(aWebhookIsReadAsItIsRegistered);
  CPPUNIT_TEST(allPagesOfWebhooksAreRead);
  CPPUNIT_TEST(aListWithAnUnreadableWebhookIsAnError);
  CPPUNIT_TEST(aNewWebhookAnswersWithItsId);
  CPPUNIT_TEST(aChangedWebhookIsConfirmedByItsId);
  CPPUNIT_TEST(aDeletedWebhookMayBeGoneAlready);
  CPPUNIT_TEST(noErrorHoldsTheUrlOrItsCode);
  CPPUNIT_TEST_SUITE_END();

  static Webhook hook() {
    Webhook webhook;
    webhook.id = 4;
    webhook.name = "Membergate \"1\"";
    webhook.url = Secret(kUrl);
    webhook.events = {"subscribe", "update"};
    webhook.sources = {"public", "admin"};
    return webhook;
  }

  void aWebhookIsReadAsItIsRegistered() {
    network.answer(200, listText(3, 4, "1"));
    const auto webhooks = client.listWebhooks(call());
    CPPUNIT_ASSERT(webhooks);
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, webhooks->size());
    const Webhook& read = webhooks->front();
    CPPUNIT_ASSERT(read.id == 3);
    CPPUNIT_ASSERT_EQUAL(std::string("N3"), read.name);
    CPPUNIT_ASSERT(read.url.equals(kUrl));
    CPPUNIT_ASSERT(read.events == std::vector<std::string>({"subscribe", "update"}));
    CPPUNIT_ASSERT(read.sources == std::vector<std::string>({"public"}));
    CPPUNIT_ASSERT(read.list == 0);
    network.answer(200, R"({"webhooks":[{"id":9,"name":"","url":"https://x","events":[],)"
                        R"("sources":[],"listid":7}],"meta":{"total":1}})");
    CPPUNIT_ASSERT(client.listWebhooks(call())->front().list == 7);
  }

  void allPagesOfWebhooksAreRead() {
    network.answer(200, listText(1, 101, "103")).answer(200, listText(101, 104, "103"));
    CPPUNIT_ASSERT_EQUAL(std::size_t{103}, client.listWebhooks(call())->size());
    CPPUNIT_ASSERT_EQUAL(std::string("GET webhooks?limit=100\nGET webhooks?limit=100&offset=100\n"),
                         network.lines());
    // A part of them must not pass for all: the missing ones would be registered again.
    network.answer(200, listText(1, 101, "103")).answer(200, listText(1, 1, "103"));
    CPPUNIT_ASSERT(client.listWebhooks(call()).error().code == Code::kUnavailable);
    network.answer(200, R"({"webhooks":[],"meta":{"total":"0"}})");
    CPPUNIT_ASSERT(client.listWebhooks(call())->empty());
  }

  void aListWithAnUnreadableWebhookIsAnError() {
    for (const char* row :
         {R"({"id":"1","name":"a","events":[],"sources":[]})",
          R"({"id":"1","name":"a","url":"u","events":"subscribe","sources":[]})",
          R"({"id":"1","name":"a","url":"u","events":[1],"sources":[]})",
          R"({"id":"1","url":"u","events":[],"sources":[]})", R"({"name":"a"})"}) {
      network.answer(200, R"({"webhooks":[)" + std::string(row) + R"(],"meta":{"total":"1"}})");
      CPPUNIT_ASSERT(client.listWebhooks(call()).error().code == Code::kUnavailable);
    }
    network.answer(200, "{}");
    CPPUNIT_ASSERT(client.listWebhooks(call()).error().code == Code::kUnavailable);
  }

  void aNewWebhookAnswersWithItsId() {
    network.answer(201, R"({"webhook":)" + rowText(12) + "}");
    CPPUNIT_ASSERT(*client.createWebhook(call(), hook()) == 12);
    CPPUNIT_ASSERT_EQUAL(std::string("POST webhooks\n"), network.lines());
    CPPUNIT_ASSERT_EQUAL(
        std::string(R"({"webhook":{"name":"Membergate \"1\"",)"
                    R"("url":"https://x.org/hook?code=c0de-12345&v=1",)"
                    R"("events":["subscribe","update"],"sources":["public","admin"],"listid":0}})"),
        network.sent()[0].body);
    CPPUNIT_ASSERT(!network.sent()[0].repeatable);  // twice registered is each event twice
    network.answer(201, "{}");
    CPPUNIT_ASSERT(client.createWebhook(call(), hook()).error().code == Code::kUnavailable);
  }

  void aChangedWebhookIsConfirmedByItsId() {
    network.answer(200, R"({"webhook":)" + rowText(4) + "}");
    CPPUNIT_ASSERT(client.updateWebhook(call(), hook()));
    CPPUNIT_ASSERT_EQUAL(std::string("PUT webhooks/4\n"), network.lines());
    network.answer(200, R"({"webhook":)" + rowText(5) + "}").answer(200, "{}");
    for (int i = 0; i < 2; ++i) {
      CPPUNIT_ASSERT(client.updateWebhook(call(), hook()).error().code == Code::kUnavailable);
    }
    network.answer(404, R"({"message":"No Result found for Webhook with id 4"})");
    CPPUNIT_ASSERT(client.updateWebhook(call(), hook()).error().code == Code::kNotFound);
  }

  void aDeletedWebhookMayBeGoneAlready() {
    network.answer(200, "{}").answer(200, "");
    network.answer(404, R"({"message":"No Result found for Webhook with id 4"})");
    for (int i = 0; i < 3; ++i) CPPUNIT_ASSERT(client.deleteWebhook(call(), 4));
    CPPUNIT_ASSERT_EQUAL(std::string("DELETE webhooks/4"), network.sent()[0].line);
    network.answer(503, "");
    CPPUNIT_ASSERT(client.deleteWebhook(call(), 4).error().code == Code::kUnavailable);
  }

  void noErrorHoldsTheUrlOrItsCode() {
    const std::string body = R"({"errors":[{"title":"Bad URL )" + kUrl +
                             R"(","detail":"near ?code=c0de-12345 or 'c0de-12345'"}]})";
    network.answer(422, body);
    const auto refused = client.createWebhook(call(), hook());
    CPPUNIT_ASSERT(refused.error().code == Code::kInvalid);
    CPPUNIT_ASSERT_EQUAL(std::string("Bad URL ***: near ?code=*** or '***'"),
                         refused.error().detail);
    network.answer(422, body).answer(403, body).answer(403, body);
    for (int i = 0; i < 2; ++i) {
      const Outcome changed = client.updateWebhook(call(), hook());
      CPPUNIT_ASSERT(!changed);
      CPPUNIT_ASSERT(changed.error().detail.find("c0de") == std::string::npos);
      CPPUNIT_ASSERT(changed.error().detail.find("Bad URL") != std::string::npos);
    }
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(WebhookApiTest);

}  // namespace
}  // namespace mbr::activecampaign
