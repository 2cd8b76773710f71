#include "http/router.h"

#include <cppunit/extensions/HelperMacros.h>

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>

namespace {

using namespace mbr;

// Keeps the answer.
class KeptAnswer final : public http::ReplySink {
 public:
  void complete(http::Response response) override { answer = std::move(response); }
  void completeAt(SteadyInstant, http::Response response) override { answer = std::move(response); }
  bool expireAt(SteadyInstant, http::Response) override { return true; }

  std::optional<http::Response> answer;
};

// Answers with its name and what the path held.
http::Handler named(const std::string& name) {
  return [name](const http::Request&, const http::PathParams& params, const http::Reply& reply) {
    http::Response response;
    response.body = name;
    for (const auto& [key, value] : params) response.body += " " + key + "=" + value;
    reply.send(std::move(response));
  };
}

class RouterTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(RouterTest);
  CPPUNIT_TEST(aPathFindsItsHandler);
  CPPUNIT_TEST(namesTakeOneDecodedSegment);
  CPPUNIT_TEST(segmentsAreDecodedOnce);
  CPPUNIT_TEST(literalSegmentsWinOverNames);
  CPPUNIT_TEST(aSegmentThatIsNoTextIs400);
  CPPUNIT_TEST(unknownPathsAre404);
  CPPUNIT_TEST(otherMethodsAre405WithAllow);
  CPPUNIT_TEST(getServesHead);
  CPPUNIT_TEST(actionsAreFoundByQueryParameter);
  CPPUNIT_TEST(actionsSeeEveryMethod);
  CPPUNIT_TEST(ownPathsHaveNoActions);
  CPPUNIT_TEST(internalLocationsComeFirst);
  CPPUNIT_TEST(aTakenRouteIsABug);
  CPPUNIT_TEST_SUITE_END();

  http::Router router_;

 public:
  void setUp() override {
    router_ = http::Router();
    router_.add("GET", "/membergate/v1/contacts/{contact}", named("get"));
    router_.add("PATCH", "/membergate/v1/contacts/{contact}", named("patch"));
    router_.add("POST", "/membergate/v1/contacts/{contact}/tags", named("tags"));
    router_.add("GET", "/membergate/v1/contacts/search", named("search"));
    router_.add("GET", "/membergate/{a}/{b}/{c}/{d}/{e}", named("deep"));
    router_.add("GET", "/", named("root"));
    router_.addAction("mbr_genpass", named("genpass"));
    router_.addInternal("/.membergate/authz", named("authz"));
  }

 private:
  http::Response answer(const std::string& method, const std::string& path,
                        const std::string& query = "", const std::string& documentUri = "") {
    http::Request request;
    request.method = method;
    request.path = path;
    request.query = query;
    request.documentUri = documentUri.empty() ? path : documentUri;
    const auto sink = std::make_shared<KeptAnswer>();
    router_.handle(request, http::Reply(sink));
    CPPUNIT_ASSERT(sink->answer.has_value());
    return *sink->answer;
  }

  void aPathFindsItsHandler() {
    CPPUNIT_ASSERT_EQUAL(std::string("root"), answer("GET", "/").body);
    CPPUNIT_ASSERT_EQUAL(std::string("patch contact=7"),
                         answer("PATCH", "/membergate/v1/contacts/7").body);
    CPPUNIT_ASSERT_EQUAL(std::string("tags contact=7"),
                         answer("POST", "/membergate/v1/contacts/7/tags").body);
  }

  void namesTakeOneDecodedSegment() {
    CPPUNIT_ASSERT_EQUAL(std::string("get contact=a+b@example.org"),
                         answer("GET", "/membergate/v1/contacts/a+b%40example.org").body);
    CPPUNIT_ASSERT_EQUAL(std::string("get contact=a/b"),
                         answer("GET", "/membergate/v1/contacts/a%2Fb").body);
    CPPUNIT_ASSERT_EQUAL(404, answer("GET", "/membergate/v1/contacts/").status);
  }

  void segmentsAreDecodedOnce() {
    CPPUNIT_ASSERT_EQUAL(std::string("get contact=%2F"),
                         answer("GET", "/membergate/v1/contacts/%252F").body);
    CPPUNIT_ASSERT_EQUAL(404, answer("GET", "/membergate/v1/c%6Fntacts/7").status);
  }

  void literalSegmentsWinOverNames() {
    CPPUNIT_ASSERT_EQUAL(std::string("search"),
                         answer("GET", "/membergate/v1/contacts/search").body);
    // Where the literal has no such method, the name still does.
    CPPUNIT_ASSERT_EQUAL(std::string("patch contact=search"),
                         answer("PATCH", "/membergate/v1/contacts/search").body);
  }

  void aSegmentThatIsNoTextIs400() {
    for (const char* segment : {"%", "%4", "%zz", "%00", "a%0Ab", "%FF", "%C3", "%7F"}) {
      CPPUNIT_ASSERT_EQUAL_MESSAGE(
          segment, 400, answer("GET", std::string("/membergate/v1/contacts/") + segment).status);
    }
  }

  void unknownPathsAre404() {
    for (const char* path : {"", "x", "/x", "//", "/membergate", "/membergate/v1/contacts",
                             "/membergate/v1/contacts/7/", "/membergate/v1/contacts/7/tagsx"}) {
      const auto response = answer("GET", path);
      CPPUNIT_ASSERT_EQUAL_MESSAGE(path, 404, response.status);
      CPPUNIT_ASSERT(response.body.find("\"not_found\"") != std::string::npos);
    }
  }

  void otherMethodsAre405WithAllow() {
    const auto response = answer("DELETE", "/membergate/v1/contacts/7");
    CPPUNIT_ASSERT_EQUAL(405, response.status);
    CPPUNIT_ASSERT_EQUAL(std::string("Allow"), response.headers.at(0).first);
    CPPUNIT_ASSERT_EQUAL(std::string("GET, HEAD, PATCH"), response.headers.at(0).second);
    CPPUNIT_ASSERT(response.body.find("\"method_not_allowed\"") != std::string::npos);
    CPPUNIT_ASSERT_EQUAL(405, answer("get", "/").status);
  }

  void getServesHead() { CPPUNIT_ASSERT_EQUAL(std::string("root"), answer("HEAD", "/").body); }

  void actionsAreFoundByQueryParameter() {
    CPPUNIT_ASSERT_EQUAL(std::string("genpass"), answer("POST", "/", "mbr_genpass=C").body);
    CPPUNIT_ASSERT_EQUAL(std::string("genpass"),
                         answer("POST", "/index.php", "tid=1&mbr_genpass=C").body);
    CPPUNIT_ASSERT_EQUAL(std::string("genpass"), answer("POST", "/", "&&mbr_genpass").body);
    for (const char* query : {"xmbr_genpass=C", "a=mbr_genpass", "mbr_genpassx=C", ""}) {
      CPPUNIT_ASSERT_EQUAL_MESSAGE(query, 405, answer("POST", "/", query).status);
    }
  }

  void actionsSeeEveryMethod() {
    for (const char* method : {"GET", "PUT", "DELETE"}) {
      CPPUNIT_ASSERT_EQUAL(std::string("genpass"), answer(method, "/", "mbr_genpass=C").body);
    }
  }

  void ownPathsHaveNoActions() {
    CPPUNIT_ASSERT_EQUAL(std::string("get contact=7"),
                         answer("GET", "/membergate/v1/contacts/7", "mbr_genpass=C").body);
  }

  void internalLocationsComeFirst() {
    CPPUNIT_ASSERT_EQUAL(std::string("authz"),
                         answer("POST", "/shop", "mbr_genpass=C", "/.membergate/authz").body);
    // A client can write the path, but not nginx' idea of it.
    CPPUNIT_ASSERT_EQUAL(404, answer("GET", "/.membergate/authz", "", "/x").status);
  }

  void aTakenRouteIsABug() {
    CPPUNIT_ASSERT_THROW(router_.add("GET", "/", named("x")), std::logic_error);
    CPPUNIT_ASSERT_THROW(router_.add("PUT", "/membergate/v1/contacts/{other}", named("x")),
                         std::logic_error);
    CPPUNIT_ASSERT_THROW(router_.add("GET", "no-slash", named("x")), std::logic_error);
    CPPUNIT_ASSERT_THROW(router_.addAction("mbr_genpass", named("x")), std::logic_error);
    CPPUNIT_ASSERT_THROW(router_.addInternal("/.membergate/authz", named("x")), std::logic_error);
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(RouterTest);

}  // namespace
