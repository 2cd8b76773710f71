#include "http/problem.h"

#include <cppunit/extensions/HelperMacros.h>

#include <chrono>
#include <string>

#include "support/recorded_reply.h"

namespace {

using namespace mbr;
using std::chrono::milliseconds;

json::Value bodyOf(const http::Response& response) {
  auto parsed = json::parse(response.body);
  CPPUNIT_ASSERT_MESSAGE(response.body, parsed.ok());
  return std::move(parsed).value();
}

std::string retryAfter(const http::Response& response) {
  return test::headerOf(response, "Retry-After");
}

class ProblemTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(ProblemTest);
  CPPUNIT_TEST(aProblemSaysWhatHappenedAndToWhichRequest);
  CPPUNIT_TEST(aProblemTakesFurtherMembers);
  CPPUNIT_TEST(everyCodeHasItsStatus);
  CPPUNIT_TEST(onlyTheDetailsOfInvalidAreShown);
  CPPUNIT_TEST(retryAfterIsInWholeSecondsRoundedUp);
  CPPUNIT_TEST(aJsonResponseIsJson);
  CPPUNIT_TEST_SUITE_END();

  void aProblemSaysWhatHappenedAndToWhichRequest() {
    http::Request request;
    request.requestId = "r1";
    const auto response = http::problem(request, 404, "not_found", "No \"such\" contact.");
    CPPUNIT_ASSERT_EQUAL(404, response.status);
    CPPUNIT_ASSERT_EQUAL(std::string("application/problem+json"), response.contentType);
    CPPUNIT_ASSERT_EQUAL(
        std::string("{\"type\":\"about:blank\",\"title\":\"Not Found\",\"status\":404,"
                    "\"code\":\"not_found\",\"detail\":\"No \\\"such\\\" contact.\","
                    "\"request_id\":\"r1\"}"),
        response.body);
  }

  void aProblemTakesFurtherMembers() {
    const auto response = http::problemFor("r1", 422, "refused", "Refused.", {{"results", 3}});
    CPPUNIT_ASSERT_EQUAL(std::int64_t{3}, *bodyOf(response)["results"].asInt());
  }

  void everyCodeHasItsStatus() {
    const struct {
      Code code;
      int status;
      const char* word;
    } rows[] = {{Code::kInvalid, 400, "invalid_request"},
                {Code::kDenied, 403, "scope"},
                {Code::kNotFound, 404, "not_found"},
                {Code::kConflict, 409, "conflict"},
                {Code::kBusy, 503, "busy"},
                {Code::kUnavailable, 503, "unavailable"},
                {Code::kInternal, 500, "internal"}};
    for (const auto& row : rows) {
      const auto response = http::errorResponse("r1", Error{row.code, "detail"});
      CPPUNIT_ASSERT_EQUAL(row.status, response.status);
      CPPUNIT_ASSERT_EQUAL(std::string(row.word), bodyOf(response)["code"].textOr(""));
      CPPUNIT_ASSERT_EQUAL(row.status == 503, !retryAfter(response).empty());
    }
  }

  void onlyTheDetailsOfInvalidAreShown() {
    const auto shown = http::errorResponse("r1", Error{Code::kInvalid, "The id is missing."});
    CPPUNIT_ASSERT_EQUAL(std::string("The id is missing."), bodyOf(shown)["detail"].textOr(""));
    for (const Code code : {Code::kDenied, Code::kNotFound, Code::kConflict, Code::kBusy,
                            Code::kUnavailable, Code::kInternal}) {
      const auto hidden = http::errorResponse("r1", Error{code, "disk /dev/sda1 failed"});
      CPPUNIT_ASSERT(hidden.body.find("sda1") == std::string::npos);
      CPPUNIT_ASSERT(!bodyOf(hidden)["detail"].textOr("").empty());
    }
  }

  void retryAfterIsInWholeSecondsRoundedUp() {
    const auto of = [](milliseconds wait) {
      return retryAfter(http::errorResponse("r1", Error{Code::kBusy, "", wait}));
    };
    CPPUNIT_ASSERT_EQUAL(std::string("1"), of(milliseconds{0}));
    CPPUNIT_ASSERT_EQUAL(std::string("1"), of(milliseconds{1000}));
    CPPUNIT_ASSERT_EQUAL(std::string("2"), of(milliseconds{1001}));
    CPPUNIT_ASSERT_EQUAL(std::string("1"),
                         retryAfter(http::errorResponse("r1", Error{Code::kUnavailable, "", {}})));
  }

  void aJsonResponseIsJson() {
    const auto response = http::jsonResponse(202, json::Object{{"job", "7"}});
    CPPUNIT_ASSERT_EQUAL(202, response.status);
    CPPUNIT_ASSERT_EQUAL(std::string("application/json"), response.contentType);
    CPPUNIT_ASSERT_EQUAL(std::string("{\"job\":\"7\"}"), response.body);
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(ProblemTest);

}  // namespace
