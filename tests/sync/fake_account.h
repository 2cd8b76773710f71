// An ActiveCampaign account in memory, behind the transport's seam.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "activecampaign/transport.h"
#include "base/json.h"
#include "domain/ids.h"
#include "support/fake_clock.h"

namespace mbr::test {

// Answers in the shapes of reference/activecampaign.md, remembers what was asked, and fails on
// demand. Moves the clock by 5 ms a request. Thread-safe; every transport leads to the same
// account.
class FakeAccount {
 public:
  static constexpr Instant kLongAgo{std::chrono::seconds{1672549200}};  // 2023-01-01

  struct Entry {
    std::int64_t id = 0;
    AutomationId automation = 0;
    Instant at{};
    bool ended = false;
  };
  struct Person {
    std::string email;
    std::string firstName;
    std::map<FieldId, std::string> fields;
    std::map<std::int64_t, TagId> tags;  // by association
    std::vector<Entry> entries;
    Instant created = kLongAgo;  // cdate; whole seconds
    Instant updated = kLongAgo;  // udate; writes of the API do not move it here
    std::string lastName{};
    std::string phone{};
    std::map<ListId, int> lists{};  // their status
  };
  enum class Fault {
    kRequestLost,  // nothing happens, no answer
    kAnswerLost,   // it happens, no answer
  };

  explicit FakeAccount(FakeClock& clock);

  std::unique_ptr<activecampaign::Transport> connect();

  // --- what is there; not while requests run
  std::map<ContactId, Person> people;
  std::map<TagId, std::string> tags{{1, "Member"}, {2, "Gold"}};
  std::map<AutomationId, std::string> automations{{5, "Welcome"}, {6, "Second"}};
  std::map<FieldId, std::string> fields{{3, "PASSWORD"}, {6, "CITY"}};
  std::map<ListId, std::string> lists{{9, "News"}};
  std::set<AutomationId> closed;  // answer 403 "Could not create SubscriberSeries"
  bool echo = true;               // answers of writes show the field values
  bool entities = false;          // shows & < > as HTML entities
  bool include = true;            // honours `include`
  bool filterByDay = false;       // updated_after looks at the date alone
  std::set<ContactId> unlisted;   // no page shows them
  // How long an import takes; nothing: it never happens.
  std::optional<Milliseconds> importTakes = Milliseconds{0};
  bool importsEnd = true;         // false: `info` calls them active for ever
  std::set<std::string> skipped;  // e-mails that the importer leaves out

  // --- faults
  // Every request from number `nth` on (1 = the next), until heal().
  void failFrom(int nth, Fault fault);
  void heal();
  // The next request whose line, with or without its query, starts with `start` is answered so;
  // nothing happens.
  void answerOnce(std::string start, int status, std::string body, std::string retryAfter = "");
  // Runs before the next such request takes effect, without a lock.
  void before(std::string start, std::function<void()> happens);

  // --- what happened
  std::vector<std::string> log() const;  // "PUT contacts/42", oldest first; failed ones too
  int count(const std::string& start) const;
  // The same with their queries: "GET contacts?limit=100&orders[id]=ASC&id_greater=0".
  std::vector<std::string> asked(const std::string& start) const;
  void forget();
  // Every text a field was ever given by a write, in order.
  std::vector<std::string> written() const;
  // The same of one contact, each once.
  std::set<std::string> passwordsOf(ContactId contact) const;
  // A tag or automation was asked for before an answer had shown the contact's password.
  bool stepBeforePassword() const;

 private:
  class Line;
  struct Override {
    std::string start;
    int status;
    std::string body;
    std::string retryAfter;
  };
  struct Import {
    Instant queuedAt{};
    json::Value rows;
    bool happened = false;
    json::Array success;
    json::Array failure;
  };

  Result<activecampaign::HttpAnswer> take(const activecampaign::HttpCall& call);
  activecampaign::HttpAnswer serve(const activecampaign::HttpCall& call);
  activecampaign::HttpAnswer readOne(ContactId id);
  activecampaign::HttpAnswer readByEmail(const std::string& email);
  activecampaign::HttpAnswer readPage(const activecampaign::HttpCall& call);
  activecampaign::HttpAnswer listed(const std::vector<ContactId>& ids, std::size_t total);
  activecampaign::HttpAnswer queueImport(const json::Value& body);
  activecampaign::HttpAnswer importInfo(const std::string& batch) const;
  void runImports();
  void runImport(Import& import);
  std::optional<ContactId> findByEmail(const std::string& email) const;
  void give(ContactId contact, FieldId field, const std::string& value);
  void giveTag(ContactId contact, TagId tag);
  activecampaign::HttpAnswer writeContact(ContactId id, const json::Value& body);
  bool knowsFields(const json::Value& body) const;
  activecampaign::HttpAnswer createContact(const json::Value& body);
  activecampaign::HttpAnswer setList(const json::Value& body);
  activecampaign::HttpAnswer leave(std::int64_t entry);
  activecampaign::HttpAnswer addTag(const json::Value& body);
  activecampaign::HttpAnswer enter(const json::Value& body);
  activecampaign::HttpAnswer listNames(const std::string& key, const std::string& name,
                                       const std::map<std::int64_t, std::string>& rows);
  void show(json::Object& root, ContactId id);
  json::Array tagRows(ContactId id) const;
  json::Array valueRows(ContactId id);
  json::Array listRows(ContactId id) const;

  FakeClock& clock_;
  mutable std::mutex mutex_;
  int requests_ = 0;                                                       // guarded by mutex_
  int failFrom_ = 0;                                                       // guarded by mutex_
  Fault fault_ = Fault::kRequestLost;                                      // guarded by mutex_
  std::vector<Override> overrides_;                                        // guarded by mutex_
  std::vector<std::pair<std::string, std::function<void()>>> happenings_;  // guarded by mutex_
  std::vector<std::string> log_;                                           // guarded by mutex_
  std::vector<std::string> asked_;                                         // guarded by mutex_
  std::map<std::string, Import> imports_;                                  // guarded by mutex_
  std::map<ContactId, std::set<std::string>> passwords_;                   // guarded by mutex_
  std::vector<std::string> written_;                                       // guarded by mutex_
  std::set<ContactId> shown_;    // guarded by mutex_; their password was in an answer
  std::set<ContactId> showing_;  // guarded by mutex_; it is in the answer in hand
  bool stepBefore_ = false;      // guarded by mutex_
  std::int64_t lastId_ = 1000;   // guarded by mutex_
};

}  // namespace mbr::test
