#include "config/rules.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "base/joined.h"
#include "config/values.h"

namespace mbr::config {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kApiBodyBytes = 64 * 1024;

struct About {
  std::string name;
  std::string fallback;
  std::string sentence;
};

template <class Set>
Rule duration(About about, Milliseconds least, Milliseconds most, Set set) {
  return {{std::move(about.name), "a duration (ms, s, m, h, d)",
           formatDuration(least) + " to " + formatDuration(most), std::move(about.fallback),
           std::move(about.sentence)},
          [=](Config& config, std::string_view text) -> std::optional<Objection> {
            const auto value = parseDuration(text);
            if (!value || *value < least || *value > most) return asUsual();
            set(config, *value);
            return kTaken;
          }};
}

template <class Set>
Rule size(About about, std::uint64_t least, std::uint64_t most, Set set) {
  return {{std::move(about.name), "a size (B, KB, MB, GB, KiB, MiB, GiB)",
           formatSize(least) + " to " + formatSize(most), std::move(about.fallback),
           std::move(about.sentence)},
          [=](Config& config, std::string_view text) -> std::optional<Objection> {
            const auto value = parseSize(text);
            if (!value || *value < least || *value > most) return asUsual();
            set(config, static_cast<std::size_t>(*value));
            return kTaken;
          }};
}

template <class Set>
Rule count(About about, int least, int most, Set set) {
  return {{std::move(about.name), "a whole number",
           std::to_string(least) + " to " + std::to_string(most), std::move(about.fallback),
           std::move(about.sentence)},
          [=](Config& config, std::string_view text) -> std::optional<Objection> {
            const auto value = parseCount(text);
            if (!value || *value < least || *value > most) return asUsual();
            set(config, static_cast<int>(*value));
            return kTaken;
          }};
}

template <class Value, class Set>
Rule choice(About about, std::vector<std::pair<std::string, Value>> words, Set set) {
  std::string range;
  for (const auto& [word, value] : words) range += (range.empty() ? "" : ", ") + word;
  return {{std::move(about.name), "one word", range, std::move(about.fallback),
           std::move(about.sentence)},
          [words = std::move(words), set](Config& config,
                                          std::string_view text) -> std::optional<Objection> {
            for (const auto& [word, value] : words) {
              if (word != text) continue;
              set(config, value);
              return kTaken;
            }
            return asUsual();
          }};
}

Rule other(About about, std::string unit, std::string range, Reader* read) {
  return {{std::move(about.name), std::move(unit), std::move(range), std::move(about.fallback),
           std::move(about.sentence)},
          read};
}

Rule family(About about, std::string unit, std::string range, NamedReader* read) {
  Rule rule{{std::move(about.name), std::move(unit), std::move(range), std::move(about.fallback),
             std::move(about.sentence)},
            nullptr};
  rule.readNamed = read;
  return rule;
}

Rule required(Rule rule) {
  rule.key.required = true;
  return rule;
}

Rule offIfEmpty(Rule rule) {
  rule.mayBeOff = true;
  return rule;
}

std::vector<Rule> makeRules() {
  const std::string kPath = "an absolute path";
  const sync::HookOptions hooks;
  return {
      other({"listen.socket", "",
             "The unix socket to listen on; without it the socket on descriptor 0 is taken, as "
             "spawn-fcgi and systemd hand it over."},
            kPath, "at most 107 bytes", readSocket),
      other({"server.threads", "auto",
             "How many threads serve requests; auto is one a core and at least 2."},
            "a whole number or auto", "1 to 256", readThreads),
      count({"server.waiting", "1024",
             "How many answers may wait for ActiveCampaign at once; past it a write answers 202 "
             "at once and a poll 503."},
            1, 100000, [](Config& c, int n) { c.server.maxWaiting = static_cast<std::size_t>(n); }),
      other({"store.url", "sqlite:///var/lib/membergate/membergate.db",
             "The database: a SQLite file, which serve and init create if it is missing."},
            "sqlite:// and an absolute path", "", readStoreUrl),
      other({"secrets.master_key_file", "/etc/membergate/master.key",
             "The file of master keys that init makes; back it up together with the database."},
            kPath, "no right for others", readMasterKeyFile),
      required(other({"activecampaign.url", "",
                      "The account's API address, as ActiveCampaign shows it under Settings, "
                      "Developer."},
                     "an https:// address", "plain http:// for loopback hosts only",
                     readAccountUrl)),
      required(other({"activecampaign.key_file", "",
                      "The file that holds the account's API key, alone on one line."},
                     kPath, "no right for others", readAccountKey)),
      other({"activecampaign.ca_file", "",
             "Certificate authorities to trust (PEM) instead of the system's."},
            kPath, "", readCaFile),
      other({"activecampaign.rate", "4/s",
             "Requests a second that Membergate spends, evenly spaced, of the 5 a second that "
             "ActiveCampaign allows an account."},
            "requests a second (4/s)", "0.1/s to 1000/s", readRate),
      duration({"activecampaign.timeout", "10s",
                "How long one request to ActiveCampaign may take, connecting included."},
               1s, 60s, [](Config& c, Milliseconds d) { c.activecampaign.timeout = d; }),
      other({"password.field", "PASSWORD",
             "The personalization tag of the contact field that holds the member's password."},
            "a personalization tag", "letters, digits and underscores", readPasswordField),
      count({"password.length", "24", "How long a generated password is, in characters."}, 8, 64,
            [](Config& c, int n) { c.generator.length = n; }),
      other({"password.alphabet", passwords::Generator::Options{}.alphabet,
             "The characters of generated passwords; with password.length at least 80 bits."},
            "printable ASCII characters", "each once, no blank", readAlphabet),
      other({"password.policy", "keep",
             "What becomes of the password in ActiveCampaign's field: keep leaves it there, wipe- "
             "empties the field so long after the password was set or at the member's first login, "
             "link writes a link to a page where the member sets one instead of a password."},
            "keep, wipe-after: and a duration (1m to 90d), wipe-on-login or link",
            "link needs webhooks.public_url", readPolicy),
      duration({"password.link_life", "7d",
                "How long a link to the page where a member sets a password works."},
               1h, 90 * 24h, [](Config& c, Milliseconds d) { c.linkLife = d; }),
      other({"password.reset_automation", "",
             "The automation that a member enters who asks for a new password; its mail shows the "
             "password field. Without one a link is written into the field, for an automation that "
             "starts when the field changes."},
            "an automation id", "", readResetAutomation),
      other({"password.event_rule", "auto",
             "Which contacts that changed since this installation's first start get a password "
             "without a webhook of their own asking for it; auto is none while webhooks.mode is "
             "automation and all while it is events."},
            "auto, all, none or tag: and tag ids by comma", "any one of the tags suffices",
            readEventRule),
      other({"password.event_tags", "",
             "The tags a contact gets after a password that password.event_rule gave it."},
            "tag ids by comma", "", readEventTags),
      other({"password.event_automations", "",
             "The automations a contact enters after a password that password.event_rule gave "
             "it."},
            "automation ids by comma", "", readEventAutomations),
      count({"password.bulk_from", "10",
             "From how many waiting passwords on they are written to ActiveCampaign by bulk import "
             "instead of one by one; 0 is never."},
            0, 10000, [](Config& c, int n) { c.bulkFrom = n; }),
      choice<members::RefreshPolicy>(
          {"login.refresh", "stale",
           "When a login asks ActiveCampaign first: always, only for stale data, or never."},
          {{"always", members::RefreshPolicy::kAlways},
           {"stale", members::RefreshPolicy::kStale},
           {"never", members::RefreshPolicy::kNever}},
          [](Config& c, members::RefreshPolicy policy) { c.login.refresh = policy; }),
      duration({"login.max_age", "5m", "For how long a pulled contact counts as fresh at login."},
               0s, 24h, [](Config& c, Milliseconds d) { c.login.maxAge = d; }),
      duration({"login.deadline", "1500ms",
                "How long a login waits for ActiveCampaign before it answers from the cache."},
               100ms, 5s, [](Config& c, Milliseconds d) { c.login.deadline = d; }),
      other({"login.required_tags", "",
             "Tags that make a contact a member, any of them suffices; without it every contact "
             "with a password may log in."},
            "tag ids or names by comma", "a name that holds a comma goes by its id",
            readRequiredTags),
      other({"login.ban_tag", "", "The tag that keeps a contact out, whatever else it has."},
            "a tag id or name", "", readBanTag),
      count({"login.queue", "64",
             "How many password checks may wait for a core; past it a login answers 503."},
            1, 10000, [](Config& c, int n) { c.hashPool.queue = static_cast<std::size_t>(n); }),
      duration({"login.failure_time", "500ms",
                "How long after its arrival a refused login is answered, at the earliest, so that "
                "time does not tell known from unknown e-mails."},
               0s, 5s, [](Config& c, Milliseconds d) { c.loginFailureTime = d; }),
      other({"login.last_login_field", "",
             "The personalization tag of the contact field into which the time of a login is "
             "written, at most once an hour; without it none is."},
            "a personalization tag", "letters, digits and underscores", readLastLoginField),
      choice<bool>({"webhooks.mode", "automation",
                    "What tells Membergate of changes: the webhook calls of your automations, or "
                    "an event webhook that it keeps registered in ActiveCampaign by itself."},
                   {{"automation", false}, {"events", true}},
                   [](Config& c, bool events) { c.hooks.wanted = events; }),
      other(
          {"webhooks.public_url", "",
           "Where ActiveCampaign and members reach this site, for the event webhook and for links "
           "to set a password; needed while webhooks.mode is events or password.policy is link."},
          "an https:// address without a path", "plain http:// for loopback hosts only",
          readPublicUrl),
      other({"webhooks.events", joined(hooks.events, ","),
             "What the event webhook is sent for, in ActiveCampaign's names; one registered for "
             "more is left as it is."},
            "event names by comma", "lower-case letters and underscores", readEvents),
      other({"webhooks.sources", joined(hooks.sources, ","),
             "Whose changes the event webhook is sent for: a contact's own, a user's, the API's "
             "or the system's."},
            "words by comma", "public, admin, api, system", readSources),
      size({"webhooks.max_body", "256KiB",
            "The longest webhook body; keep nginx's client_max_body_size and "
            "client_body_buffer_size equal to it."},
           4 << 10, 8 << 20,
           [](Config& c, std::size_t bytes) {
             c.maxWebhookBodyBytes = bytes;
             c.server.maxBodyBytes = std::max(bytes, kApiBodyBytes);
           }),
      duration({"webhooks.duplicate_window", "60s",
                "For how long an identical webhook call is a copy, whose password, tags and "
                "automations are not done again."},
               0s, 24h, [](Config& c, Milliseconds d) { c.deliveries.duplicateWindow = d; }),
      count({"outbox.workers", "4",
             "How many jobs for ActiveCampaign run at once; one thread takes only what a person "
             "waits for."},
            2, 64, [](Config& c, int n) { c.outbox.workers = n; }),
      duration({"sync.interval", "15m",
                "How long from one pass over the contacts that changed in ActiveCampaign to the "
                "next."},
               10s, 24h, [](Config& c, Milliseconds d) { c.sweeps.interval = d; }),
      duration({"sync.overlap", "24h",
                "How far such a pass reaches back behind the newest change seen, at start and once "
                "a day."},
               1min, 30 * 24h, [](Config& c, Milliseconds d) { c.sweeps.overlap = d; }),
      duration({"sync.full_every", "7d",
                "How long from one pass over all contacts to the next; it finds deleted and merged "
                "ones."},
               1min, 90 * 24h, [](Config& c, Milliseconds d) { c.sweeps.fullEvery = d; }),
      offIfEmpty(other({"shed.socket", "/run/membergate/shed.sock",
                        "The unix socket where nginx notes every webhook call that it turned away, "
                        "so that what was missed is fetched; an empty value is off."},
                       kPath, "at most 107 bytes", readShedSocket)),
      size({"cache.max_bytes", "64MB", "How much memory the contacts in use may take."}, 1'000'000,
           64'000'000'000, [](Config& c, std::size_t bytes) { c.cache.maxBytes = bytes; }),
      duration({"session.idle", "12h", "After how long without use a session ends."}, 1min,
               365 * 24h, [](Config& c, Milliseconds d) { c.sessions.idle = d; }),
      duration({"session.absolute", "30d",
                "After how long a session ends in any case; not below session.idle."},
               1min, 3650 * 24h, [](Config& c, Milliseconds d) { c.sessions.absolute = d; }),
      duration({"session.refresh", "15m",
                "How old the data of a member may get whose session was used within 30 minutes."},
               1s, 24h, [](Config& c, Milliseconds d) { c.sessionRefresh = d; }),
      choice<bool>({"autologin.enabled", "no",
                    "Whether links in e-mails (mbr_autologin) may let members in without their "
                    "password."},
                   {{"no", false}, {"yes", true}}, [](Config& c, bool on) { c.autologin = on; }),
      other({"autologin.token_field", "",
             "The personalization tag of a contact field for a token of its own, which each link "
             "must carry as t=%TAG%; Membergate makes the field and fills it for members. Without "
             "it whoever holds one link can enter as any member whose id and e-mail he knows."},
            "a personalization tag", "letters, digits and underscores", readTokenField),
      other({"pages.texts", "",
             "The file with the words that the pages for a browser show, written like "
             "conf/pages.texts.example; without it, and for what it leaves out, those are shown."},
            kPath, "", readPageTexts),
      family({"rule.NAME", "",
              "Who may pass the locations of nginx that name the rule; any number of rules, NAME "
              "of at most 32 letters a-z, digits, - and _."},
             "tag:ID, tag:Name, via:password, via:link, member, any(), all(), not, and, or",
             "a name with blanks or commas in double quotes", readGateRule),
      other({"contacts.hidden_fields", "PASSWORD",
             "Fields that are never stored, served or logged; password.field is always among "
             "them."},
            "personalization tags by comma", "letters, digits and underscores", readHiddenFields),
      choice<ops::LogLevel>({"log.level", "info", "The least important events that are logged."},
                            {{"debug", ops::LogLevel::kDebug},
                             {"info", ops::LogLevel::kInfo},
                             {"warning", ops::LogLevel::kWarning},
                             {"error", ops::LogLevel::kError}},
                            [](Config& c, ops::LogLevel level) { c.logLevel = level; }),
      choice<ops::LogFormat>({"log.format", "json", "JSON for machines, or text for a terminal."},
                             {{"json", ops::LogFormat::kJson}, {"text", ops::LogFormat::kText}},
                             [](Config& c, ops::LogFormat format) { c.logFormat = format; }),
  };
}

}  // namespace

const std::vector<Rule>& rules() {
  static const std::vector<Rule> kRules = makeRules();
  return kRules;
}

std::vector<Key> keys() {
  std::vector<Key> all;
  for (const Rule& rule : rules()) all.push_back(rule.key);
  return all;
}

std::string_view Rule::prefix() const {
  return std::string_view(key.name).substr(0, key.name.rfind('.') + 1);
}

bool Rule::covers(std::string_view name) const {
  return isFamily() ? name.substr(0, prefix().size()) == prefix() : name == key.name;
}

bool isFamilyName(std::string_view name) {
  constexpr std::size_t kMaxName = 32;
  return !name.empty() && name.size() <= kMaxName &&
         name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_-") == std::string_view::npos;
}

std::string expectation(const Key& key) {
  return "expected " + key.unit + (key.range.empty() ? "" : ", " + key.range);
}

}  // namespace mbr::config
