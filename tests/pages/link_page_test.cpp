#include "pages/link_page.h"

#include <optional>
#include <vector>

#include "pages/rig.h"
#include "passwords/password_text.h"

namespace mbr::pages {

class LinkPageTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(LinkPageTest);
  CPPUNIT_TEST(theFormIsTheSameForAnyToken);
  CPPUNIT_TEST(thePasswordIsSet);
  CPPUNIT_TEST(passwordsThatDifferBurnNothing);
  CPPUNIT_TEST(whatMayBeNoPasswordIsToldInTheVisitorsWords);
  CPPUNIT_TEST(aDeadLinkLeadsToTheResetPage);
  CPPUNIT_TEST(whatDidNotWorkCanBeTriedAgain);
  CPPUNIT_TEST(aFormOfAnotherSiteSetsNothing);
  CPPUNIT_TEST(noPageShowsAPassword);
  CPPUNIT_TEST_SUITE_END();

  static constexpr const char* kLink = "/membergate/link";
  static constexpr const char* kGood = "Staple-Battery-9";
  const Email email = *Email::parse("jane@example.com");
  PagesRig rig;
  std::vector<std::string> tokens;  // that a password was set by
  std::optional<Error> failing;
  LinkPage page{rig.layout, rig.csrf,
                [this](const Secret& token, const Secret& password, const auto& done) {
                  const auto valid = passwords::checkChosenPassword(password.reveal(), email);
                  if (failing) return done(*failing);
                  if (!valid) return done(valid.error());
                  tokens.push_back(token.reveal());
                  done(JobId{7});
                }};

 public:
  void setUp() override { page.registerOn(rig.router); }

 private:
  http::Response set(const std::string& password, const std::string& repeat) {
    return rig.send(kLink, {{"t", "TOKEN<1>"}, {"password", password}, {"repeat", repeat}});
  }
  http::Response set(const std::string& password) { return set(password, password); }
  void assertFormAgain(int status, const std::string& sentence, const http::Response& answered) {
    assertIsPage(status, answered);
    assertHas("<p role=\"alert\" id=\"alert\">" + sentence, answered);
    assertHas(R"(name="t" value="TOKEN&lt;1&gt;")", answered);
    CPPUNIT_ASSERT(tokens.empty());
  }

  void theFormIsTheSameForAnyToken() {
    rig.get(kLink);  // the cookie is there from here on
    const auto first = rig.get(kLink, "t=AAAA");
    assertIsPage(200, first);
    assertHas(R"(<input type="hidden" name="t" value="AAAA">)", first);
    assertHas(R"(autocomplete="new-password")", first);
    auto second = rig.get(kLink, "t=BBBB");
    second.body.replace(second.body.find("BBBB"), 4, "AAAA");
    CPPUNIT_ASSERT_EQUAL(first.body, second.body);
    for (const char* query : {"", "t=", "t", "x=1", "t=%zz", "t=%22%3E%3Cb%3E"}) {
      assertIsPage(200, rig.get(kLink, query));
      assertHasNot("<b>", rig.page);
    }
    CPPUNIT_ASSERT(tokens.empty());
  }

  void thePasswordIsSet() {
    const auto answered = set(kGood);
    assertIsPage(200, answered);
    assertHas("Your new password is set.", answered);
    assertHas(R"(<a href="/membergate/login">)", answered);
    assertHasNot("<form", answered);
    CPPUNIT_ASSERT(tokens == std::vector<std::string>{"TOKEN<1>"});
  }

  void passwordsThatDifferBurnNothing() {
    assertFormAgain(422, "The two passwords are not the same.", set(kGood, "Staple-Battery-8"));
    assertFormAgain(422, "The two passwords are not the same.", set(kGood, ""));
  }

  void whatMayBeNoPasswordIsToldInTheVisitorsWords() {
    assertFormAgain(422, "The password must have at least 10 characters.", set("short"));
    assertFormAgain(422, "The password must not be your e-mail.", set("Jane@Example.com"));
    assertFormAgain(422, "This password is too easy to guess.", set("password123!"));
    assertFormAgain(422, "This password cannot be used", set(std::string(257, 'x')));
    assertFormAgain(422, "This password cannot be used", set("line\nline line"));
    failing = Error{Code::kInvalid, "a reason that is not known here"};
    assertFormAgain(422, "This password cannot be used", set(kGood));
  }

  void aDeadLinkLeadsToTheResetPage() {
    failing = Error{Code::kDenied, "used"};
    const auto answered = set(kGood);
    assertIsPage(403, answered);
    assertHas("This link is not valid any more", answered);
    assertHas(R"(<a href="/membergate/reset">)", answered);
    assertHasNot("<form", answered);
  }

  void whatDidNotWorkCanBeTriedAgain() {
    for (const Code code : {Code::kBusy, Code::kUnavailable, Code::kInternal}) {
      failing = Error{code, "why"};
      const auto answered = set(kGood);
      assertFormAgain(503, "This did not work.", answered);
      CPPUNIT_ASSERT(!test::headerOf(answered, "Retry-After").empty());
    }
  }

  void aFormOfAnotherSiteSetsNothing() {
    rig.get(kLink, "t=TOKEN%3C1%3E");
    auto foreign = rig.posting(kLink, {{"t", "TOKEN<1>"}, {"password", kGood}, {"repeat", kGood}});
    foreign.headers.erase("cookie");
    assertFormAgain(403, "This form was too old", rig.answer(foreign));
  }

  void noPageShowsAPassword() {
    for (const auto& failure :
         {Error{Code::kDenied, ""}, Error{Code::kUnavailable, ""}, Error{Code::kInvalid, ""}}) {
      failing = failure;
      assertHasNot(kGood, set(kGood));
    }
    assertHasNot(kGood, set(kGood, "x"));
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(LinkPageTest);

}  // namespace mbr::pages
