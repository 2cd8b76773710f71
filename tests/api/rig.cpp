#include "api/rig.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <vector>

namespace mbr::api {

void recordAnswer(const http::Request& request, const http::Response& response) {
  const char* path = std::getenv("MBR_ANSWERS_FILE");
  if (path == nullptr) return;
  static std::ofstream file(path, std::ios::trunc);
  json::Object headers{{"content-type", response.contentType}};
  for (const auto& [name, value] : response.headers) headers.set(name, value);
  file << json::write(json::Object{{"method", request.method},
                                   {"path", request.path},
                                   {"status", response.status},
                                   {"headers", std::move(headers)},
                                   {"body", response.bodyView()}})
       << std::endl;
}

ApiRig::ApiRig() {
  store.subscribe([this](const std::vector<store::Change>& changes) {
    for (const store::Change& change : changes) {
      if (change.kind == store::ChangeKind::kApiKey) apiKeys.onChange();
      if (change.kind == store::ChangeKind::kDirectory) directories.invalidate();
    }
    cache.invalidate(changes);
    if (auto* told = dispatcher.load()) told->onChanges(changes);
    if (listener) listener(changes);
  });
  key_ = keyWith(access::Scopes::all());
}

http::Request ApiRig::request(const std::string& method, const std::string& target,
                              const std::string& body) const {
  http::Request request;
  request.method = method;
  const auto question = target.find('?');
  request.path = target.substr(0, question);
  if (question != std::string::npos) request.query = target.substr(question + 1);
  request.authorization = "Bearer " + key_.reveal();
  request.requestId = "req-1";
  request.body = body;
  if (!body.empty()) request.contentType = "application/json";
  request.arrived = clock.steady();
  return request;
}

http::Response ApiRig::answer(const http::Request& request) {
  const auto recorded = test::RecordedReply::make();
  return answer(request, *recorded);
}

http::Response ApiRig::answer(const http::Request& request, test::RecordedReply& recorded) {
  router.handle(request, recorded.reply());
  auto response = recorded.wait();
  CPPUNIT_ASSERT_EQUAL(0, recorded.extraAnswers());
  recordAnswer(request, response);
  return response;
}

Secret ApiRig::keyWith(access::Scopes scopes) {
  auto key = apiKeys.create("key-" + std::to_string(++keysMade_), scopes);
  CPPUNIT_ASSERT(key);
  return *std::move(key);
}

void ApiRig::saveContact(ContactId id, const std::string& email,
                         const std::function<void(Contact&)>& change) {
  Contact contact;
  contact.id = id;
  contact.email = Email::parse(email);
  contact.firstName = "Jane";
  contact.asOf = clock.now();
  contact.pulledAt = clock.now();
  contact.changedAt = clock.now();
  contact.confirmed = true;
  if (change) change(contact);
  CPPUNIT_ASSERT(store.write([&](store::Transaction& tx) -> Outcome {
    tx.saveContact(contact);
    return Done{};
  }));
}

std::string ApiRig::member(const http::Response& response, const std::string& path) {
  const auto parsed = json::parse(response.bodyView());
  CPPUNIT_ASSERT_MESSAGE(std::string(response.bodyView()), parsed);
  const json::Value* value = &*parsed;
  for (std::size_t from = 0; from <= path.size();) {
    const auto dot = std::min(path.find('.', from), path.size());
    value = &(*value)[path.substr(from, dot - from)];
    from = dot + 1;
  }
  return value->textOr("(none)");
}

void ApiRig::assertProblem(int status, const std::string& code,
                           const http::Response& response) const {
  CPPUNIT_ASSERT_EQUAL_MESSAGE(std::string(response.bodyView()), status, response.status);
  CPPUNIT_ASSERT_EQUAL(std::string("application/problem+json"), response.contentType);
  CPPUNIT_ASSERT_EQUAL(code, member(response, "code"));
  CPPUNIT_ASSERT_EQUAL(std::string("req-1"), member(response, "request_id"));
  if (status == 503 || status == 429)
    CPPUNIT_ASSERT(!test::headerOf(response, "Retry-After").empty());
}

void ApiRig::assertNeedsScope(access::Scope scope, const http::Request& request) {
  auto tried = request;
  for (const char* authorization : {"", "Bearer", "Bearer mbr_wrong", "Basic eDp5"}) {
    tried.authorization = authorization;
    const auto response = answer(tried);
    assertProblem(401, "key", response);
    CPPUNIT_ASSERT_EQUAL(std::size_t{0},
                         test::headerOf(response, "WWW-Authenticate").find("Bearer"));
  }
  using access::Scope;
  for (const Scope other :
       {Scope::kLogin, Scope::kContactsRead, Scope::kContactsWrite, Scope::kAdmin}) {
    if (other == scope) continue;
    tried.authorization = "Bearer " + keyWith({other}).reveal();
    assertProblem(403, "scope", answer(tried));
  }
}

}  // namespace mbr::api
