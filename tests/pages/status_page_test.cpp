#include "pages/status_page.h"

#include <string>
#include <utility>
#include <vector>

#include "access/admin_sessions.h"
#include "pages/rig.h"

namespace mbr::pages {
namespace {

constexpr const char* kStatus = "/membergate/status";
constexpr const char* kLogin = "/membergate/status/login";
constexpr const char* kCookie = "membergate_admin";

ContactFile unknownFile() {
  ContactFile file;
  file.diagnosis.verdict = {"unknown", "No such contact.", "Compare it letter by letter"};
  return file;
}

// What stands in every page after the key: it may load our own files, and run nothing inline.
void assertIsStatusPage(int status, const http::Response& response) {
  CPPUNIT_ASSERT_EQUAL_MESSAGE(response.body, status, response.status);
  CPPUNIT_ASSERT_EQUAL(
      std::string("default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
                  "img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"),
      test::headerOf(response, "Content-Security-Policy"));
  CPPUNIT_ASSERT_EQUAL(std::string("no-store"), test::headerOf(response, "Cache-Control"));
  CPPUNIT_ASSERT_EQUAL(std::string("no-referrer"), test::headerOf(response, "Referrer-Policy"));
  for (const char* foreign : {"<style", "<script>", " style=", "http://", "https://"}) {
    assertHasNot(foreign, response);
  }
}

}  // namespace

class StatusPageTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(StatusPageTest);
  CPPUNIT_TEST(withoutASessionEverythingLeadsToTheForm);
  CPPUNIT_TEST(anAdminKeyOpensThePage);
  CPPUNIT_TEST(aWrongKeyIsAnsweredLateAndThrottledByAddress);
  CPPUNIT_TEST(keysThatCannotBeReadOpenNothing);
  CPPUNIT_TEST(everyFormNeedsItsToken);
  CPPUNIT_TEST(logoutEndsTheSession);
  CPPUNIT_TEST(aRevokedKeyShutsThePage);
  CPPUNIT_TEST(thePageSaysHowItIs);
  CPPUNIT_TEST(concernsAreShownOrHidden);
  CPPUNIT_TEST(aRangeIsChosenByName);
  CPPUNIT_TEST(dataAreThoseOfTheRange);
  CPPUNIT_TEST(aDeadJobIsRetriedInTheKeysName);
  CPPUNIT_TEST(aContactIsLookedUpByEmailOrId);
  CPPUNIT_TEST(aContactThatMayLogInIsSaidToDoSo);
  CPPUNIT_TEST(aContactThatIsNotKnownMayHaveLeftTraces);
  CPPUNIT_TEST(foreignTextIsNoMarkup);
  CPPUNIT_TEST(assetsAreKeptForEver);
  CPPUNIT_TEST(whatCannotBeReadIsUnavailable);
  CPPUNIT_TEST_SUITE_END();

  PagesRig rig;
  access::ApiKeys keys{rig.store, rig.random, rig.clock};
  access::AdminSessions sessions{keys, rig.random, rig.clock};
  StatusBoard board;
  std::optional<Error> broken;  // what every source answers
  Result<ContactFile> file = unknownFile();
  Outcome retried = Done{};
  std::string spanAsked;
  std::vector<std::pair<JobId, std::string>> retries;
  std::vector<contacts::Who> questions;
  StatusPage page{rig.layout, rig.csrf, sessions, rig.throttle, sources(), Milliseconds{500}};
  std::string key;

  StatusPage::Sources sources() {
    StatusPage::Sources sources;
    sources.board = [this](const StatusPage::DoneFn<StatusBoard>& done) {
      broken ? done(*broken) : done(board);
    };
    sources.history = [this](const Span& span, const StatusPage::DoneFn<StatusHistory>& done) {
      spanAsked = span.name;
      done(StatusHistory{fromEpochMs(60000), span.step, {{series::kGaps, {1.0, std::nullopt}}}});
    };
    sources.contact = [this](const contacts::Who& who,
                             const StatusPage::DoneFn<ContactFile>& done) {
      questions.push_back(who);
      done(file);
    };
    sources.retry = [this](JobId job, const std::string& actor,
                           const std::function<void(Outcome)>& done) {
      retries.emplace_back(job, actor);
      done(retried);
    };
    return sources;
  }

 public:
  void setUp() override {
    page.registerOn(rig.router);
    const auto made = keys.create("owner", {access::Scope::kAdmin});
    CPPUNIT_ASSERT(made.ok() && keys.reload().ok());
    key = made->reveal();
  }

 private:
  http::Response login() { return rig.send(kLogin, {{"key", key}}); }
  void enter() {
    assertLeadsTo(kStatus, login());
    rig.get(kStatus);
  }
  static void assertLeadsTo(const std::string& target, const http::Response& response) {
    CPPUNIT_ASSERT_EQUAL_MESSAGE(response.body, 303, response.status);
    CPPUNIT_ASSERT_EQUAL(target, test::headerOf(response, "Location"));
  }
  static Job deadJob(JobId id, const std::string& reason) {
    Job job;
    job.id = id;
    job.kind = "password";
    job.state = JobState::kDead;
    job.contactId = 4711;
    job.reason = reason;
    job.attempts = 9;
    job.endedAt = fromEpochMs(1700000000000);
    return job;
  }

  void withoutASessionEverythingLeadsToTheForm() {
    assertLeadsTo(kLogin, rig.get(kStatus));
    rig.assertProblem(401, "key", rig.get("/membergate/status/data"));
    assertIsPage(200, rig.get(kLogin));
    assertLeadsTo(kLogin, rig.sendAgain("/membergate/status/retry", {{"job", "1"}}));
    assertLeadsTo(kLogin, rig.sendAgain("/membergate/status/contact", {{"who", "1"}}));
    rig.cookies[kCookie] = std::string(43, 'A');
    assertLeadsTo(kLogin, rig.get(kStatus));
    CPPUNIT_ASSERT(retries.empty() && questions.empty());
  }

  void anAdminKeyOpensThePage() {
    const auto answered = login();
    assertLeadsTo(kStatus, answered);
    const auto cookie = test::headerOf(answered, "Set-Cookie");
    CPPUNIT_ASSERT_EQUAL(
        std::string("; HttpOnly; SameSite=Strict; Path=/membergate/status; Secure"),
        cookie.substr(cookie.find(';')));
    CPPUNIT_ASSERT_EQUAL(std::size_t{43}, rig.cookies[kCookie].size());
    assertIsStatusPage(200, rig.get(kStatus));
    assertLeadsTo(kStatus, rig.get(kLogin));
    rig.clock.advance(std::chrono::hours{12});
    assertLeadsTo(kLogin, rig.get(kStatus));
  }

  void aWrongKeyIsAnsweredLateAndThrottledByAddress() {
    const auto site = keys.create("site", {access::Scope::kLogin});
    CPPUNIT_ASSERT(site.ok() && keys.reload().ok());
    for (const std::string& wrong : {site->reveal(), std::string("mbr_x"), std::string()}) {
      const auto answered = rig.send(kLogin, {{"key", wrong}});
      assertIsPage(401, answered);
      assertHas("This key does not open the page.", answered);
      CPPUNIT_ASSERT(wrong.empty() || answered.body.find(wrong) == std::string::npos);
      CPPUNIT_ASSERT(rig.recorded->putOffUntil() == rig.clock.steady() + Milliseconds{500});
    }
    rig.send(kLogin, {{"key", "x"}});
    rig.send(kLogin, {{"key", "x"}});
    const auto throttled = login();
    assertIsPage(429, throttled);
    CPPUNIT_ASSERT_EQUAL(std::string("1"), test::headerOf(throttled, "Retry-After"));
    rig.get(kLogin);
    auto other = rig.posting(kLogin, {{"key", key}});
    other.remoteAddress = "198.51.100.1";
    assertLeadsTo(kStatus, rig.visit(other));
  }

  void keysThatCannotBeReadOpenNothing() {
    access::ApiKeys unread{rig.store, rig.random, rig.clock};
    access::AdminSessions none{unread, rig.random, rig.clock};
    rig.store.down = true;
    StatusPage shut{rig.layout, rig.csrf, none, rig.throttle, sources(), Milliseconds{500}};
    http::Router router;
    shut.registerOn(router);
    std::swap(rig.router, router);
    assertIsPage(503, login());
    std::swap(rig.router, router);
  }

  void everyFormNeedsItsToken() {
    rig.page.body.clear();
    assertIsPage(403, rig.sendAgain(kLogin, {{"key", key}}));
    enter();
    rig.page.body.clear();  // no token
    for (const char* path : {"/logout", "/retry", "/contact"}) {
      rig.page.body.clear();
      assertIsPage(403, rig.sendAgain(std::string(kStatus) + path, {{"job", "1"}, {"who", "1"}}));
    }
    CPPUNIT_ASSERT(retries.empty() && questions.empty());
    assertIsStatusPage(200, rig.get(kStatus));
  }

  void logoutEndsTheSession() {
    enter();
    const std::string token = rig.cookies[kCookie];
    assertLeadsTo(kLogin, rig.sendAgain("/membergate/status/logout", {}));
    CPPUNIT_ASSERT_EQUAL(std::string(), rig.cookies[kCookie]);
    rig.cookies[kCookie] = token;
    assertLeadsTo(kLogin, rig.get(kStatus));
  }

  void aRevokedKeyShutsThePage() {
    enter();
    CPPUNIT_ASSERT(keys.revoke("owner").ok() && keys.reload().ok());
    assertLeadsTo(kLogin, rig.get(kStatus));
  }

  void thePageSaysHowItIs() {
    board.version = "1.2.3";
    board.contacts = 1234;
    board.lanes[2].queued = 7;
    board.lanes[2].dead = 1;
    board.deadJobs = {deadJob(81, "no answer")};
    board.gaps.push_back({});
    board.gaps[0].why = gap_reason::kShed;
    board.hour[series::kReceived] = 5000;
    board.day[series::kSlowest] = 0.0421;
    board.lastEvent = fromEpochMs(1700000000000);
    enter();
    const auto& shown = rig.page;
    assertIsStatusPage(200, shown);
    for (const char* part :
         {R"(data-fact="contacts">1234<)", R"(data-fact="lane.password.queued">7<)",
          R"(data-fact="hour.webhooks.received">5000<)", R"(data-fact="day.logins.p99">0.042 s<)",
          R"(data-time="2023-11-14T22:13:20.000Z">2023-11-14 22:13 UTC<)", ">shed<", "no answer",
          R"(<input type="hidden" name="job" value="81">)", "libjs-chart.js"}) {
      assertHas(part, shown);
    }
    assertHasNot("4711", shown);  // nothing of a person
  }

  void concernsAreShownOrHidden() {
    enter();
    assertHas(R"(data-concern="well">)", rig.page);
    assertHas(R"(data-concern="down" hidden>)", rig.page);
    board.account = StatusBoard::Account::kDown;
    board.lanes[0].dead = 1;
    board.gaps.push_back({});
    board.gaps[0].why = gap_reason::kInterval;  // nothing is known to be missing
    rig.get(kStatus);
    assertHas(R"(data-concern="down">)", rig.page);
    assertHas(R"(data-concern="given_up">)", rig.page);
    assertHas(R"(data-concern="missing" hidden>)", rig.page);
    assertHas(R"(data-concern="well" hidden>)", rig.page);
  }

  void aRangeIsChosenByName() {
    enter();
    assertHas(R"(data-span="24h")", rig.page);
    assertHas(R"(data-span="90d")", rig.get(kStatus, "range=90d"));
    assertHas(R"(?range=90d#over-time" aria-current="true">)", rig.page);
    assertHas(R"(data-span="24h")", rig.get(kStatus, "range=%22x"));
  }

  void dataAreThoseOfTheRange() {
    enter();
    board.rate = 4;
    const auto answered = rig.get("/membergate/status/data", "range=7d");
    CPPUNIT_ASSERT_EQUAL(200, answered.status);
    CPPUNIT_ASSERT_EQUAL(std::string("no-store"), test::headerOf(answered, "Cache-Control"));
    CPPUNIT_ASSERT_EQUAL(std::string("7d"), spanAsked);
    const auto data = json::parse(answered.body);
    CPPUNIT_ASSERT(data.ok());
    CPPUNIT_ASSERT_EQUAL(std::int64_t{60000}, *(*data)["from"].asInt());
    CPPUNIT_ASSERT_EQUAL(std::int64_t{3600000}, *(*data)["step"].asInt());
    const auto& gaps = *(*data)["series"]["gaps.open"].asArray();
    CPPUNIT_ASSERT(gaps.size() == 2 && !gaps[0].isNull() && gaps[1].isNull());
    CPPUNIT_ASSERT_EQUAL(std::string("0"), (*data)["facts"]["dead_jobs"].textOr(""));
    CPPUNIT_ASSERT_EQUAL(std::string("well"), (*(*data)["concerns"].asArray())[0].textOr(""));
    rig.assertProblem(400, "invalid_request", rig.get("/membergate/status/data", "range=1y"));
  }

  void aDeadJobIsRetriedInTheKeysName() {
    enter();
    assertLeadsTo("/membergate/status?job=retried",
                  rig.sendAgain("/membergate/status/retry", {{"job", "81"}}));
    CPPUNIT_ASSERT_EQUAL(JobId{81}, retries.at(0).first);
    CPPUNIT_ASSERT_EQUAL(std::string("key:1"), retries.at(0).second);
    assertHas("The job is tried again.", rig.get(kStatus, "job=retried"));
    retried = Error{Code::kConflict, "running"};
    assertLeadsTo("/membergate/status?job=not_retried",
                  rig.sendAgain("/membergate/status/retry", {{"job", "81"}}));
    assertHas("cannot be tried again", rig.get(kStatus, "job=not_retried"));
    retried = Error{Code::kUnavailable, "down"};
    assertIsPage(503, rig.sendAgain("/membergate/status/retry", {{"job", "81"}}));
  }

  void aContactIsLookedUpByEmailOrId() {
    enter();
    const auto lookUp = [&](const std::string& who) {
      rig.get(kStatus);
      return rig.sendAgain("/membergate/status/contact", {{"who", who}});
    };
    assertIsStatusPage(404, lookUp("jane@example.com"));
    for (const char* part : {"Nothing is kept of this contact.", "Can this member log in?",
                             R"(<p class="bad" data-verdict="unknown">No such contact.</p>)",
                             "<p>Compare it letter by letter</p>"}) {
      assertHas(part, rig.page);
    }
    assertHasNot("Timeline", rig.page);
    CPPUNIT_ASSERT_EQUAL(std::string("jane@example.com"), questions.at(0).email->text());
    assertIsStatusPage(404, lookUp("nobody at all"));
    assertHasNot("Can this member", rig.page);
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, questions.size());
    ContactFile found;
    found.contact = *json::parse(R"({"id":"42","email":"jane@example.com","phone":null,
        "tags":[{"id":"12","name":"Gold"},{"id":"13","name":""}],"fields":{"CITY":"Bern"},
        "confirmed":true})")
                         ->asObject();
    found.hasPassword = true;
    found.timeline = {{fromEpochMs(1700000000000), "job", "81 password dead no answer"}};
    found.diagnosis = {
        {{"contact", members::Mark::kGood, "known", fromEpochMs(1700000000000)},
         {"password", members::Mark::kNote, "was wiped", std::nullopt},
         {"tags", members::Mark::kBad, "no member's tag", std::nullopt}},
        {"tag_missing", "The contact carries none of the tags.", "Give it one of these: Member"}};
    file = found;
    assertIsStatusPage(200, lookUp("42"));
    CPPUNIT_ASSERT_EQUAL(ContactId{42}, *questions.at(1).id);
    for (const char* part :
         {"<td>jane@example.com</td>", "<td>Gold, 13</td>",
          R"(<th scope="row">fields.CITY</th><td>Bern</td>)", "<td>true</td>", "is known here",
          "81 password dead no answer",
          R"(data-verdict="tag_missing">The contact carries none of the tags.<)",
          "<p>Give it one of these: Member</p>",
          R"(<td class="good">good</td><td>contact</td><td>known <time )",
          R"(<td class="note">note</td><td>password</td><td>was wiped</td>)",
          R"(<td class="bad">bad</td><td>tags</td><td>no member&#39;s tag</td>)"}) {
      assertHas(part, rig.page);
    }
  }

  void aContactThatMayLogInIsSaidToDoSo() {
    enter();
    ContactFile found;
    found.contact = json::Object{{"id", "42"}};
    found.diagnosis.verdict = {"may_log_in", "Nothing stops this login.", "For a new password: x"};
    file = found;
    assertIsStatusPage(200, rig.sendAgain("/membergate/status/contact", {{"who", "42"}}));
    assertHas(R"(<p class="good" data-verdict="may_log_in">Nothing stops this login.</p>)",
              rig.page);
  }

  void aContactThatIsNotKnownMayHaveLeftTraces() {
    enter();
    ContactFile found = unknownFile();
    found.timeline = {{fromEpochMs(1700000000000), "delivery", "7, mbr_genpass, ignored"}};
    file = found;
    assertIsStatusPage(404, rig.sendAgain("/membergate/status/contact", {{"who", "42"}}));
    assertHas("7, mbr_genpass, ignored", rig.page);
    assertHasNot("Nothing is kept", rig.page);
    assertHasNot("In the cache", rig.page);
  }

  void foreignTextIsNoMarkup() {
    const std::string evil = "<script>alert(1)</script>\"'&";
    board.deadJobs = {deadJob(1, evil)};
    enter();
    assertHas("&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;", rig.page);
    assertHasNot("<script>alert", rig.page);
    ContactFile found;
    found.contact = json::Object{{"first_name", evil}, {"fields", json::Object{{evil, evil}}}};
    found.diagnosis = {{{evil, members::Mark::kBad, evil, std::nullopt}}, {evil, evil, evil}};
    found.timeline = {{{}, "delivery", evil}};
    file = found;
    rig.sendAgain("/membergate/status/contact", {{"who", "42"}});
    assertHasNot("<script>alert", rig.page);
    rig.get(kStatus);
    rig.sendAgain("/membergate/status/contact", {{"who", evil}});
    assertHasNot("<script>alert", rig.page);
  }

  void assetsAreKeptForEver() {
    enter();
    const auto pathAfter = [&](const std::string& start) {
      const auto from = rig.page.body.find(start) + start.size();
      return rig.page.body.substr(from, rig.page.body.find('"', from) - from);
    };
    const std::string style = pathAfter(R"(<link rel="stylesheet" href=")");
    const std::string script = pathAfter(R"(chart.js"></script>
<script defer src=")");
    rig.cookies.clear();
    const auto css = rig.get(style);
    CPPUNIT_ASSERT_EQUAL(200, css.status);
    CPPUNIT_ASSERT_EQUAL(std::string("text/css; charset=utf-8"), css.contentType);
    CPPUNIT_ASSERT_EQUAL(std::string("public, max-age=31536000, immutable"),
                         test::headerOf(css, "Cache-Control"));
    CPPUNIT_ASSERT(css.bodyView().find("prefers-color-scheme") != std::string_view::npos);
    const auto js = rig.get(script);
    CPPUNIT_ASSERT_EQUAL(200, js.status);
    CPPUNIT_ASSERT_EQUAL(std::string("text/javascript; charset=utf-8"), js.contentType);
    CPPUNIT_ASSERT(js.bodyView().find("\"use strict\"") != std::string_view::npos);
  }

  void whatCannotBeReadIsUnavailable() {
    enter();
    file = Error{Code::kUnavailable, "down"};
    assertIsPage(503, rig.sendAgain("/membergate/status/contact", {{"who", "42"}}));
    broken = Error{Code::kBusy, "much", Milliseconds{1000}};
    assertIsPage(503, rig.get(kStatus));
    CPPUNIT_ASSERT_EQUAL(std::string("1"), test::headerOf(rig.page, "Retry-After"));
    CPPUNIT_ASSERT_EQUAL(503, rig.get("/membergate/status/data").status);
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(StatusPageTest);

}  // namespace mbr::pages
