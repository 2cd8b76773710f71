// What the tests of this room stand on: the routes over a real store, an ActiveCampaign that
// answers as told, a clock moved by hand.
#pragma once

#include <cppunit/TestFixture.h>
#include <cppunit/extensions/HelperMacros.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "access/api_keys.h"
#include "access/rig.h"
#include "base/json.h"
#include "contacts/contact_cache.h"
#include "contacts/directories.h"
#include "contacts/source.h"
#include "http/router.h"
#include "outbox/dispatcher.h"
#include "support/recorded_reply.h"

namespace mbr::api {

// Appends one answer to the file that openapi_test.py reads, if the environment names one.
void recordAnswer(const http::Request& request, const http::Response& response);

// A Source that answers at once, as the test says.
class ToldSource final : public contacts::Source {
 public:
  using Answer = std::function<Result<contacts::Pulled>(const contacts::Who&)>;

  void pull(contacts::Who who, SteadyInstant deadline, DoneFn done) override {
    ++pulls;
    lastWho = who;
    lastDeadline = deadline;
    done(answer(who));
  }

  Answer answer = [](const contacts::Who&) { return contacts::Pulled{}; };  // there is no contact
  int pulls = 0;
  contacts::Who lastWho;
  SteadyInstant lastDeadline{};
};

class ApiRig {
 public:
  ApiRig();

  // A request with a key of all scopes. `target` is the path with its query.
  http::Request request(const std::string& method, const std::string& target,
                        const std::string& body = "") const;

  // Routes it, waits for the answer and records it for the contract's test.
  http::Response answer(const http::Request& request);
  // The same, with the reply to look at afterwards.
  http::Response answer(const http::Request& request, test::RecordedReply& recorded);

  Secret keyWith(access::Scopes scopes);

  // Stores a contact as a pull of now would: confirmed.
  void saveContact(ContactId id, const std::string& email,
                   const std::function<void(Contact&)>& change = {});

  // The member of a JSON body as text, by a dotted path.
  static std::string member(const http::Response& response, const std::string& path);
  void assertProblem(int status, const std::string& code, const http::Response& response) const;
  // 401 without a key or with a wrong one, 403 with any scope but `scope`.
  void assertNeedsScope(access::Scope scope, const http::Request& request);

  test::FakeClock clock;
  test::SeededRandom random;
  const passwords::KeyRing keys = test::keyRing();
  test::TestStore database{clock};
  access::SwitchedStore store{database.store()};
  contacts::Directories directories{store};
  contacts::ContactCache cache{store, directories, {}};
  access::ApiKeys apiKeys{store, random, clock};
  ToldSource source;
  // Told of changes to jobs, if there is one.
  std::atomic<outbox::Dispatcher*> dispatcher{nullptr};
  // Told of every commit after the caches, on the store's thread. Set while nothing is written.
  store::Store::Listener listener;
  http::Router router;

 private:
  Secret key_;
  int keysMade_ = 0;
};

}  // namespace mbr::api
