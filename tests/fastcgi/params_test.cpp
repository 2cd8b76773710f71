#include "fastcgi/params.h"

#include <cppunit/extensions/HelperMacros.h>

#include <string>
#include <vector>

namespace {

using namespace mbr;
using fastcgi::Announced;

Announced read(std::vector<const char*> parameters, http::Request& request) {
  parameters.push_back(nullptr);
  return fastcgi::readParams(parameters.data(), request);
}

class ParamsTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(ParamsTest);
  CPPUNIT_TEST(aRequestHoldsWhatNginxSays);
  CPPUNIT_TEST(headersGetLowerCaseNamesWithDashes);
  CPPUNIT_TEST(authorizationAndProxyAreNoHeaders);
  CPPUNIT_TEST(onlyOurOwnParametersAreKept);
  CPPUNIT_TEST(thePathEndsAtTheQuestionMark);
  CPPUNIT_TEST(anAbsoluteUriLosesSchemeAndHost);
  CPPUNIT_TEST(aSafeRequestIdIsTakenOver);
  CPPUNIT_TEST(anUnsafeRequestIdIsReplaced);
  CPPUNIT_TEST(aLengthIsANumberOrMissing);
  CPPUNIT_TEST(withoutParametersThereIsNoMethod);
  CPPUNIT_TEST_SUITE_END();

  void aRequestHoldsWhatNginxSays() {
    http::Request request;
    const auto announced =
        read({"REQUEST_METHOD=POST", "REQUEST_URI=/a%20b?x=1=2", "QUERY_STRING=x=1=2",
              "DOCUMENT_URI=/.membergate/hook", "CONTENT_TYPE=text/plain; charset=utf-8",
              "CONTENT_LENGTH=12", "REMOTE_ADDR=192.0.2.7", "HTTPS=on", "novalue"},
             request);
    CPPUNIT_ASSERT(announced.hasMethod);
    CPPUNIT_ASSERT_EQUAL(std::size_t{12}, announced.contentLength.value());
    CPPUNIT_ASSERT_EQUAL(std::string("POST"), request.method);
    CPPUNIT_ASSERT_EQUAL(std::string("/a%20b"), request.path);
    CPPUNIT_ASSERT_EQUAL(std::string("x=1=2"), request.query);
    CPPUNIT_ASSERT_EQUAL(std::string("/.membergate/hook"), request.documentUri);
    CPPUNIT_ASSERT_EQUAL(std::string("text/plain; charset=utf-8"), request.contentType);
    CPPUNIT_ASSERT_EQUAL(std::string("192.0.2.7"), request.remoteAddress);
    CPPUNIT_ASSERT(request.https);
  }

  void headersGetLowerCaseNamesWithDashes() {
    http::Request request;
    read({"HTTP_IF_NONE_MATCH=\"7\"", "HTTP_PREFER=wait=2"}, request);
    CPPUNIT_ASSERT(request.header("if-none-match") == "\"7\"");
    CPPUNIT_ASSERT(request.header("prefer") == "wait=2");
    CPPUNIT_ASSERT(request.header("absent").empty());
  }

  void authorizationAndProxyAreNoHeaders() {
    http::Request request;
    read({"HTTP_AUTHORIZATION=Bearer k", "HTTP_PROXY=http://evil"}, request);
    CPPUNIT_ASSERT_EQUAL(std::string("Bearer k"), request.authorization);
    CPPUNIT_ASSERT(request.headers.empty());
  }

  void onlyOurOwnParametersAreKept() {
    http::Request request;
    read({"MEMBERGATE_RULE=gold", "SERVER_NAME=example.org"}, request);
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, request.params.size());
    CPPUNIT_ASSERT_EQUAL(std::string("gold"), request.params["MEMBERGATE_RULE"]);
  }

  void thePathEndsAtTheQuestionMark() {
    http::Request request;
    read({"REQUEST_URI=/?next=http://other/x"}, request);
    CPPUNIT_ASSERT_EQUAL(std::string("/"), request.path);
  }

  void anAbsoluteUriLosesSchemeAndHost() {
    http::Request request;
    read({"REQUEST_URI=https://example.org/a/b?c"}, request);
    CPPUNIT_ASSERT_EQUAL(std::string("/a/b"), request.path);
    read({"REQUEST_URI=https://example.org"}, request);
    CPPUNIT_ASSERT_EQUAL(std::string("/"), request.path);
  }

  void aSafeRequestIdIsTakenOver() {
    http::Request request;
    read({"MEMBERGATE_REQUEST_ID=Ab-9_z"}, request);
    CPPUNIT_ASSERT_EQUAL(std::string("Ab-9_z"), request.requestId);
  }

  void anUnsafeRequestIdIsReplaced() {
    const std::string tooLong = "MEMBERGATE_REQUEST_ID=" + std::string(65, 'a');
    for (const char* unsafe : {"MEMBERGATE_REQUEST_ID=a\nb", "MEMBERGATE_REQUEST_ID=",
                               "MEMBERGATE_REQUEST_ID=\"x\"", tooLong.c_str()}) {
      http::Request request;
      read({unsafe}, request);
      CPPUNIT_ASSERT_EQUAL(std::size_t{32}, request.requestId.size());
      CPPUNIT_ASSERT(request.requestId.find_first_not_of("0123456789abcdef") == std::string::npos);
    }
  }

  void aLengthIsANumberOrMissing() {
    http::Request request;
    CPPUNIT_ASSERT(read({}, request).contentLength == std::size_t{0});
    CPPUNIT_ASSERT(read({"CONTENT_LENGTH="}, request).contentLength == std::size_t{0});
    for (const char* wrong : {"CONTENT_LENGTH=-1", "CONTENT_LENGTH=1x", "CONTENT_LENGTH= 1",
                              "CONTENT_LENGTH=99999999999999999999999"}) {
      CPPUNIT_ASSERT(!read({wrong}, request).contentLength);
    }
  }

  void withoutParametersThereIsNoMethod() {
    http::Request request;
    CPPUNIT_ASSERT(!read({}, request).hasMethod);
    CPPUNIT_ASSERT(!request.requestId.empty());
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(ParamsTest);

}  // namespace
