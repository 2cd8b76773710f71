// What the tests of the doors that members' logins take stand on: a real store, codes, an
// ActiveCampaign that answers as told, a clock moved by hand. Link mbr_logins and mbr_store_sql.
#pragma once

#include <cppunit/TestFixture.h>
#include <cppunit/extensions/HelperMacros.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "access/codes.h"
#include "access/rig.h"
#include "access/sessions.h"
#include "access/throttle.h"
#include "base/json.h"
#include "contacts/contact_cache.h"
#include "contacts/directories.h"
#include "contacts/source.h"
#include "http/router.h"
#include "logins/logins.h"
#include "members/login_verifier.h"
#include "passwords/hash_pool.h"
#include "passwords/hasher.h"
#include "support/recorded_reply.h"

namespace mbr::test {

// Answers each pull at once, as the test says.
class ToldSource final : public contacts::Source {
 public:
  void pull(contacts::Who who, SteadyInstant /*deadline*/, DoneFn done) override {
    ++pulls;
    done(answer(who));
  }

  std::function<Result<contacts::Pulled>(const contacts::Who&)> answer = [](const contacts::Who&) {
    return contacts::Pulled{};
  };  // there is no such contact
  int pulls = 0;
};

// Tag 12 makes a member, 66 bans one.
inline members::LoginOptions memberOptions() {
  members::LoginOptions options;
  options.requiredTags = {"12"};
  options.banTag = "66";
  return options;
}

class LoginRig {
 public:
  explicit LoginRig(members::LoginOptions options = {})
      : verifier(store, cache, directories, source, hasher, pool, clock, std::move(options)) {
    store.subscribe([this](const std::vector<store::Change>& changes) {
      for (const store::Change& change : changes) {
        if (change.kind == store::ChangeKind::kDirectory) directories.invalidate();
        if (change.kind == store::ChangeKind::kCode) codes.onChange();
      }
      cache.invalidate(changes);
    });
    database.write([](store::Transaction& tx) {
      tx.saveDirectory(store::Directory::kTags, {{12, "Gold"}, {13, "Silver"}, {66, "Banned"}});
      tx.saveFields({{3, "PASSWORD", "Password"}, {6, "CITY", "City"}, {7, "COLOUR", "Colour"}});
    });
  }

  http::Request request(const std::string& method, const std::string& query,
                        const std::string& body = "") const {
    http::Request made;
    made.method = method;
    made.path = "/";
    made.query = query;
    made.requestId = "req-1";
    made.remoteAddress = "203.0.113.7";
    made.arrived = clock.steady();
    made.body = body;
    if (!body.empty()) made.contentType = "application/x-www-form-urlencoded";
    return made;
  }
  http::Response answer(const http::Request& request) {
    recorded = RecordedReply::make();
    router.handle(request, recorded->reply());
    auto response = recorded->wait();
    CPPUNIT_ASSERT_EQUAL(0, recorded->extraAnswers());
    return response;
  }
  void assertProblem(int status, const std::string& code, const http::Response& response) const {
    CPPUNIT_ASSERT_EQUAL_MESSAGE(response.body, status, response.status);
    CPPUNIT_ASSERT_EQUAL(std::string("application/problem+json"), response.contentType);
    CPPUNIT_ASSERT_EQUAL(code, (*json::parse(response.body))["code"].textOr(""));
    if (status == 429 || status == 503) CPPUNIT_ASSERT(!headerOf(response, "Retry-After").empty());
  }

  // As a pull of now would have left it.
  void contact(ContactId id, const std::string& email,
               const std::function<void(Contact&)>& change = {}) {
    Contact made;
    made.id = id;
    made.email = Email::parse(email);
    made.firstName = "Jane";
    made.confirmed = true;
    made.pulledAt = made.asOf = made.changedAt = clock.now();
    if (change) change(made);
    database.write([&](store::Transaction& tx) { tx.saveContact(made); });
  }
  void password(ContactId id, const std::string& text) {
    database.write([&](store::Transaction& tx) {
      tx.saveCredential(
          hasher.makeFast(id, Secret(text), CredentialOrigin::kGenerated, clock.now()));
    });
  }
  // 42 jane@example.com, a member; 43 guest@example.com, whose password is as good, without the
  // tag; 44 none@example.com, without a password.
  void addVisitors() {
    contact(42, "jane@example.com", [](Contact& made) { made.tags = {12}; });
    password(42, "correct horse");
    contact(43, "guest@example.com");
    password(43, "correct horse");
    contact(44, "none@example.com");
  }
  template <class T>
  T read(const std::function<T(store::Reader&)>& work) {
    T found{};
    database.read([&](store::Reader& reader) { found = work(reader); });
    return found;
  }

  FakeClock clock;
  SeededRandom random;
  const passwords::KeyRing keys = keyRing();
  TestStore database{clock};
  access::SwitchedStore store{database.store()};
  contacts::Directories directories{store};
  contacts::ContactCache cache{store, directories, {}};
  access::Codes codes{store, keys, random, clock};
  access::Throttle throttle{store, keys, clock};
  access::Sessions sessions{store, random, clock};
  ToldSource source;
  passwords::Hasher hasher{keys, random, {8192, 1}};
  passwords::HashPool pool{{1, 64}};
  members::LoginVerifier verifier;
  std::optional<Error> saving;  // of a session fails so
  logins::Logins logins{throttle,
                        sessions,
                        verifier,
                        clock,
                        [this](const store::SessionRecord& session, Instant, auto done) {
                          if (saving) return done(*saving);
                          store.submit(
                              [session](store::Transaction& tx) -> Outcome {
                                tx.saveSession(session);
                                return Done{};
                              },
                              std::move(done));
                        },
                        {}};
  http::Router router;
  std::shared_ptr<RecordedReply> recorded;  // of the last answer
};

}  // namespace mbr::test
