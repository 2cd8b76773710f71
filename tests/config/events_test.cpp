// The keys by which Membergate hears of changes, and of what it missed: the event webhook, the
// rule of passwords that no webhook asked for, and the shed socket.
#include <cppunit/extensions/HelperMacros.h>

#include <string>
#include <vector>

#include "conf_fixture.h"
#include "config/config.h"

using namespace mbr;
using namespace mbr::config;
using Who = members::PasswordRule::Who;

class EventsTest : public test::ConfFixture {
  CPPUNIT_TEST_SUITE(EventsTest);
  CPPUNIT_TEST(theModeIsOneOfTwoWords);
  CPPUNIT_TEST(thePublicUrlIsKeptAsSchemeAndHost);
  CPPUNIT_TEST(thePublicUrlHoldsNothingElse);
  CPPUNIT_TEST(aUserInThePublicUrlIsNotShown);
  CPPUNIT_TEST(eventsNeedAPublicUrl);
  CPPUNIT_TEST(aBadPublicUrlIsNotCalledMissingToo);
  CPPUNIT_TEST(eventNamesAreLowerCaseLettersAndUnderscores);
  CPPUNIT_TEST(sourcesAreThoseListed);
  CPPUNIT_TEST(autoMeansNoneForAutomationsAndAllForEvents);
  CPPUNIT_TEST(aRuleThatIsWrittenOutDoesNotDependOnTheMode);
  CPPUNIT_TEST(tagsOfTheRuleMayRepeatTheirPrefix);
  CPPUNIT_TEST(otherRulesAreRefused);
  CPPUNIT_TEST(whatFollowsAPasswordGoesByIds);
  CPPUNIT_TEST(whatFollowsAPasswordThatNobodyGetsWarns);
  CPPUNIT_TEST(anEmptyShedSocketIsOff);
  CPPUNIT_TEST(aShedSocketIsAnAbsolutePathThatASocketCanHave);
  CPPUNIT_TEST_SUITE_END();

  const std::string url_ = "webhooks.public_url = ";
  const std::string events_ = "webhooks.mode = events\nwebhooks.public_url = https://example.com\n";

  void theModeIsOneOfTwoWords() {
    CPPUNIT_ASSERT(!take("webhooks.mode = automation").hooks.wanted);
    CPPUNIT_ASSERT(take(events_).hooks.wanted);
    refuses(":5: key `webhooks.mode`: got `both`, expected one word, automation, events",
            "webhooks.mode = both");
  }

  void thePublicUrlIsKeptAsSchemeAndHost() {
    struct Case {
      const char* written;
      const char* kept;
    };
    for (const Case& each : {
             Case{"https://example.com", "https://example.com"},
             Case{"https://example.com/", "https://example.com"},
             Case{"HTTPS://Example.COM:443/", "https://example.com"},
             Case{"https://example.com:8443", "https://example.com:8443"},
             Case{"http://127.0.0.1:8080/", "http://127.0.0.1:8080"},
             Case{"http://localhost:80", "http://localhost"},
             Case{"http://[::1]:8080", "http://[::1]:8080"},
         }) {
      CPPUNIT_ASSERT_EQUAL(std::string(each.kept), take(url_ + each.written).hooks.publicUrl);
    }
  }

  void thePublicUrlHoldsNothingElse() {
    struct Case {
      const char* written;
      const char* problem;
    };
    for (const Case& each : {
             Case{"https://example.com/membergate", "which must hold no path"},
             Case{"https://example.com/api/3", "which must hold no path"},
             Case{"https://example.com//", "which must hold no path"},
             Case{"https://example.com?a=b", "which must hold no user, query or fragment"},
             Case{"https://", "which must name a host, and a port from 1 to 65535 if any"},
             Case{"https://example.com:0",
                  "which must name a host, and a port from 1 to 65535 if any"},
             Case{"example.com", "which must begin with https://"},
             Case{"ftp://example.com", "which must begin with https://"},
             Case{"http://example.com",
                  "which must begin with https://; plain http is for loopback hosts only"},
         }) {
      refuses(
          ":5: key `webhooks.public_url`: got `" + std::string(each.written) + "`, " + each.problem,
          url_ + each.written);
    }
  }

  void aUserInThePublicUrlIsNotShown() {
    CPPUNIT_ASSERT(!holds(problems(url_ + "https://me:hunter2@example.com"), "hunter2"));
  }

  void eventsNeedAPublicUrl() {
    const std::string problem =
        "key `webhooks.public_url`: missing while webhooks.mode is events, expected an https:// "
        "address without a path";
    refuses(": " + problem, "webhooks.mode = events");
    refuses(":6: " + problem, "webhooks.mode = events\nwebhooks.public_url =");
    CPPUNIT_ASSERT_EQUAL(std::string(),
                         take("webhooks.mode = automation\nwebhooks.public_url =").hooks.publicUrl);
  }

  void aBadPublicUrlIsNotCalledMissingToo() {
    refuses(":6: key `webhooks.public_url`: got `example.com`, which must begin with https://",
            "webhooks.mode = events\nwebhooks.public_url = example.com");
  }

  void eventNamesAreLowerCaseLettersAndUnderscores() {
    CPPUNIT_ASSERT(take("webhooks.events = deal_add").hooks.events ==
                   std::vector<std::string>{"deal_add"});
    for (const char* value : {"Subscribe", "subscribe update", "subscribe,tag-added", "*", ","}) {
      refuses(":5: key `webhooks.events`: got `" + std::string(value) +
                  "`, expected event names by comma, lower-case letters and underscores",
              "webhooks.events = " + std::string(value));
    }
    refuses(
        ":5: key `webhooks.events`: got nothing, expected event names by comma, lower-case "
        "letters and underscores",
        "webhooks.events =");
  }

  void sourcesAreThoseListed() {
    CPPUNIT_ASSERT(take("webhooks.sources = system").hooks.sources ==
                   std::vector<std::string>{"system"});
    for (const char* value : {"public,others", "API", ","}) {
      refuses(":5: key `webhooks.sources`: got `" + std::string(value) +
                  "`, expected words by comma, public, admin, api, system",
              "webhooks.sources = " + std::string(value));
    }
  }

  void autoMeansNoneForAutomationsAndAllForEvents() {
    const std::string rule = "password.event_rule = auto\n";
    CPPUNIT_ASSERT(take(rule).passwordRule.who == Who::kNone);
    CPPUNIT_ASSERT(take(events_).passwordRule.who == Who::kAll);
    CPPUNIT_ASSERT(take(events_ + rule).passwordRule.who == Who::kAll);
    CPPUNIT_ASSERT_MESSAGE("the order of the lines does not matter",
                           take(rule + events_).passwordRule.who == Who::kAll);
  }

  void aRuleThatIsWrittenOutDoesNotDependOnTheMode() {
    for (const std::string& mode : {std::string(), events_}) {
      const auto who = [&](const std::string& rule) {
        return take(mode + "password.event_rule = " + rule).passwordRule.who;
      };
      CPPUNIT_ASSERT(who("none") == Who::kNone);
      CPPUNIT_ASSERT(who("all") == Who::kAll);
      CPPUNIT_ASSERT(who("tag:7") == Who::kTagged);
    }
  }

  void tagsOfTheRuleMayRepeatTheirPrefix() {
    for (const char* rule : {"tag:1,2", "tag:1,tag:2", "tag:1 , tag:2", "tag:1,2,1"}) {
      const auto config = take("password.event_rule = " + std::string(rule));
      CPPUNIT_ASSERT_MESSAGE(rule, config.passwordRule.tags == std::vector<TagId>({1, 2}));
    }
  }

  void otherRulesAreRefused() {
    for (const char* rule : {"All", "7", "7,tag:8", "tag:", "tag:Gold", "tag:0", "tag:-1",
                             "tag:1;2", "tag:1,all", "all,tag:1", "tags:1", ","}) {
      refuses(":5: key `password.event_rule`: got `" + std::string(rule) +
                  "`, expected auto, all, none or tag: and tag ids by comma, any one of the tags "
                  "suffices",
              "password.event_rule = " + std::string(rule));
    }
  }

  void whatFollowsAPasswordGoesByIds() {
    const Config c = take(
        "password.event_rule = all\npassword.event_tags = 5, 2,5\n"
        "password.event_automations = 3,1");
    CPPUNIT_ASSERT(c.passwordRule.thenTags == std::vector<TagId>({5, 2}));
    CPPUNIT_ASSERT(c.passwordRule.thenAutomations == std::vector<AutomationId>({3, 1}));
    CPPUNIT_ASSERT(
        take("password.event_tags =\npassword.event_automations =").passwordRule.thenTags.empty());
    for (const char* value : {"Gold", "1,Gold", "0", "tag:1", ","}) {
      refuses(":5: key `password.event_tags`: got `" + std::string(value) +
                  "`, expected tag ids by comma",
              "password.event_tags = " + std::string(value));
      refuses(":5: key `password.event_automations`: got `" + std::string(value) +
                  "`, expected automation ids by comma",
              "password.event_automations = " + std::string(value));
    }
  }

  void whatFollowsAPasswordThatNobodyGetsWarns() {
    const std::string quiet = "login.required_tags = 1\n";
    const std::string then = "password.event_tags = 1\npassword.event_automations = 2\n";
    const std::string why = "without effect, since password.event_rule gives no contact a password";
    for (const char* rule : {"auto", "none"}) {
      const auto warnings = take(quiet + then + "password.event_rule = " + rule).warnings;
      CPPUNIT_ASSERT_EQUAL(std::size_t{2}, warnings.size());
      CPPUNIT_ASSERT_EQUAL(inFile(":6: key `password.event_tags`: " + why), warnings[0]);
      CPPUNIT_ASSERT_EQUAL(inFile(":7: key `password.event_automations`: " + why), warnings[1]);
    }
    CPPUNIT_ASSERT(take(quiet + then + "password.event_rule = tag:1").warnings.empty());
    CPPUNIT_ASSERT(take(quiet + then + events_).warnings.empty());
    CPPUNIT_ASSERT(take(quiet + events_ + "password.event_rule = none").warnings.empty());
  }

  void anEmptyShedSocketIsOff() {
    CPPUNIT_ASSERT_EQUAL(std::string(), take("shed.socket =").shedSocket);
  }

  void aShedSocketIsAnAbsolutePathThatASocketCanHave() {
    const std::string longest = "/" + std::string(106, 's');
    CPPUNIT_ASSERT_EQUAL(longest, take("shed.socket = " + longest).shedSocket);
    const std::string expected = ", expected an absolute path, at most 107 bytes";
    refuses(":5: key `shed.socket`: got no absolute path" + expected, "shed.socket = shed.sock");
    refuses(":5: key `shed.socket`: got `/`" + expected, "shed.socket = /");
    CPPUNIT_ASSERT(holds(problems("shed.socket = " + longest + "s"), expected));
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(EventsTest);
