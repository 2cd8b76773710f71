#include "http/json_body.h"

#include <cppunit/extensions/HelperMacros.h>

#include <optional>
#include <string>

namespace {

using namespace mbr;
using http::JsonBody;

http::Request requestWith(std::string body, std::string contentType = "application/json") {
  http::Request request;
  request.requestId = "r1";
  request.contentType = std::move(contentType);
  request.body = std::move(body);
  return request;
}

std::string codeOf(const std::optional<http::Response>& refusal) {
  if (!refusal) return "none";
  auto parsed = json::parse(refusal->body);
  CPPUNIT_ASSERT(parsed.ok());
  return std::to_string(refusal->status) + " " + parsed.value()["code"].textOr("");
}

class JsonBodyTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(JsonBodyTest);
  CPPUNIT_TEST(aGoodBodyIsRead);
  CPPUNIT_TEST(absentMembersAreAbsent);
  CPPUNIT_TEST(anotherMediaTypeIs415);
  CPPUNIT_TEST(utf8IsTheOnlyCharset);
  CPPUNIT_TEST(aBodyThatIsTooLargeIs413);
  CPPUNIT_TEST(anIncompleteBodyIs400);
  CPPUNIT_TEST(textThatIsNoJsonObjectIs400);
  CPPUNIT_TEST(aMissingRequiredMemberIs400);
  CPPUNIT_TEST(wrongTypesAre400);
  CPPUNIT_TEST(textOverItsLimitIs400);
  CPPUNIT_TEST(controlCharactersAre400);
  CPPUNIT_TEST(arraysAreCheckedItemByItem);
  CPPUNIT_TEST(aNumberThatIsNoIdIs400);
  CPPUNIT_TEST(unknownMembersAre400);
  CPPUNIT_TEST(theFirstFaultIsTold);
  CPPUNIT_TEST_SUITE_END();

  void aGoodBodyIsRead() {
    const auto request =
        requestWith(R"({"email":"a@b","note":"","force":true,"tags":["x",7],"fields":{"A":"1"}})");
    JsonBody body(request, 1000);
    CPPUNIT_ASSERT_EQUAL(std::string("a@b"), body.requiredString("email", 254));
    CPPUNIT_ASSERT_EQUAL(std::string(), body.optionalString("note", 10).value());
    CPPUNIT_ASSERT(body.optionalBool("force").value());
    const auto tags = body.optionalStrings("tags", 10, 10);
    CPPUNIT_ASSERT(tags == (std::vector<std::string>{"x", "7"}));
    const auto* fields = body.optionalValue("fields");
    CPPUNIT_ASSERT(fields != nullptr);
    CPPUNIT_ASSERT_EQUAL(std::string("1"), (*fields)["A"].textOr(""));
    CPPUNIT_ASSERT_EQUAL(std::string("none"), codeOf(body.refusal()));
  }

  void absentMembersAreAbsent() {
    const auto request = requestWith(R"({"a":null})");
    JsonBody body(request, 1000);
    CPPUNIT_ASSERT(!body.optionalString("a", 10));
    CPPUNIT_ASSERT(!body.optionalString("b", 10));
    CPPUNIT_ASSERT(!body.optionalBool("c"));
    CPPUNIT_ASSERT(body.optionalStrings("d", 1, 1).empty());
    CPPUNIT_ASSERT(body.optionalValue("e") == nullptr);
    CPPUNIT_ASSERT_EQUAL(std::string("none"), codeOf(body.refusal()));
  }

  void anotherMediaTypeIs415() {
    for (const char* type : {"", "text/plain", "application/x-www-form-urlencoded"}) {
      JsonBody body(requestWith("{}", type), 1000);
      CPPUNIT_ASSERT_EQUAL(std::string("415 unsupported_media_type"), codeOf(body.refusal()));
    }
  }

  void utf8IsTheOnlyCharset() {
    for (const char* type :
         {"application/json; charset=utf-8", "Application/JSON;Charset=\"UTF-8\""}) {
      JsonBody body(requestWith("{}", type), 1000);
      CPPUNIT_ASSERT_EQUAL(std::string("none"), codeOf(body.refusal()));
    }
    JsonBody body(requestWith("{}", "application/json; charset=latin1"), 1000);
    CPPUNIT_ASSERT_EQUAL(std::string("415 unsupported_media_type"), codeOf(body.refusal()));
  }

  void aBodyThatIsTooLargeIs413() {
    JsonBody large(requestWith("{\"a\":\"0123456789\"}"), 10);
    CPPUNIT_ASSERT_EQUAL(std::string("413 too_large"), codeOf(large.refusal()));
    auto request = requestWith("");
    request.bodyState = http::Request::BodyState::kTooLarge;
    JsonBody unread(request, 1000);
    CPPUNIT_ASSERT_EQUAL(std::string("413 too_large"), codeOf(unread.refusal()));
  }

  void anIncompleteBodyIs400() {
    auto request = requestWith("{}");
    request.bodyState = http::Request::BodyState::kIncomplete;
    JsonBody body(request, 1000);
    CPPUNIT_ASSERT_EQUAL(std::string("400 invalid_request"), codeOf(body.refusal()));
  }

  void textThatIsNoJsonObjectIs400() {
    for (const char* text : {"", "[]", "1", "\"a\"", "{", "{\"a\":1,}", "{}x", "{a:1}"}) {
      JsonBody body(requestWith(text), 1000);
      CPPUNIT_ASSERT_EQUAL_MESSAGE(text, std::string("400 invalid_request"),
                                   codeOf(body.refusal()));
    }
  }

  void aMissingRequiredMemberIs400() {
    for (const char* text : {"{}", "{\"a\":null}"}) {
      JsonBody body(requestWith(text), 1000);
      CPPUNIT_ASSERT_EQUAL(std::string(), body.requiredString("a", 10));
      const auto refusal = body.refusal();
      CPPUNIT_ASSERT_EQUAL(std::string("400 invalid_request"), codeOf(refusal));
      CPPUNIT_ASSERT(refusal->body.find("r1") != std::string::npos);
    }
  }

  void wrongTypesAre400() {
    const auto refused = [](const auto& ask) {
      JsonBody body(requestWith(R"({"n":1,"s":"x","o":{}})"), 1000);
      body.optionalValue("n");
      body.optionalValue("s");
      body.optionalValue("o");
      ask(body);
      return codeOf(body.refusal());
    };
    const std::string invalid = "400 invalid_request";
    CPPUNIT_ASSERT_EQUAL(invalid, refused([](JsonBody& b) { b.requiredString("n", 10); }));
    CPPUNIT_ASSERT_EQUAL(invalid, refused([](JsonBody& b) { b.optionalString("o", 10); }));
    CPPUNIT_ASSERT_EQUAL(invalid, refused([](JsonBody& b) { b.optionalBool("s"); }));
    CPPUNIT_ASSERT_EQUAL(invalid, refused([](JsonBody& b) { b.optionalStrings("s", 10, 10); }));
  }

  void textOverItsLimitIs400() {
    JsonBody body(requestWith(R"({"a":"12345"})"), 1000);
    CPPUNIT_ASSERT(!body.optionalString("a", 4));
    CPPUNIT_ASSERT_EQUAL(std::string("400 invalid_request"), codeOf(body.refusal()));
  }

  void controlCharactersAre400() {
    for (const char* text : {R"({"a":"x\u0000y"})", R"({"a":"x\ny"})", R"({"a":"\u007f"})"}) {
      JsonBody body(requestWith(text), 1000);
      body.requiredString("a", 100);
      CPPUNIT_ASSERT_EQUAL_MESSAGE(text, std::string("400 invalid_request"),
                                   codeOf(body.refusal()));
    }
  }

  void arraysAreCheckedItemByItem() {
    for (const char* text : {R"({"a":["x","y","z"]})", R"({"a":["long text"]})", R"({"a":[true]})",
                             R"({"a":[1.5]})", R"({"a":["\n"]})", R"({"a":[null]})"}) {
      JsonBody body(requestWith(text), 1000);
      CPPUNIT_ASSERT(body.optionalStrings("a", 2, 4).empty());
      CPPUNIT_ASSERT_EQUAL_MESSAGE(text, std::string("400 invalid_request"),
                                   codeOf(body.refusal()));
    }
  }

  void aNumberThatIsNoIdIs400() {
    for (const char* text :
         {R"({"a":[0]})", R"({"a":[-1]})", R"({"a":["x",-7]})", R"({"a":[9007199254740992]})"}) {
      JsonBody body(requestWith(text), 1000);
      CPPUNIT_ASSERT(body.optionalStrings("a", 10, 100).empty());
      CPPUNIT_ASSERT_EQUAL_MESSAGE(text, std::string("400 invalid_request"),
                                   codeOf(body.refusal()));
    }
    JsonBody body(requestWith(R"({"a":[1,9007199254740991]})"), 1000);
    CPPUNIT_ASSERT(body.optionalStrings("a", 10, 100) ==
                   (std::vector<std::string>{"1", "9007199254740991"}));
    CPPUNIT_ASSERT_EQUAL(std::string("none"), codeOf(body.refusal()));
  }

  void unknownMembersAre400() {
    JsonBody body(requestWith(R"({"a":"x","emial":"y"})"), 1000);
    body.requiredString("a", 10);
    const auto refusal = body.refusal();
    CPPUNIT_ASSERT_EQUAL(std::string("400 unknown_field"), codeOf(refusal));
    CPPUNIT_ASSERT(refusal->body.find("emial") != std::string::npos);
  }

  void theFirstFaultIsTold() {
    JsonBody body(requestWith(R"({"x":1})"), 1000);
    body.refuse("precondition", "First.");
    body.refuse("conflict", "Second.");
    CPPUNIT_ASSERT_EQUAL(std::string("400 precondition"), codeOf(body.refusal()));
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(JsonBodyTest);

}  // namespace
