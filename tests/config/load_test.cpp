#include <cppunit/extensions/HelperMacros.h>

#include <string>

#include "conf_fixture.h"
#include "config/config.h"

using namespace mbr;
using namespace mbr::config;
using namespace std::chrono_literals;

class LoadTest : public test::ConfFixture {
  CPPUNIT_TEST_SUITE(LoadTest);
  CPPUNIT_TEST(theRequiredKeysAloneGiveEveryDefault);
  CPPUNIT_TEST(everyKeyReachesItsRoom);
  CPPUNIT_TEST(blanksCommentsAndLineEndsAreTolerated);
  CPPUNIT_TEST(aHashBehindAValueBelongsToIt);
  CPPUNIT_TEST(aMissingFileIsRefused);
  CPPUNIT_TEST(everyProblemIsReportedAtOnceInTheOrderOfLines);
  CPPUNIT_TEST(aKeySetTwiceIsRefused);
  CPPUNIT_TEST(anUnknownKeyIsRefusedWithTheNearestOne);
  CPPUNIT_TEST(aLineThatIsNoAssignmentIsNotQuoted);
  CPPUNIT_TEST(missingRequiredKeysAreNamed);
  CPPUNIT_TEST(emptyValuesMeanNoneOnlyWhereNoneIsTheDefault);
  CPPUNIT_TEST(rangesAreHeldAtBothEnds);
  CPPUNIT_TEST(wordsAreThoseListed);
  CPPUNIT_TEST(thePolicyMayNameATime);
  CPPUNIT_TEST(linksNeedAnAddress);
  CPPUNIT_TEST(theStoreIsASqliteFileByAbsolutePath);
  CPPUNIT_TEST(plainHttpIsForLoopbackOnly);
  CPPUNIT_TEST(longValuesAreShownInPart);
  CPPUNIT_TEST(passwordsOfLessThan80BitsAreRefused);
  CPPUNIT_TEST(sessionsDoNotEndBeforeTheyIdle);
  CPPUNIT_TEST(thePasswordFieldIsAlwaysHidden);
  CPPUNIT_TEST(aRateAboveTheAccountsWarnsUnlessItIsLoopback);
  CPPUNIT_TEST(withoutRequiredTagsThereIsAWarning);
  CPPUNIT_TEST(theLastLoginGoesIntoNoHiddenField);
  CPPUNIT_TEST(anyNumberOfGateRulesIsRead);
  CPPUNIT_TEST(aBrokenGateRuleIsRefusedWithTheParsersWords);
  CPPUNIT_TEST(aGateRulesNameIsShortAndPlain);
  CPPUNIT_TEST_SUITE_END();

  void theRequiredKeysAloneGiveEveryDefault() {
    const Config c = take("");
    CPPUNIT_ASSERT_EQUAL(std::string(), c.server.socketPath);
    CPPUNIT_ASSERT(c.server.threads >= 2);
    CPPUNIT_ASSERT_EQUAL(fastcgi::Options{}.maxWaiting, c.server.maxWaiting);
    CPPUNIT_ASSERT_EQUAL(fastcgi::Options{}.maxBodyBytes, c.server.maxBodyBytes);
    CPPUNIT_ASSERT(c.activecampaign.url.tls);
    CPPUNIT_ASSERT_EQUAL(std::string("acme.api-us1.com"), c.activecampaign.url.host);
    CPPUNIT_ASSERT_EQUAL(activecampaign::Options{}.rate, c.activecampaign.rate);
    CPPUNIT_ASSERT(c.activecampaign.timeout == activecampaign::Options{}.timeout);
    CPPUNIT_ASSERT_EQUAL(std::string(), c.activecampaign.caFile);
    CPPUNIT_ASSERT_EQUAL(std::string("PASSWORD"), c.passwordField);
    CPPUNIT_ASSERT(c.passwordPolicy == PasswordPolicy::kKeep);
    CPPUNIT_ASSERT_EQUAL(passwords::Generator::Options{}.length, c.generator.length);
    CPPUNIT_ASSERT_EQUAL(passwords::Generator::Options{}.alphabet, c.generator.alphabet);
    CPPUNIT_ASSERT_EQUAL(passwords::HashPool::Options{}.queue, c.hashPool.queue);
    CPPUNIT_ASSERT(c.login.refresh == members::LoginOptions{}.refresh);
    CPPUNIT_ASSERT(c.login.maxAge == members::LoginOptions{}.maxAge);
    CPPUNIT_ASSERT(c.login.deadline == members::LoginOptions{}.deadline);
    CPPUNIT_ASSERT(c.login.requiredTags.empty() && !c.login.banTag);
    CPPUNIT_ASSERT(c.lastLoginField.empty());
    CPPUNIT_ASSERT(c.loginFailureTime == 500ms);
    CPPUNIT_ASSERT_EQUAL(std::size_t{262144}, c.maxWebhookBodyBytes);
    CPPUNIT_ASSERT(c.deliveries.duplicateWindow ==
                   members::DeliveryApplier::Options{}.duplicateWindow);
    const sync::HookOptions hooks;
    CPPUNIT_ASSERT(!c.hooks.wanted && c.hooks.publicUrl.empty());
    CPPUNIT_ASSERT(c.hooks.events == hooks.events && c.hooks.sources == hooks.sources);
    const sync::SweepOptions sweeps;
    CPPUNIT_ASSERT(c.sweeps.interval == sweeps.interval && c.sweeps.overlap == sweeps.overlap &&
                   c.sweeps.fullEvery == sweeps.fullEvery);
    CPPUNIT_ASSERT_EQUAL(std::string("/run/membergate/shed.sock"), c.shedSocket);
    CPPUNIT_ASSERT(c.passwordRule.who == members::PasswordRule::Who::kNone);
    CPPUNIT_ASSERT(c.passwordRule.thenTags.empty() && c.passwordRule.thenAutomations.empty());
    CPPUNIT_ASSERT_EQUAL(10, c.bulkFrom);
    CPPUNIT_ASSERT_EQUAL(outbox::Dispatcher::Options{}.workers, c.outbox.workers);
    CPPUNIT_ASSERT_EQUAL(std::size_t{64'000'000}, c.cache.maxBytes);
    CPPUNIT_ASSERT(c.sessions.idle == access::Sessions::Options{}.idle);
    CPPUNIT_ASSERT(c.sessions.absolute == access::Sessions::Options{}.absolute);
    CPPUNIT_ASSERT(c.sessionRefresh == 15min);
    CPPUNIT_ASSERT(c.hiddenFields == std::vector<std::string>{"PASSWORD"});
    CPPUNIT_ASSERT(c.logLevel == ops::LogLevel::kInfo && c.logFormat == ops::LogFormat::kJson);
  }

  void everyKeyReachesItsRoom() {
    folder_.write("ca.pem", "", 0644);
    const Config c = take(
        "listen.socket = /run/x.sock\nserver.threads = 3\nserver.waiting = 7\n"
        "activecampaign.ca_file = " +
        at("ca.pem") +
        "\nactivecampaign.rate = 2.5/s\n"
        "activecampaign.timeout = 3s\npassword.field = pw\npassword.length = 30\n"
        "password.alphabet = abcdefgh\nlogin.refresh = always\nlogin.max_age = 1m\n"
        "login.deadline = 2s\nlogin.required_tags = 12, Gold\nlogin.ban_tag = Banned\n"
        "login.queue = 9\nlogin.failure_time = 0s\nlogin.last_login_field = last_seen\n"
        "webhooks.max_body = 128KiB\n"
        "webhooks.duplicate_window = 2m\noutbox.workers = 8\ncache.max_bytes = 1GB\n"
        "session.idle = 1h\nsession.absolute = 2d\ncontacts.hidden_fields = iban,pin\n"
        "log.level = debug\nlog.format = text\npassword.policy = keep\n"
        "webhooks.mode = events\nwebhooks.public_url = https://example.com\n"
        "webhooks.events = update, sale,update\nwebhooks.sources = api, admin\n"
        "sync.interval = 5m\nsync.overlap = 2h\nsync.full_every = 30d\n"
        "shed.socket = /run/y.sock\npassword.event_rule = tag:9,4\n"
        "password.event_tags = 12, 3\npassword.event_automations = 8\npassword.bulk_from = 0\n");
    CPPUNIT_ASSERT_EQUAL(std::string("/run/x.sock"), c.server.socketPath);
    CPPUNIT_ASSERT_EQUAL(3, c.server.threads);
    CPPUNIT_ASSERT_EQUAL(std::size_t{7}, c.server.maxWaiting);
    CPPUNIT_ASSERT_EQUAL(at("mbr.db"), c.storePath);
    CPPUNIT_ASSERT_EQUAL(at("master.key"), c.masterKeyFile);
    CPPUNIT_ASSERT_EQUAL(at("ca.pem"), c.activecampaign.caFile);
    CPPUNIT_ASSERT_EQUAL(2.5, c.activecampaign.rate);
    CPPUNIT_ASSERT(c.activecampaign.timeout == 3s);
    CPPUNIT_ASSERT_EQUAL(std::string("PW"), c.passwordField);
    CPPUNIT_ASSERT_EQUAL(30, c.generator.length);
    CPPUNIT_ASSERT_EQUAL(std::string("abcdefgh"), c.generator.alphabet);
    CPPUNIT_ASSERT(c.login.refresh == members::RefreshPolicy::kAlways);
    CPPUNIT_ASSERT(c.login.maxAge == 1min && c.login.deadline == 2s);
    CPPUNIT_ASSERT(c.login.requiredTags == std::vector<std::string>({"12", "Gold"}));
    CPPUNIT_ASSERT(c.login.banTag == std::string("Banned"));
    CPPUNIT_ASSERT_EQUAL(std::size_t{9}, c.hashPool.queue);
    CPPUNIT_ASSERT(c.loginFailureTime == 0ms);
    CPPUNIT_ASSERT_EQUAL(std::string("LAST_SEEN"), c.lastLoginField);
    CPPUNIT_ASSERT_EQUAL(std::size_t{131072}, c.maxWebhookBodyBytes);
    CPPUNIT_ASSERT_EQUAL(std::size_t{131072}, c.server.maxBodyBytes);
    CPPUNIT_ASSERT(c.deliveries.duplicateWindow == 2min);
    CPPUNIT_ASSERT(c.hooks.wanted);
    CPPUNIT_ASSERT_EQUAL(std::string("https://example.com"), c.hooks.publicUrl);
    CPPUNIT_ASSERT(c.hooks.events == std::vector<std::string>({"update", "sale"}));
    CPPUNIT_ASSERT(c.hooks.sources == std::vector<std::string>({"api", "admin"}));
    CPPUNIT_ASSERT(c.sweeps.interval == 5min && c.sweeps.overlap == 2h &&
                   c.sweeps.fullEvery == 30 * 24h);
    CPPUNIT_ASSERT_EQUAL(std::string("/run/y.sock"), c.shedSocket);
    CPPUNIT_ASSERT(c.passwordRule.who == members::PasswordRule::Who::kTagged);
    CPPUNIT_ASSERT(c.passwordRule.tags == std::vector<TagId>({9, 4}));
    CPPUNIT_ASSERT(c.passwordRule.thenTags == std::vector<TagId>({12, 3}));
    CPPUNIT_ASSERT(c.passwordRule.thenAutomations == std::vector<AutomationId>{8});
    CPPUNIT_ASSERT_EQUAL(0, c.bulkFrom);
    CPPUNIT_ASSERT_EQUAL(8, c.outbox.workers);
    CPPUNIT_ASSERT_EQUAL(std::size_t{1'000'000'000}, c.cache.maxBytes);
    CPPUNIT_ASSERT(c.sessions.idle == 1h && c.sessions.absolute == 48h);
    CPPUNIT_ASSERT(c.hiddenFields == std::vector<std::string>({"IBAN", "PIN", "PW"}));
    CPPUNIT_ASSERT(c.logLevel == ops::LogLevel::kDebug && c.logFormat == ops::LogFormat::kText);
    CPPUNIT_ASSERT_EQUAL(std::size_t{65536}, take("webhooks.max_body = 4KiB").server.maxBodyBytes);
  }

  void blanksCommentsAndLineEndsAreTolerated() {
    const Config c =
        take("\n   \n# outbox.workers = 9\n\t# note\n\toutbox.workers=5 \t\r\nlog.level =\terror");
    CPPUNIT_ASSERT_EQUAL(5, c.outbox.workers);
    CPPUNIT_ASSERT(c.logLevel == ops::LogLevel::kError);
  }

  void aHashBehindAValueBelongsToIt() {
    CPPUNIT_ASSERT(take("login.ban_tag = Team #1").login.banTag == std::string("Team #1"));
    refuses(":5: key `outbox.workers`: got `4 # few`, expected a whole number, 2 to 64",
            "outbox.workers = 4 # few");
    CPPUNIT_ASSERT(take("login.ban_tag = a=b").login.banTag == std::string("a=b"));
  }

  void aMissingFileIsRefused() {
    const auto config = load(at("absent.conf"));
    CPPUNIT_ASSERT(config.error().code == Code::kInvalid);
    CPPUNIT_ASSERT_EQUAL(at("absent.conf") + ": expected a file that exists",
                         config.error().detail);
    CPPUNIT_ASSERT_EQUAL(folder_.path() + ": expected a regular file",
                         load(folder_.path()).error().detail);
  }

  void everyProblemIsReportedAtOnceInTheOrderOfLines() {
    const auto config = loadText(
        "log.level = loud\nnonsense\noutbox.workers = 0\nlog.format = \xFF\nfoo = 1\n"
        "secrets.master_key_file = " +
        at("master.key") + "\n");
    CPPUNIT_ASSERT_EQUAL(
        inFile(
            ":1: key `log.level`: got `loud`, expected one word, debug, info, warning, error\n") +
            inFile(":2: expected `key = value`\n") +
            inFile(":3: key `outbox.workers`: got `0`, expected a whole number, 2 to 64\n") +
            inFile(":4: key `log.format`: expected UTF-8 text without control characters\n") +
            inFile(":5: key `foo`: unknown\n") +
            inFile(": key `activecampaign.url`: missing, expected an https:// address, plain "
                   "http:// for loopback hosts only\n") +
            inFile(": key `activecampaign.key_file`: missing, expected an absolute path, no right "
                   "for others"),
        config.error().detail);
  }

  void aKeySetTwiceIsRefused() {
    refuses(":7: key `log.level`: set already on line 5, expected once",
            "log.level = info\n\nlog.level = info\n");
  }

  void anUnknownKeyIsRefusedWithTheNearestOne() {
    refuses(":5: key `outbox.worker`: unknown, did you mean `outbox.workers`?",
            "outbox.worker = 4");
    refuses(":5: key `login.maxage`: unknown, did you mean `login.max_age`?", "login.maxage = 5m");
    refuses(":5: key `rate`: unknown, did you mean `activecampaign.rate`?", "rate = 4/s");
    refuses(":5: key `colour`: unknown", "colour = red");
    const std::string secret = problems("activecampaign.key = hunter2");
    CPPUNIT_ASSERT(holds(secret, "did you mean `activecampaign.key_file`?"));
    CPPUNIT_ASSERT(!holds(secret, "hunter2"));
  }

  void aLineThatIsNoAssignmentIsNotQuoted() {
    for (const char* line : {"hunter2", "Hunter2 = x", "= hunter2", "a b = hunter2", "[hunter2]"}) {
      refuses(":5: expected `key = value`", line);
    }
  }

  void missingRequiredKeysAreNamed() {
    const auto config = loadText("secrets.master_key_file = " + at("master.key"));
    CPPUNIT_ASSERT(holds(config.error().detail, inFile(": key `activecampaign.url`: missing, ")));
    CPPUNIT_ASSERT(
        holds(config.error().detail, inFile(": key `activecampaign.key_file`: missing, ")));
  }

  void emptyValuesMeanNoneOnlyWhereNoneIsTheDefault() {
    const Config c = take(
        "listen.socket =\nlogin.ban_tag = \nlogin.required_tags =\n"
        "activecampaign.ca_file =\n");
    CPPUNIT_ASSERT(c.server.socketPath.empty() && !c.login.banTag && c.login.requiredTags.empty());
    refuses(":5: key `outbox.workers`: got nothing, expected a whole number, 2 to 64",
            "outbox.workers =");
    const auto config = loadText("activecampaign.url =\n");
    CPPUNIT_ASSERT(
        holds(config.error().detail, ":1: key `activecampaign.url`: got nothing, expected"));
  }

  void rangesAreHeldAtBothEnds() {
    struct Range {
      const char* key;
      const char* inside[2];
      const char* outside[2];
    };
    for (const Range& range : {
             Range{"server.threads", {"1", "256"}, {"0", "257"}},
             Range{"server.waiting", {"1", "100000"}, {"0", "100001"}},
             Range{"activecampaign.rate", {"0.1/s", "1000/s"}, {"0.09/s", "1000.1/s"}},
             Range{"activecampaign.timeout", {"1s", "60s"}, {"999ms", "61s"}},
             Range{"password.length", {"14", "64"}, {"7", "65"}},
             Range{"login.max_age", {"0s", "24h"}, {"-1s", "25h"}},
             Range{"login.deadline", {"100ms", "5s"}, {"99ms", "6s"}},
             Range{"login.queue", {"1", "10000"}, {"0", "10001"}},
             Range{"login.failure_time", {"0s", "5s"}, {"0", "5001ms"}},
             Range{"webhooks.max_body", {"4KiB", "8MiB"}, {"4095B", "9MB"}},
             Range{"webhooks.duplicate_window", {"0s", "24h"}, {"1", "2d"}},
             Range{"outbox.workers", {"2", "64"}, {"1", "65"}},
             Range{"cache.max_bytes", {"1MB", "64GB"}, {"999KB", "65GB"}},
             Range{"password.bulk_from", {"0", "10000"}, {"-1", "10001"}},
             Range{"sync.interval", {"10s", "24h"}, {"9s", "25h"}},
             Range{"sync.overlap", {"1m", "30d"}, {"59s", "31d"}},
             Range{"sync.full_every", {"1m", "90d"}, {"59s", "91d"}},
             Range{"session.idle", {"1m", "30d"}, {"59s", "366d"}},
             Range{"session.absolute", {"12h", "3650d"}, {"59s", "3651d"}},
             Range{"session.refresh", {"1s", "24h"}, {"999ms", "25h"}},
         }) {
      for (const char* value : range.inside) take(std::string(range.key) + " = " + value);
      for (const char* value : range.outside) {
        const std::string said = problems(std::string(range.key) + " = " + value);
        CPPUNIT_ASSERT_MESSAGE(said, holds(said, ":5: key `" + std::string(range.key) + "`: got `" +
                                                     value + "`, expected "));
      }
    }
  }

  void wordsAreThoseListed() {
    refuses(":5: key `login.refresh`: got `Always`, expected one word, always, stale, never",
            "login.refresh = Always");
    refuses(":5: key `log.format`: got `xml`, expected one word, json, text", "log.format = xml");
  }

  void thePolicyMayNameATime() {
    CPPUNIT_ASSERT(take("").passwordPolicy == PasswordPolicy::kKeep);
    CPPUNIT_ASSERT(take("password.policy = wipe-on-login").passwordPolicy ==
                   PasswordPolicy::kWipeOnLogin);
    const auto timed = take("password.policy = wipe-after:36h");
    CPPUNIT_ASSERT(timed.passwordPolicy == PasswordPolicy::kWipeAfter);
    CPPUNIT_ASSERT(timed.wipeAfter == std::chrono::hours{36});
    for (const char* bad : {"wipe", "wipe-after", "wipe-after:", "wipe-after:30s", "wipe-after:91d",
                            "wipe-after:24", "Keep", "none"}) {
      refuses(":5: key `password.policy`: got `" + std::string(bad) +
                  "`, expected keep, wipe-after: and a duration (1m to 90d), wipe-on-login or "
                  "link, link needs webhooks.public_url",
              "password.policy = " + std::string(bad));
    }
  }

  void linksNeedAnAddress() {
    const auto links = take("password.policy = link\nwebhooks.public_url = https://example.com/");
    CPPUNIT_ASSERT(links.passwordPolicy == PasswordPolicy::kLink);
    CPPUNIT_ASSERT(links.linkLife == std::chrono::hours{7 * 24});
    refuses(
        ": key `webhooks.public_url`: missing while password.policy is link, expected an https:// "
        "address without a path",
        "password.policy = link");
    CPPUNIT_ASSERT(take("password.reset_automation = 7").resetAutomation == AutomationId{7});
    refuses(":5: key `password.reset_automation`: got `seven`, expected an automation id",
            "password.reset_automation = seven");
  }

  void theStoreIsASqliteFileByAbsolutePath() {
    CPPUNIT_ASSERT(parseStoreUrl("sqlite:///var/lib/m.db") == std::string("/var/lib/m.db"));
    for (const char* url : {"", "sqlite://", "sqlite:///", "sqlite://m.db", "/var/lib/m.db",
                            "sqlite:/m.db", "sqlite:///dir/", "sqlite:///m.db?mode=ro",
                            "sqlite:///m%20.db", "postgresql://host/db"}) {
      CPPUNIT_ASSERT_MESSAGE(url, !parseStoreUrl(url));
    }
    const auto config = loadText("store.url = postgresql://host/db\n");
    CPPUNIT_ASSERT(holds(config.error().detail,
                         ":1: key `store.url`: got `postgresql://host/db`, "
                         "expected sqlite:// and an absolute path"));
  }

  void plainHttpIsForLoopbackOnly() {
    const auto withUrl = [this](const std::string& url) {
      return loadText("activecampaign.url = " + url + "\nactivecampaign.key_file = " +
                      at("ac.key") + "\nsecrets.master_key_file = " + at("master.key"));
    };
    CPPUNIT_ASSERT(withUrl("http://127.0.0.1:8080").ok());
    CPPUNIT_ASSERT(withUrl("http://localhost").ok());
    const auto refused = withUrl("http://acme.api-us1.com");
    CPPUNIT_ASSERT_EQUAL(
        inFile(":1: key `activecampaign.url`: got `http://acme.api-us1.com`, which "
               "must begin with https://; plain http is for loopback hosts only"),
        refused.error().detail);
  }

  void longValuesAreShownInPart() {
    const std::string said = problems("log.level = " + std::string(79, 'x') + "\xC3\xA4\xC3\xA4");
    CPPUNIT_ASSERT(holds(said, "got `" + std::string(79, 'x') + "…`, expected"));
  }

  void passwordsOfLessThan80BitsAreRefused() {
    CPPUNIT_ASSERT(holds(problems("password.length = 12"), ":5: key `password.length`: "));
    CPPUNIT_ASSERT(holds(problems("password.length = 24\npassword.alphabet = abc"),
                         ":6: key `password.alphabet`: "));
    CPPUNIT_ASSERT(holds(problems("password.alphabet = aab"), ":5: key `password.alphabet`: "));
  }

  void sessionsDoNotEndBeforeTheyIdle() {
    refuses(
        ":6: key `session.absolute`: session.absolute is below session.idle, expected at least "
        "as much",
        "session.idle = 2h\nsession.absolute = 1h");
    take("session.idle = 2h\nsession.absolute = 2h");
  }

  void thePasswordFieldIsAlwaysHidden() {
    CPPUNIT_ASSERT(take("password.field = pw\ncontacts.hidden_fields = iban").hiddenFields ==
                   std::vector<std::string>({"IBAN", "PW"}));
    CPPUNIT_ASSERT(take("contacts.hidden_fields = password, Password").hiddenFields ==
                   std::vector<std::string>{"PASSWORD"});
    refuses(
        ":5: key `contacts.hidden_fields`: got `%IBAN%`, expected personalization tags by comma, "
        "letters, digits and underscores",
        "contacts.hidden_fields = %IBAN%");
  }

  void aRateAboveTheAccountsWarnsUnlessItIsLoopback() {
    const auto warnings = [](const Config& config) { return config.warnings; };
    const std::string tag = "login.required_tags = 1\n";
    CPPUNIT_ASSERT(warnings(take(tag + "activecampaign.rate = 5/s")).empty());
    const auto above = warnings(take(tag + "activecampaign.rate = 6"));
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, above.size());
    CPPUNIT_ASSERT_EQUAL(inFile(":6: key `activecampaign.rate`: above the 5 requests a second that "
                                "ActiveCampaign allows an account"),
                         above.front());
    const auto loopback = loadText(
        "activecampaign.url = http://127.0.0.1:1\nactivecampaign.key_file = " + at("ac.key") +
        "\nsecrets.master_key_file = " + at("master.key") + "\nactivecampaign.rate = 100\n" + tag);
    CPPUNIT_ASSERT(loopback.ok() && loopback->warnings.empty());
  }

  void withoutRequiredTagsThereIsAWarning() {
    const auto warnings = take("").warnings;
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, warnings.size());
    CPPUNIT_ASSERT_EQUAL(inFile(": key `login.required_tags`: not set, so every contact with a "
                                "password may log in"),
                         warnings.front());
    CPPUNIT_ASSERT(take("login.required_tags = Gold").warnings.empty());
  }

  void theLastLoginGoesIntoNoHiddenField() {
    refuses(
        ":6: key `login.last_login_field`: is a hidden field, expected one that the API may show",
        "contacts.hidden_fields = IBAN\nlogin.last_login_field = iban");
    refuses(
        ":5: key `login.last_login_field`: is a hidden field, expected one that the API may show",
        "login.last_login_field = Password");
  }

  void anyNumberOfGateRulesIsRead() {
    CPPUNIT_ASSERT(take("").gateRules.empty());
    const Config c = take(
        "rule.gold = any(tag:12, tag:Gold) and not tag:Banned\n"
        "rule.a-1_b = member\n"
        "rule." +
        std::string(32, 'x') + " = tag:\"Gold Member\"\n");
    CPPUNIT_ASSERT_EQUAL(std::size_t{3}, c.gateRules.size());
    const auto nobody = [](std::string_view name) -> std::optional<TagId> {
      return name == "Banned" ? std::optional<TagId>(13) : std::nullopt;
    };
    CPPUNIT_ASSERT(c.gateRules.at("gold").admits({{12}, {}, "password"}, nobody));
    CPPUNIT_ASSERT(!c.gateRules.at("gold").admits({{12, 13}, {}, "password"}, nobody));
    CPPUNIT_ASSERT(c.gateRules.at("a-1_b").admits({{}, {}, "password"}, nobody));
  }

  void aBrokenGateRuleIsRefusedWithTheParsersWords() {
    refuses(
        ":5: key `rule.gold`: got `tag:1 &&`, expected \"and\", \"or\" or the end at character 7",
        "rule.gold = tag:1 &&\n");
    refuses(
        ":5: key `rule.a`: got nothing, expected tag:ID, tag:Name, via:password, via:link, "
        "member, any(), all(), not, and, or, a name with blanks or commas in double quotes\n" +
            inFile(":6: key `rule.b`: got `tag:\"x`, a quote is not closed at character 7"),
        "rule.a =\nrule.b = tag:\"x\n");
    refuses(":6: key `rule.a`: set already on line 5, expected once",
            "rule.a = member\nrule.a = member\n");
  }

  void aGateRulesNameIsShortAndPlain() {
    const std::string expected =
        "expected a name of 1 to 32 letters a-z, digits, - and _ behind the point";
    refuses(":5: key `rule.`: " + expected, "rule. = member\n");
    refuses(":5: key `rule.a.b`: " + expected, "rule.a.b = member\n");
    const std::string tooLong = "rule." + std::string(33, 'x');
    refuses(":5: key `" + tooLong + "`: " + expected, tooLong + " = member\n");
    refuses(":5: key `rules.gold`: unknown", "rules.gold = member\n");
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(LoadTest);
