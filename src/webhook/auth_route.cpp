#include "webhook/auth_route.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "access/address.h"
#include "base/ascii.h"
#include "base/json.h"
#include "base/utf8.h"
#include "http/form.h"
#include "http/problem.h"

namespace mbr::webhook {
namespace {

constexpr std::size_t kMaxBodyBytes = 64 * 1024;
constexpr std::size_t kMaxPasswordBytes = 256;
constexpr std::string_view kOtherMethods =
    "This route takes POST only, with the password in the body: a URL is written into logs on its "
    "way.";

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

}  // namespace

struct AuthRoute::Wish {
  logins::Attempt attempt;
  std::set<std::string> names;  // upper-case; none: all

  static Result<Wish> read(const http::Form& query, const http::Form& body);
};

Result<AuthRoute::Wish> AuthRoute::Wish::read(const http::Form& query, const http::Form& body) {
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
  wish.attempt.user = *user;
  wish.attempt.password = Secret(*password);
  if (const std::string_view* address = find("client_ip")) {
    wish.attempt.address = access::Address::parse(*address);
    if (!wish.attempt.address) return invalid("The parameter client_ip is not an address.");
  }
  if (const std::string_view* tags = find("required_tags")) {
    auto ids = parseIdList(*tags);
    if (!ids) return invalid("The parameter required_tags is not a list of tag ids.");
    wish.attempt.condition = [ids = *std::move(ids)](const Contact& contact) {
      return std::all_of(ids.begin(), ids.end(), [&](TagId tag) { return contact.hasTag(tag); });
    };
  }
  if (const std::string_view* names = find("retfields")) wish.names = namesIn(*names);
  return wish;
}

AuthRoute::AuthRoute(Options options, access::Codes& codes, logins::Logins& logins,
                     const contacts::Directories& directories)
    : options_(std::move(options)),
      route_{"mbr_auth", "mbr_auth", access::Purpose::kAuth, kMaxBodyBytes, kOtherMethods},
      codes_(codes),
      logins_(logins),
      directories_(directories) {}

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
  logins::Attempt& attempt = wish->attempt;
  attempt.route = route_.name;
  attempt.requestId = request.requestId;
  attempt.arrived = request.arrived;
  logins_.attempt(std::move(attempt), [this, reply, requestId = request.requestId,
                                       names = wish->names](const logins::Answer& decided) {
    auto response = answer(decided, requestId, names);
    if (decided.verdict != logins::Verdict::kWrong) return reply.send(std::move(response));
    reply.sendAt(decided.notBefore, std::move(response));
  });
}

http::Response AuthRoute::answer(const logins::Answer& answer, const std::string& requestId,
                                 const std::set<std::string>& names) const {
  using logins::Verdict;
  http::Response response;
  switch (answer.verdict) {
    case Verdict::kAdmitted:
      response.body = render(answer.login.contact->contact, names);
      response.with("Cache-Control", "no-store");
      break;
    case Verdict::kWrong:
      response.status = 401;
      response.body = R"({"result":false})";
      break;
    case Verdict::kNotEntitled:
      return http::problemFor(requestId, 403, "not_entitled",
                              "The password is right, but this member may not log in.");
    case Verdict::kThrottled:
      return http::problemFor(requestId, 429, "throttled",
                              "Too many failed logins: try again after Retry-After.")
          .with("Retry-After", http::retryAfterSeconds(answer.retryAfter));
    case Verdict::kBusy:
    case Verdict::kUnavailable:
      return http::errorResponse(requestId, *answer.error);
  }
  return response;
}

std::string AuthRoute::render(const Contact& contact, const std::set<std::string>& names) const {
  const HiddenField isHidden = options_.hiddenFields();
  json::Object shown;
  std::set<std::string> asked = names;
  for (const auto& [name, valueOf] : kStandardNames) {
    if (!names.empty() && asked.erase(upperCased(std::string(name))) == 0) continue;
    shown.set(std::string(name), valueOf(contact));
  }
  if (names.empty()) {
    for (const auto& [perstag, value] : contact.fields) {
      if (!isHidden(perstag)) shown.set(perstag, value);
    }
  }
  const auto known = directories_.names();
  for (const std::string& perstag : asked) {
    if (isHidden(perstag)) continue;
    const auto value = contact.fields.find(perstag);
    if (value != contact.fields.end()) {
      shown.set(perstag, value->second);
    } else if (known->fieldId(perstag)) {
      shown.set(perstag, "");
    }
  }
  return json::write(json::Object{{"result", true}, {"contact", std::move(shown)}});
}

}  // namespace mbr::webhook
