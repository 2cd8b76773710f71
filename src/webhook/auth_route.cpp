#include "webhook/auth_route.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "access/address.h"
#include "base/ascii.h"
#include "base/json.h"
#include "base/secret.h"
#include "base/utf8.h"
#include "http/form.h"
#include "http/problem.h"
#include "ops/log.h"

namespace mbr::webhook {
namespace {

using members::LoginResult;

constexpr std::size_t kMaxBodyBytes = 64 * 1024;
constexpr std::size_t kMaxPasswordBytes = 256;
constexpr std::string_view kOtherMethods =
    "This route takes POST only, with the password in the body: a URL is written into logs on its "
    "way.";
constexpr const char* kResultWords[] = {"admitted",  "wrong", "not_entitled",
                                        "throttled", "busy",  "unavailable"};

struct StandardName {
  std::string_view name;
  std::string (*valueOf)(const Contact&);
};
const StandardName kStandardNames[] = {
    {"id", [](const Contact& c) { return std::to_string(c.id); }},
    {"email", [](const Contact& c) { return c.email ? c.email->text() : std::string(); }},
    {"first_name", [](const Contact& c) { return c.firstName; }},
    {"last_name", [](const Contact& c) { return c.lastName; }},
    {"phone", [](const Contact& c) { return c.phone; }},
};

// The names in upper case.
std::set<std::string> namesIn(std::string_view list) {
  std::set<std::string> names;
  while (!list.empty()) {
    const auto comma = std::min(list.find(','), list.size());
    std::string_view item = list.substr(0, comma);
    list.remove_prefix(std::min(comma + 1, list.size()));
    const auto first = item.find_first_not_of(" \t");
    if (first == std::string_view::npos) continue;
    item = item.substr(first, item.find_last_not_of(" \t") - first + 1);
    names.insert(upperCased(std::string(item)));
  }
  return names;
}

ops::Counter& resultCounter(std::size_t result) {
  return ops::counter("membergate_logins_total", "Logins by what became of them",
                      {{"result", kResultWords[result]}});
}

}  // namespace

struct AuthRoute::Wish {
  std::string user;  // as sent
  Secret password;
  std::optional<access::Address> address;
  std::vector<TagId> requiredTags;
  std::set<std::string> names;  // upper-case; none: all

  static mbr::Result<Wish> read(const http::Form& query, const http::Form& body);
};

// What is needed to answer once the password has been checked.
struct AuthRoute::Attempt {
  std::string requestId;
  SteadyInstant arrived;
  Wish wish;
  access::ThrottleTicket ticket = 0;
  http::Reply reply;
};

mbr::Result<AuthRoute::Wish> AuthRoute::Wish::read(const http::Form& query,
                                                   const http::Form& body) {
  const auto find = [&](std::string_view name) {
    const std::string_view* value = body.find(name);
    return value != nullptr ? value : query.find(name);
  };
  const auto invalid = [](std::string detail) { return Error{Code::kInvalid, std::move(detail)}; };
  if (query.count("pass") > 0) {
    return invalid("The parameter pass must not stand in the URL: send it in the body.");
  }
  const std::string_view* user = find("user");
  const std::string_view* password = body.find("pass");
  if (user == nullptr || password == nullptr) {
    return invalid("The parameters user and pass are needed.");
  }
  if (password->size() > kMaxPasswordBytes || hasControlCharacter(*password)) {
    return invalid("The parameter pass is not text of at most 256 bytes.");
  }
  Wish wish;
  wish.user = *user;
  wish.password = Secret(*password);
  if (const std::string_view* address = find("client_ip")) {
    wish.address = access::Address::parse(*address);
    if (!wish.address) return invalid("The parameter client_ip is not an address.");
  }
  if (const std::string_view* tags = find("required_tags")) {
    auto ids = parseIdList(*tags);
    if (!ids) return invalid("The parameter required_tags is not a list of tag ids.");
    wish.requiredTags = *std::move(ids);
  }
  if (const std::string_view* names = find("retfields")) wish.names = namesIn(*names);
  return wish;
}

AuthRoute::AuthRoute(Options options, access::Codes& codes, access::Throttle& throttle,
                     members::LoginVerifier& verifier, const contacts::Directories& directories,
                     const Clock& clock)
    : options_(std::move(options)),
      route_{"mbr_auth", "mbr_auth", access::Purpose::kAuth, kMaxBodyBytes, kOtherMethods},
      codes_(codes),
      throttle_(throttle),
      verifier_(verifier),
      directories_(directories),
      clock_(clock) {}

void AuthRoute::registerOn(http::Router& router) {
  router.addAction("mbr_auth", [this](const http::Request& request, const http::PathParams&,
                                      const http::Reply& reply) { serve(request, reply); });
}

void AuthRoute::serve(const http::Request& request, const http::Reply& reply) {
  const auto admission = admit(route_, request, codes_);
  if (admission.refusal) return reply.send(refused(route_, request, *admission.refusal));
  const auto invalid = [&](const Error& error) {
    reply.send(refused(route_, request, {400, "invalid_request", error.detail}));
  };
  const auto body = http::parseForm(request.body);
  if (!body) return invalid(body.error());
  const auto query = http::parseForm(request.query);
  if (!query) return invalid({Code::kInvalid, "The query of the URL is not a valid form."});
  auto wish = Wish::read(*query, *body);
  if (!wish) return invalid(wish.error());
  verify(request, *std::move(wish), reply);
}

void AuthRoute::verify(const http::Request& request, Wish wish, const http::Reply& reply) {
  const auto email = Email::parse(wish.user);
  const auto admission = throttle_.admit(email ? email->text() : wish.user, wish.address);
  auto attempt = std::make_shared<Attempt>(
      Attempt{request.requestId, request.arrived, std::move(wish), admission.ticket, reply});
  if (!admission.allowed) {
    count(*attempt, Result::kThrottled);
    const auto seconds =
        std::max<Milliseconds::rep>(1, (admission.retryAfter.count() + 999) / 1000);
    return reply.send(http::problem(request, 429, "throttled",
                                    "Too many failed logins: try again after Retry-After.")
                          .with("Retry-After", std::to_string(seconds)));
  }
  if (!email) return refuse(*attempt);
  verifier_.verify(
      *email, attempt->wish.password, admission.knownPair,
      [this, attempt](const mbr::Result<LoginResult>& verified) { conclude(*attempt, verified); });
}

void AuthRoute::conclude(const Attempt& attempt, const mbr::Result<LoginResult>& verified) {
  if (!verified) {
    throttle_.released(attempt.ticket);
    count(attempt, verified.error().code == Code::kBusy ? Result::kBusy : Result::kUnavailable);
    return attempt.reply.send(http::errorResponse(attempt.requestId, verified.error()));
  }
  if (verified->status == LoginResult::Status::kWrong) return refuse(attempt);
  throttle_.succeeded(attempt.ticket);
  const Contact& contact = verified->contact->contact;
  const auto& tags = attempt.wish.requiredTags;
  const bool hasAll =
      std::all_of(tags.begin(), tags.end(), [&](TagId tag) { return contact.hasTag(tag); });
  if (verified->status != LoginResult::Status::kAdmitted || !hasAll) {
    count(attempt, Result::kNotEntitled);
    return attempt.reply.send(
        http::problemFor(attempt.requestId, 403, "not_entitled",
                         "The password is right, but this member may not log in."));
  }
  count(attempt, Result::kAdmitted);
  http::Response response;
  response.body = render(contact, attempt.wish);
  attempt.reply.send(std::move(response.with("Cache-Control", "no-store")));
}

void AuthRoute::refuse(const Attempt& attempt) {
  throttle_.failed(attempt.ticket);
  count(attempt, Result::kWrong);
  http::Response response;
  response.status = 401;
  response.body = R"({"result":false})";
  attempt.reply.sendAt(attempt.arrived + options_.failureTime, std::move(response));
}

std::string AuthRoute::render(const Contact& contact, const Wish& wish) const {
  json::Object shown;
  std::set<std::string> asked = wish.names;
  for (const auto& [name, valueOf] : kStandardNames) {
    if (!wish.names.empty() && asked.erase(upperCased(std::string(name))) == 0) continue;
    shown.set(std::string(name), valueOf(contact));
  }
  if (wish.names.empty()) {
    for (const auto& [perstag, value] : contact.fields) {
      if (!options_.isHidden(perstag)) shown.set(perstag, value);
    }
  }
  const auto names = directories_.names();
  for (const std::string& perstag : asked) {
    if (options_.isHidden(perstag)) continue;
    const auto value = contact.fields.find(perstag);
    if (value != contact.fields.end()) {
      shown.set(perstag, value->second);
    } else if (names->fieldId(perstag)) {
      shown.set(perstag, "");
    }
  }
  return json::write(json::Object{{"result", true}, {"contact", std::move(shown)}});
}

void AuthRoute::count(const Attempt& attempt, Result result) {
  const auto index = static_cast<std::size_t>(result);
  resultCounter(index).add();
  ops::logInfo(
      "login",
      {{"route", route_.name}, {"result", kResultWords[index]}, {"request_id", attempt.requestId}});
}

}  // namespace mbr::webhook
