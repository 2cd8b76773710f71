#include "pages/reset_page.h"

#include <optional>
#include <utility>
#include <vector>

#include "pages/rig.h"

namespace mbr::pages {

class ResetPageTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(ResetPageTest);
  CPPUNIT_TEST(theFormIsShown);
  CPPUNIT_TEST(theRequestIsPassedOnWithTheVisitorsAddress);
  CPPUNIT_TEST(theAnswerIsAlwaysTheSame);
  CPPUNIT_TEST(aStoreThatIsDownIsToldJustAsLate);
  CPPUNIT_TEST(aFormOfAnotherSiteAsksForNothing);
  CPPUNIT_TEST_SUITE_END();

  static constexpr const char* kReset = "/membergate/reset";
  PagesRig rig;
  std::vector<std::pair<std::string, std::string>> asked;  // e-mail, address
  std::optional<Error> failing;
  ResetPage page{rig.layout, rig.csrf,
                 [this](const Email& email, std::string_view address, const auto& done) {
                   asked.emplace_back(email.text(), address);
                   done(failing ? Outcome(*failing) : Outcome(Done{}));
                 },
                 Milliseconds{500}};

 public:
  void setUp() override { page.registerOn(rig.router); }

 private:
  void assertPutOff() {
    CPPUNIT_ASSERT(rig.recorded->putOffUntil() == rig.clock.steady() + Milliseconds{500});
  }

  void theFormIsShown() {
    const auto shown = rig.get(kReset);
    assertIsPage(200, shown);
    assertHas(R"(<form method="post" action="/membergate/reset">)", shown);
    assertHas(R"(autocomplete="email")", shown);
    assertHas(R"(<a href="/membergate/login">)", shown);
  }

  void theRequestIsPassedOnWithTheVisitorsAddress() {
    rig.send(kReset, {{"email", " Jane@Example.com"}});
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, asked.size());
    CPPUNIT_ASSERT_EQUAL(std::string("jane@example.com"), asked.front().first);
    CPPUNIT_ASSERT_EQUAL(std::string("203.0.113.7"), asked.front().second);
  }

  void theAnswerIsAlwaysTheSame() {
    const auto first = rig.send(kReset, {{"email", "jane@example.com"}});
    assertIsPage(200, first);
    assertPutOff();
    assertHas("a message is on its way", first);
    for (const char* email : {"unknown@example.com", "no address", "", "<b>@example.com"}) {
      const auto answered = rig.send(kReset, {{"email", email}});
      CPPUNIT_ASSERT_EQUAL(first.status, answered.status);
      CPPUNIT_ASSERT_EQUAL(first.body, answered.body);
      CPPUNIT_ASSERT(first.headers == answered.headers);
      assertPutOff();
    }
  }

  void aStoreThatIsDownIsToldJustAsLate() {
    failing = Error{Code::kUnavailable, "disk"};
    const auto answered = rig.send(kReset, {{"email", "jane@example.com"}});
    assertIsPage(503, answered);
    assertPutOff();
    CPPUNIT_ASSERT(!test::headerOf(answered, "Retry-After").empty());
    assertHasNot("jane@example.com", answered);
    assertHas("<form", answered);
  }

  void aFormOfAnotherSiteAsksForNothing() {
    rig.get(kReset);
    auto foreign = rig.posting(kReset, {{"email", "jane@example.com"}});
    foreign.headers.erase("cookie");
    assertIsPage(403, rig.answer(foreign));
    CPPUNIT_ASSERT(asked.empty());
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(ResetPageTest);

}  // namespace mbr::pages
